import SwiftASN1

/// Making the contents of extensions.
enum DERValue {
    /// A SEQUENCE.
    static func sequence(_ contents: (inout DER.Serializer) throws -> Void) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence, contents)
        return serializer.serializedBytes
    }

    /// A BIT STRING of named bits, without trailing zeros, as DER wants it.
    static func namedBits(_ bits: Set<Int>) throws -> [UInt8] {
        guard let highest = bits.max() else { return [0x03, 0x01, 0x00] }
        var bytes = [UInt8](repeating: 0, count: highest / 8 + 1)
        for bit in bits { bytes[bit / 8] |= 0x80 >> UInt8(bit % 8) }
        var serializer = DER.Serializer()
        try serializer.serialize(ASN1BitString(bytes: bytes[...], paddingBits: 7 - highest % 8))
        return serializer.serializedBytes
    }
}
