public import ServalKeyStore

extension PKCS11Reference {
    /// Reads the configuration file of the JDK's SunPKCS11 provider.
    ///
    /// - Parameter argument: What `-providerarg` gives: a path, or the configuration itself behind `--`, its lines separated by `\n`.
    /// - Throws: `fileNotFound`, `unreadable`, `invalidInput`.
    public init(sunPKCS11 argument: String) throws(KeyStoreError) {
        if argument.hasPrefix("--") {
            let text = argument.dropFirst(2).split(separator: "\\n", omittingEmptySubsequences: false).joined(separator: "\n")
            try self.init(sunPKCS11Text: text, place: "The PKCS#11 configuration")
        } else {
            try self.init(sunPKCS11Text: TextFile.read(argument), place: "The PKCS#11 configuration [\(argument)]")
        }
    }

    /// Obeys `name`, `library`, `slot` and `slotListIndex`; what is about the JDK's own use of the token is passed over.
    init(sunPKCS11Text text: String, place: String) throws(KeyStoreError) {
        var values: [String: String] = [:]
        var depth = 0
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let bare = line.prefix { $0 != "#" }.trimmed
            // Sections such as attributes(…) = { … } are about keys that a JVM makes.
            let wasInside = depth > 0
            depth += bare.count { $0 == "{" } - bare.count { $0 == "}" }
            guard !bare.isEmpty, !wasInside, !bare.contains("{") else { continue }
            guard let equals = bare.firstIndex(of: "=") else {
                if ["nssUseSecmodTrust", "destroyTokenAfterLogout"].contains(String(bare)) { continue }
                throw KeyStoreError(.invalidInput, "\(place), line \(number + 1): expected a line of the form name = value")
            }
            let name = String(bare[..<equals].trimmed)
            guard Self.knownWords.contains(name) || name.hasPrefix("attributes") || name.hasPrefix("nss") else {
                throw KeyStoreError(.invalidInput, "\(place), line \(number + 1): the word [\(name)] is not known")
            }
            values[name] = Self.unquoted(bare[bare.index(after: equals)...].trimmed)
        }
        guard let library = values["library"] else { throw KeyStoreError(.invalidInput, "\(place) names no library") }
        guard let name = values["name"] else { throw KeyStoreError(.invalidInput, "\(place) has no name") }
        guard library.hasPrefix("/") else {
            throw KeyStoreError(.invalidInput, "\(place): the library must be an absolute path, [\(library)] is not")
        }
        self.init(modulePath: library)
        self.name = name
        if let slot = values["slot"] {
            let number = slot.hasPrefix("0x") ? UInt(slot.dropFirst(2), radix: 16) : UInt(slot)
            guard let number, values["slotListIndex"] == nil else {
                throw KeyStoreError(.invalidInput, "\(place): slot must be a number, and slotListIndex must not be there as well")
            }
            selector.slot = number
        } else {
            // The JDK takes the first slot when nothing is said.
            guard let index = Int(values["slotListIndex"] ?? "0"), index >= 0 else {
                throw KeyStoreError(.invalidInput, "\(place): slotListIndex must be a number")
            }
            selector.slotListIndex = index
        }
    }

    private static let knownWords: Set<String> = [
        "name", "library", "description", "slot", "slotListIndex", "enabledMechanisms", "disabledMechanisms", "attributes", "handleStartupErrors",
        "insertionCheckInterval", "cleaner.shortInterval", "cleaner.longInterval", "keyStoreCompatibilityMode", "explicitCancel", "omitInitialize",
        "functionList", "useEcX963Encoding", "showInfo", "allowSingleThreadedModules", "destroyTokenAfterLogout", "allowLegacy",
    ]

    private static func unquoted(_ text: Substring) -> String {
        text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"") ? String(text.dropFirst().dropLast()) : String(text)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
