import SwiftASN1
public import X509

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension SubjectAlternativeNames {
    /// The names for a server that is reached under these hosts: IP addresses as such, everything else as DNS names.
    ///
    /// - Parameter hosts: Such as `example.org`, `*.example.org`, `127.0.0.1`, `::1`.
    /// - Throws: `invalidInput` for an empty host, or one with characters that a DNS name in ASCII form does not have.
    public init(hosts: [String]) throws(KeyStoreError) {
        var names: [GeneralName] = []
        for host in hosts {
            if let address = Self.address(host) {
                names.append(.ipAddress(ASN1OctetString(contentBytes: address[...])))
                continue
            }
            let isName = host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "*"): true
                default: false
                }
            }
            guard isName, (1...253).contains(host.utf8.count) else {
                throw KeyStoreError(.invalidInput, "“\(host)” is neither an IP address nor a DNS name in ASCII form")
            }
            names.append(.dnsName(host))
        }
        self.init(names)
    }

    private static func address(_ host: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, host, &bytes) == 1 ? bytes : nil
    }
}
