import Glibc
import SwiftASN1

/// A name such as `dns:www.example.org` in the value of an `-ext` option.
struct GeneralNameArgument {
    private let tag: UInt
    private let content: [UInt8]

    /// Checks the name as the JDK does.
    ///
    /// - Parameters:
    ///   - argument: The whole option, for messages.
    ///   - allowingWildcard: Whether `*` may be the first label of a DNS name.
    init(_ item: String, in argument: String, allowingWildcard: Bool = false) throws {
        guard let colon = item.firstIndex(of: ":") else { throw Failure.error("Illegal item \(item) in \(argument)") }
        let value = String(item[item.index(after: colon)...])
        switch item[..<colon].lowercased() {
        case "email":
            tag = 1
            content = try Self.ascii(value, "RFC822Name")
        case "dns":
            tag = 2
            try Self.checkDNSName(value, allowingWildcard: allowingWildcard)
            content = Array(value.utf8)
        case "uri":
            tag = 6
            content = try Self.uri(value)
        case "ip":
            tag = 7
            content = try Self.address(value)
        case "oid":
            tag = 8
            guard let oid = ASN1ObjectIdentifier(argument: value) else { throw Self.refused("Invalid OIDName: \(value)") }
            var serializer = DER.Serializer()
            try serializer.serialize(oid)
            // Without tag and length; an object identifier from a command line has less than 128 bytes or fails to parse above.
            content = Array(serializer.serializedBytes.dropFirst(serializer.serializedBytes.count < 130 ? 2 : 3))
        case let type:
            throw Failure.error("Unrecognized GeneralName type: \(type)")
        }
    }

    func serialize(into serializer: inout DER.Serializer) throws {
        serializer.appendPrimitiveNode(identifier: ASN1Identifier(tagWithNumber: tag, tagClass: .contextSpecific)) { $0 += content }
    }

    private static func ascii(_ value: String, _ type: String) throws -> [UInt8] {
        guard !value.isEmpty else { throw refused("\(type) may not be null or empty") }
        guard value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw refused("\(type) must consist of visible ASCII characters") }
        return Array(value.utf8)
    }

    private static func uri(_ value: String) throws -> [UInt8] {
        let bytes = try ascii(value, "URIName")
        let scheme = value.prefix { $0 != ":" }
        let isScheme = scheme.first?.isLetter == true && scheme.allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        guard scheme.endIndex < value.endIndex, isScheme else { throw refused("URI name must include scheme:\(value)") }
        return bytes
    }

    private static func address(_ value: String) throws -> [UInt8] {
        var four = in_addr()
        if inet_pton(AF_INET, value, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, value, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        throw refused("Invalid IPAddress: \(value)")
    }

    /// The JDK wraps these complaints.
    private static func refused(_ message: String) -> Failure {
        .exception(javaClass: "java.lang.RuntimeException", message: "java.io.IOException: \(message)")
    }
}

extension GeneralNameArgument {
    /// Accepts what the JDK takes for a DNS name: labels of letters, digits and hyphens; the first one may be `*`.
    private static func checkDNSName(_ name: String, allowingWildcard: Bool) throws {
        guard !name.isEmpty else { throw refused("DNSName must not be null or empty") }
        guard !name.contains(" ") else { throw refused("DNSName with blank components is not permitted") }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy({ (1...63).contains($0.utf8.count) }) else {
            throw refused("DNSName components must have 1 to 63 characters, 253 together")
        }
        for (index, label) in labels.enumerated() where !(allowingWildcard && index == 0 && label == "*" && labels.count > 1) {
            guard label.utf8.first.map(isLetterOrDigit) == true else {
                let wildcard = ", digit, or the first component can have only a wildcard character *"
                throw refused("DNSName components must begin with a letter\(allowingWildcard ? wildcard : " or digit")")
            }
            guard label.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }) else {
                throw refused("DNSName components must consist of letters, digits, and hyphens")
            }
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
