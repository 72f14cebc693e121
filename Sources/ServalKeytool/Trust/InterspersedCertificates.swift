import ServalKeyStore

/// Certificates in DER between blocks of PEM, as files are that somebody has put together with `cat`.
struct InterspersedCertificates {
    private(set) var certificates: [CertificateData] = []
    /// The bytes with a line feed in each certificate's place: what follows one begins a line.
    private(set) var rest: [UInt8] = []
    /// Whether the first of them stands before everything else.
    private(set) var isFirst = false

    /// Bytes that only look like the beginning of a certificate must not make reading expensive.
    private static let attempts = 1000

    init(_ bytes: [UInt8]) {
        var attempts = Self.attempts
        var kept = 0
        var index = 0
        while index + 4 < bytes.count, attempts > 0 {
            guard let length = Self.length(at: index, of: bytes) else {
                index += 1
                continue
            }
            attempts -= 1
            let candidate = CertificateData(der: Array(bytes[index..<index + length]))
            guard (try? candidate.fields()) != nil else {
                index += 1
                continue
            }
            if index == 0 { isFirst = true }
            certificates.append(candidate)
            rest += bytes[kept..<index] + [UInt8(ascii: "\n")]
            index += length
            kept = index
        }
        rest += bytes[kept...]
    }

    /// The length of a SEQUENCE of at least 128 bytes that begins with another one; text does not look like that.
    private static func length(at index: Int, of bytes: [UInt8]) -> Int? {
        guard bytes[index] == 0x30, bytes[index + 1] == 0x81 || bytes[index + 1] == 0x82 else { return nil }
        let size = Int(bytes[index + 1] & 0x0F)
        let contents = bytes[index + 2..<index + 2 + size].reduce(0) { $0 << 8 | Int($1) }
        let start = index + 2 + size
        guard start < bytes.count, bytes[start] == 0x30, contents <= bytes.count - start else { return nil }
        return 2 + size + contents
    }
}
