/// PKCS12 files: how the MAC is made, how the parts are encrypted, and what stands in the clear.
extension FileContents {
    mutating func readPKCS12(_ bytes: [UInt8], _ passwords: Passwords) {
        format = .pkcs12
        let structure = PKCS12Structure(bytes)
        describe(structure)
        do throws(KeyStoreError) {
            let store = try KeyStore(bytes: bytes, password: passwords.store)
            if structure.mac != nil { detail("Password", passwords.store == nil ? "none given; the MAC was not checked" : "correct") }
            take(store, passwords: passwords, protections: structure.protections)
        } catch {
            report(error)
            if let store = try? KeyStore(bytes: bytes, password: nil) {
                // The wrong password has been told; that keys stay closed follows from it.
                let before = findings
                take(store, passwords: .none, protections: structure.protections)
                findings = before
            }
        }
        if passwords.store == nil, structure.parts.contains(where: \.isEncrypted) {
            report(
                .notChecked,
                .warning,
                "A part of the key store, usually the certificates, is encrypted and was not looked at.",
                advice: "Give the password (-storepass)."
            )
        }
        for part in structure.parts where part.isEncrypted && passwords.store == nil {
            items.append(
                KeyStoreInspection.Item(.encryptedPart, [KeyStoreInspection.Detail(name: "Protection", value: part.protection?.text ?? "unknown")])
            )
        }
    }

    private mutating func describe(_ structure: PKCS12Structure) {
        if let trailing = structure.trailingBytes {
            report(
                .corrupt,
                .warning,
                "\(trailing) byte\(trailing == 1 ? " follows" : "s follow") the end of the key store.",
                advice: "Something was appended, or two files were joined: write the store anew."
            )
        }
        if let mac = structure.mac {
            detail("MAC", mac.text)
            note(mac, of: "The MAC is")
        } else if structure.isComplete {
            detail("MAC", "none")
            report(
                .noIntegrity,
                .warning,
                "The key store has no MAC: nobody can tell whether it was changed, and a wrong password may go unnoticed.",
                advice: "Write it anew with a MAC: -importkeystore into a new PKCS12 file."
            )
        }
        var noted: Set<String> = []
        for part in structure.parts {
            guard let protection = part.protection else {
                detail("Part", "not encrypted: \(part.contents)")
                continue
            }
            detail("Part", "\(part.contents) under \(protection.text)")
            if noted.insert(protection.text).inserted { note(protection, of: "Certificates are") }
        }
        for key in structure.keys {
            guard let protection = key.protection else {
                hold(.clear)
                report(
                    .unencryptedKey,
                    .warning,
                    alias: key.name,
                    "A private key stands in the file unencrypted.",
                    advice: "Write the store anew with a password: -importkeystore into a new PKCS12 file."
                )
                continue
            }
            if noted.insert("key: " + protection.text).inserted {
                detail("Keys", protection.text)
                note(protection, of: "Keys are")
            }
        }
    }
}

/// The outer structure of a PKCS12 file, as far as it can be read without a password.
struct PKCS12Structure {
    struct Part {
        /// What it holds, in words.
        let contents: String
        /// `nil` for a part in the clear.
        let protection: ProtectionDescription?
        var isEncrypted: Bool { protection != nil }
    }

    struct Key {
        let name: String?
        /// `nil` for a key in the clear.
        let protection: ProtectionDescription?
    }

    private(set) var mac: ProtectionDescription?
    private(set) var parts: [Part] = []
    private(set) var keys: [Key] = []
    /// Bytes behind the end, `nil` for none.
    private(set) var trailingBytes: Int?
    /// Whether everything could be read.
    private(set) var isComplete = false

    /// How keys are protected, by alias in lower case.
    var protections: [String: String] {
        Dictionary(
            keys.compactMap { key in key.protection.map { ((key.name ?? "").lowercased(), $0.text) } },
            uniquingKeysWith: { first, _ in first }
        )
    }

    init(_ bytes: [UInt8]) {
        do throws(KeyStoreError) {
            let outer = try ASN1Value(bytes, allowingTrailing: true)
            if outer.encoded.count < bytes.count { trailingBytes = bytes.count - outer.encoded.count }
            var pfx = try outer.reader()
            _ = try pfx.next()
            var authSafe = try pfx.next().reader()
            _ = try authSafe.next()
            let contents = try PKCS12Format.octets(inExplicit: authSafe.next())
            if !pfx.isAtEnd { mac = Self.mac(try pfx.next()) }
            for part in try ASN1Value(contents).children() { parts.append(try read(part)) }
            isComplete = true
        } catch {
            // What could be read stays; the key store's own reader says what is wrong.
            isComplete = false
        }
    }

