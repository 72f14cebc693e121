/// Values by paths, or by parts of paths.
///
/// What a dictionary does, for keys that come from configurations and applications only: as no client can choose keys that collide, the hash needs no secret,
/// and a look-up copies nothing and costs a third.
struct PathTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        /// The hash and the place of the path in ``bytes``.
        let hash: UInt32
        let start: Int
        let end: Int
        var value: Value
    }

    private var entries: [Entry] = []
    /// All paths, one behind the other.
    private var bytes: [UInt8] = []
    /// At the place that the hash names, or behind it: an entry's index, or -1; at least half of them are free, and there is a power of two of them.
    private var slots: [Int32] = []

    init() {}

    var isEmpty: Bool { self.entries.isEmpty }

    subscript(path: ArraySlice<UInt8>) -> Value? { self.index(of: path).map { self.entries[$0].value } }

    /// Sets the value of a path; the last one counts.
    mutating func set(_ path: some StringProtocol, _ value: Value) {
        let path = Array(path.utf8)
        if let index = self.index(of: path[...]) {
            self.entries[index].value = value
            return
        }
        let start = self.bytes.count
        self.bytes += path
        self.entries.append(Entry(hash: Self.hash(path[...]), start: start, end: self.bytes.count, value: value))
        if self.entries.count * 2 > self.slots.count {
            self.slots = Array(repeating: -1, count: max(8, self.slots.count * 2))
            for index in self.entries.indices { self.place(index) }
        } else {
            self.place(self.entries.count - 1)
        }
    }

    private mutating func place(_ index: Int) {
        var slot = Int(self.entries[index].hash) & (self.slots.count - 1)
        while self.slots[slot] >= 0 { slot = (slot + 1) & (self.slots.count - 1) }
        self.slots[slot] = Int32(truncatingIfNeeded: index)
    }

    private func index(of path: ArraySlice<UInt8>) -> Int? {
        guard !self.slots.isEmpty else { return nil }
        let hash = Self.hash(path)
        var slot = Int(hash) & (self.slots.count - 1)
        while self.slots[slot] >= 0 {
            let index = Int(self.slots[slot])
            if self.entries[index].hash == hash, self.isPath(of: index, path) { return index }
            slot = (slot + 1) & (self.slots.count - 1)
        }
        return nil
    }

    private func isPath(of index: Int, _ path: ArraySlice<UInt8>) -> Bool {
        var place = self.entries[index].start
        guard self.entries[index].end - place == path.count else { return false }
        for byte in path {
            if self.bytes[place] != byte { return false }
            place += 1
        }
        return true
    }

    /// FNV-1a.
    private static func hash(_ path: ArraySlice<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in path { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash
    }
}
