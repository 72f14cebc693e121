let stub = KeyStoreError(.unsupportedFormat, "stub")
enum JKSFormat {
    static let magic: [UInt8] = [0xFE, 0xED, 0xFE, 0xED]
    static func read(_ bytes: [UInt8], password: String?) throws(KeyStoreError) -> KeyStore { throw stub }
    static func write(_ store: KeyStore, password: String) throws(KeyStoreError) -> [UInt8] { throw stub }
}
enum PKCS12Format {
    static func recognizes(_ head: [UInt8]) -> Bool { false }
    static func read(_ bytes: [UInt8], password: String?) throws(KeyStoreError) -> KeyStore { throw stub }
    static func write(_ store: KeyStore, password: String) throws(KeyStoreError) -> [UInt8] { throw stub }
}
enum ProtectedKey {
    static func open(_ encrypted: [UInt8], password: String) throws(KeyStoreError) -> PrivateKey { throw stub }
}
enum HashtableOrder { static func order(of aliases: [String]) -> [String] { aliases } }
enum KeyFile {
    static func read(_ path: String) throws(KeyStoreError) -> [UInt8] { throw stub }
    static func write(_ bytes: [UInt8], to path: String) throws(KeyStoreError) { throw stub }
}
enum PEMIdentity {
    static func load(certificatePath: String, keyPath: String?, chainPath: String?, password: String?) throws(KeyStoreError) -> KeyStoreIdentity { throw stub }
}
struct PEMParser {
    init(_ b: some Collection<UInt8>) {}
    mutating func blocks() throws(KeyStoreError) -> [PEM.Block] { throw stub }
    static func encode(_ bytes: [UInt8], label: String) -> String { "" }
    static func containsBlock(_ b: [UInt8]) -> Bool { false }
}
enum PEMCertificates { static func certificates(in bytes: [UInt8]) throws(KeyStoreError) -> [CertificateData] { throw stub } }
enum PEMPrivateKey { static func privateKey(in bytes: [UInt8], password: String?) throws(KeyStoreError) -> PrivateKey { throw stub } }
struct ChainBuilder {
    init(candidates: [CertificateData], trusted: [CertificateData]) {}
    func chain(from leaf: CertificateData) -> [CertificateData] { [leaf] }
    static func isComplete(_ chain: [CertificateData]) -> Bool { false }
}
enum SerialNumberText { static func hexadecimal(_ b: [UInt8]) -> String { "" } }
struct CertificateSkeleton { var publicKeyInfo: [UInt8]; init(der: [UInt8]) throws(KeyStoreError) { throw stub } }
extension CertificateFields { init(der: [UInt8]) throws(KeyStoreError) { throw stub } }
enum PublicKeyInfo { static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool { a == b } }
struct PrivateKeyParts {
    var algorithm: PrivateKey.Algorithm; var publicKeyInfo: [UInt8]; var key: [UInt8]
    init(pkcs8: [UInt8]) throws(KeyStoreError) { throw stub }
    static func scalar(sec1: [UInt8], size: Int) throws(KeyStoreError) -> [UInt8] { throw stub }
}
extension PrivateKey { init(pkcs1: [UInt8]) throws(KeyStoreError) { throw stub } }
