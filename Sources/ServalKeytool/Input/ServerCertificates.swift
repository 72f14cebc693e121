import ServalKeyStore
import ServalTLSOpenSSL

/// The certificates of the TLS server that `-sslserver` names.
enum ServerCertificates {
    /// Asks the server.
    ///
    /// - Parameters:
    ///   - server: `host`, `host:port` or `[address]:port`; without a port 443.
    /// - Throws: The JDK's one message for everything that can go wrong, after the reason has been told on standard error.
    static func load(from server: String, in session: Session) throws -> [CertificateData] {
        let (host, port) = try parse(server)
        do throws(CertificateProbe.Failure) {
            guard let port else { throw .unknownHost("the port is not a number") }
            let found = try CertificateProbe(host: host, port: port).certificates()
            return found.map(CertificateData.init(der:))
        } catch {
            session.console.print(error: "\(server.onOneLine): \(reason(error))")
            throw Failure.error("No certificate from the SSL server")
        }
    }

    private static func reason(_ failure: CertificateProbe.Failure) -> String {
        switch failure {
        case .unknownHost(let words): "the host is not known (\(words))"
        case .unreachable(let words): "nobody answers (\(words))"
        case .notTLS(let words): "the server does not speak TLS (\(words))"
        case .refused(let words): "the server refused the handshake (\(words))"
        case .timedOut: "the server did not answer in time"
        }
    }

    /// Splits what the JDK puts behind `https://`; the port is nil if it is none.
    private static func parse(_ server: String) throws -> (host: String, port: UInt16?) {
        let authority = server.prefix { !"/?#".contains($0) }
        guard !authority.isEmpty else { throw malformed("Expected authority at index 8", server) }
        guard authority.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F && !"\"<>\\^`{|}".unicodeScalars.contains($0) }) else {
            throw malformed("Illegal character in authority at index 8", server)
        }
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw malformed("Expected closing bracket for IPv6 address", server) }
            return (String(authority[authority.index(after: authority.startIndex)..<end]), try port(authority[authority.index(after: end)...]))
        }
        let host = authority.prefix { $0 != ":" }
        return (String(host), try port(authority[host.endIndex...]))
    }

    private static func port(_ text: Substring) throws -> UInt16? {
        guard text.count > 1 else { return 443 }
        guard let number = Int(text.dropFirst()), text.first == ":" else { return nil }
        guard let port = UInt16(exactly: number) else { throw Failure.illegalArgument("port out of range:\(number)") }
        return port
    }

    private static func malformed(_ reason: String, _ server: String) -> Failure {
        .exception(javaClass: "java.net.URISyntaxException", message: "\(reason): https://\(server)")
    }
}
