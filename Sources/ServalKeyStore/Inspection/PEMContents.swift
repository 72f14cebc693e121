/// PEM text: each block is looked at by itself, so that a broken one does not hide the others.
extension FileContents {
    mutating func readPEM(_ bytes: [UInt8], _ passwords: Passwords) {
        format = .pem
        var keys: [PrivateKey] = []
        var curve: [UInt8]?
        for segment in PEMSegments.split(bytes) {
            do throws(KeyStoreError) {
                for block in try PEM.blocks(in: segment.bytes) {
                    if block.label == "EC PARAMETERS" { curve = block.bytes }
                    if let key = take(block, text: segment.bytes, line: segment.line, curve: curve, passwords) { keys.append(key) }
                }
            } catch {
                report(
                    .corrupt,
                    .error,
                    "The block that begins in line \(segment.line) cannot be read: \(PEMSegments.reason(error)).",
                    advice: "Copy it again, from its BEGIN to its END line, or fetch the file again."
                )
            }
        }
        pair(keys)
    }

    private mutating func take(_ block: PEM.Block, text: [UInt8], line: Int, curve: [UInt8]?, _ passwords: Passwords) -> PrivateKey? {
        if block.label == "OPENSSH PRIVATE KEY" {
            takeOpenSSHKey(block.bytes, line: line)
            return nil
        }
        if block.label.hasSuffix("PRIVATE KEY"), let cipher = Self.legacyCipher(block) {
            let protection = ProtectionDescription(
                "\(cipher) with PEM headers (MD5, one round)",
                iterations: 1,
                weakness: ProtectionDescription.Weakness(severity: .warning, reason: "the password is digested with a single round of MD5")
            )
            note(protection, of: "The key is")
            return takeEncryptedKey(protection.text, line: line, passwords) { (password) throws(KeyStoreError) in
                try PEM.privateKey(in: text, password: password)
            }
        }
        guard let value = try? ASN1Value(block.bytes, allowingTrailing: true) else {
            report(.corrupt, .error, "The \(block.label) block of line \(line) does not hold DER.", advice: "Copy or fetch it again.")
            return nil
        }
        var kind = DERKind(value)
        if block.label == "EC PRIVATE KEY", let curve, kind == .sec1 { return takeSEC1(value, curve, line: line) }
        if block.label.hasSuffix("PARAMETERS") { kind = .parameters }
        let before = items.count
        let key = take(kind, value, line: line, passwords)
        if let expected = Self.expected[block.label], !expected.contains(kind) {
            report(
                .corrupt,
                .error,
                "The block of line \(line) says \(block.label), but it holds \(kind == .unknown ? "something else" : "a \(kind.format.name)").",
                advice: "Correct the BEGIN and END lines, or make the file again."
            )
        }
        if kind == .unknown || kind == .parameters, items.count > before {
            items[items.count - 1].details.insert(KeyStoreInspection.Detail(name: "Label", value: block.label), at: 0)
        }
        return key
    }

    /// A key that leaves it to the block before to name its curve.
    private mutating func takeSEC1(_ value: ASN1Value, _ curve: [UInt8], line: Int) -> PrivateKey? {
        noteClearKey(line: line)
        do throws(KeyStoreError) {
            let key = try PrivateKey(sec1: Array(value.encoded), parameters: curve)
            items.append(.privateKey(key, protection: "none", line: line))
            return key
        } catch {
            items.append(.privateKey(nil, protection: "none", line: line))
            report(error)
            return nil
        }
    }

    private static func legacyCipher(_ block: PEM.Block) -> String? {
        guard block.headers.contains(where: { $0.name == "Proc-Type" && $0.value.hasSuffix("ENCRYPTED") }) else { return nil }
        let info = block.headers.first { $0.name == "DEK-Info" }?.value.split(separator: ",").first
        return info.map(String.init) ?? "an unknown cipher"
    }

