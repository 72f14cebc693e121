import SwiftASN1
import X509

/// The certificate extensions that `-ext` options ask for.
///
/// Each has the form `NAME[:critical][=VALUE]`; a later one replaces an earlier one of the same type.
struct ExtensionArguments {
    /// In the order of the options.
    private(set) var extensions: [Certificate.Extension] = []

    init(_ arguments: [String]) throws {
        for argument in arguments where !Self.isHonored(argument) {
            let parsed = try ExtensionArgument(argument).certificateExtension()
            extensions.removeAll { $0.oid == parsed.oid }
            extensions.append(parsed)
        }
    }

    /// Whether the option says which extensions of a request are taken over, which is ``HonoredExtensions``' matter.
    private static func isHonored(_ argument: String) -> Bool {
        argument.prefix { $0 != "=" && $0 != ":" }.lowercased() == "honored"
    }

    /// Whether the option was given for this extension.
    func contains(_ oid: ASN1ObjectIdentifier) -> Bool {
        extensions.contains { $0.oid == oid }
    }

    /// A subject alternative name extension with one host name.
    static func subjectAlternativeName(dnsName: String) throws -> Certificate.Extension {
        try ExtensionArgument("san=dns:\(dnsName)").certificateExtension()
    }
}

/// One `-ext` option.
private struct ExtensionArgument {
    private let argument: String
    private let name: String
    private let isCritical: Bool
    private let value: String?

    init(_ argument: String) throws {
        self.argument = argument
        let equals = argument.firstIndex(of: "=")
        let head = argument[..<(equals ?? argument.endIndex)]
        value = equals.map { String(argument[argument.index(after: $0)...]) }
        if let colon = head.firstIndex(of: ":") {
            name = String(head[..<colon])
            let modifier = String(head[head.index(after: colon)...])
            guard let choice = try Abbreviation.match(modifier, in: ["critical", "non-critical"]) else {
                throw Failure.error("Illegal value: \(argument)")
            }
            isCritical = choice == 0
        } else {
            name = String(head)
            isCritical = false
        }
    }

    func certificateExtension() throws -> Certificate.Extension {
        switch try ExtensionName(name) {
        case .basicConstraints?: return try make(.basicConstraints, basicConstraints())
        case .keyUsage?: return try make(.keyUsage, keyUsage())
        case .extendedKeyUsage?: return try make(.extendedKeyUsage, extendedKeyUsage())
        case .subjectAlternativeName?: return try make(.subjectAlternativeName, generalNames(allowingWildcard: true))
        case .issuerAlternativeName?: return try make(.issuerAlternativeName, generalNames(allowingWildcard: false))
        case .subjectInformationAccess?: return try make(.subjectInformationAccess, informationAccess())
        case .authorityInformationAccess?: return try make(.authorityInformationAccess, informationAccess())
        case .distributionPoints?: return try make(.distributionPoints, distributionPoints())
        case nil:
            guard name.contains("."), let oid = ASN1ObjectIdentifier(argument: name) else { throw ExtensionName.unknown(name) }
            return Certificate.Extension(oid: oid, critical: isCritical, value: try hexadecimal()[...])
        }
    }

    private func make(_ name: ExtensionName, _ value: [UInt8]) throws -> Certificate.Extension {
        guard let oid = ASN1ObjectIdentifier(argument: name.oid) else { throw illegalValue }
        return Certificate.Extension(oid: oid, critical: isCritical, value: value[...])
    }

    private var illegalValue: Failure { .error("Illegal value: \(argument)") }

    // MARK: Values

    private func basicConstraints() throws -> [UInt8] {
        var isAuthority = value == nil
        var length: Int?
        if let value, let number = Int(value) {
            isAuthority = true
            length = number
        } else if let value {
            for part in value.split(separator: ",", omittingEmptySubsequences: false) {
                let pair = part.split(separator: ":", omittingEmptySubsequences: false)
                guard pair.count == 2 else { throw illegalValue }
                switch pair[0].lowercased() {
                case "ca": isAuthority = pair[1].lowercased() == "true"
                case "pathlen":
                    guard let number = Int(pair[1]) else { throw illegalValue }
                    length = number
                default: throw illegalValue
                }
            }
        }
        if let length, length < 0 { throw illegalValue }
        return try DERValue.sequence { serializer in
            if isAuthority { try serializer.serialize(true) }
            if isAuthority, let length { try serializer.serialize(length) }
        }
    }

