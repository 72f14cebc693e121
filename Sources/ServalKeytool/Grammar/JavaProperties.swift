import ServalKeyStore

/// The system properties that `-J-Dname=value` gives to a virtual machine and that mean something here as well.
struct JavaProperties {
    private var values: [String: String] = [:]

    init(arguments: [String] = []) {
        for argument in arguments where argument.hasPrefix("-J-D") {
            let property = argument.dropFirst(4)
            let name = property.prefix { $0 != "=" }
            values[String(name)] = String(property.dropFirst(name.count + 1))
        }
    }

    /// The value of a property, nil if it was not given.
    subscript(_ name: String) -> String? { values[name] }

    /// How `keystore.pkcs12.legacy`, `keystore.pkcs12.certProtectionAlgorithm` and `keystore.pkcs12.macAlgorithm` want PKCS12 files protected.
    ///
    /// Of the algorithms only those values count that change the kind of protection; iteration counts and ciphers stay the library's.
    ///
    /// Nil if they say nothing about it.
    var protection: PKCS12Protection? {
        // The JDK asks only whether the property is there: `=false` switches it on as well.
        if self["keystore.pkcs12.legacy"] != nil { return .legacy }
        let mac = self["keystore.pkcs12.macAlgorithm"]?.uppercased() ?? ""
        if mac == "NONE", self["keystore.pkcs12.certProtectionAlgorithm"]?.uppercased() == "NONE" { return .keysOnly }
        return mac.hasPrefix("PBEWITHHMAC") ? .pbmac1 : nil
    }
}
