import Glibc
import SwiftASN1
import X509

@testable import ServalKeyStore
@testable import ServalKeytool

/// What the key tool reads besides key stores: the small languages of its options, requests, revocation lists, jar files.
enum KeytoolFuzzing {
    static func extensions(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        let arguments = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(8).map(String.init)
        guard let parsed = try? ExtensionArguments(Array(arguments)) else { return }
        expect(parsed.extensions.count <= arguments.count, "each argument makes one extension at most")
        _ = ExtensionDump.text(
            parsed.extensions.map { CertificateFields.Extension(oid: $0.oid.description, isCritical: $0.critical, value: Array($0.value)) }
        )
    }

    static func startDate(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        _ = try? StartDate.resolve(text, now: 1_800_000_000)
    }

    static func properties(_ bytes: [UInt8]) {
        _ = PropertyFile(bytes)
    }

    static func request(_ bytes: [UInt8]) {
        guard let request = try? CertificateRequestFields(der: bytes) else { return }
        _ = try? CertificateRequestText.text(request)
    }

    static func revocationList(_ bytes: [UInt8]) {
        guard let list = try? RevocationList(der: bytes) else { return }
        _ = ExtensionDump.revocationText(list.extensions ?? [], indentation: "")
        var count = 0
        try? list.forEachEntry { entry in
            count += 1
            if count <= 16 {
                _ = ExtensionDump.revocationText(entry.extensions, indentation: "    ")
            }
        }
        _ = list.isSigned(by: CertificateData(der: bytes))
    }

    static func inflate(_ bytes: [UInt8]) {
        let limit = 1 << 16
        if let contents = Inflate.decompress(bytes[...], limit: limit) { expect(contents.count <= limit, "the limit holds") }
    }

    /// Jar files are read by path: the bytes go to a file in memory.
    static func jar(_ bytes: [UInt8]) {
        let path = "/dev/shm/serval-fuzz-\(getpid()).jar"
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer {
            close(file)
            unlink(path)
        }
        guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == bytes.count else { return }
        if let archive = try? ZipArchive(path: path) {
            for entry in archive.entries.prefix(16) { _ = try? archive.contents(of: entry, limit: 1 << 16) }
        }
        _ = try? SignedJar(path: path)
    }
}