    private func keyUsage() throws -> [UInt8] {
        let names = [
            "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly",
            "decipherOnly", "contentCommitment",
        ]
        var bits: Set<Int> = []
        for item in try items() {
            guard let index = try Abbreviation.match(item, in: names) else { throw Failure.error("Unknown keyUsage type: \(item)") }
            // contentCommitment is the newer name of nonRepudiation.
            bits.insert(index == 9 ? 1 : index)
        }
        return try DERValue.namedBits(bits)
    }

    private func extendedKeyUsage() throws -> [UInt8] {
        let purposes = try items().map { item in
            if let index = try Abbreviation.match(item, in: ObjectIdentifierName.purposes),
                let oid = ObjectIdentifierName.oid(ofPurpose: ObjectIdentifierName.purposes[index])
            {
                return oid
            }
            return item
        }
        let identifiers = try purposes.map { purpose in
            guard let oid = ASN1ObjectIdentifier(argument: purpose) else { throw Failure.error("Unknown extendedkeyUsage type: \(purpose)") }
            return oid
        }
        return try DERValue.sequence { serializer in
            for identifier in identifiers { try serializer.serialize(identifier) }
        }
    }

    private func generalNames(allowingWildcard: Bool) throws -> [UInt8] {
        let names = try items().map { try GeneralNameArgument($0, in: argument, allowingWildcard: allowingWildcard) }
        return try DERValue.sequence { serializer in
            for name in names { try name.serialize(into: &serializer) }
        }
    }

    private func informationAccess() throws -> [UInt8] {
        guard !isCritical else { throw Failure.error("This extension cannot be marked as critical. \(argument)") }
        let methods = [
            "ocsp": "1.3.6.1.5.5.7.48.1", "caissuers": "1.3.6.1.5.5.7.48.2", "timestamping": "1.3.6.1.5.5.7.48.3",
            "carepository": "1.3.6.1.5.5.7.48.5",
        ]
        let descriptions = try items().map { item in
            guard let colon = item.firstIndex(of: ":") else { throw Failure.error("Illegal item \(item) in \(argument)") }
            let method = String(item[..<colon])
            guard let oid = ASN1ObjectIdentifier(argument: methods[method.lowercased()] ?? method) else {
                throw Failure.error("Unknown AccessDescription type: \(method)")
            }
            return (oid, try GeneralNameArgument(String(item[item.index(after: colon)...]), in: argument))
        }
        return try DERValue.sequence { serializer in
            for (method, location) in descriptions {
                try serializer.appendConstructedNode(identifier: .sequence) { inner in
                    try inner.serialize(method)
                    try location.serialize(into: &inner)
                }
            }
        }
    }

    private func distributionPoints() throws -> [UInt8] {
        let names = try items().map { try GeneralNameArgument($0, in: argument) }
        let zero = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
        return try DERValue.sequence { serializer in
            try serializer.appendConstructedNode(identifier: .sequence) { point in
                try point.appendConstructedNode(identifier: zero) { name in
                    try name.appendConstructedNode(identifier: zero) { fullName in
                        for name in names { try name.serialize(into: &fullName) }
                    }
                }
            }
        }
    }

    private func hexadecimal() throws -> [UInt8] {
        var digits: [UInt8] = []
        for character in value ?? "" where character != ":" && character != " " {
            guard let digit = character.hexDigitValue else { throw illegalValue }
            digits.append(UInt8(digit))
        }
        guard digits.count.isMultiple(of: 2) else { throw Failure.error("Odd number of hex digits found: \(argument)") }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// The parts of a list; an empty list is an error.
    private func items() throws -> [String] {
        guard let value, !value.isEmpty else { throw illegalValue }
        var items = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        while items.last == "" { items.removeLast() }
        return items
    }
}
