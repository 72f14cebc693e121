@testable import ServalKeyStore

/// Key stores: read without and with the password, look at everything, write, read again.
enum KeyStoreFuzzing {
    static let password = "changeit"

    /// - Parameter magic: The first bytes of the format, put in the place of the input's, so that no input is spent on another format.
    static func run(_ bytes: [UInt8], magic: [UInt8]) {
        guard bytes.count >= max(magic.count, 1) else { return }
        let bytes = magic + bytes.dropFirst(magic.count)
        if let store = try? KeyStore(bytes: bytes, password: nil) {
            look(at: store)
            rewrite(store)
        }
        guard let store = try? KeyStore(bytes: bytes, password: password) else { return }
        look(at: store)
        rewrite(store)
    }

    /// A serialized Java object, as JCEKS stores keep secret keys.
    static func javaObject(_ bytes: [UInt8]) {
        var reader = JavaObjectReader(bytes[...])
        _ = try? reader.object()
        guard let sealed = try? SealedKey(stream: bytes) else { return }
        _ = try? sealed.open(password: password, keys: DerivedKeys())
    }

    private static func look(at store: KeyStore) {
        expect(store.aliases.count == store.count, "there are as many aliases as entries")
        expect(store.enumerationOrder.sorted() == store.aliases.sorted(), "the order of enumeration has each alias once")
        var openedKeys = 0
        for alias in store.aliases {
            guard let entry = store[alias] else {
                expect(false, "an alias of the store leads to its entry")
                continue
            }
            switch entry.content {
            case .privateKey(let entry):
                for certificate in entry.certificateChain.prefix(8) { CertificateFuzzing.look(at: certificate) }
                // Each key costs a key derivation; a few tell as much as all.
                guard openedKeys < 4 else { continue }
                openedKeys += 1
                if let key = try? entry.privateKey(password: password) { look(at: key, leaf: entry.certificateChain.first) }
            case .trustedCertificate(let certificate): CertificateFuzzing.look(at: certificate)
            case .secretKey(let entry): if let key = try? entry.secretKey(password: password) { _ = key.description }
            }
        }
        _ = try? store.identity(keyPassword: password)
    }

    static func look(at key: PrivateKey, leaf: CertificateData?) {
        _ = key.description
        if let again = try? PrivateKey(pkcs8: key.pkcs8) {
            expect(again.pkcs8 == key.pkcs8 && again.algorithm == key.algorithm, "a key that was read and written is the same")
        } else {
            expect(false, "a key that was read can be read again")
        }
        if let leaf { _ = key.matches(leaf) }
        if let algorithm = try? key.defaultSignatureAlgorithm(), let signature = try? key.sign([1, 2, 3], with: algorithm) {
            // Numbers that contradict each other may make a wrong signature, but neither a crash nor a long computation.
            _ = SignatureAlgorithm.isValid(
                signature,
                of: [1, 2, 3],
                algorithmIdentifier: algorithm.identifier,
                publicKeyInfo: key.publicKeyInfo
            )
        }
    }

    private static func rewrite(_ store: KeyStore) {
        // Writing all but JKS derives keys with many rounds each; one input of 64 stands for the others.
        if store.format != .jks, store.aliases.reduce(store.count, { $0 &* 31 &+ $1.utf8.reduce(0) { $0 &* 31 &+ Int($1) } }) & 63 != 0 { return }
        guard let written = try? store.serialized(password: password) else { return }
        do throws(KeyStoreError) {
            let again = try KeyStore(bytes: written, password: password)
            expect(again.isIntegrityVerified, "a store that was written is whole")
            let (before, after) = (store.aliases.map { $0.lowercased() }.sorted(), again.aliases.map { $0.lowercased() }.sorted())
            expect(before == after, "a store that was written has the same aliases: \(before) and \(after)")
        } catch {
            // Of all that a reader refuses, only more rounds than it is willing to compute can come from a writer.
            expect(error.code == .unsupportedAlgorithm, "a store that was written can be read: \(error)")
        }
    }
}
