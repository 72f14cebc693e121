import ServalKeyStore
import ServalPKCS11
import ServalTLS

/// Gives TLS backends the keys in PKCS#11 tokens.
struct PKCS11Tokens: TLSTokens {
    func identity(at place: TLSTokenPlace, alias: String?, pin: String?) throws(KeyStoreError) -> KeyStoreIdentity {
        let reference = try reference(to: place)
        return try reference.open(pin: pin).identity(alias: alias ?? reference.alias)
    }

    private func reference(to place: TLSTokenPlace) throws(KeyStoreError) -> PKCS11Reference {
        switch place {
        case .uri(let uri): return try PKCS11Reference(uri: uri)
        case .configuration(let paths, let provider):
            var names: [String] = []
            for path in paths {
                let reference = try PKCS11Reference(sunPKCS11: path)
                let name = "SunPKCS11-\(reference.name ?? "")"
                if provider == nil || provider == name { return reference }
                names.append("[\(path)] is for \(name)")
            }
            throw KeyStoreError(
                .tokenNotFound,
                "no configuration file has the name of \(provider ?? "the provider"): \(names.joined(separator: ", "))"
            )
        }
    }
}

extension Server {
    /// Ends the PKCS#11 modules that servers of this process have used; for programs that are about to end and run no server any more.
    ///
    /// - Parameter patience: How long calls that are under way may take.
    /// - Returns: False if a call is still inside a module: leave with `_exit` then, because exit handlers would meet it there, or wait for it for ever.
    public static func endTokens(patience: Duration = .seconds(5)) -> Bool { PKCS11Module.endAll(patience: patience) }
}
