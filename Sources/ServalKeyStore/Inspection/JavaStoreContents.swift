/// JKS and JCEKS files.
enum JavaStoreContents {
    private static let jks: [UInt8] = [0xFE, 0xED, 0xFE, 0xED]
    private static let jceks: [UInt8] = [0xCE, 0xCE, 0xCE, 0xCE]

    static func recognizes(_ bytes: [UInt8]) -> Bool { bytes.starts(with: jks) || bytes.starts(with: jceks) }

    static func isJCEKS(_ bytes: [UInt8]) -> Bool { bytes.starts(with: jceks) }
}

extension FileContents {
    mutating func readJavaStore(_ bytes: [UInt8], _ passwords: Passwords) {
        let isJCEKS = JavaStoreContents.isJCEKS(bytes)
        format = isJCEKS ? .jceks : .jks
        let walk = JavaStoreWalk(bytes)
        if let version = walk.version { detail("Version", String(version)) }
        if let count = walk.count { detail("Entries", String(count)) }
        for entry in walk.entries {
            guard let protection = entry.protection else { continue }
            note(protection, of: "Keys are")
        }
        let protections = Dictionary(
            walk.entries.compactMap { entry in entry.protection.map { (entry.alias.lowercased(), $0.text) } },
            uniquingKeysWith: { first, _ in first }
        )
        let checksum = "SHA-1 with the password"
        do throws(KeyStoreError) {
            let store = try KeyStore(bytes: bytes, password: passwords.store)
            detail("Checksum", passwords.store == nil ? "\(checksum), not checked: no password was given" : "\(checksum), correct")
            take(store, passwords: passwords, protections: protections)
        } catch {
            report(error)
            detail("Checksum", "\(checksum), \(error.code == .wrongPassword ? "does not agree" : "not checked")")
            takeWithoutPassword(bytes, walk, passwords)
        }
        let holdsKeys = items.contains { $0.kind == .privateKey || $0.kind == .secretKey }
        report(
            .proprietaryFormat,
            holdsKeys ? .warning : .info,
            "\(isJCEKS ? "JCEKS" : "JKS") is an old format of Java's own, with weak protection of the file\(holdsKeys ? " and its keys" : "").",
            advice: "Move to PKCS12: -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype PKCS12."
        )
    }

    /// Lists what the file shows to anybody, as far as it goes.
    private mutating func takeWithoutPassword(_ bytes: [UInt8], _ walk: JavaStoreWalk, _ passwords: Passwords) {
        if let store = try? KeyStore(bytes: bytes, password: nil) {
            return take(store, passwords: passwords, protections: [:])
        }
        if let damage = walk.damage { detail("Readable", damage) }
        for entry in walk.entries {
            let certificates = entry.certificates
            if let protection = entry.protection {
                hold(.protected)
                items.append(.privateKey(nil, protection: protection.text, alias: entry.alias, chain: certificates))
            } else if let certificate = certificates.first {
                items.append(.certificate(certificate, kind: .trustedCertificate, alias: entry.alias))
            }
        }
    }
}

/// Goes through a JKS or JCEKS file as far as it can be read, to say where the damage is and what stands before it.
struct JavaStoreWalk {
    struct Entry {
        let alias: String
        /// Of a private key.
        let protection: ProtectionDescription?
        let certificates: [CertificateData]
    }

    private(set) var version: Int?
    private(set) var count: Int?
    private(set) var entries: [Entry] = []
    /// Where reading stopped; `nil` at the end.
    private(set) var damage: String?

    init(_ bytes: [UInt8]) {
        var input = JKSInput(bytes[...])
        do throws(KeyStoreError) {
            _ = try input.take(4)
            version = try input.number()
            let count = try input.number()
            self.count = count
            for _ in 0..<count {
                guard let entry = try entry(&input) else { return }
                entries.append(entry)
            }
        } catch {
            damage =
                "\(entries.count) of \(count ?? 0) entries; then the data makes no sense, near byte \(bytes.count - input.remaining) of \(bytes.count)"
        }
    }

    /// The next entry; `nil` for a secret key, whose length only its reader knows.
    private func entry(_ input: inout JKSInput) throws(KeyStoreError) -> Entry? {
        let tag = try input.number()
        let alias = try input.text()
        _ = try input.date()
        switch tag {
        case 1:
            let key = try input.take(input.number())
            let length = try input.number()
            guard length <= input.remaining / 4 else { throw KeyStoreError(.corrupt, "A chain claims \(length) certificates") }
            var chain: [CertificateData] = []
            for _ in 0..<length { chain.append(try certificate(&input)) }
            let protection = (try? ASN1Value(slice: key).children().first).map(ProtectionDescription.init)
            return Entry(alias: alias, protection: protection ?? ProtectionDescription("unreadable"), certificates: chain)
        case 2: return Entry(alias: alias, protection: nil, certificates: [try certificate(&input)])
        case 3: return nil
        default: throw KeyStoreError(.corrupt, "Unknown kind of entry: \(tag)")
        }
    }

    private func certificate(_ input: inout JKSInput) throws(KeyStoreError) -> CertificateData {
        if version == 2 { _ = try input.text() }
        return CertificateData(der: Array(try input.take(input.number())))
    }
}
