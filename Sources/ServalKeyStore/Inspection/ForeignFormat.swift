/// Files that people take for key stores, keys or certificates, and that this library does not open.
struct ForeignFormat {
    let format: KeyStoreInspection.Format
    /// What it is, with its article: `a ZIP archive`.
    let phrase: String
    let problem: String
    let advice: String
    /// Whether it does hold keys or certificates, in a form for other programs.
    var isKeyMaterial = false
    /// Whether a private key may be in it, and in the clear.
    var isSecret = false
    var isClear = false
    var details: [(name: String, value: String)] = []

    static func detect(_ bytes: [UInt8]) -> ForeignFormat? {
        for (magic, make) in magics where bytes.starts(with: magic) { return make() }
        if bytes.dropFirst(257).starts(with: "ustar".utf8) {
            return archive("tar", "a tar archive", "tar tf FILE")
        }
        if let bouncy = bouncyCastle(bytes) { return bouncy }
        return isText(bytes) ? text(bytes) : nil
    }

    /// Whether the bytes read as text: no control characters but white space, in their first few thousand.
    static func isText(_ bytes: [UInt8]) -> Bool {
        bytes.prefix(4096).allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D || $0 == 0x0C || $0 == 0x1B }
    }

    private init(_ code: String, _ phrase: String, _ problem: String, _ advice: String) {
        let article = ["a ", "an "].first { phrase.hasPrefix($0) } ?? ""
        format = KeyStoreInspection.Format(code: code, name: String(phrase.dropFirst(article.count)))
        self.phrase = phrase
        self.problem = problem
        self.advice = advice
    }

    // MARK: Binary files

    private static let magics: [([UInt8], @Sendable () -> ForeignFormat)] = [
        (Array("PK\u{3}\u{4}".utf8), { archive("zip", "a ZIP archive (ZIP, JAR, WAR, DOCX …)", "unzip -l FILE") }),
        (Array("PK\u{5}\u{6}".utf8), { archive("zip", "an empty ZIP archive", "unzip -l FILE") }),
        ([0x1F, 0x8B], { archive("gzip", "gzip-compressed data", "gunzip -c FILE > OTHER") }),
        (Array("BZh".utf8), { archive("bzip2", "bzip2-compressed data", "bunzip2 -c FILE > OTHER") }),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], { archive("xz", "xz-compressed data", "unxz -c FILE > OTHER") }),
        ([0x28, 0xB5, 0x2F, 0xFD], { archive("zstd", "zstd-compressed data", "zstd -d FILE -o OTHER") }),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], { archive("7z", "a 7-Zip archive", "7z l FILE") }),
        ([0x7F, 0x45, 0x4C, 0x46], { other("elf", "a program or library (ELF)") }),
        ([0xCA, 0xFE, 0xBA, 0xBE], { other("class", "a Java class, or a program for macOS") }),
        ([0xAC, 0xED, 0x00, 0x05], { other("java-object", "a serialized Java object") }),
        (Array("%PDF-".utf8), { other("pdf", "a PDF document") }),
        ([0x89, 0x50, 0x4E, 0x47], { other("png", "a PNG image") }), ([0xFF, 0xD8, 0xFF], { other("jpeg", "a JPEG image") }),
        (
            Array("SQLite format 3\0".utf8),
            {
                keys(
                    "sqlite",
                    "an SQLite database, perhaps of NSS (cert9.db, key4.db)",
                    "The keys of Firefox and other NSS programs are in such databases.",
                    "pk12util -o FILE.p12 -d DIRECTORY -n NAME exports a key with its chain."
                )
            }
        ),
        (
            [0x00, 0x06, 0x15, 0x61],
            {
                keys(
                    "berkeley-db",
                    "a Berkeley DB, perhaps of old NSS (cert8.db, key3.db)",
                    "Old NSS programs kept keys in such databases.",
                    "pk12util -o FILE.p12 -d dbm:DIRECTORY -n NAME exports a key with its chain."
                )
            }
        ),
        (
            Array("kych".utf8),
            {
                keys(
                    "keychain",
                    "a macOS keychain",
                    "A keychain is opened by macOS only.",
                    "Export the key with Keychain Access as .p12."
                )
            }
        ),
        (
            [0x1E, 0xF1, 0xB5, 0xB0],
            {
                keys(
                    "pvk",
                    "a private key of Microsoft's tools (PVK)",
                    "PVK is not read by TLS servers.",
                    "openssl rsa -inform PVK -in FILE -out KEY.pem converts it."
                )
            }
        ),
        (
            [0x99, 0x01],
            {
                keys(
                    "pgp",
                    "an OpenPGP key ring",
                    "OpenPGP keys are for mail and signatures of files, not for TLS.",
                    "Request a certificate: -genkeypair, -certreq."
                )
            }
        ),
    ]

    private static func archive(_ code: String, _ phrase: String, _ command: String) -> ForeignFormat {
        ForeignFormat(code, phrase, "This is \(phrase).", "Look inside (\(command)), and give the file in it.")
    }

    private static func other(_ code: String, _ phrase: String) -> ForeignFormat {
        ForeignFormat(code, phrase, "This is \(phrase).", "Check that it is the right file.")
    }

    private static func keys(_ code: String, _ phrase: String, _ problem: String, _ advice: String) -> ForeignFormat {
        var foreign = ForeignFormat(code, phrase, problem, advice)
        foreign.isKeyMaterial = true
        foreign.isSecret = true
        return foreign
    }

    /// BKS and UBER of Bouncy Castle: a version, then the length of the salt (20) and the salt.
    private static func bouncyCastle(_ bytes: [UInt8]) -> ForeignFormat? {
        guard bytes.count > 32, bytes[0..<3].allSatisfy({ $0 == 0 }), bytes[3] == 1 || bytes[3] == 2,
            bytes[4..<8].elementsEqual([0, 0, 0, 20]) || bytes[4..<8].elementsEqual([0, 0, 0, 8])
        else { return nil }
        return keys(
            "bks",
            "a BKS or UBER key store of Bouncy Castle",
            "Key stores of Bouncy Castle are not opened here.",
            "keytool -importkeystore -srcstoretype BKS -deststoretype PKCS12 with Bouncy Castle's provider converts it."
        )
    }

    // MARK: Texts

    private static func text(_ bytes: [UInt8]) -> ForeignFormat? {
        let head = String(decoding: bytes.prefix(8192), as: UTF8.self)
        let start = head.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        let lowered = start.prefix(64).lowercased()
        if lowered.hasPrefix("<!doctype html") || lowered.hasPrefix("<html") { return html(head) }
        if lowered.hasPrefix("<?xml") { return other("xml", "an XML document") }
        if start.hasPrefix("-----BEGIN PGP ") { return pgp(start) }
        if start.hasPrefix("PuTTY-User-Key-File-") { return putty(head) }
        if start.hasPrefix("---- BEGIN SSH2 ") || start.hasPrefix("ssh-") || start.hasPrefix("ecdsa-sha2-") || start.hasPrefix("sk-ssh-") {
            return ssh(start)
        }
        if start.hasPrefix("{"), head.contains("\"kty\"") { return jwk(head) }
        if start.hasPrefix("{") || start.hasPrefix("[{"), !head.contains("-----BEGIN ") { return other("json", "a JSON document") }
        return nil
    }

    private static func html(_ head: String) -> ForeignFormat {
        var foreign = ForeignFormat(
            "html",
            "an HTML page",
            "This is a web page, not a certificate: a download that was answered with an error or a login page.",
            "Open it in a browser to see what the server said, and fetch the file again."
        )
        let lowered = head.lowercased()
        if let open = lowered.firstRange(of: "<title>"), let close = lowered.firstRange(of: "</title>"), open.upperBound <= close.lowerBound {
            let title = lowered.distance(from: lowered.startIndex, to: open.upperBound)
            let length = lowered.distance(from: open.upperBound, to: close.lowerBound)
            let text = head.dropFirst(title).prefix(min(length, 200)).split(whereSeparator: \.isWhitespace).joined(separator: " ")
            foreign.details.append(("Title", text))
        }
        return foreign
    }

    private static func pgp(_ start: Substring) -> ForeignFormat {
        var foreign = keys(
            "pgp",
            start.hasPrefix("-----BEGIN PGP PRIVATE") ? "an OpenPGP private key" : "OpenPGP data",
            "OpenPGP keys are for mail and signatures of files, not for TLS.",
            "Request a certificate for TLS: -genkeypair, then -certreq."
        )
        foreign.isSecret = start.hasPrefix("-----BEGIN PGP PRIVATE")
        return foreign
    }

    private static func putty(_ head: String) -> ForeignFormat {
        var foreign = keys(
            "putty",
            "a PuTTY private key",
            "PuTTY's key format is not read by TLS servers.",
            "PuTTYgen exports it: Conversions, Export OpenSSH key; then ssh-keygen -p -m PKCS8 -f FILE."
        )
        for line in head.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("Encryption: ") {
                foreign.isClear = line == "Encryption: none"
                foreign.details.append(("Protection", String(line.dropFirst(12))))
            }
            if line.hasPrefix("PuTTY-User-Key-File-"), let colon = line.firstIndex(of: ":") {
                foreign.details.append(("Type", String(line[colon...].dropFirst(2))))
            }
        }
        return foreign
    }

    private static func ssh(_ start: Substring) -> ForeignFormat {
        var foreign = keys(
            "ssh-public-key",
            "an SSH public key",
            "SSH's public keys are not certificates.",
            "For a certificate, make a request with the private key: -importkey with -dname, then -certreq."
        )
        foreign.isSecret = false
        foreign.details.append(("Type", String(start.prefix { !$0.isWhitespace })))
        return foreign
    }

    private static func jwk(_ head: String) -> ForeignFormat {
        var foreign = keys(
            "jwk",
            "a JSON Web Key (RFC 7517)",
            "JSON Web Keys are not read by TLS servers.",
            "Convert it to PEM with the tool that made it."
        )
        foreign.isSecret = head.contains("\"d\"") || head.contains("\"k\"")
        foreign.isClear = foreign.isSecret
        return foreign
    }
}