    private static let expected: [String: Set<DERKind>] = [
        "CERTIFICATE": [.certificate], "X509 CERTIFICATE": [.certificate], "TRUSTED CERTIFICATE": [.certificate],
        "CERTIFICATE REQUEST": [.certificateRequest], "NEW CERTIFICATE REQUEST": [.certificateRequest], "X509 CRL": [.revocationList],
        "PKCS7": [.pkcs7], "CMS": [.pkcs7], "PRIVATE KEY": [.pkcs8], "ENCRYPTED PRIVATE KEY": [.encryptedPKCS8], "RSA PRIVATE KEY": [.pkcs1],
        "EC PRIVATE KEY": [.sec1], "DSA PRIVATE KEY": [.dsaKey], "PUBLIC KEY": [.publicKey], "RSA PUBLIC KEY": [.rsaPublicKey],
    ]

    /// OpenSSH's own format: cipher and key derivation stand in the clear, and the public key.
    private mutating func takeOpenSSHKey(_ bytes: [UInt8], line: Int) {
        let key = OpenSSHKey(bytes)
        let isClear = key?.cipher == "none"
        hold(isClear ? .clear : .protected)
        let protection = key.map { isClear ? "none" : "\($0.cipher), \($0.derivation)" }
        var item = KeyStoreInspection.Item.privateKey(nil, protection: protection, line: line)
        if let type = key?.type { item.details.insert(KeyStoreInspection.Detail(name: "Type", value: "OpenSSH \(type)"), at: 0) }
        items.append(item)
        report(
            key == nil ? .corrupt : .unsupported,
            .error,
            key == nil ? "The OpenSSH key of line \(line) cannot be read." : "OpenSSH's own key format is not read by TLS servers.",
            advice: "Convert a copy of it: ssh-keygen -p -m PKCS8 -f FILE."
        )
    }
}

/// The parts of a PEM text that begin with a BEGIN line each.
enum PEMSegments {
    /// More blocks than this are not looked at: the whole world has a few hundred authorities.
    private static let most = 10_000

    static func split(_ bytes: [UInt8]) -> [(line: Int, bytes: [UInt8])] {
        let begin = Array("-----BEGIN ".utf8)
        var starts: [(line: Int, offset: Int)] = []
        var line = 1
        var index = 0
        var isLineStart = true
        while index < bytes.count, starts.count < most {
            let byte = bytes[index]
            if byte == 0x0A || byte == 0x0D {
                if !(byte == 0x0A && index > 0 && bytes[index - 1] == 0x0D) { line += 1 }
                isLineStart = true
            } else if isLineStart, byte == begin[0], bytes[index...].starts(with: begin) {
                starts.append((line, index))
                isLineStart = false
            } else if !(byte == 0x20 || byte == 0x09 || byte >= 0xBB && line == 1) {
                isLineStart = false
            }
            index += 1
        }
        return starts.enumerated().map { number, start in
            let end = number + 1 < starts.count ? starts[number + 1].offset : bytes.count
            return (start.line, Array(bytes[start.offset..<end]))
        }
    }

    /// The error's words without its line, which counts from the segment's own beginning.
    static func reason(_ error: KeyStoreError) -> String {
        guard error.message.hasPrefix("PEM line "), let colon = error.message.firstIndex(of: ":") else { return error.message }
        return String(error.message[colon...].dropFirst(2))
    }
}

/// The readable parts of an `openssh-key-v1`.
struct OpenSSHKey {
    let cipher: String
    let derivation: String
    let type: String?

    init?(_ bytes: [UInt8]) {
        let magic = Array("openssh-key-v1\0".utf8)
        guard bytes.starts(with: magic) else { return nil }
        var rest = bytes.dropFirst(magic.count)
        func string() -> ArraySlice<UInt8>? {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length)
        }
        guard let cipher = string(), let derivation = string(), string() != nil, rest.count >= 4 else { return nil }
        rest = rest.dropFirst(4)
        self.cipher = String(decoding: cipher, as: UTF8.self)
        self.derivation = String(decoding: derivation, as: UTF8.self)
        guard let key = string() else {
            type = nil
            return
        }
        rest = key
        type = string().map { String(decoding: $0, as: UTF8.self) }
    }
}
