import COpenSSL

/// SHA-256 over everything that decides whom a host trusts and how it speaks, in a form in which no two different lists are the same bytes.
struct SettingsDigest {
    private var bytes: [UInt8] = []

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    mutating func add(_ part: [UInt8]) {
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: part.count >> shift)) }
        bytes += part
    }

    /// 32 bytes, or none if OpenSSL cannot compute them.
    func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            var length: UInt32 = 0
            count = EVP_Digest(bytes, bytes.count, buffer.baseAddress, &length, EVP_sha256(), nil) == 1 ? Int(length) : 0
        }
    }
}
