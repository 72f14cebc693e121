public import X509

extension DistinguishedName {
    /// Reads a name as keytool's `-dname` takes it: `CN=Duke, OU=Java, O="Example, Inc.", C=US`.
    ///
    /// The first part is the last in the encoded name, as in RFC 2253. Parts are separated by `,` or `;`, several attributes of one part by `+`; values may be quoted or escaped with a
    /// backslash (`\,` or `\2C`), or be DER as `#` with hexadecimal digits. Keywords, in any case: CN, C, L, S, ST, O, OU, T, IP, STREET, DC,
    /// DNQUALIFIER, DNQ, SURNAME, GIVENNAME, INITIALS, GENERATION, EMAIL, EMAILADDRESS, UID, SERIALNUMBER, and object identifiers with or without `OID.`.
    /// Encoded as the JDK does: IA5String for DC and EMAILADDRESS, PrintableString where the characters allow it, UTF8String elsewhere.
    /// The empty text is the empty name.
    /// - Throws: `invalidInput`.
    public init(dname: String) throws(KeyStoreError) {
        self = try JavaNameParser.parse(dname)
    }

    /// The name as Java's `X500Name.toString()` prints it: `CN=Duke, OU=Java, O="Example, Inc."`.
    public var dname: String { JavaNameText.text(of: self) }
}
