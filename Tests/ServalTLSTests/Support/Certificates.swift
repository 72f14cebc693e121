import Foundation
import ServalTLS

/// A small authority with everything that the tests present, made with `openssl` once for each run.
struct Certificates: Sendable {
    /// PEM files of a certificate with its key.
    struct Pair: Sendable {
        var certificate: String
        var key: String
    }

    let folder: TemporaryFolder
    let authority: Pair
    let intermediate: Pair
    let otherAuthority: Pair
    let server: Pair
    let serverRSA: Pair
    let expiredServer: Pair
    let alpha: Pair
    let client: Pair
    let expiredClient: Pair
    let clientOfIntermediate: Pair
    let clientOfOtherAuthority: Pair
    /// Valid from a year that is far away.
    let futureClient: Pair
    /// For servers only.
    let clientForServers: Pair
    /// In ``revocationList``.
    let revokedClient: Pair
    /// A file with the list of ``authority``.
    let revocationList: String

    static let shared = Task { try await Certificates() }

    private init() async throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let maker = Maker(folder: folder)
        authority = try await maker.authority("ca")
        otherAuthority = try await maker.authority("other")
        intermediate = try await maker.issue(
            "intermediate",
            by: authority,
            extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
        )
        server = try await maker.issue("localhost", by: authority, extensions: "subjectAltName=DNS:localhost")
        serverRSA = try await maker.issue("localhost-rsa", by: authority, extensions: "subjectAltName=DNS:localhost", key: ["rsa:2048"])
        expiredServer = try await maker.issue(
            "expired-server",
            by: authority,
            extensions: "subjectAltName=DNS:localhost",
            dates: ("20200101000000Z", "20210101000000Z")
        )
        alpha = try await maker.issue("alpha.test", by: authority, extensions: "subjectAltName=DNS:alpha.test")
        client = try await maker.issue("client", by: authority, extensions: "extendedKeyUsage=clientAuth")
        expiredClient = try await maker.issue(
            "expired",
            by: authority,
            extensions: "extendedKeyUsage=clientAuth",
            dates: ("20200101000000Z", "20210101000000Z")
        )
        clientOfIntermediate = try await maker.issue("far-client", by: intermediate, extensions: "extendedKeyUsage=clientAuth")
        futureClient = try await maker.issue(
            "future",
            by: authority,
            extensions: "extendedKeyUsage=clientAuth",
            dates: ("20450101000000Z", "20460101000000Z")
        )
        clientForServers = try await maker.issue("for-servers", by: authority, extensions: "extendedKeyUsage=serverAuth")
        revokedClient = try await maker.issue("revoked", by: authority, extensions: "extendedKeyUsage=clientAuth")
        revocationList = try await maker.revocationList("authority", of: authority, revoking: [revokedClient])
        clientOfOtherAuthority = try await maker.issue("stranger", by: otherAuthority, extensions: "extendedKeyUsage=clientAuth")
    }

    /// One more certificate, valid for a month, or for the dates given, as `openssl ca` writes them.
    func issue(
        _ name: String,
        by issuer: Pair,
        extensions: String,
        key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        dates: (start: String, end: String)? = nil
    ) async throws -> Pair {
        try await Maker(folder: folder).issue(name, by: issuer, extensions: extensions, key: key, dates: dates)
    }

    /// A certificate of this authority that is valid for the dates given, as `openssl ca` writes them.
    func client(_ name: String, validFrom start: String, to end: String) async throws -> Pair {
        try await Maker(folder: folder).issue(name, by: authority, extensions: "extendedKeyUsage=clientAuth", dates: (start, end))
    }

    /// A moment as `openssl ca` writes it.
    static func time(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "yyyyMMddHHmmss'Z'"
        return formatter.string(from: date)
    }

    private struct Maker {
        var folder: TemporaryFolder

        func revocationList(_ name: String, of issuer: Pair, revoking pairs: [Pair]) async throws -> String {
            let index = try folder.write("", to: "index-crl-\(name)")
            let number = try folder.write("01\n", to: "number-crl-\(name)")
            let settings = try folder.write(
                "[ca]\ndefault_ca=x\n[x]\ndatabase=\(index)\ncrlnumber=\(number)\ndefault_md=sha256\ndefault_crl_days=2\n",
                to: "crl-\(name).cnf"
            )
            let authority = ["openssl", "ca", "-config", settings, "-cert", issuer.certificate, "-keyfile", issuer.key]
            for arguments in pairs.map({ ["-revoke", $0.certificate] }) + [["-gencrl", "-out", folder.path("\(name).crl")]] {
                let result = try await Command.run(authority + arguments)
                guard result.status == 0 else { throw Command.Failure(words: result.text) }
            }
            return folder.path("\(name).crl")
        }

        func authority(_ name: String) async throws -> Pair {
            let pair = Pair(certificate: folder.path("\(name).crt"), key: folder.path("\(name).key"))
            try await Command.openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-keyout",
                pair.key,
                "-out",
                pair.certificate,
                "-days",
                "30",
                "-subj",
                "/CN=Test \(name)"
            )
            return pair
        }

        func issue(
            _ name: String,
            by issuer: Pair,
            extensions: String,
            key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            dates: (start: String, end: String)? = nil
        ) async throws -> Pair {
            let pair = Pair(certificate: folder.path("\(name).crt"), key: folder.path("\(name).key"))
            let request = folder.path("\(name).csr")
            let result = try await Command.run(
                ["openssl", "req", "-new", "-newkey"] + key + ["-nodes", "-keyout", pair.key, "-out", request, "-subj", "/CN=\(name)"]
            )
            guard result.status == 0 else { throw Command.Failure(words: result.text) }
            let extensionFile = try folder.write(extensions, to: "\(name).ext")
            if let dates {
                // `openssl x509` cannot give dates; `openssl ca` can.
                let index = try folder.write("", to: "index-\(name)")
                let settings = try folder.write(
                    "[ca]\ndefault_ca=x\n[x]\ndatabase=\(index)\nnew_certs_dir=\(folder.root)\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n",
                    to: "\(name).cnf"
                )
                try await Command.openssl(
                    "ca",
                    "-batch",
                    "-config",
                    settings,
                    "-cert",
                    issuer.certificate,
                    "-keyfile",
                    issuer.key,
                    "-in",
                    request,
                    "-out",
                    pair.certificate,
                    "-startdate",
                    dates.start,
                    "-enddate",
                    dates.end,
                    "-notext",
                    "-extfile",
                    extensionFile
                )
            } else {
                try await Command.openssl(
                    "x509",
                    "-req",
                    "-in",
                    request,
                    "-CA",
                    issuer.certificate,
                    "-CAkey",
                    issuer.key,
                    // A file that counts them would be read and written by several tests at once.
                    "-set_serial",
                    "\(UInt64.random(in: 1...UInt64(Int64.max)))",
                    "-days",
                    "30",
                    "-extfile",
                    extensionFile,
                    "-out",
                    pair.certificate
                )
            }
            return pair
        }
    }
}

extension Certificates.Pair {
    /// The pair as an identity in memory.
    func identity() async throws -> TLSIdentity {
        let key = try await Command.openssl("pkcs8", "-topk8", "-nocrypt", "-in", self.key, "-outform", "DER")
        return TLSIdentity(privateKeyPKCS8: Array(key), certificateChain: [try await der()])
    }

    func der() async throws -> [UInt8] { Array(try await Command.openssl("x509", "-in", certificate, "-outform", "DER")) }

    func configuration() async throws -> CertificateConfiguration { CertificateConfiguration(source: .identity(try await identity())) }
}
