/// The bytes of a request head with the places of its parts.
///
/// Field names and values stay slices of the received bytes and become `String`s only when somebody asks. Written once by the connector's
/// parser, immutable afterwards.
package final class ReceivedHead: Sendable {
    /// Where one field line lies in ``bytes``.
    package struct Slot: Sendable {
        package let nameStart: UInt32
        package let nameLength: UInt32
        package let valueStart: UInt32
        package let valueLength: UInt32
        /// ``hash(of:)`` of the name.
        package let nameHash: UInt32

        package init(nameStart: Int, nameLength: Int, valueStart: Int, valueLength: Int, nameHash: UInt32) {
            self.nameStart = UInt32(truncatingIfNeeded: nameStart)
            self.nameLength = UInt32(truncatingIfNeeded: nameLength)
            self.valueStart = UInt32(truncatingIfNeeded: valueStart)
            self.valueLength = UInt32(truncatingIfNeeded: valueLength)
            self.nameHash = nameHash
        }
    }

    /// The request head as received, from the method to the empty line.
    package let bytes: [UInt8]
    /// The field lines in the order in which they were received.
    package let slots: [Slot]
    /// The place of the request target.
    package let target: Range<Int>
    /// The place of the method.
    package let methodRange: Range<Int>
    /// The version of HTTP in which it came.
    package let version: Version

    /// A version of HTTP.
    package enum Version: UInt8, Sendable {
        case http10
        case http11
        /// The head was put together from a header list; `:authority` is its field `host`.
        case http2
    }

    package init(bytes: [UInt8], slots: [Slot], method: Range<Int>, target: Range<Int>, version: Version) {
        self.bytes = bytes
        self.slots = slots
        self.methodRange = method
        self.target = target
        self.version = version
    }

    /// A hash of a field name without regard to case, from its length and three of its bytes: cheap, and enough to tell the names of one head apart.
    package static func hash(of name: some Collection<UInt8>) -> UInt32 {
        var (first, middle, last): (UInt8, UInt8, UInt8) = (0, 0, 0)
        let half = name.count / 2
        var index = 0
        for byte in name {
            if index == 0 { first = byte }
            if index == half { middle = byte }
            last = byte
            index += 1
        }
        return Self.hash(count: index, first: first, middle: middle, last: last)
    }

    /// The same hash of `count` bytes, at least one.
    @inlinable
    package static func hash(_ name: UnsafePointer<UInt8>, count: Int) -> UInt32 {
        Self.hash(count: count, first: name[0], middle: name[count / 2], last: name[count - 1])
    }

    @inlinable
    package static func hash(count: Int, first: UInt8, middle: UInt8, last: UInt8) -> UInt32 {
        UInt32(truncatingIfNeeded: count) << 24 | (UInt32(first) << 16 | UInt32(middle) << 8 | UInt32(last)) | 0x20_2020
    }

    /// Whether the name of `slot` is `name` (in lower case).
    func isName(_ slot: Slot, _ name: String.UTF8View) -> Bool {
        guard Int(slot.nameLength) == name.count else { return false }
        var index = Int(slot.nameStart)
        for byte in name {
            var own = self.bytes[index]
            if own >= UInt8(ascii: "A"), own <= UInt8(ascii: "Z") { own |= 0x20 }
            if own != byte { return false }
            index += 1
        }
        return true
    }

    func name(of slot: Slot) -> String {
        String(decoding: self.bytes[Int(slot.nameStart)..<Int(slot.nameStart + slot.nameLength)], as: UTF8.self)
    }

    func value(of slot: Slot) -> String {
        String(decoding: self.bytes[Int(slot.valueStart)..<Int(slot.valueStart + slot.valueLength)], as: UTF8.self)
    }

    func firstSlot(named name: HTTPField.Name) -> Slot? { self.firstSlot(canonicalName: name.canonicalName.utf8) }

    private func firstSlot(canonicalName: String.UTF8View) -> Slot? {
        let hash = Self.hash(of: canonicalName)
        return self.slots.first { $0.nameHash == hash && self.isName($0, canonicalName) }
    }

    /// The received bytes of the first field with this name (in lower case), without copying.
    package func valueBytes(canonicalName: String) -> ArraySlice<UInt8>? {
        guard let slot = self.firstSlot(canonicalName: canonicalName.utf8) else { return nil }
        return self.bytes[Int(slot.valueStart)..<Int(slot.valueStart + slot.valueLength)]
    }

    /// Whom the request is for, without copying: the authority of an absolute-form target (`GET http://host:80/path`), else the `Host` field.
    ///
    /// Nil or empty where the client does not say. Source: RFC 9112 §3.2.2.
    package var authorityBytes: ArraySlice<UInt8>? {
        self.bytes[self.target].first == UInt8(ascii: "/") ? self.hostBytes : self.targetAuthority ?? self.hostBytes
    }

    /// The authority of an absolute-form target.
    package var targetAuthority: ArraySlice<UInt8>? {
        let bytes = self.bytes[self.target]
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else { return nil }
        let rest = bytes[(colon + 3)...]
        return rest[..<(rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex)]
    }

    /// Whether there is a `Cookie` field.
    ///
    /// Every request is asked, so it has a look-up of its own.
    package var hasCookies: Bool {
        let hash = Self.hash(count: 6, first: UInt8(ascii: "c"), middle: UInt8(ascii: "k"), last: UInt8(ascii: "e"))
        return self.slots.contains { $0.nameHash == hash && self.isName($0, "cookie".utf8) }
    }

    /// The value of the `Host` field, without copying.
    ///
    /// Every request asks for it, so it has a look-up of its own.
    package var hostBytes: ArraySlice<UInt8>? {
        let hash = Self.hash(count: 4, first: UInt8(ascii: "h"), middle: UInt8(ascii: "s"), last: UInt8(ascii: "t"))
        for slot in self.slots where slot.nameHash == hash && slot.nameLength == 4 {
            guard self.bytes[Int(slot.nameStart) + 1] | 0x20 == UInt8(ascii: "o") else { continue }
            return self.bytes[Int(slot.valueStart)..<Int(slot.valueStart + slot.valueLength)]
        }
        return nil
    }
}
