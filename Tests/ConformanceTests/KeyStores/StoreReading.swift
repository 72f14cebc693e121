import Foundation
import ServalKeyStore

/// What a tool made of a file.
enum StoreReading: Sendable {
    /// The tool said no, in these words.
    case refused(String)
    /// What it found; aliases in lower case.
    case entries(StoreContents, unmarked: [CertificateData])
    /// What it found without telling what belongs together.
    case parts(keys: [PrivateKey], certificates: Set<CertificateData>)
}

/// What a cell of the matrix says.
enum StoreCell: Equatable, Sendable {
    case same
    /// The file is read, but not all of what the row is about is there.
    case lacks
    case refused(String)

    /// - Parameter expected: What the row is about.
    init(_ reading: StoreReading, expected: StoreContents) {
        switch reading {
        case .refused(let words): self = .refused(words)
        case .entries(let found, let unmarked):
            let keys = expected.keys.allSatisfy { found.keys[$0.key]?.key == $0.value.key && found.keys[$0.key]?.chain == $0.value.chain }
            let bare = Set(unmarked)
            let certificates = expected.certificates.allSatisfy { found.certificates[$0.key] == $0.value || bare.contains($0.value) }
            let secrets = expected.secrets.allSatisfy { found.secrets[$0.key] == $0.value }
            self = keys && certificates && secrets ? .same : .lacks
        case .parts(let keys, let certificates):
            let hasKeys = expected.keys.values.allSatisfy { wanted in keys.contains(wanted.key) && certificates.isSuperset(of: wanted.chain) }
            self = hasKeys && certificates.isSuperset(of: expected.certificates.values) && expected.secrets.isEmpty ? .same : .lacks
        }
    }
}

/// Reads the files of the matrix with one tool after the other.
enum StoreReaders {
    /// All readings, by tool; a list is in the order of the files that the tool has to read.
    static func read(_ files: [StoreFile], in folder: TemporaryFolder) async throws -> [StoreTool: [StoreReading]] {
        async let python = PythonStores.read(files, in: folder)
        var readings: [StoreTool: [StoreReading]] = [:]
        readings[.serval] = files.filter { $0.isRead(by: .serval) }.map(read)
        for tool in [StoreTool.jdk, .servalKeytool] {
            readings[tool] = try await inParallel(files.filter { $0.isRead(by: tool) }) { try await keytool(tool, $0, in: folder) }
        }
        readings[.openssl] = try await inParallel(files.filter { $0.isRead(by: .openssl) }, openssl)
        readings.merge(try await python) { $1 }
        return readings
    }

    /// Two at a time: enough for the machines that run tests.
    static func inParallel<Item: Sendable, Value: Sendable>(
        _ items: [Item],
        _ body: @escaping @Sendable (Item) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            var values: [Int: Value] = [:]
            for (index, item) in items.enumerated() {
                if index >= 2, let (done, value) = try await group.next() { values[done] = value }
                group.addTask { (index, try await body(item)) }
            }
            for try await (done, value) in group { values[done] = value }
            return items.indices.compactMap { values[$0] }
        }
    }

    // MARK: Each tool

    /// The library itself.
    private static func read(_ file: StoreFile) -> StoreReading {
        do {
            let store = try KeyStore(contentsOf: file.path, password: file.kind.password)
            return .entries(try contents(store, keyPassword: file.kind.ownKeyPassword), unmarked: store.unmarkedCertificates)
        } catch {
            return .refused("\(error)")
        }
    }

    static func contents(_ store: KeyStore, keyPassword: String? = nil) throws -> StoreContents {
        var contents = StoreContents()
        for alias in store.aliases {
            switch store[alias]?.content {
            case .privateKey(let entry):
                contents.keys[alias.lowercased()] = StoreContents.Key(key: try entry.privateKey(password: keyPassword), chain: entry.certificateChain)
            case .trustedCertificate(let certificate): contents.certificates[alias.lowercased()] = certificate
            case .secretKey(let entry): contents.secrets[alias.lowercased()] = try entry.secretKey(password: keyPassword).bytes
            case nil: continue
            }
        }
        return contents
    }

    /// A keytool reads a store by bringing it into a new one, which this library then reads: keys have to be decrypted on the way.
    private static func keytool(_ tool: StoreTool, _ file: StoreFile, in folder: TemporaryFolder) async throws -> StoreReading {
        let target = folder.path + "/read-\(UUID().uuidString).p12"
        var arguments = [
            "-importkeystore", "-noprompt", "-srckeystore", file.path, "-srcstorepass", file.kind.password, "-destkeystore", target,
            "-deststoretype", "PKCS12", "-deststorepass", "changeit",
        ]
        if let password = file.kind.ownKeyPassword { arguments += ["-srcalias", "rsa", "-srckeypass", password, "-destkeypass", "changeit"] }
        let result = try await KeytoolProcess.run(tool, arguments, fewRounds: true)
        guard result.exitCode == 0 else { return .refused(result.output + result.errors) }
        guard FileManager.default.fileExists(atPath: target) else { return .entries(StoreContents(), unmarked: []) }
        let store = try KeyStore(contentsOf: target, password: "changeit")
        return .entries(try contents(store), unmarked: [])
    }

    private static func openssl(_ file: StoreFile) async throws -> StoreReading {
        let legacy = file.writer.form == .legacy ? ["-legacy"] : []
        let result = try await Command.run(
            "openssl",
            ["pkcs12", "-in", file.path, "-nodes", "-passin", "pass:\(file.kind.password)"] + legacy
        )
        guard result.exitCode == 0 else { return .refused(result.errors) }
        var keys: [PrivateKey] = []
        var certificates: Set<CertificateData> = []
        for block in try PEM.blocks(in: Array(result.output.utf8)) {
            if block.label == "CERTIFICATE" { certificates.insert(CertificateData(der: block.bytes)) }
            if block.label == "PRIVATE KEY" { keys.append(try PrivateKey(pkcs8: block.bytes)) }
        }
        return .parts(keys: keys, certificates: certificates)
    }
}

/// The JDK's keytool, and the one that takes its place.
enum KeytoolProcess {
    /// - Parameter fewRounds: Makes a PKCS12 store that protects nothing and costs no time; only the JDK's tool knows how to.
    static func run(_ tool: StoreTool, _ arguments: [String], fewRounds: Bool = false) async throws -> CommandResult {
        let options =
            ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-Duser.language=en", "-J-Djdk.jceks.iterationCount=10000"]
            + (fewRounds ? ["keyPbe", "certPbe", "mac"].map { "-J-Dkeystore.pkcs12.\($0)IterationCount=1" } : [])
        return try await Command.run(
            tool == .jdk ? "keytool" : Command.keytool,
            (tool == .jdk ? options : []) + arguments,
            environment: ["LC_ALL": "C.UTF-8"]
        )
    }
}
