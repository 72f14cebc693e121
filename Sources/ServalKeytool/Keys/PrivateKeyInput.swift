import ServalKeyStore

/// The private keys and certificates of a file that is to become an entry.
struct PrivateKeyInput {
    /// A key and its certificate are a few thousand bytes.
    private static let sizeLimit = 16 << 20

    let name: String
    private let bytes: [UInt8]
    private let sources: [PrivateKeySource]

    /// Reads `-file`, or standard input.
    init(_ session: Session) throws {
        name = session.options[.file] ?? "standard input"
        bytes =
            try session.options[.file].map { try InputFile(path: $0).read(limit: Self.sizeLimit) } ?? session.console.readAll(limit: Self.sizeLimit)
        sources = PrivateKeySource.all(in: bytes)
        guard sources.isEmpty else { return }
        if KeyStoreFormat.detect(bytes) != nil {
            throw Failure.error("\(name) is a key store: use -importkeystore -srckeystore \(name)")
        }
        let inspection = KeyStoreInspection(bytes: bytes)
        if let problem = inspection.findings.first(where: { $0.severity == .error }) {
            session.console.print(error: FindingText.line("\(name): \(inspection.format.name). \(problem.message) \(problem.advice)"))
        }
        throw Failure.error("No private key in \(name)")
    }

    /// The certificates in the same file.
    var certificates: [CertificateData] { KeyStoreInspection(bytes: bytes).certificates }

    /// Opens the keys, asking for the password of encrypted ones.
    func keys(_ session: Session) throws -> [PrivateKey] {
        try sources.map { source in
            guard source.isEncrypted else { return try open(source, password: nil) }
            if let password = session.options[.srckeypass] { return try open(source, password: password) }
            for attempt in 1...3 {
                let place = sources.count > 1 ? source.line.map { " in line \($0)" } ?? "" : ""
                guard let password = session.console.askPassword("Enter password of the private key in <\(name)>\(place):  ") else { continue }
                do {
                    return try source.privateKey(password: password)
                } catch let error as KeyStoreError {
                    guard error.code == .wrongKeyPassword else { throw Failure(error.about(name)) }
                    if attempt < 3 { session.console.print(error: "This password does not open the private key. Try again") }
                }
            }
            throw Failure.error("Too many failures - key not added to keystore")
        }
    }

    private func open(_ source: PrivateKeySource, password: String?) throws -> PrivateKey {
        do {
            return try source.privateKey(password: password)
        } catch {
            throw Failure(error.code == .wrongKeyPassword ? error : error.about(name))
        }
    }
}
