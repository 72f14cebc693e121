import Foundation
import ServalKeyStore

/// What came of the attempt to write a file.
enum StoreWriting: Sendable {
    case file(StoreFile)
    /// The tool said no, in these words.
    case refused(StoreWriter, StoreKind, String)
}

/// Makes the files of the matrix.
struct StoreWriters: Sendable {
    let folder: TemporaryFolder
    let keys: MatrixKeys

    func write() async throws -> [StoreWriting] {
        let wanted = StoreWriter.all.flatMap { writer in writer.kinds.map { (writer, $0) } }
        async let python = PythonStores.write(wanted.filter { $0.0.tool == .pyjks || $0.0.tool == .cryptography }.map(file), in: folder)
        let others = try await StoreReaders.inParallel(wanted.filter { $0.0.tool != .pyjks && $0.0.tool != .cryptography }) {
            try await write($0, $1)
        }
        return try await StoreReaders.inParallel(try await python + others, check)
    }

    /// Looks with OpenSSL whether what was asked for is in the file.
    private func check(_ writing: StoreWriting) async throws -> StoreWriting {
        guard case .file(let file) = writing, file.writer.form.isPKCS12,
            file.kind == .keyPassword || file.kind == .several && file.writer.writesOneKey
        else { return writing }
        let legacy = file.writer.form == .legacy ? ["-legacy"] : []
        let arguments = ["pkcs12", "-in", file.path, "-nodes", "-nocerts", "-nomacver", "-passin", "pass:\(file.kind.password)"]
        let result = try await Command.run("openssl", arguments + legacy)
        let keys = try PEM.blocks(in: Array(result.output.utf8)).count { $0.label == "PRIVATE KEY" }
        guard keys == 1 else { return writing }
        let words = file.kind == .several ? "one key is in the file" : "the key has no password of its own: it opens with the store's"
        return .refused(file.writer, file.kind, words)
    }

    private func file(_ writer: StoreWriter, _ kind: StoreKind) -> StoreFile {
        let name = "\(writer.tool)-\(writer.form)-\(kind)"
        return StoreFile(writer: writer, kind: kind, path: "\(folder.path)/\(name)", contents: kind.contents(keys, oneKey: writer.writesOneKey))
    }

    private func write(_ writer: StoreWriter, _ kind: StoreKind) async throws -> StoreWriting {
        let file = file(writer, kind)
        let words =
            switch writer.tool {
            case .serval: library(file)
            case .jdk, .servalKeytool: try await keytool(file)
            case .openssl: try await openssl(file)
            case .pyjks, .cryptography: String?.none
            }
        return words.map { .refused(writer, kind, $0) } ?? .file(file)
    }

    // MARK: Each tool; what they say when they refuse

    private func library(_ file: StoreFile) -> String? {
        do {
            let format: KeyStoreFormat = file.writer.form == .jks ? .jks : file.writer.form == .jceks ? .jceks : .pkcs12
            let protection: PKCS12Protection = file.writer.form == .legacy ? .legacy : file.writer.form == .pbmac1 ? .pbmac1 : .modern
            let store = Self.store(file.contents, format: format, keyPassword: file.kind.ownKeyPassword)
            try store.write(to: file.path, password: file.kind.password, protection: protection)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func store(_ contents: StoreContents, format: KeyStoreFormat, keyPassword: String?) -> KeyStore {
        var store = KeyStore(format: format)
        for (alias, key) in contents.keys.sorted(by: { $0.key < $1.key }) {
            store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: key.key, chain: key.chain, password: keyPassword))), alias: alias)
        }
        for (alias, certificate) in contents.certificates { store.set(KeyStore.Entry(.trustedCertificate(certificate)), alias: alias) }
        for (alias, bytes) in contents.secrets {
            store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: SecretKey(algorithm: "AES", bytes: bytes)))), alias: alias)
        }
        return store
    }

    /// A keytool writes what it has read from a store that this library made.
    private func keytool(_ file: StoreFile) async throws -> String? {
        let source = file.path + ".source"
        let format: KeyStoreFormat = file.kind == .secret ? .jceks : .jks
        try Self.store(file.contents, format: format, keyPassword: nil).write(to: source, password: "changeit")
        let type = file.writer.form.isPKCS12 ? "PKCS12" : file.writer.form.rawValue
        var arguments = file.writer.form == .legacy ? ["-J-Dkeystore.pkcs12.legacy"] : []
        arguments += [
            "-importkeystore", "-noprompt", "-srckeystore", source, "-srcstorepass", "changeit", "-destkeystore", file.path,
            "-deststoretype", type, "-deststorepass", file.kind.password,
        ]
        // A key keeps the password that it had in the source unless it is named.
        if let password = file.kind.ownKeyPassword ?? (file.kind == .otherPassword ? file.kind.password : nil) {
            arguments += ["-srcalias", "rsa", "-srckeypass", "changeit", "-destkeypass", password]
        }
        let result = try await KeytoolProcess.run(file.writer.tool, arguments)
        let isComplete = result.exitCode == 0 && !result.errors.contains("Problem importing entry")
        return isComplete ? nil : result.output + result.errors
    }

    private func openssl(_ file: StoreFile) async throws -> String? {
        var arguments = ["pkcs12", "-export", "-passout", "pass:\(file.kind.password)", "-out", file.path]
        if file.writer.form == .legacy { arguments.append("-legacy") }
        let pem = { (certificates: [CertificateData]) in certificates.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined() }
        let others = pem(Array(file.contents.certificates.values))
        if let secret = file.contents.secrets.first {
            try Data(secret.value).write(to: URL(fileURLWithPath: file.path + ".key"))
            arguments += ["-nocerts", "-inkey", file.path + ".key", "-name", secret.key]
        } else if let alias = file.contents.keys.keys.first {
            let keys = file.contents.keys.values.map { PEM.encode($0.key.pkcs8, label: "PRIVATE KEY") + pem($0.chain) }.joined()
            try Data((keys + others).utf8).write(to: URL(fileURLWithPath: file.path + ".pem"))
            arguments += ["-in", file.path + ".pem", "-name", alias]
        } else {
            try Data(others.utf8).write(to: URL(fileURLWithPath: file.path + ".pem"))
            arguments += ["-nokeys", "-in", file.path + ".pem"]
        }
        let result = try await Command.run("openssl", arguments)
        return result.exitCode == 0 ? nil : result.errors
    }
}
