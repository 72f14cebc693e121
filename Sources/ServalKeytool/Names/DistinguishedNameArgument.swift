import ServalKeyStore
import SwiftASN1
import X509

extension DistinguishedName {
    /// The value of `-dname`.
    static func argument(_ text: String) throws -> DistinguishedName {
        do {
            return try DistinguishedName(dname: text)
        } catch {
            throw Failure.input(javaWording(of: error.message))
        }
    }

    /// The JDK's exact words for the usual mistakes; what is wrong otherwise is told better by the library.
    private static func javaWording(of message: String) -> String {
        if message.hasSuffix("has no =") { return "Incorrect AVA format" }
        let beginnings = ["Character '", "Invalid escaped ", "Invalid trailing ", "AVA parse, "]
        if let start = beginnings.compactMap(message.firstRange(of:)).first { return String(message[start.lowerBound...]) }
        let ending = " is not a known keyword"
        guard message.hasSuffix(ending), let keyword = message.dropLast(ending.count).split(separator: ": ", maxSplits: 1).last else {
            return message
        }
        return "Invalid keyword \"\(keyword)\""
    }

    /// A name as it stands in a certificate.
    init(_ name: CertificateFields.Name) throws {
        do {
            self = try DistinguishedName(derEncoded: DER.parse(name.der))
        } catch {
            throw Failure.input("The name \(name) in the certificate cannot be used: \(error)")
        }
    }

    /// The common name, if it is evidently the host name of a server.
    var evidentHostName: String? {
        for relativeName in self {
            for attribute in relativeName where attribute.type == .RDNAttributeType.commonName {
                let name = String(describing: attribute.value)
                if HostName.isEvident(name) { return name }
            }
        }
        return nil
    }
}
