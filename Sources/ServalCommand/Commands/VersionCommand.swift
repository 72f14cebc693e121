import ArgumentParser
import Glibc
import Serval

/// `serval version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Tell the versions of the server and of its TLS library.")

    func run() throws {
        print("Server version: \(ServalVersion.description)")
        print("TLS:            \(Server.tlsImplementation)")
        var system = utsname()
        guard uname(&system) == 0 else { return }
        print("OS:             \(Self.text(&system.sysname)) \(Self.text(&system.release)) \(Self.text(&system.machine))")
    }

    private static func text<Bytes>(_ bytes: inout Bytes) -> String {
        withUnsafeBytes(of: &bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
