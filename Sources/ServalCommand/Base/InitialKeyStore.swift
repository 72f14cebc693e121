import FoundationEssentials
import Glibc
import ServalKeyStore
import SwiftASN1
import X509

/// The key store of a new base directory: a self-signed certificate for `localhost`, good for trying things out.
enum InitialKeyStore {
    /// Writes `localhost.p12`, its password to `keystore.pass` (mode 0600), and the certificate to `localhost.pem` for clients that shall trust it.
    static func make(in directory: String) throws {
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let loopback: [[UInt8]] = [[127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1]]
        let certificate = try SelfSignedCertificate.make(
            key: key,
            subject: DistinguishedName(dname: "CN=localhost"),
            // An hour ago, so that clients whose clocks are behind trust it, too.
            notBefore: Date(timeIntervalSinceNow: -3600),
            validity: .seconds(365 * 86_400),
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(
                    [.dnsName("localhost")] + loopback.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
                )
            }
        )
        var store = KeyStore(format: .pkcs12)
        store.set(.init(.privateKey(PrivateKeyEntry(key: key, chain: [certificate]))), alias: "tomcat")
        let password = self.randomPassword()
        try InitCommand.write(Array("\(password)\n".utf8), to: directory + "/keystore.pass", mode: 0o600)
        try store.write(to: directory + "/localhost.p12", password: password)
        let pem = PEM.encode(certificate.der, label: "CERTIFICATE")
        try InitCommand.write(Array(pem.utf8), to: directory + "/localhost.pem", mode: 0o644)
    }

    /// 128 bits from the system's generator, in hexadecimal.
    private static func randomPassword() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
