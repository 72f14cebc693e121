public import ServalKeyStore

/// Where a token is: the module, which of its tokens, and what the text that named it said besides.
public struct PKCS11Reference: Sendable, Hashable {
    /// The module's path, or its name if the system's linker finds it.
    public var modulePath: String
    /// Which of the module's tokens.
    public var selector: PKCS11TokenSelector
    /// The name in a SunPKCS11 configuration: the JDK calls the provider `SunPKCS11-` and this.
    public var name: String?
    /// The alias, from `object` in a URI.
    public var alias: String?
    /// Where the PIN is, from `pin-source` or `pin-value` in a URI.
    public var pin: PINSource?

    /// Where a URI says that the PIN is.
    public enum PINSource: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
        /// In the text itself.
        case value(String)
        /// The first line of a file.
        case file(String)

        /// Where it is, without it.
        public var description: String { if case .file(let path) = self { "<secret from file \(path)>" } else { "<secret>" } }

        /// Shows nothing to `dump`.
        public var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// Names a token of a module.
    public init(modulePath: String, selector: PKCS11TokenSelector = PKCS11TokenSelector()) {
        self.modulePath = modulePath
        self.selector = selector
    }

    /// Loads the module, finds the token and logs in.
    ///
    /// - Parameters:
    ///   - pin: The user's PIN; `nil` for the one that the reference itself names, if it does.
    ///   - limits: What bounds the use of the token.
    /// - Throws: as ``PKCS11Module/load(path:timeout:)`` and ``PKCS11Token/open(_:_:pin:limits:)``; `unreadable` for a file with a PIN.
    public func open(pin: String? = nil, limits: PKCS11Token.Limits = PKCS11Token.Limits()) throws(KeyStoreError) -> PKCS11Token {
        var pin = pin
        if pin == nil {
            switch self.pin {
            case .value(let text): pin = text
            case .file(let path): pin = try TextFile.firstLine(of: path)
            case nil: break
            }
        }
        return try PKCS11Token.open(PKCS11Module.load(path: modulePath), selector, pin: pin, limits: limits)
    }
}
