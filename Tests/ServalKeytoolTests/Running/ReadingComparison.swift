import Foundation
import Testing

/// The same command line for the JDK's keytool and ours in one folder, for commands that read: not even fingerprints may differ.
struct ReadingComparison {
    let folder: Folder
    /// Line ends of base64, which are CR LF in the JDK, and what else a test cannot compare.
    var masked: @Sendable (String) -> String = { $0 }

    /// Runs both and compares streams and exit codes.
    func same(_ line: String, input: String = "", environment: [String: String] = [:], location: SourceLocation = #_sourceLocation) async throws {
        async let first = Tool.serval.run(line, input: input, in: folder, environment: environment)
        async let second = Tool.jdk.run(line, input: input, in: folder, environment: environment)
        let (mine, reference) = try await (first, second)
        #expect(mine.status == reference.status, "\(line)", sourceLocation: location)
        #expect(masked(mine.output) == masked(reference.output.replacingOccurrences(of: "\r\n", with: "\n")), "\(line)", sourceLocation: location)
        #expect(masked(mine.errors) == masked(reference.errors), "\(line)", sourceLocation: location)
    }
}

extension Folder {
    /// Runs OpenSSL, which must succeed.
    func openssl(_ line: String, location: SourceLocation = #_sourceLocation) async throws {
        let run = try await Tool.openssl.run(line, in: self)
        #expect(run.status == 0, "\(line): \(run.errors)", sourceLocation: location)
    }

    /// Makes a self-signed certificate `NAME.pem` with its key `NAME.key`.
    func makeCertificate(_ name: String, key: String = "ec -pkeyopt ec_paramgen_curve:prime256v1", _ options: String = "") async throws {
        try await openssl("req -x509 -newkey \(key) -nodes -keyout \(name).key -out \(name).pem -subj /CN=\(name) -days 30 \(options)")
    }
}
