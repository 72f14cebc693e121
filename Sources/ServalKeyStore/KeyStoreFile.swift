extension KeyStore {
    /// Reads the store in the file at `path`.
    ///
    /// - Throws: As ``init(bytes:password:)``, and `fileNotFound` or `unreadable`; every message names the file.
    public init(contentsOf path: String, password: String?) throws(KeyStoreError) {
        let bytes = try KeyFile.read(path)
        do throws(KeyStoreError) {
            try self.init(bytes: bytes, password: password)
        } catch {
            throw error.about(path)
        }
    }

    /// Writes the store to the file at `path`, all or nothing.
    ///
    /// The bytes go to a new file in the same folder, with the mode of the file that is replaced or 0600, are flushed to the disk and take the
    /// old file's place in one step. On failure the old file is as it was.
    /// - Throws: As ``serialized(password:protection:)``, and `writeFailed`.
    public func write(to path: String, password: String, protection: PKCS12Protection = .modern) throws(KeyStoreError) {
        try KeyFile.write(serialized(password: password, protection: protection), to: path)
    }
}
