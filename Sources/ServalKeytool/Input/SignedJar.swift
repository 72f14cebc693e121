import ServalKeyStore

/// The signers of a jar file.
///
/// Says who signed, not whether the contents are still what was signed: digests are not checked.
struct SignedJar {
    /// The chain of each signer, the signer's own certificate first.
    let signers: [[CertificateData]]

    /// The largest signature block that is read; real ones have some kilobytes.
    private static let blockLimit = 4 << 20

    init(path: String) throws {
        let archive = try ZipArchive(path: path)
        let names = Set(archive.entries.map { $0.name.uppercased() })
        var signers: [[CertificateData]] = []
        for entry in archive.entries {
            let name = entry.name.uppercased()
            guard let stem = Self.stem(ofBlock: name), names.contains(stem + ".SF") else { continue }
            let block = try archive.contents(of: entry, limit: Self.blockLimit)
            do {
                signers += try Self.chains(in: SignedDataParts(block))
            } catch let error as Failure {
                throw error
            } catch {
                throw Failure.input("\(entry.name.onOneLine): not a signature block")
            }
        }
        self.signers = signers
    }

    /// The name of a signature block without its ending, nil for other files.
    private static func stem(ofBlock name: String) -> String? {
        guard name.hasPrefix("META-INF/"), name.split(separator: "/", omittingEmptySubsequences: false).count == 2 else { return nil }
        return [".RSA", ".DSA", ".EC"].first(where: name.hasSuffix).map { String(name.dropLast($0.count)) }
    }

    private static func chains(in parts: SignedDataParts) throws -> [[CertificateData]] {
        let certificates = parts.certificates.map(CertificateData.init(der:))
        return try parts.signers.compactMap { signer in
            guard let own = try certificates.first(where: { try $0.fields().isNamed(signer.issuer, signer.serialNumber) }) else { return nil }
            var chain = [own]
            while let top = try chain.last?.fields(), !top.isSelfIssued, chain.count < 32,
                let issuer = certificates.first(where: { (try? $0.fields().subject.der) == top.issuer.der && !chain.contains($0) })
            {
                chain.append(issuer)
            }
            return chain
        }
    }
}

extension CertificateFields {
    fileprivate func isNamed(_ issuer: [UInt8], _ serialNumber: [UInt8]) -> Bool {
        self.issuer.der == issuer && self.serialNumber == serialNumber
    }
}
