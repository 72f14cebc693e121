/// Puts a key and its chain together from PEM files.
enum PEMIdentity {
    static func load(
        certificatePath: String,
        keyPath: String?,
        chainPath: String?,
        password: String?
    ) throws(KeyStoreError) -> KeyStoreIdentity {
        let certificates = try PEM.certificates(contentsOf: certificatePath)
        let key = try PEM.privateKey(contentsOf: keyPath ?? certificatePath, password: password)
        let more = if let chainPath { try PEM.certificates(contentsOf: chainPath) } else { [CertificateData]() }
        // A file with nothing that belongs to the key is the wrong file; the error then speaks of its first certificate.
        let leaf = certificates.first(where: key.matches) ?? certificates[0]
        let chain = CertificateChain.build(leaf: leaf, from: certificates + more)
        do throws(KeyStoreError) {
            return try KeyStoreIdentity(privateKey: key, chain: chain)
        } catch {
            throw error.about(keyPath.map { "\($0) and \(certificatePath)" } ?? certificatePath)
        }
    }
}
