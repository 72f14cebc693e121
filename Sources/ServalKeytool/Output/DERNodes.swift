import SwiftASN1

/// Walking through DER whose fields are printed rather than kept.
enum DERNodes {
    struct Malformed: Error {}

    /// The elements of a SEQUENCE that is the whole input.
    static func sequence(_ bytes: [UInt8]) throws -> [ASN1Node] {
        let node = try DER.parse(bytes)
        guard node.identifier == .sequence else { throw Malformed() }
        return try children(node)
    }

    /// The elements of a constructed value, whatever its tag.
    static func children(_ node: ASN1Node) throws -> [ASN1Node] {
        guard case .constructed(let nodes) = node.content else { throw Malformed() }
        return Array(nodes)
    }

    /// The contents of a primitive value, whatever its tag.
    static func primitive(_ node: ASN1Node) throws -> ArraySlice<UInt8> {
        guard case .primitive(let bytes) = node.content else { throw Malformed() }
        return bytes
    }

    /// The numbers of the bits that are set in a BIT STRING that is the whole input.
    static func bits(_ bytes: [UInt8]) throws -> [Int] {
        let node = try DER.parse(bytes)
        guard node.identifier == .bitString else { throw Malformed() }
        return try bits(of: primitive(node))
    }

    /// The numbers of the bits that are set in the contents of a BIT STRING.
    static func bits(of content: ArraySlice<UInt8>) throws -> [Int] {
        guard let unused = content.first, unused < 8, content.count <= 64 else { throw Malformed() }
        let count = (content.count - 1) * 8 - Int(unused)
        guard count >= 0 else { throw Malformed() }
        return (0..<count).filter { content[content.startIndex + 1 + $0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 }
    }
}
