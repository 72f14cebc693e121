import ServalKeyStore

/// One parser with what its callers do with the result, fed with any bytes at all.
///
/// A run ends well when the bytes are taken or refused with an error. What the fuzzer looks for: traps, hangs, more memory than the size of the
/// input explains, and results that contradict themselves (``expect(_:_:)``).
enum FuzzTarget: String, CaseIterable, Sendable {
    case jks, jceks, pkcs12, java, pem, key, certificate, pkcs7, inspect, name
    case request
    case revocationList = "crl"
    case extensions = "ext"
    case startDate = "startdate"
    case properties = "conf"
    case inflate, jar
    case tokenURI = "pkcs11uri"
    case tokenConfiguration = "pkcs11config"
    case session, sessionHead = "sessionhead"
    case headerList = "h2list"
    case frames = "h2frames"

    func run(_ bytes: [UInt8]) {
        switch self {
        case .jks: KeyStoreFuzzing.run(bytes, magic: [0xFE, 0xED, 0xFE, 0xED])
        case .jceks: KeyStoreFuzzing.run(bytes, magic: [0xCE, 0xCE, 0xCE, 0xCE])
        case .pkcs12: KeyStoreFuzzing.run(bytes, magic: [])
        case .java: KeyStoreFuzzing.javaObject(bytes)
        case .pem: PEMFuzzing.text(bytes)
        case .key: PEMFuzzing.key(bytes)
        case .certificate: CertificateFuzzing.certificate(bytes)
        case .pkcs7: PEMFuzzing.bundle(bytes)
        case .inspect: InspectionFuzzing.run(bytes)
        case .name: NameFuzzing.run(bytes)
        case .request: KeytoolFuzzing.request(bytes)
        case .revocationList: KeytoolFuzzing.revocationList(bytes)
        case .properties: KeytoolFuzzing.properties(bytes)
        case .inflate: KeytoolFuzzing.inflate(bytes)
        case .jar: KeytoolFuzzing.jar(bytes)
        case .tokenURI: TokenFuzzing.uri(bytes)
        case .tokenConfiguration: TokenFuzzing.configuration(bytes)
        case .headerList: HTTP2Fuzzing.list(bytes)
        case .frames: HTTP2Fuzzing.frames(bytes)
        case .session: SessionFuzzing.session(bytes)
        case .sessionHead: SessionFuzzing.head(bytes)
        case .extensions: KeytoolFuzzing.extensions(bytes)
        case .startDate: KeytoolFuzzing.startDate(bytes)
        }
    }
}

/// Ends the process when a result contradicts itself.
func expect(_ condition: Bool, _ claim: @autoclosure () -> String) {
    guard condition else { fatalError("not so: " + claim()) }
}
