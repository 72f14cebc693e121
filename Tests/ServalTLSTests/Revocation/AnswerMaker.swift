import Crypto
import Foundation

/// Makes OCSP answers as they should be and as they should not.
struct AnswerMaker: Sendable {
    enum Status: Sendable { case good, revoked, unknown }

    enum Nonce: Sendable { case same, none, wrong }

    var status = Status.good
    /// In seconds from now.
    var thisUpdate = -60.0
    /// In seconds from now; nil = none.
    var nextUpdate: Double? = 3600
    var nonce = Nonce.same
    /// Whose certificate the answer is about; nil = the one that was asked about.
    var serial: [UInt8]?
    /// What the answer is signed with.
    var key: P256.Signing.PrivateKey
    /// The certificates in the answer, DER.
    var certificates: [[UInt8]] = []
    var spoilsSignature = false
    /// Random bytes after the tbsResponseData's extensions, to make the answer large.
    var padding = 0

    init(signer: Certificates.Pair, includesCertificate: Bool = false) async throws {
        let pem = try String(contentsOfFile: signer.key, encoding: .utf8)
        key = try P256.Signing.PrivateKey(pemRepresentation: pem)
        if includesCertificate { certificates = [try await signer.der()] }
    }

    /// The answer to a request, both in DER; the request is one of ours, so it is not looked at closely.
    func answer(to request: [UInt8]) -> [UInt8] {
        let parts = DER.parts(DER.content(DER.parts(DER.content(request))[0]))
        // requestList, and after it perhaps requestExtensions [2].
        let list = parts.first { $0[0] == 0x30 } ?? []
        var certID = DER.parts(DER.content(DER.parts(DER.content(list))[0]))[0]
        if let serial {
            let fields = DER.parts(DER.content(certID))
            certID = DER.sequence(fields[0], fields[1], fields[2], DER.tagged(0x02, serial))
        }
        let sent = parts.first { $0[0] == 0xA2 }.map { DER.parts(DER.content(DER.content($0))) } ?? []
        let single = DER.sequence(certID, certificateStatus, time(thisUpdate), nextUpdate.map { DER.tagged(0xA0, time($0)) } ?? [])
        let keyHash = Array(Insecure.SHA1.hash(data: key.publicKey.x963Representation))
        var extensions: [[UInt8]] = []
        switch nonce {
        case .none: break
        case .same: extensions += sent.filter { $0.containsSubsequence(Self.nonceIdentifier) }
        case .wrong: extensions.append(DER.sequence(Self.nonceIdentifier, DER.tagged(0x04, DER.tagged(0x04, [UInt8](repeating: 7, count: 32)))))
        }
        if padding > 0 {
            extensions.append(DER.sequence(DER.tagged(0x06, [0x2A, 3, 4]), DER.tagged(0x04, [UInt8](repeating: 9, count: padding))))
        }
        let data = DER.sequence(
            DER.tagged(0xA2, DER.tagged(0x04, keyHash)),
            time(-30),
            DER.sequence(single),
            extensions.isEmpty ? [] : DER.tagged(0xA1, DER.sequence(extensions.flatMap { $0 }))
        )
        var signature = (try? Array(key.signature(for: data).derRepresentation)) ?? []
        if spoilsSignature { signature[signature.count - 1] ^= 1 }
        let basic = DER.sequence(
            data,
            // ecdsa-with-SHA256
            DER.sequence(DER.tagged(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2])),
            DER.tagged(0x03, [0] + signature),
            certificates.isEmpty ? [] : DER.tagged(0xA0, DER.sequence(certificates.flatMap { $0 }))
        )
        // id-pkix-ocsp-basic
        let kind = DER.tagged(0x06, [0x2B, 6, 1, 5, 5, 7, 0x30, 1, 1])
        return DER.sequence(DER.tagged(0x0A, [0]), DER.tagged(0xA0, DER.sequence(kind, DER.tagged(0x04, basic))))
    }

    /// An answer that is only an error, for example 3 = tryLater (RFC 6960 section 4.2.1).
    static func error(_ number: UInt8) -> [UInt8] { DER.sequence(DER.tagged(0x0A, [number])) }

    private static let nonceIdentifier = DER.tagged(0x06, [0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2])

    private var certificateStatus: [UInt8] {
        switch status {
        case .good: [0x80, 0]
        // keyCompromise
        case .revoked: DER.tagged(0xA1, time(-7200), DER.tagged(0xA0, [0x0A, 1, 1]))
        case .unknown: [0x82, 0]
        }
    }

    private func time(_ seconds: Double) -> [UInt8] {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "yyyyMMddHHmmss'Z'"
        return DER.tagged(0x18, Array(formatter.string(from: Date().addingTimeInterval(seconds)).utf8))
    }
}

/// As much of DER as the answers need.
private enum DER {
    static func tagged(_ tag: UInt8, _ contents: [UInt8]...) -> [UInt8] {
        let content = contents.flatMap { $0 }
        let count = content.count
        let length: [UInt8]
        switch count {
        case ..<128: length = [UInt8(count)]
        case ..<256: length = [0x81, UInt8(count)]
        case ..<65536: length = [0x82, UInt8(count >> 8), UInt8(count & 255)]
        default: length = [0x83, UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)]
        }
        return [tag] + length + content
    }

    static func sequence(_ contents: [UInt8]...) -> [UInt8] { tagged(0x30, contents.flatMap { $0 }) }

    static func content(_ element: [UInt8]) -> [UInt8] { Array(element[header(element[...])...]) }

    /// The elements that stand one after the other.
    static func parts(_ bytes: [UInt8]) -> [[UInt8]] {
        var rest = bytes[...]
        var found: [[UInt8]] = []
        while rest.count >= 2 {
            let start = header(rest)
            let count = length(rest)
            found.append(Array(rest.prefix(start + count)))
            rest = rest.dropFirst(start + count)
        }
        return found
    }

    private static func header(_ bytes: ArraySlice<UInt8>) -> Int {
        let first = bytes[bytes.startIndex + 1]
        return first < 128 ? 2 : 2 + Int(first & 127)
    }

    private static func length(_ bytes: ArraySlice<UInt8>) -> Int {
        let first = bytes[bytes.startIndex + 1]
        guard first >= 128 else { return Int(first) }
        return bytes.dropFirst(2).prefix(Int(first & 127)).reduce(0) { $0 << 8 | Int($1) }
    }
}

extension [UInt8] {
    fileprivate func containsSubsequence(_ other: [UInt8]) -> Bool {
        count >= other.count && (0...count - other.count).contains { Array(self[$0..<$0 + other.count]) == other }
    }
}
