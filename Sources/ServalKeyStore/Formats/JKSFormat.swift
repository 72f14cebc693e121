import Crypto

/// The JKS and JCEKS formats: big-endian numbers, strings with a two-byte length, a SHA-1 over password, a constant and all of it at the end.
///
/// JCEKS differs in its first bytes, in the protection of its keys, and in that it holds secret keys.
struct JKSFormat {
    static let magic: [UInt8] = [0xFE, 0xED, 0xFE, 0xED]
    static let jceksMagic: [UInt8] = [0xCE, 0xCE, 0xCE, 0xCE]
    static let digestSize = 20
    static let privateKeyTag = 1
    static let certificateTag = 2
    static let secretKeyTag = 3

    static func read(_ bytes: [UInt8], format: KeyStoreFormat, password: String?) throws(KeyStoreError) -> KeyStore {
        guard bytes.count >= 12 + digestSize else {
            throw KeyStoreError(.corrupt, "The \(format.rawValue) key store is cut off after \(bytes.count) bytes")
        }
        let reader = JKSReader(format: format, password: password)
        var store = try reader.store(bytes.dropLast(digestSize))
        guard let password else {
            store.isIntegrityVerified = false
            return store
        }
        guard digest(bytes.dropLast(digestSize), password) == bytes.suffix(digestSize) else { throw reader.mismatch(store, password) }
        store.isIntegrityVerified = true
        return store
    }

    static func write(_ store: KeyStore, password: String) throws(KeyStoreError) -> [UInt8] {
        let writer = JKSWriter(format: store.format, password: password)
        let bytes = try writer.bytes(store)
        return bytes + digest(bytes[...], password)
    }

    private static func digest(_ bytes: ArraySlice<UInt8>, _ password: String) -> [UInt8] {
        var hash = Insecure.SHA1()
        hash.update(data: JavaText.utf16(password))
        hash.update(data: Array("Mighty Aphrodite".utf8))
        hash.update(data: bytes)
        return Array(hash.finalize())
    }
}
