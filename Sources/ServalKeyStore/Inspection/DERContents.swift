/// What a DER value is, told by the tags of its parts.
enum DERKind {
    case certificate, certificateRequest, revocationList, pkcs7, pkcs8, encryptedPKCS8, pkcs1, sec1, dsaKey, publicKey, rsaPublicKey, parameters
    case unknown

    init(_ value: ASN1Value) {
        self = (try? Self.kind(value)) ?? .unknown
    }

    private static func kind(_ value: ASN1Value) throws(KeyStoreError) -> DERKind {
        let parts = try value.children()
        let tags = parts.map(\.tag)
        let (integer, sequence, octets) = (ASN1Value.integer, ASN1Value.sequence, ASN1Value.octetString)
        if tags == [sequence, sequence, ASN1Value.bitString] { return try signed(value, parts[0].children()) }
        if tags == [ASN1Value.objectIdentifier, 0xA0] { return .pkcs7 }
        if tags.starts(with: [integer, sequence, octets]) { return .pkcs8 }
        if tags == [sequence, octets] { return .encryptedPKCS8 }
        if tags == [sequence, ASN1Value.bitString] { return .publicKey }
        if tags.starts(with: [integer, octets]) { return .sec1 }
        guard tags.count >= 2, tags.allSatisfy({ $0 == integer }) else { return tags.first == ASN1Value.objectIdentifier ? .parameters : .unknown }
        switch tags.count {
        case 6: return .dsaKey
        case 9...: return .pkcs1
        // A generator of Diffie-Hellman is 2 or 5, RSA's exponents are larger but for the odd 3.
        case 2: return (try? parts[1].integer()).map { $0 == 2 || $0 == 5 } == true ? .parameters : .rsaPublicKey
        default: return .parameters
        }
    }

    /// Certificates, requests and lists are all a signed SEQUENCE.
    private static func signed(_ value: ASN1Value, _ parts: [ASN1Value]) throws(KeyStoreError) -> DERKind {
        if CertificateSkeleton.recognizes(Array(value.encoded)) { return .certificate }
        let tags = parts.map(\.tag)
        let (integer, sequence) = (ASN1Value.integer, ASN1Value.sequence)
        if tags.starts(with: [integer, sequence, sequence]), tags.count == 3 || tags.count == 4 && tags[3] == 0xA0 { return .certificateRequest }
        let rest = tags.first == integer ? tags.dropFirst() : tags[...]
        let isTime = rest.dropFirst(2).first.map { $0 == 0x17 || $0 == 0x18 } == true
        return rest.starts(with: [sequence, sequence]) && isTime ? .revocationList : .unknown
    }

    var format: KeyStoreInspection.Format {
        switch self {
        case .certificate: .certificate
        case .certificateRequest: .certificateRequest
        case .revocationList: .revocationList
        case .pkcs7: .pkcs7
        case .pkcs8: .pkcs8
        case .encryptedPKCS8: .encryptedPKCS8
        case .pkcs1: .pkcs1
        case .sec1: .sec1
        case .publicKey, .rsaPublicKey: .publicKey
        case .dsaKey, .parameters, .unknown: .der
        }
    }
}

extension FileContents {
    /// One DER value, or several one after the other.
    mutating func readDER(_ bytes: [UInt8], _ passwords: Passwords) {
        format = .der
        var reader = ASN1Reader(bytes[...])
        var kinds: [DERKind] = []
        var keys: [PrivateKey] = []
        do throws(KeyStoreError) {
            while !reader.isAtEnd {
                if !kinds.isEmpty, reader.nextTag != ASN1Value.sequence {
                    let rest = Array(reader.rest)
                    if PEM.looksLikePEM(rest) {
                        // Somebody has put files together without looking at their formats.
                        readPEM(rest, passwords)
                        format = .der
                        return
                    }
                    report(.corrupt, .warning, "Bytes follow the end of the data.", advice: "Something was appended: make or fetch the file again.")
                    break
                }
                let value = try reader.next()
                let kind = DERKind(value)
                kinds.append(kind)
                if let key = take(kind, value, line: nil, passwords) { keys.append(key) }
            }
        } catch {
            if let kind = kinds.first { format = kind.format }
            let announced = Self.announcedLength(bytes).map { " (the data announces \($0) bytes, the file has \(bytes.count))" } ?? ""
            report(.corrupt, .error, "The file is cut off\(announced), or it is not DER.", advice: "Fetch it again, in binary mode.")
            return
        }
        guard let first = kinds.first else { return }
        format = kinds.count > 1 && kinds.allSatisfy { $0 == .certificate } ? .certificates : first.format
        pair(keys)
        if kinds.allSatisfy({ $0 == .unknown }) {
            report(.notKeyMaterial, .error, "This is ASN.1 data, but no certificate, key or key store.", advice: "openssl asn1parse shows its parts.")
        }
    }

