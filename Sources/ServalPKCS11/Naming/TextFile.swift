import ServalKeyStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Small files of text.
enum TextFile {
    /// The bytes of a regular file of at most 64 KiB, as UTF-8.
    ///
    /// - Throws: `fileNotFound`, `unreadable`.
    static func read(_ path: String) throws(KeyStoreError) -> String {
        // Without O_NONBLOCK opening a named pipe would wait for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
            throw KeyStoreError(errno == ENOENT ? .fileNotFound : .unreadable, "The file [\(path)] cannot be read: \(reason)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= 65536 {
            let count = readBytes(descriptor, &chunk, chunk.count)
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw KeyStoreError(.unreadable, "The file [\(path)] cannot be read")
            }
            bytes += chunk[..<count]
        }
        guard bytes.count <= 65536, let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyStoreError(.unreadable, "The file [\(path)] is larger than 64 KiB or not text in UTF-8")
        }
        return text
    }

    static func firstLine(of path: String) throws(KeyStoreError) -> String {
        String(try read(path).prefix { !$0.isNewline })
    }
}

private func readBytes(_ descriptor: Int32, _ bytes: inout [UInt8], _ count: Int) -> Int { read(descriptor, &bytes, count) }
