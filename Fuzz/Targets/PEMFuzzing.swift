import ServalKeyStore

@testable import ServalKeytool

/// Text with blocks, and what stands in the blocks.
enum PEMFuzzing {
    static func text(_ bytes: [UInt8]) {
        if let blocks = try? PEM.blocks(in: bytes) {
            for block in blocks.prefix(16) where block.headers.isEmpty && !block.label.contains("\u{FFFD}") {
                let text = PEM.encode(block.bytes, label: block.label)
                let again = try? PEM.blocks(in: Array(text.utf8))
                expect(again?.map(\.bytes) == [block.bytes], "a block that was written has the same bytes")
            }
        }
        if let certificates = try? PEM.certificates(in: bytes) {
            for certificate in certificates.prefix(8) { CertificateFuzzing.look(at: certificate) }
        }
        if let key = try? PEM.privateKey(in: bytes, password: KeyStoreFuzzing.password) { KeyStoreFuzzing.look(at: key, leaf: nil) }
    }

    /// A key in DER, plain or encrypted, and in each kind of PEM block.
    static func key(_ bytes: [UInt8]) {
        if let key = try? PEM.privateKey(in: bytes, password: KeyStoreFuzzing.password) { KeyStoreFuzzing.look(at: key, leaf: nil) }
        guard let first = bytes.first, first == 0x30 else { return }
        for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"] {
            let text = Array(PEM.encode(bytes, label: label).utf8)
            if let key = try? PEM.privateKey(in: text, password: KeyStoreFuzzing.password) { KeyStoreFuzzing.look(at: key, leaf: nil) }
        }
    }

    static func bundle(_ bytes: [UInt8]) {
        if let certificates = try? PEM.certificates(in: bytes) {
            expect(certificates.reduce(0) { $0 + $1.der.count } <= bytes.count, "certificates have no more bytes than their bundle")
            for certificate in certificates.prefix(8) { CertificateFuzzing.look(at: certificate) }
            if let leaf = certificates.first { _ = CertificateChain.build(leaf: leaf, from: certificates) }
        }
        _ = try? SignedDataParts(bytes)
        let text = Array(PEM.encode(bytes, label: "PKCS7").utf8)
        _ = try? PEM.certificates(in: text)
    }
}