    /// Takes one value of a known kind in; returns the private key if it is one that opens.
    mutating func take(_ kind: DERKind, _ value: ASN1Value, line: Int?, _ passwords: Passwords) -> PrivateKey? {
        let bytes = Array(value.encoded)
        switch kind {
        case .certificate:
            let certificate = CertificateData(der: bytes)
            items.append(.certificate(certificate, line: line))
            material.certificates.append(certificate)
        case .pkcs7: takeBundle(bytes, line: line)
        case .certificateRequest: takeRequest(value, line: line)
        case .revocationList: takeRevocationList(value, line: line)
        case .pkcs8, .pkcs1, .sec1, .dsaKey, .encryptedPKCS8: return takeKey(kind, value, line: line, passwords)
        case .publicKey:
            items.append(
                KeyStoreInspection.Item(.publicKey, line: line, [KeyStoreInspection.Detail(name: "Key", value: PublicKeyInfo.describe(value))])
            )
        case .rsaPublicKey:
            let bits = (try? value.children().first).map { PublicKeyInfo.bits($0.content) } ?? 0
            items.append(KeyStoreInspection.Item(.publicKey, line: line, [KeyStoreInspection.Detail(name: "Key", value: "\(bits)-bit RSA key")]))
        case .parameters: items.append(KeyStoreInspection.Item(.parameters, line: line, []))
        case .unknown: items.append(KeyStoreInspection.Item(.other, line: line, [KeyStoreInspection.Detail(name: "Bytes", value: "\(bytes.count)")]))
        }
        return nil
    }

    private mutating func takeKey(_ kind: DERKind, _ value: ASN1Value, line: Int?, _ passwords: Passwords) -> PrivateKey? {
        let bytes = Array(value.encoded)
        guard kind == .encryptedPKCS8 else {
            noteClearKey(line: line)
            do throws(KeyStoreError) {
                let key = try PEM.privateKey(in: bytes)
                items.append(.privateKey(key, protection: "none", line: line))
                return key
            } catch {
                items.append(.privateKey(nil, protection: "none", line: line))
                if kind == .dsaKey {
                    report(.unsupported, .warning, "DSA keys are of no use for TLS.", advice: "Make an RSA or EC key (-genkeypair).")
                } else {
                    report(error)
                }
                return nil
            }
        }
        let protection = (try? value.children().first).map(ProtectionDescription.init) ?? ProtectionDescription("unreadable")
        note(protection, of: "The key is")
        return takeEncryptedKey(protection.text, line: line, passwords) { (password) throws(KeyStoreError) in
            try PEM.privateKey(in: bytes, password: password)
        }
    }

    /// Tries the passwords on an encrypted key.
    mutating func takeEncryptedKey(
        _ protection: String,
        line: Int?,
        _ passwords: Passwords,
        open: (String) throws(KeyStoreError) -> PrivateKey
    ) -> PrivateKey? {
        hold(.protected)
        var problem = KeyStoreError(.wrongKeyPassword, "The password does not open the private key")
        for password in passwords.forKeys {
            do throws(KeyStoreError) {
                let key = try open(password)
                items.append(.privateKey(key, protection: protection, line: line))
                return key
            } catch {
                problem = error
            }
        }
        items.append(.privateKey(nil, protection: protection, line: line))
        if passwords.forKeys.isEmpty {
            report(
                .notChecked,
                .info,
                "The private key is encrypted, so that nobody has checked whether it belongs to its certificate.",
                advice: "Give its password (-keypass)."
            )
        } else {
            report(problem)
        }
        return nil
    }

    mutating func noteClearKey(line: Int?) {
        hold(.clear)
        report(
            .unencryptedKey,
            .info,
            "The private key\(line.map { " of line \($0)" } ?? "") is not encrypted.",
            advice: "Nothing, if only the server can read the file."
        )
    }

    /// Puts private keys and loose certificates together.
    mutating func pair(_ keys: [PrivateKey]) {
        guard let key = keys.first, !material.certificates.isEmpty else { return }
        let owner = keys.first { key in material.certificates.contains(where: key.matches) } ?? key
        material.keys.append(KeyMaterial.Key(alias: nil, chain: material.certificates, key: owner, isFile: true))
        material.certificates = []
    }

    /// The length that the first value's header announces, header included.
    private static func announcedLength(_ bytes: [UInt8]) -> Int? {
        guard bytes.count > 6, bytes[1] > 0x80, bytes[1] <= 0x84 else { return bytes.count > 1 && bytes[1] < 0x80 ? Int(bytes[1]) + 2 : nil }
        let octets = Int(bytes[1] & 0x7F)
        return bytes[2..<2 + octets].reduce(0) { $0 << 8 | Int($1) } + 2 + octets
    }
}
