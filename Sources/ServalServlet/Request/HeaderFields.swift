/// The header fields of a request or a response, in order.
///
/// Names are those of swift-http-types and compare without regard to case. The fields of a received request are decoded only when asked for;
/// the first change copies them. Looking up a name scans the fields: heads are short, and a scan of twenty fields costs less than hashing one.
public struct HeaderFields: Sendable, ExpressibleByDictionaryLiteral {
    /// One field line.
    public struct Field: Sendable, Hashable {
        /// The field's name.
        public var name: HTTPField.Name
        /// The field's value, without surrounding white space.
        public var value: String

        /// A field line.
        public init(_ name: HTTPField.Name, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    enum Storage: Sendable {
        case list([Field])
        case received(ReceivedHead)
    }

    var storage: Storage

    /// No fields.
    public init() { self.storage = .list([]) }

    /// The given fields in the given order.
    public init(_ fields: some Sequence<Field>) { self.storage = .list(Array(fields)) }

    /// The fields of a swift-http-types head.
    public init(_ fields: HTTPFields) { self.storage = .list(fields.map { Field($0.name, $0.value) }) }

    /// The given fields; a name may repeat.
    public init(dictionaryLiteral elements: (HTTPField.Name, String)...) {
        self.storage = .list(elements.map { Field($0.0, $0.1) })
    }

    package init(received head: ReceivedHead) { self.storage = .received(head) }

    /// The received head that these fields are still a view of.
    package var receivedHead: ReceivedHead? {
        if case .received(let head) = self.storage { return head }
        return nil
    }

    /// The number of field lines.
    public var count: Int {
        switch self.storage {
        case .list(let fields): fields.count
        case .received(let head): head.slots.count
        }
    }

    /// Whether there is no field.
    public var isEmpty: Bool { self.count == 0 }

    /// The value of the named field, or `nil`.
    ///
    /// Several field lines of the name are combined with `", "` (RFC 9110 §5.2; `"; "` for `Cookie`). Setting replaces all of them; `nil` removes them.
    public subscript(name: HTTPField.Name) -> String? {
        get {
            switch self.storage {
            case .list(let fields):
                guard let first = fields.firstIndex(where: { $0.name == name }) else { return nil }
                guard fields[(first + 1)...].contains(where: { $0.name == name }) else { return fields[first].value }
            case .received(let head):
                guard let slot = head.firstSlot(named: name) else { return nil }
                let isRepeated = head.slots.contains {
                    $0.nameStart > slot.nameStart && $0.nameHash == slot.nameHash && head.isName($0, name.canonicalName.utf8)
                }
                guard isRepeated else { return head.value(of: slot) }
            }
            return self[values: name].joined(separator: name == .cookie ? "; " : ", ")
        }
        set {
            guard let newValue else { return self.remove(name) }
            self.withList { fields in
                guard let first = fields.firstIndex(where: { $0.name == name }) else {
                    fields.append(Field(name, newValue))
                    return
                }
                fields[first].value = newValue
                var index = fields.count - 1
                while index > first {
                    if fields[index].name == name { fields.remove(at: index) }
                    index -= 1
                }
            }
        }
    }

    /// The values of all field lines with this name, in order.
    public subscript(values name: HTTPField.Name) -> [String] {
        get {
            switch self.storage {
            case .list(let fields):
                return fields.compactMap { $0.name == name ? $0.value : nil }
            case .received(let head):
                let canonicalName = name.canonicalName.utf8
                let hash = ReceivedHead.hash(of: canonicalName)
                return head.slots.compactMap { $0.nameHash == hash && head.isName($0, canonicalName) ? head.value(of: $0) : nil }
            }
        }
        set {
            self.remove(name)
            self.withList { fields in fields += newValue.map { Field(name, $0) } }
        }
    }

    /// Whether there is a field of this name.
    public func contains(_ name: HTTPField.Name) -> Bool {
        switch self.storage {
        case .list(let fields): fields.contains { $0.name == name }
        case .received(let head): head.firstSlot(named: name) != nil
        }
    }

    /// Adds a field line after the others.
    public mutating func append(_ name: HTTPField.Name, _ value: String) {
        self.withList { $0.append(Field(name, value)) }
    }

    /// Removes all field lines of this name.
    public mutating func remove(_ name: HTTPField.Name) {
        guard self.contains(name) else { return }
        self.withList { $0.removeAll { $0.name == name } }
    }

    /// The same fields in swift-http-types' container.
    public var httpFields: HTTPFields {
        var fields = HTTPFields()
        for field in self { fields.append(HTTPField(name: field.name, value: field.value)) }
        return fields
    }

    private mutating func withList(_ body: (inout [Field]) -> Void) {
        switch self.storage {
        case .list(var fields):
            self.storage = .list([])
            body(&fields)
            self.storage = .list(fields)
        case .received:
            var fields = Array(self)
            body(&fields)
            self.storage = .list(fields)
        }
    }
}

extension HeaderFields: Sequence {
    /// Goes through the field lines in order.
    public struct Iterator: IteratorProtocol {
        let storage: Storage
        var index = 0

        /// The next field line.
        public mutating func next() -> Field? {
            switch self.storage {
            case .list(let fields):
                guard self.index < fields.count else { return nil }
                defer { self.index += 1 }
                return fields[self.index]
            case .received(let head):
                while self.index < head.slots.count {
                    let slot = head.slots[self.index]
                    self.index += 1
                    if let name = HTTPField.Name(head.name(of: slot)) { return Field(name, head.value(of: slot)) }
                }
                return nil
            }
        }
    }

    /// An iterator over the field lines.
    public func makeIterator() -> Iterator { Iterator(storage: self.storage) }
}

extension HeaderFields: CustomStringConvertible {
    /// The names, without values: values may be secrets.
    public var description: String { "HeaderFields(\(self.map(\.name.rawName).joined(separator: ", ")))" }
}