    // MARK: Parts

    private mutating func read(_ part: ASN1Value) throws(KeyStoreError) -> Part {
        var info = try part.reader()
        let type = try info.next().objectIdentifier()
        if type == .data {
            let bags = try readBags(PKCS12Format.octets(inExplicit: info.next()), depth: 0)
            return Part(contents: bags.isEmpty ? "nothing" : bags.joined(separator: ", "), protection: nil)
        }
        guard type == .encryptedData else {
            let protection = ProtectionDescription(type == "1.2.840.113549.1.7.3" ? "a public key" : "algorithm \(type)")
            return Part(contents: "enveloped contents", protection: protection)
        }
        var encrypted = try info.next().explicit(0).reader()
        _ = try encrypted.next()
        var contents = try encrypted.next().reader()
        _ = try contents.next()
        return Part(contents: "encrypted contents", protection: ProtectionDescription(try contents.next()))
    }

    /// Counts the bags by kind, in words.
    private mutating func readBags(_ contents: ArraySlice<UInt8>, depth: Int) throws(KeyStoreError) -> [String] {
        guard depth < Limits.nesting else { throw KeyStoreError(.corrupt, "Bags are nested too deep") }
        var counts: [(name: String, count: Int)] = []
        for bag in try ASN1Value(slice: contents).children() {
            var reader = try bag.reader()
            let type = try reader.next().objectIdentifier()
            let value = try reader.next().explicit(0)
            let name: String
            switch type {
            case .keyBag:
                keys.append(Key(name: try self.name(&reader), protection: nil))
                name = "unencrypted key"
            case .shroudedKeyBag:
                keys.append(Key(name: try self.name(&reader), protection: try value.children().first.map(ProtectionDescription.init)))
                name = "encrypted key"
            case .certBag: name = "certificate"
            case .secretBag: name = "secret"
            case .safeContentsBag:
                name = "nested bag"
                _ = try readBags(value.encoded, depth: depth + 1)
            default: name = "bag of type \(type)"
            }
            if let index = counts.firstIndex(where: { $0.name == name }) { counts[index].count += 1 } else { counts.append((name, 1)) }
        }
        return counts.map { $0.count == 1 ? "1 \($0.name)" : "\($0.count) \($0.name)s" }
    }

    private func name(_ reader: inout ASN1Reader) throws(KeyStoreError) -> String? {
        try reader.next(ifTag: ASN1Value.set).map(PKCS12Attributes.init)?.friendlyName
    }

    // MARK: MAC

    private static func mac(_ data: ASN1Value) -> ProtectionDescription {
        guard let parts = try? data.children(), parts.count >= 2, let info = try? parts[0].children().first,
            let algorithm = try? info.children(), let oid = try? algorithm.first?.objectIdentifier()
        else { return ProtectionDescription("unreadable") }
        if oid == "1.2.840.113549.1.5.14" {
            guard algorithm.count == 2, let parameters = try? algorithm[1].children(), let function = try? parameters.first?.children() else {
                return ProtectionDescription("PBMAC1 (RFC 9579) with unreadable parameters")
            }
            let derivation = ProtectionDescription.derivation(function)
            return ProtectionDescription("PBMAC1 (RFC 9579): \(derivation.text)", iterations: derivation.iterations)
        }
        let iterations = parts.count > 2 ? (try? parts[2].integer()) ?? 0 : 1
        let name = digests[oid] ?? "digest \(oid)"
        return ProtectionDescription(
            "HMAC-\(name), \(ProtectionDescription.rounds(iterations)), \(parts[1].content.count) bytes of salt",
            iterations: iterations,
            weakness: name == "MD5" || name == "MD2" ? ProtectionDescription.Weakness(severity: .warning, reason: "the digest is broken") : nil
        )
    }

    private static let digests: [OID: String] = [
        "1.3.14.3.2.26": "SHA1", .sha256: "SHA256", "2.16.840.1.101.3.4.2.2": "SHA384", "2.16.840.1.101.3.4.2.3": "SHA512",
        "2.16.840.1.101.3.4.2.4": "SHA224", "1.2.840.113549.2.5": "MD5", "1.2.840.113549.2.2": "MD2", "2.16.840.1.101.3.4.2.8": "SHA3-256",
        "2.16.840.1.101.3.4.2.10": "SHA3-512",
    ]
}
