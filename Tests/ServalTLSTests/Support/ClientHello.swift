/// A ClientHello for TLS 1.3 with a key share that no secret belongs to; enough to get a server's answer.
enum ClientHello {
    static func bytes(serverName: String, padding: Int = 0) -> [UInt8] {
        let name = Array(serverName.utf8)
        var extensions: [UInt8] = []
        extensions += ext(0, block(2, [0] + block(2, name)))
        extensions += ext(10, block(2, [0, 23]))
        extensions += ext(13, block(2, [4, 3, 8, 4]))
        extensions += ext(43, block(1, [3, 4]))
        extensions += ext(51, block(2, [0, 23] + block(2, generatorOfP256)))
        if padding > 0 { extensions += ext(21, [UInt8](repeating: 0, count: padding)) }
        let body = [3, 3] + [UInt8](repeating: 0x42, count: 32) + block(1, []) + block(2, [0x13, 1]) + block(1, [0]) + block(2, extensions)
        return [22, 3, 1] + block(2, [1] + block(3, body))
    }

    private static func ext(_ type: UInt8, _ content: [UInt8]) -> [UInt8] { [0, type] + block(2, content) }

    private static func block(_ width: Int, _ content: [UInt8]) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: content.count >> ($0 * 8)) } + content
    }

    /// The base point of P-256, uncompressed: a valid public key.
    private static let generatorOfP256: [UInt8] = [
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0,
        0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
        0x16, 0x2b,
        0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    ]
}
