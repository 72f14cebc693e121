/// RC4, with which old PKCS12 files are encrypted.
///
/// OpenSSL 3 has it in its legacy module only. Nothing is ever written with it.
enum RC4 {
    /// Decrypts (or encrypts) `data`; a key has 1 to 256 bytes.
    static func apply(key: [UInt8], to data: [UInt8]) -> [UInt8] {
        guard (1...256).contains(key.count) else { return [] }
        var state = (0...255).map { UInt8($0) }
        var j = 0
        for i in 0..<256 {
            j = (j + Int(state[i]) + Int(key[i % key.count])) & 0xFF
            state.swapAt(i, j)
        }
        var i = 0
        j = 0
        return data.map { byte in
            i = (i + 1) & 0xFF
            j = (j + Int(state[i])) & 0xFF
            state.swapAt(i, j)
            return byte ^ state[(Int(state[i]) + Int(state[j])) & 0xFF]
        }
    }
}
