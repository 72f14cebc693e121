/// Decompression of DEFLATE data (RFC 1951).
struct Inflate {
    private var input: ArraySlice<UInt8>
    private var bitBuffer: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []
    private let limit: Int

    /// The decompressed bytes; nil if the data is damaged, or if there are more than `limit`.
    static func decompress(_ bytes: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        var state = Inflate(input: bytes, limit: limit)
        do {
            while try !state.block() {}
            return state.output
        } catch {
            return nil
        }
    }

    private init(input: ArraySlice<UInt8>, limit: Int) {
        self.input = input
        self.limit = limit
    }

    private struct Damaged: Error {}

    /// Decompresses a block; true if it was the last one.
    private mutating func block() throws(Damaged) -> Bool {
        let isLast = try bits(1) == 1
        switch try bits(2) {
        case 0: try stored()
        case 1: try compressed(Self.fixedLiterals, Self.fixedDistances)
        case 2:
            let (literals, distances) = try dynamicCodes()
            try compressed(literals, distances)
        default: throw Damaged()
        }
        return isLast
    }

    private mutating func stored() throws(Damaged) {
        (bitBuffer, bitCount) = (0, 0)
        let length = try bits(16)
        guard try bits(16) == length ^ 0xFFFF, length <= input.count, length <= limit - output.count else { throw Damaged() }
        output += input.prefix(length)
        input = input.dropFirst(length)
    }

    private mutating func compressed(_ literals: Code, _ distances: Code) throws(Damaged) {
        while true {
            let symbol = try symbol(literals)
            if symbol < 256 {
                guard output.count < limit else { throw Damaged() }
                output.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard symbol < 286 else { throw Damaged() }
            let length = Self.lengthBases[symbol - 257] + (try bits(Self.lengthExtraBits[symbol - 257]))
            let code = try self.symbol(distances)
            guard code < 30 else { throw Damaged() }
            let extraBits = code < 4 ? 0 : code / 2 - 1
            let distance = (code < 4 ? code : (2 + code % 2) << extraBits) + 1 + (try bits(extraBits))
            guard distance <= output.count, length <= limit - output.count else { throw Damaged() }
            for _ in 0..<length { output.append(output[output.count - distance]) }
        }
    }

    private mutating func dynamicCodes() throws(Damaged) -> (literals: Code, distances: Code) {
        let literalCount = try bits(5) + 257
        let distanceCount = try bits(5) + 1
        let lengthCount = try bits(4) + 4
        var codeLengths = [Int](repeating: 0, count: 19)
        for position in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(lengthCount) {
            codeLengths[position] = try bits(3)
        }
        let lengthCode = Code(codeLengths)
        var lengths: [Int] = []
        while lengths.count < literalCount + distanceCount {
            switch try symbol(lengthCode) {
            case 16:
                guard let last = lengths.last else { throw Damaged() }
                lengths += [Int](repeating: last, count: 3 + (try bits(2)))
            case 17: lengths += [Int](repeating: 0, count: 3 + (try bits(3)))
            case 18: lengths += [Int](repeating: 0, count: 11 + (try bits(7)))
            case let length: lengths.append(length)
            }
        }
        guard lengths.count == literalCount + distanceCount else { throw Damaged() }
        return (Code(lengths.prefix(literalCount)), Code(lengths.suffix(distanceCount)))
    }

    // MARK: Bits and symbols

    private mutating func bits(_ count: Int) throws(Damaged) -> Int {
        while bitCount < count {
            guard let byte = input.popFirst() else { throw Damaged() }
            bitBuffer |= UInt32(byte) << UInt32(bitCount)
            bitCount += 8
        }
        defer {
            bitBuffer >>= UInt32(count)
            bitCount -= count
        }
        return Int(bitBuffer & (1 << UInt32(count) - 1))
    }

    private mutating func symbol(_ code: Code) throws(Damaged) -> Int {
        var (value, first, index) = (0, 0, 0)
        for length in 1...15 {
            value |= try bits(1)
            let count = code.counts[length]
            if value - first < count { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        throw Damaged()
    }

    /// A canonical Huffman code: how many codes there are of each length, and their symbols in order.
    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        let symbols: [Int]

        init(_ lengths: some Collection<Int>) {
            for length in lengths where length > 0 { counts[length] += 1 }
            symbols = (1...15).flatMap { wanted in lengths.enumerated().filter { $0.element == wanted }.map(\.offset) }
        }
    }

    private static let fixedLiterals = Code((0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
    private static let fixedDistances = Code([Int](repeating: 5, count: 30))

    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
    ]
    private static let lengthExtraBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
}
