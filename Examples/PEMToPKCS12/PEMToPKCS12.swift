// Puts a PEM key and its certificates into a PKCS12 key store, and lists any key store.
//
//     STORE_PASSWORD=… PEMToPKCS12 CERTIFICATES KEY STORE.p12
//     STORE_PASSWORD=… PEMToPKCS12 STORE
//
// The certificates may come in any order; the chain is put together. The key's own password, if it has one, is read from KEY_PASSWORD.

import ServalKeyStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@main
enum PEMToPKCS12 {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard let password = variable("STORE_PASSWORD"), arguments.count == 1 || arguments.count == 3 else {
            return fail("usage: STORE_PASSWORD=... PEMToPKCS12 CERTIFICATES KEY STORE.p12 | STORE")
        }
        do {
            if arguments.count == 3 { try convert(certificates: arguments[0], key: arguments[1], to: arguments[2], password: password) }
            try list(arguments[arguments.count - 1], password: password)
        } catch {
            fail(error.message)
        }
    }

    private static func convert(certificates: String, key: String, to path: String, password: String) throws(KeyStoreError) {
        let identity = try KeyStoreIdentity(certificatePath: certificates, keyPath: key, password: variable("KEY_PASSWORD"))
        var store = KeyStore(format: .pkcs12)
        let entry = PrivateKeyEntry(key: identity.privateKey, chain: identity.chain)
        store.set(KeyStore.Entry(.privateKey(entry)), alias: "server")
        try store.write(to: path, password: password)
    }

    private static func list(_ path: String, password: String) throws(KeyStoreError) {
        let store = try KeyStore(contentsOf: path, password: password)
        print("\(store.format.rawValue) key store with \(store.count) entries")
        for alias in store.aliases {
            switch store[alias]?.content {
            case .privateKey(let entry):
                print("\(alias): \(try entry.privateKey())")
                for certificate in entry.certificateChain { print("    \(certificate.subjectDescription)") }
            case .trustedCertificate(let certificate): print("\(alias): trusts \(certificate.subjectDescription)")
            case .secretKey(let entry): print("\(alias): \(try entry.secretKey())")
            case nil: continue
            }
        }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func fail(_ message: String) {
        let line = "PEMToPKCS12: \(message)\n"
        _ = line.withCString { write(2, $0, strlen($0)) }
        exit(1)
    }
}
