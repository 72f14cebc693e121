import Foundation
import ServalKeyStore

/// pyjks and cryptography, all files in one run of Python each way.
enum PythonStores {
    private struct Job: Codable {
        var tool: String
        var form = ""
        var path: String
        var password: String
        var keyPassword: String?
        var keys: [String: [String]] = [:]
        var certificates: [String: String] = [:]
    }

    private struct Answer: Codable {
        var refused: String?
        var keys: [String: [String]]?
        var certificates: [String: String]?
        var secrets: [String: String]?
    }

    static func write(_ files: [StoreFile], in folder: TemporaryFolder) async throws -> [StoreWriting] {
        let jobs = files.map { file in
            Job(
                tool: "write_\(file.writer.tool)",
                form: "\(file.writer.form)",
                path: file.path,
                password: file.kind.password,
                keyPassword: file.kind.ownKeyPassword,
                keys: file.contents.keys.mapValues { [base64($0.key.pkcs8)] + $0.chain.map { base64($0.der) } },
                certificates: file.contents.certificates.mapValues { base64($0.der) }.merging(file.contents.secrets.mapValues { _ in "secret" }) {
                    $1
                }
            )
        }
        return zip(files, try await run(jobs, "write", in: folder)).map { file, answer in
            answer.refused.map { .refused(file.writer, file.kind, $0) } ?? .file(file)
        }
    }

    static func read(_ files: [StoreFile], in folder: TemporaryFolder) async throws -> [StoreTool: [StoreReading]] {
        let jobs = [StoreTool.pyjks, .cryptography].map { tool in
            files.filter { $0.isRead(by: tool) }.map {
                Job(tool: "read_\(tool)", path: $0.path, password: $0.kind.password, keyPassword: $0.kind.ownKeyPassword)
            }
        }
        let readings = try await run(jobs.flatMap(\.self), "read", in: folder).map(reading)
        return [.pyjks: Array(readings.prefix(jobs[0].count)), .cryptography: Array(readings.suffix(jobs[1].count))]
    }

    private static func reading(_ answer: Answer) throws -> StoreReading {
        if let refused = answer.refused { return .refused(refused) }
        var contents = StoreContents()
        for (alias, parts) in answer.keys ?? [:] {
            contents.keys[alias.lowercased()] = StoreContents.Key(
                key: try PrivateKey(pkcs8: bytes(parts[0])),
                chain: parts.dropFirst().map { CertificateData(der: bytes($0)) }
            )
        }
        contents.certificates = (answer.certificates ?? [:]).reduce(into: [:]) { $0[$1.key.lowercased()] = CertificateData(der: bytes($1.value)) }
        contents.secrets = (answer.secrets ?? [:]).mapValues(bytes)
        // cryptography names no certificates but the key's.
        return .entries(contents, unmarked: Array(contents.certificates.values))
    }

    private static func run(_ jobs: [Job], _ name: String, in folder: TemporaryFolder) async throws -> [Answer] {
        let (program, input) = (folder.path + "/\(name).py", folder.path + "/\(name).json")
        try Data(PythonStores.program.utf8).write(to: URL(fileURLWithPath: program))
        try JSONEncoder().encode(jobs).write(to: URL(fileURLWithPath: input))
        // The system's Python, for which the packages are installed.
        let result = try await Command.run("/usr/bin/python3", [program, input])
        guard result.exitCode == 0 else { throw CocoaError(.fileReadCorruptFile, userInfo: [NSLocalizedDescriptionKey: result.errors]) }
        return try JSONDecoder().decode([Answer].self, from: Data(result.output.utf8))
    }

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func bytes(_ text: String) -> [UInt8] { Array(Data(base64Encoded: text) ?? Data()) }

    private static let program = #"""
        import base64, json, sys, warnings
        warnings.simplefilter("ignore")
        import jks
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.serialization import pkcs12

        text = lambda data: base64.b64encode(data).decode()
        data = lambda text: base64.b64decode(text)
        der = lambda certificate: text(certificate.public_bytes(serialization.Encoding.DER))

        def write_pyjks(job):
            entries = []
            for alias, certificate in job["certificates"].items():
                if certificate == "secret":
                    entries.append(jks.SecretKeyEntry.new(alias, None, "AES", bytes(16), 128))
                entries.append(jks.TrustedCertEntry.new(alias, data(certificate)))
            for alias, (key, *chain) in job["keys"].items():
                entry = jks.PrivateKeyEntry.new(alias, [data(part) for part in chain], data(key))
                if job.get("keyPassword"):
                    entry.encrypt(job["keyPassword"])
                entries.append(entry)
            jks.KeyStore.new(job["form"], entries).save(job["path"], job["password"])
            return {}

        def write_cryptography(job):
            name, key, certificate, others = None, None, None, []
            for alias, part in job["certificates"].items():
                if part == "secret":
                    name, key = alias.encode(), bytes(16)
                else:
                    others.append(x509.load_der_x509_certificate(data(part)))
            keys = []
            for alias, (private, *chain) in job["keys"].items():
                certificate, *more = [x509.load_der_x509_certificate(data(part)) for part in chain]
                name, others = alias.encode(), more + others
                keys.append(serialization.load_der_private_key(data(private), None))
            if keys:
                key = keys if len(keys) > 1 else keys[0]
            encryption = serialization.BestAvailableEncryption(job["password"].encode())
            with open(job["path"], "wb") as file:
                file.write(pkcs12.serialize_key_and_certificates(name, key, certificate, others, encryption))
            return {}

        def read_pyjks(job):
            store = jks.KeyStore.load(job["path"], job["password"])
            keys, secrets = {}, {}
            for alias, entry in store.private_keys.items():
                if not entry.is_decrypted():
                    entry.decrypt(job.get("keyPassword") or "")
                keys[alias] = [text(entry.pkey_pkcs8)] + [text(part) for _, part in entry.cert_chain]
            for alias, entry in store.secret_keys.items():
                secrets[alias] = text(entry.key)
            return {"keys": keys, "certificates": {alias: text(entry.cert) for alias, entry in store.certs.items()}, "secrets": secrets}

        def read_cryptography(job):
            with open(job["path"], "rb") as file:
                store = pkcs12.load_pkcs12(file.read(), job["password"].encode())
            chain = [part.certificate for part in store.additional_certs]
            keys, certificates = {}, {str(number): der(part) for number, part in enumerate(chain)}
            if store.key is not None:
                leaf = store.cert
                name = (leaf.friendly_name or b"").decode()
                # The others come in no order: those that issue follow.
                ordered = [leaf.certificate]
                while True:
                    issuer = next((part for part in chain if part.subject == ordered[-1].issuer and part not in ordered), None)
                    if issuer is None or ordered[-1].subject == ordered[-1].issuer:
                        break
                    ordered.append(issuer)
                key = store.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                keys[name] = [text(key)] + [der(part) for part in ordered]
            elif store.cert is not None:
                certificates["first"] = der(store.cert.certificate)
            return {"keys": keys, "certificates": certificates}

        answers = []
        for job in json.load(open(sys.argv[1])):
            try:
                answers.append(globals()[job["tool"]](job))
            except Exception as error:
                answers.append({"refused": f"{type(error).__name__}: {error}"})
        json.dump(answers, sys.stdout)
        """#
}
