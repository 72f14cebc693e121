/// RC2 (RFC 2268) in CBC mode.
///
/// PKCS12 files of older JDKs and of `openssl pkcs12 -legacy` encrypt their certificates with a 40-bit RC2 key. OpenSSL 3 has the cipher in its
/// legacy module only, which several distributions do not install, so it is here. It is written only on request, for programs that read nothing
/// else.
struct RC2 {
    private let keys: [UInt16]

    /// - Parameters:
    ///   - key: 1 to 128 bytes.
    ///   - effectiveBits: How many bits of the expanded key count, 1 to 1024.
    init?(key: [UInt8], effectiveBits: Int) {
        guard (1...128).contains(key.count), (1...1024).contains(effectiveBits) else { return nil }
        var expanded = key
        while expanded.count < 128 { expanded.append(RC2.table[Int(expanded[expanded.count - 1] &+ expanded[expanded.count - key.count])]) }
        let octets = (effectiveBits + 7) / 8
        let start = 128 - octets
        expanded[start] = RC2.table[Int(expanded[start] & 0xFF >> (8 * octets - effectiveBits))]
        for index in (0..<start).reversed() { expanded[index] = RC2.table[Int(expanded[index + 1] ^ expanded[index + octets])] }
        keys = (0..<64).map { UInt16(expanded[2 * $0]) | UInt16(expanded[2 * $0 + 1]) << 8 }
    }

    /// The plain bytes without their padding; `nil` when the padding or a length is wrong.
    func decryptCBC(_ data: [UInt8], iv: [UInt8]) -> [UInt8]? {
        guard !data.isEmpty, data.count.isMultiple(of: 8), iv.count == 8 else { return nil }
        var plain: [UInt8] = []
        plain.reserveCapacity(data.count)
        var previous = iv[...]
        for start in stride(from: 0, to: data.count, by: 8) {
            let block = data[start..<start + 8]
            plain += zip(decrypt(block), previous).map { $0 ^ $1 }
            previous = block
        }
        guard let padding = plain.last, (1...8).contains(padding), plain.suffix(Int(padding)).allSatisfy({ $0 == padding }) else { return nil }
        return plain.dropLast(Int(padding))
    }

    /// The encrypted bytes with their padding; `nil` when the vector's length is wrong.
    func encryptCBC(_ data: [UInt8], iv: [UInt8]) -> [UInt8]? {
        guard iv.count == 8 else { return nil }
        let padding = 8 - data.count % 8
        let plain = data + [UInt8](repeating: UInt8(padding), count: padding)
        var encrypted: [UInt8] = []
        encrypted.reserveCapacity(plain.count)
        var previous = iv
        for start in stride(from: 0, to: plain.count, by: 8) {
            previous = encrypt(zip(plain[start..<start + 8], previous).map { $0 ^ $1 })
            encrypted += previous
        }
        return encrypted
    }

    private func encrypt(_ octets: [UInt8]) -> [UInt8] {
        var words = (0..<4).map { UInt16(octets[2 * $0]) | UInt16(octets[2 * $0 + 1]) << 8 }
        for round in 0..<16 {
            for index in 0..<4 {
                let (a, b, c) = (words[(index + 3) & 3], words[(index + 2) & 3], words[(index + 1) & 3])
                let sum = words[index] &+ keys[4 * round + index] &+ (a & b) &+ (~a & c)
                words[index] = sum << RC2.shifts[index] | sum >> (16 - RC2.shifts[index])
            }
            guard round == 4 || round == 10 else { continue }
            for index in 0..<4 { words[index] &+= keys[Int(words[(index + 3) & 3] & 63)] }
        }
        return words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    private func decrypt(_ block: ArraySlice<UInt8>) -> [UInt8] {
        let octets = Array(block)
        var words = (0..<4).map { UInt16(octets[2 * $0]) | UInt16(octets[2 * $0 + 1]) << 8 }
        for round in (0..<16).reversed() {
            unmix(&words, round: round)
            // The mashing rounds stand after the fifth and the eleventh mixing round of encryption.
            if round == 11 || round == 5 { unmash(&words) }
        }
        return words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    private func unmix(_ words: inout [UInt16], round: Int) {
        for index in (0..<4).reversed() {
            let (a, b, c) = (words[(index + 3) & 3], words[(index + 2) & 3], words[(index + 1) & 3])
            let shift = RC2.shifts[index]
            let rotated = words[index] >> shift | words[index] << (16 - shift)
            words[index] = rotated &- keys[4 * round + index] &- (a & b) &- (~a & c)
        }
    }

    private func unmash(_ words: inout [UInt16]) {
        for index in (0..<4).reversed() { words[index] &-= keys[Int(words[(index + 3) & 3] & 63)] }
    }

    private static let shifts: [UInt16] = [1, 2, 3, 5]

    /// PITABLE of RFC 2268 section 2.
    private static let table: [UInt8] = [
        217, 120, 249, 196, 25, 221, 181, 237, 40, 233, 253, 121, 74, 160, 216, 157, 198, 126, 55, 131, 43, 118, 83, 142, 98, 76, 100, 136, 68, 139,
        251, 162, 23, 154, 89, 245, 135, 179, 79, 19, 97, 69, 109, 141, 9, 129, 125, 50, 189, 143, 64, 235, 134, 183, 123, 11, 240, 149, 33, 34, 92,
        107, 78, 130, 84, 214, 101, 147, 206, 96, 178, 28, 115, 86, 192, 20, 167, 140, 241, 220, 18, 117, 202, 31, 59, 190, 228, 209, 66, 61, 212,
        48, 163, 60, 182, 38, 111, 191, 14, 218, 70, 105, 7, 87, 39, 242, 29, 155, 188, 148, 67, 3, 248, 17, 199, 246, 144, 239, 62, 231, 6, 195,
        213, 47, 200, 102, 30, 215, 8, 232, 234, 222, 128, 82, 238, 247, 132, 170, 114, 172, 53, 77, 106, 42, 150, 26, 210, 113, 90, 21, 73, 116, 75,
        159, 208, 94, 4, 24, 164, 236, 194, 224, 65, 110, 15, 81, 203, 204, 36, 145, 175, 80, 161, 244, 112, 57, 153, 124, 58, 133, 35, 184, 180,
        122, 252, 2, 54, 91, 37, 85, 151, 49, 45, 93, 250, 152, 227, 138, 146, 174, 5, 223, 41, 16, 103, 108, 186, 201, 211, 0, 230, 207, 225, 158,
        168, 44, 99, 22, 1, 63, 88, 226, 137, 169, 13, 56, 52, 27, 171, 51, 255, 176, 187, 72, 12, 95, 185, 177, 205, 46, 197, 243, 219, 71, 229,
        165, 156, 119, 10, 166, 32, 104, 254, 127, 193, 173,
    ]
}
