import Foundation
import ServalKeyStore
import X509

/// Stores made by the JDK's keytool, once for all tests: starting a JVM takes about a second.
///
/// Each holds `rsa` and `ec` with the chain leaf, intermediate, root; and the trusted certificate `Root`.
struct JavaStores: Sendable {
    static let shared = Result { try JavaStores() }

    let folder: Folder
    let authority: Authority

    private init() throws {
        folder = try Folder()
        authority = try Authority()
        // Made by this library, then rewritten by the JDK: the JDK has understood each before it writes its own form.
        let jks = try authority.store(.jks)
        try jks.write(to: folder("ours.jks"), password: "changeit")
        let p12 = try authority.store(.pkcs12)
        try p12.write(to: folder("ours.p12"), password: "changeit")
        try Self.convert(folder("ours.jks"), folder("jdk.jks"), "JKS")
        try Self.convert(folder("ours.p12"), folder("jdk.p12"), "PKCS12")
        try Self.convert(folder("ours.p12"), folder("legacy.p12"), "PKCS12", ["-J-Dkeystore.pkcs12.legacy"])
        try Tool.keytool(
            "-keypasswd",
            "-alias",
            "ec",
            "-keystore",
            folder("jdk.jks"),
            "-storepass",
            "changeit",
            "-keypass",
            "changeit",
            "-new",
            "keypass"
        )
    }

    private static func convert(_ source: String, _ target: String, _ type: String, _ options: [String] = []) throws {
        try Tool.run(
            ["keytool"] + options + [
                "-importkeystore", "-srckeystore", source, "-destkeystore", target, "-srcstorepass", "changeit", "-deststorepass", "changeit",
                "-deststoretype", type, "-noprompt",
            ]
        )
    }
}

/// A small certificate authority.
struct Authority: Sendable {
    /// One for all tests that do not mind.
    static let shared = Result { try Authority() }

    let root: CertificateData
    let intermediate: CertificateData
    let rsaKey: PrivateKey
    let rsaLeaf: CertificateData
    let ecKey: PrivateKey
    let ecLeaf: CertificateData

    init() throws {
        let rootKey = try PrivateKey.generate(.ec(curve: .p384))
        let intermediateKey = try PrivateKey.generate(.rsa(bits: 2048))
        let root = try DistinguishedName(dname: "CN=Root, O=\"Serval, Tests\", C=DE")
        let intermediate = try DistinguishedName(dname: "CN=Intermediate, O=Sërval, C=DE")
        let authority = try Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil)) }
        self.root = try SelfSignedCertificate.make(key: rootKey, subject: root, extensions: authority)
        func issue(_ key: PrivateKey, _ subject: DistinguishedName, _ issuer: DistinguishedName, _ issuerKey: PrivateKey, isAuthority: Bool) throws
            -> CertificateData
        {
            try SelfSignedCertificate.issue(
                publicKeyInfo: key.publicKeyInfo,
                subject: subject,
                issuer: issuer,
                issuerKey: issuerKey,
                notBefore: Date(timeIntervalSinceNow: -3600),
                notAfter: Date(timeIntervalSinceNow: 86_400),
                extensions: isAuthority ? authority : Certificate.Extensions()
            )
        }
        self.intermediate = try issue(intermediateKey, intermediate, root, rootKey, isAuthority: true)
        rsaKey = try PrivateKey.generate(.rsa(bits: 2048))
        rsaLeaf = try issue(rsaKey, DistinguishedName(dname: "CN=rsa.example.org"), intermediate, intermediateKey, isAuthority: false)
        ecKey = try PrivateKey.generate(.ec(curve: .p256))
        ecLeaf = try issue(ecKey, DistinguishedName(dname: "CN=ec.example.org"), intermediate, intermediateKey, isAuthority: false)
    }

    var rsaChain: [CertificateData] { [rsaLeaf, intermediate, root] }
    var ecChain: [CertificateData] { [ecLeaf, intermediate, root] }

    func store(_ format: KeyStoreFormat) throws -> KeyStore {
        var store = KeyStore(format: format)
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: rsaKey, chain: rsaChain)), creationDate: 1_700_000_000_123), alias: "RSA")
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: ecKey, chain: ecChain)), creationDate: 1_700_000_000_456), alias: "ec")
        store.set(KeyStore.Entry(.trustedCertificate(root), creationDate: 1_700_000_000_789), alias: "Root")
        return store
    }
}

extension KeyStore {
    func key(_ alias: String) throws -> PrivateKeyEntry {
        guard case .privateKey(let entry)? = self[alias]?.content else { throw Tool.Failure(description: "No key \(alias) among \(aliases)") }
        return entry
    }

    func certificate(_ alias: String) throws -> CertificateData {
        guard case .trustedCertificate(let certificate)? = self[alias]?.content else {
            throw Tool.Failure(description: "No certificate \(alias) among \(aliases)")
        }
        return certificate
    }
}

/// The code of the error that `body` throws, or `nil`.
func code(_ body: () throws -> some Any) -> KeyStoreError.Code? {
    do {
        _ = try body()
        return nil
    } catch let error as KeyStoreError {
        return error.code
    } catch {
        return nil
    }
}
