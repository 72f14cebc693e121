import ServalKeyStore

/// The certificates that `-file` and `-certfile` name, read once.
struct ReplyInput {
    /// A bundle of the world's certificate authorities has less than a megabyte.
    private static let sizeLimit = 16 << 20

    private let bytes: [UInt8]
    private let name: String?
    private let additional: [CertificateData]

    /// Reads the files, or standard input.
    init(_ session: Session) throws {
        name = session.options[.file]
        bytes =
            try name.map { try InputFile(path: $0).read(limit: Self.sizeLimit) } ?? session.console.readAll(limit: Self.sizeLimit)
        additional = try Self.additional(session)
    }

    /// What `-certfile` names, each file in any format.
    static func additional(_ session: Session) throws -> [CertificateData] {
        try session.options.all(.certfile).flatMap { path in
            let bytes = try InputFile(path: path).read(limit: sizeLimit)
            let found = certificates(in: bytes)
            guard !found.isEmpty else {
                explain(bytes, name: path, in: session)
                throw Failure.error("No certificates in \(path)")
            }
            return found
        }
    }

    /// The certificates in their order, empty if there are none.
    var certificates: [CertificateData] { Self.certificates(in: bytes) + additional }

    /// The certificates, or the JDK's complaint.
    ///
    /// - Parameter isReply: The JDK has other words where it expects a reply.
    func certificates(isReply: Bool, in session: Session) throws -> [CertificateData] {
        let notACertificate = Failure.error("Input not an X.509 certificate")
        if bytes.isEmpty, additional.isEmpty { throw isReply ? Failure.error("Reply has no certificates") : notACertificate }
        let found = certificates
        guard found.isEmpty else { return found }
        Self.explain(bytes, name: name ?? "standard input", in: session)
        guard isReply else { throw notACertificate }
        throw Failure.exception(javaClass: "java.security.cert.CertificateException", message: "No certificate data found")
    }

    /// What programs usually read; what stands between; and what an inspection sees in anything else.
    private static func certificates(in bytes: [UInt8]) -> [CertificateData] {
        let interspersed = InterspersedCertificates(bytes)
        guard !interspersed.certificates.isEmpty, let text = try? PEM.certificates(in: interspersed.rest) else { return allCertificates(in: bytes) }
        return interspersed.isFirst ? interspersed.certificates + text : text + interspersed.certificates
    }

    private static func allCertificates(in bytes: [UInt8]) -> [CertificateData] {
        (try? PEM.certificates(in: bytes)) ?? KeyStoreInspection(bytes: bytes).certificates.filter { (try? $0.fields()) != nil }
    }

    /// Says what the file is instead.
    private static func explain(_ bytes: [UInt8], name: String, in session: Session) {
        let inspection = KeyStoreInspection(bytes: bytes)
        // That it is none of all formats is what the JDK's words say already.
        guard !["empty", "text", "unknown"].contains(inspection.format.code) else { return }
        let reason = inspection.findings.first { $0.severity == .error }.map { " \($0.message) \($0.advice)" } ?? ""
        session.console.print(error: FindingText.line("\(name): \(inspection.format.name).\(reason)"))
    }
}
