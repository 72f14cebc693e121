import ServalKeyStore
import SwiftASN1
import X509

@testable import ServalKeytool

/// Distinguished names as text, the way `-dname` takes them.
enum NameFuzzing {
    static func run(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        guard let name = try? DistinguishedName(dname: text) else { return }
        // A name that was taken can be put into a certificate.
        var serializer = DER.Serializer()
        expect((try? serializer.serialize(name)) != nil, "a name that was read can be encoded")
        let again = try? DistinguishedName(derEncoded: DER.parse(serializer.serializedBytes))
        expect(again == name, "a name that was encoded is the same")
        _ = name.dname
        _ = name.evidentHostName
    }
}
