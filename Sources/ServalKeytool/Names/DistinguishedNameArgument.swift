import ServalKeyStore
import X509

extension DistinguishedName {
    /// The value of `-dname`.
    static func argument(_ text: String) throws -> DistinguishedName {
        do {
            return try DistinguishedName(dname: text)
        } catch {
            throw Failure(error)
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
