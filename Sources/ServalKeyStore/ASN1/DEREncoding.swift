/// Makes DER values out of the contents given.
package enum DEREncoding {
    package static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var bytes = [tag]
        bytes.reserveCapacity(content.count + 6)
        if content.count < 0x80 {
            bytes.append(UInt8(content.count))
        } else {
            var octets: [UInt8] = []
            var rest = content.count
            while rest > 0 {
                octets.append(UInt8(truncatingIfNeeded: rest))
                rest >>= 8
            }
            bytes.append(0x80 | UInt8(octets.count))
            bytes += octets.reversed()
        }
        return bytes + content
    }

    package static func sequence(_ elements: [UInt8]...) -> [UInt8] { sequence(of: elements) }

    package static func sequence(of elements: [[UInt8]]) -> [UInt8] { value(ASN1Value.sequence, Array(elements.joined())) }

    /// A SET OF, its elements in the order that DER asks for.
    package static func set(of elements: [[UInt8]]) -> [UInt8] {
        value(ASN1Value.set, Array(elements.sorted { $0.lexicographicallyPrecedes($1) }.joined()))
    }

    package static func oid(_ oid: OID) -> [UInt8] { value(ASN1Value.objectIdentifier, oid.content) }

    package static func octetString(_ bytes: [UInt8]) -> [UInt8] { value(ASN1Value.octetString, bytes) }

    /// A BIT STRING of whole octets.
    package static func bitString(_ bytes: [UInt8]) -> [UInt8] { value(ASN1Value.bitString, [0] + bytes) }

    package static func explicit(_ number: UInt8, _ element: [UInt8]) -> [UInt8] { value(0xA0 | number, element) }

    package static var null: [UInt8] { [ASN1Value.null, 0] }

    /// A non-negative INTEGER.
    package static func integer(_ number: Int) -> [UInt8] {
        var octets: [UInt8] = []
        var rest = number
        repeat {
            octets.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        } while rest > 0
        if let last = octets.last, last >= 0x80 { octets.append(0) }
        return value(ASN1Value.integer, octets.reversed())
    }

    /// The content octets of a non-negative INTEGER of these digits, big-endian; none for none.
    package static func unsigned(_ digits: [UInt8]) -> [UInt8] {
        let significant = digits.drop { $0 == 0 }
        guard let first = significant.first else { return digits.isEmpty ? [] : [0] }
        return (first >= 0x80 ? [0] : []) + significant
    }

    /// SEQUENCE { algorithm, NULL }.
    package static func algorithm(_ oid: OID) -> [UInt8] { sequence(DEREncoding.oid(oid), null) }
}
