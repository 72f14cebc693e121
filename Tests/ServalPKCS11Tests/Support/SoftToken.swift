import Foundation
import ServalKeyStore
import ServalPKCS11
import TestPrograms
import X509

/// Tokens of SoftHSM for this process.
///
/// The module reads its configuration and its folder of tokens once, when it starts; so all tokens are made before, and each test takes its own.
enum SoftToken: String, CaseIterable {
    case reading, changing, keys, noPIN, wrongPIN, uri, tls, tlsEC, load

    static let userPIN = "648219"
    static let modulePath = "/usr/lib/softhsm/libsofthsm2.so"

    /// The folder with `softhsm2.conf` and the tokens.
    static let folder: URL = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-pkcs11-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(at: folder.appendingPathComponent("tokens"), withIntermediateDirectories: true)
            try Data("directories.tokendir = \(folder.path)/tokens\nobjectstore.backend = file\nlog.level = ERROR\n".utf8)
                .write(to: folder.appendingPathComponent("softhsm2.conf"))
        } catch {
            return folder
        }
        setenv("SOFTHSM2_CONF", folder.appendingPathComponent("softhsm2.conf").path, 1)
        for token in allCases {
            _ = try? Program.run(["softhsm2-util", "--init-token", "--free", "--label", token.rawValue, "--so-pin", "12345678", "--pin", userPIN])
        }
        return folder
    }()

    static func module() throws -> PKCS11Module {
        _ = folder
        return try PKCS11Module.load(path: modulePath)
    }

    var selector: PKCS11TokenSelector { PKCS11TokenSelector(label: rawValue) }

    func open(pin: String? = SoftToken.userPIN) throws -> PKCS11Token { try PKCS11Token.open(Self.module(), selector, pin: pin) }
}

/// A program that runs to its end.
enum Program {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    @discardableResult
    static func run(_ arguments: [String], input: String = "", environment: [String: String] = [:]) throws -> Result {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("serval-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let files = ["in", "out", "err"].map { scratch.appendingPathComponent($0) }
        for file in files { try Data(file.lastPathComponent == "in" ? Array(input.utf8) : []).write(to: file) }
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self)
        )
    }

    /// The same without keeping a thread of Swift's own from its work.
    static func runElsewhere(_ arguments: [String], input: String = "") async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result { try run(arguments, input: input) }) }
        }
    }

    /// Runs `pkcs11-tool` on a copy of one of the tokens.
    ///
    /// SoftHSM unlocks its files before it writes what it has kept back for them. A process that only looks at a token writes, too, and another one
    /// that changes it at that moment loses what it has just made.
    static func pkcs11Tool(_ token: SoftToken, _ arguments: String...) throws -> Result {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("serval-token-copy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: copy) }
        // Tests that change a token at the same time may take files away while they are copied; those are not the caller's.
        try run(["cp", "-r", SoftToken.folder.path + "/tokens", copy.path])
        let settings = copy.appendingPathComponent("softhsm2.conf")
        try Data("directories.tokendir = \(copy.path)/tokens\nobjectstore.backend = file\n".utf8).write(to: settings)
        return try run(
            ["pkcs11-tool", "--module", SoftToken.modulePath, "--token-label", token.rawValue, "--login", "--pin", SoftToken.userPIN] + arguments,
            environment: ["SOFTHSM2_CONF": settings.path]
        )
    }
}

/// A certificate for `key`, signed by itself or by `issuer`.
func makeCertificate(
    _ key: PrivateKey,
    name: String,
    issuer: (key: PrivateKey, name: String)? = nil,
    algorithm: SignatureAlgorithm? = nil
) throws -> CertificateData {
    try SelfSignedCertificate.issue(
        publicKeyInfo: key.publicKeyInfo,
        subject: DistinguishedName(dname: "CN=\(name)"),
        issuer: DistinguishedName(dname: "CN=\(issuer?.name ?? name)"),
        issuerKey: issuer?.key ?? key,
        notBefore: Date(timeIntervalSinceNow: -60),
        notAfter: Date(timeIntervalSinceNow: 86_400),
        signatureAlgorithm: algorithm
    )
}
