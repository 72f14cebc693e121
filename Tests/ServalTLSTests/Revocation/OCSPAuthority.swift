import Crypto
import Foundation
import TestPrograms

/// An authority whose certificates name an OCSP responder; made with `openssl ca`, whose index `openssl ocsp` answers from.
struct OCSPAuthority: Sendable {
    let folder: TemporaryFolder
    let own: Certificates.Pair
    private let settings: String

    /// - Parameter issuer: the authority above; nil for a root.
    init(_ name: String = "ca", issuedBy issuer: OCSPAuthority? = nil, responders: [String] = []) async throws {
        folder = try TemporaryFolder()
        own = Certificates.Pair(certificate: folder.path("\(name).crt"), key: folder.path("\(name).key"))
        _ = try folder.write("", to: "index.txt")
        settings = try folder.write(
            """
            [ca]
            default_ca=x
            [x]
            database=\(folder.path("index.txt"))
            new_certs_dir=\(folder.root)
            crlnumber=\(try folder.write("01\n", to: "crlnumber"))
            rand_serial=yes
            default_md=sha256
            default_crl_days=2
            policy=p
            [p]
            commonName=supplied
            """,
            to: "ca.cnf"
        )
        if let issuer {
            let extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
            let made = try await issuer.issue(name, responders: responders, extensions: extensions)
            for (from, to) in [(made.certificate, own.certificate), (made.key, own.key)] {
                try FileManager.default.copyItem(atPath: from, toPath: to)
            }
        } else {
            let arguments = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", own.key, "-out", own.certificate, "-days", "30"]
            let result = try await Command.run(["openssl", "req", "-x509", "-newkey"] + arguments + ["-subj", "/CN=Test \(name)"])
            guard result.status == 0 else { throw Command.Failure(words: result.text) }
        }
    }

    /// A certificate that names `responders`.
    func issue(
        _ name: String,
        responders: [String],
        extensions: [String] = ["extendedKeyUsage=clientAuth,serverAuth"],
        key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    ) async throws -> Certificates.Pair {
        let pair = Certificates.Pair(certificate: folder.path("\(name).crt"), key: folder.path("\(name).key"))
        let request = folder.path("\(name).csr")
        let made = try await Command.run(
            ["openssl", "req", "-new", "-newkey"] + key + ["-nodes", "-keyout", pair.key, "-out", request, "-subj", "/CN=\(name)"]
        )
        guard made.status == 0 else { throw Command.Failure(words: made.text) }
        let access = responders.isEmpty ? [] : ["authorityInfoAccess=" + responders.map { "OCSP;URI:\($0)" }.joined(separator: ",")]
        let file = try folder.write((extensions + access).joined(separator: "\n"), to: "\(name).ext")
        try await ca("-batch", "-notext", "-days", "30", "-in", request, "-out", pair.certificate, "-extfile", file)
        return pair
    }

    func revoke(_ pair: Certificates.Pair, reason: String = "keyCompromise") async throws {
        try await ca("-revoke", pair.certificate, "-crl_reason", reason)
    }

    /// A revocation list; with `isStale` one that ended long ago.
    func revocationList(_ name: String = "crl.pem", isStale: Bool = false) async throws -> String {
        try await revocationList(name, times: isStale ? ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z"] : [])
    }

    /// A revocation list with times as `openssl ca` takes them.
    func revocationList(_ name: String = "crl.pem", times: [String]) async throws -> String {
        try await ca(["-gencrl", "-out", folder.path(name)] + times)
        return folder.path(name)
    }

    private func ca(_ arguments: String...) async throws { try await ca(arguments) }

    private func ca(_ arguments: [String]) async throws {
        let result = try await Command.run(["openssl", "ca", "-config", settings, "-cert", own.certificate, "-keyfile", own.key] + arguments)
        guard result.status == 0 else { throw Command.Failure(words: "openssl ca \(arguments): \(result.text)") }
    }

    /// Starts `openssl ocsp` on a port of its own choice.
    func responder(signer: Certificates.Pair? = nil, _ more: String...) throws -> OpenSSLResponder {
        let signer = signer ?? own
        return try OpenSSLResponder(
            ["-index", folder.path("index.txt"), "-CA", own.certificate, "-rsigner", signer.certificate, "-rkey", signer.key] + more
        )
    }
}

extension OCSPAuthority {
    /// Has the responder read the index again, which it does after a request that finds the index changed.
    func refresh(_ responder: OpenSSLResponder) async throws {
        try OCSPIndex.setNewDate(folder.path("index.txt"))
        try await Command.openssl("ocsp", "-issuer", own.certificate, "-serial", "1", "-url", responder.url, "-noverify")
    }
}

/// `openssl ocsp` as a server.
final class OpenSSLResponder: Sendable {
    let port: Int
    private let process: ChildProcess

    init(_ arguments: [String]) throws {
        process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "ocsp", "-port", "0"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("PID=") {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            text += String(decoding: more, as: UTF8.self)
        }
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT ") }),
            let port = line.split(separator: " ").dropFirst().first?.split(separator: ":").last.flatMap({ Int($0) })
        else { throw Command.Failure(words: "openssl ocsp: \(text)") }
        self.port = port
    }

    var url: String { "http://127.0.0.1:\(port)/" }

    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}
