import X509
enum JavaNameParser {
    static func parse(_ text: String) throws(KeyStoreError) -> DistinguishedName { throw KeyStoreError(.invalidInput, "stub") }
}
enum JavaNameText {
    static func text(of: DistinguishedName) -> String { "" }
}
