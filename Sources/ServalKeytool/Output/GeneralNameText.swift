import ServalKeyStore
import SwiftASN1
import X509

/// A GeneralName (RFC 5280 section 4.2.1.6) in the words of the JDK.
enum GeneralNameText {
    /// Several names in brackets.
    static func list(_ nodes: [ASN1Node]) throws -> String {
        "[\(try nodes.map(text).joined(separator: ", "))]"
    }

    static func text(_ node: ASN1Node) throws -> String {
        guard node.identifier.tagClass == .contextSpecific else { throw DERNodes.Malformed() }
        switch node.identifier.tagNumber {
        case 0:
            guard let type = try DERNodes.children(node).first else { throw DERNodes.Malformed() }
            return "Other-Name: Unrecognized ObjectIdentifier: \(try ASN1ObjectIdentifier(derEncoded: type))"
        case 1: return "RFC822Name: \(try characters(node))"
        case 2: return "DNSName: \(try characters(node))"
        case 4:
            guard let name = try DERNodes.children(node).first else { throw DERNodes.Malformed() }
            return try DistinguishedName(derEncoded: name).dname
        case 6: return "URIName: \(try characters(node))"
        case 7: return "IPAddress: \(try address(DERNodes.primitive(node)))"
        case 8: return "OIDName: \(try identifier(node))"
        default: return "Other-Name: \(HexDump.digits(node.encodedBytes))"
        }
    }

    /// Control characters would let a certificate write to the reader's terminal, so they are shown as question marks.
    private static func characters(_ node: ASN1Node) throws -> String {
        String(decoding: try DERNodes.primitive(node).map { $0 < 0x20 || $0 > 0x7E ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    /// The tag replaces that of the OBJECT IDENTIFIER, so the value is decoded as one with its own tag again.
    private static func identifier(_ node: ASN1Node) throws -> ASN1ObjectIdentifier {
        let content = try DERNodes.primitive(node)
        guard content.count < 128 else { throw DERNodes.Malformed() }
        return try ASN1ObjectIdentifier(derEncoded: [0x06, UInt8(content.count)] + content)
    }

    private static func address(_ bytes: ArraySlice<UInt8>) throws -> String {
        let octets = Array(bytes)
        switch octets.count {
        case 4: return octets.map(String.init).joined(separator: ".")
        case 16:
            // The JDK writes all eight groups.
            return stride(from: 0, to: 16, by: 2).map { String(Int(octets[$0]) << 8 | Int(octets[$0 + 1]), radix: 16) }.joined(separator: ":")
        default: throw DERNodes.Malformed()
        }
    }
}
