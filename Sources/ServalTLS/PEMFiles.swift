import ServalKeyStore

/// Complains about a file that is not there, in the words of a start, before anybody else complains in others.
func checkFile(_ path: String, what: String? = nil) throws(TLSError) {
    do {
        try checkReadable(path)
    } catch {
        let words = "Configured file [\(path)] \(fileObstacle(path) ?? "cannot be read: \(error.cause)")"
        throw TLSError(.fileNotFound, what.map { "\($0) [\(words)]" } ?? words)
    }
}

/// The certificates of a PEM file in DER, at most 16 MiB of text; what is not a certificate is left out.
func pemCertificates(inFile path: String) throws(TLSError) -> [[UInt8]] {
    let bytes: [UInt8]
    do {
        bytes = try readFile(path, limit: 16 << 20)
    } catch {
        throw TLSError(.fileNotFound, "Configured file [\(path)] \(fileObstacle(path) ?? "cannot be read: \(error.cause)")")
    }
    do {
        return try PEM.blocks(in: bytes).filter { $0.label == "CERTIFICATE" || $0.label == "X509 CERTIFICATE" }.map(\.bytes)
    } catch {
        // The line, and nothing of what stands there: certificates and keys often share a file.
        throw TLSError(.invalidKeyMaterial, "The file [\(path)] is not valid PEM: \(error.message)")
    }
}

/// The regular files in a directory, at most 10,000 of them.
///
/// OpenSSL's names by hash are usually links to the same files; of several links to one file each counts, which does no harm.
package func filesInDirectory(_ path: String) throws(TLSError) -> [String] {
    let names: [String]
    do {
        names = try directoryEntries(path)
    } catch {
        throw TLSError(.fileNotFound, "Configured directory [\(path)] cannot be read: \(error.cause)")
    }
    guard names.count <= 10_000 else { throw TLSError(.invalidConfiguration, "Configured directory [\(path)] has more than 10,000 files") }
    return names.filter { !$0.hasPrefix(".") }.map { "\(path)/\($0)" }
}
