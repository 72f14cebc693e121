/// The names of key purposes (extended key usage) that the JDK knows.
enum KeyPurpose {
    /// In the JDK's order, which also decides which name an abbreviation means.
    static let all: [(name: String, oid: String)] = [
        ("anyExtendedKeyUsage", "2.5.29.37.0"),
        ("serverAuth", "1.3.6.1.5.5.7.3.1"),
        ("clientAuth", "1.3.6.1.5.5.7.3.2"),
        ("codeSigning", "1.3.6.1.5.5.7.3.3"),
        ("emailProtection", "1.3.6.1.5.5.7.3.4"),
        ("ipsecEndSystem", "1.3.6.1.5.5.7.3.5"),
        ("ipsecTunnel", "1.3.6.1.5.5.7.3.6"),
        ("ipsecUser", "1.3.6.1.5.5.7.3.7"),
        ("timeStamping", "1.3.6.1.5.5.7.3.8"),
        ("OCSPSigning", "1.3.6.1.5.5.7.3.9"),
        ("MICROSOFT_ExportApproved", "1.3.6.1.4.1.311.10.3.3"),
        ("NETSCAPE_ExportApproved", "2.16.840.1.113730.4.1"),
    ]

    static func name(of oid: String) -> String? {
        all.first { $0.oid == oid }?.name
    }
}
