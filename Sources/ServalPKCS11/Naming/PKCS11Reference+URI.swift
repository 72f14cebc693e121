public import ServalKeyStore

extension PKCS11Reference {
    /// The module that stands for all modules that the system has registered.
    static let systemModule = "p11-kit-proxy.so"

    /// Whether a text is meant as a `pkcs11:` URI.
    public static func isURI(_ text: String) -> Bool { text.lowercased().hasPrefix("pkcs11:") }

    /// Reads a `pkcs11:` URI (RFC 7512).
    ///
    /// `token`, `serial`, `manufacturer`, `model` and `slot-id` say which token, `object` which alias, `module-path` or `module-name` which library
    /// (`p11-kit-proxy.so` if neither is there), `pin-source` (a path or a `file:` URI; no command) or `pin-value` the PIN.
    /// - Throws: `invalidInput` for what is not such a URI and for attributes of the path that are not known here.
    public init(uri: String) throws(KeyStoreError) {
        guard Self.isURI(uri) else { throw KeyStoreError(.invalidInput, "[\(uri)] is not a pkcs11: URI") }
        // A PIN may stand in the query: messages show the path only.
        let parts = uri.dropFirst("pkcs11:".count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let shown = "pkcs11:" + (parts.first ?? "")
        self.init(modulePath: Self.systemModule)
        for (name, value) in try Self.attributes(parts.first ?? "", separator: ";", of: shown) {
            switch name {
            case "token": selector.label = value
            case "serial": selector.serialNumber = value
            case "manufacturer": selector.manufacturer = value
            case "model": selector.model = value
            case "slot-id":
                guard let slot = UInt(value) else { throw KeyStoreError(.invalidInput, "[\(shown)]: slot-id must be a number") }
                selector.slot = slot
            case "object": alias = value
            case "type", "slot-description", "slot-manufacturer", "library-description", "library-manufacturer", "library-version": break
            default: throw KeyStoreError(.invalidInput, "[\(shown)]: the attribute [\(name)] is not known here")
            }
        }
        guard parts.count == 2 else { return }
        for (name, value) in try Self.attributes(parts[1], separator: "&", of: shown) {
            switch name {
            case "module-path": modulePath = value
            case "module-name" where modulePath == Self.systemModule: modulePath = value.hasSuffix(".so") ? value : value + ".so"
            case "pin-value": pin = .value(value)
            case "pin-source":
                guard !value.hasPrefix("|") else { throw KeyStoreError(.invalidInput, "[\(shown)]: pin-source cannot be a command; use a file") }
                pin = .file(value.hasPrefix("file:") ? Self.path(ofFileURI: value) : value)
            default: break
            }
        }
    }

    private static func path(ofFileURI text: String) -> String {
        let rest = text.dropFirst("file:".count)
        return String(rest.hasPrefix("//") ? rest.dropFirst(2).drop { $0 != "/" } : rest)
    }

    private static func attributes(_ text: Substring, separator: Character, of uri: String) throws(KeyStoreError) -> [(String, String)] {
        var attributes: [(String, String)] = []
        for part in text.split(separator: separator) {
            guard let equals = part.firstIndex(of: "="), let value = decoded(part[part.index(after: equals)...]) else {
                throw KeyStoreError(.invalidInput, "[\(uri)]: an attribute has no value, or a percent sign without two digits")
            }
            attributes.append((String(part[..<equals]), value))
        }
        return attributes
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
