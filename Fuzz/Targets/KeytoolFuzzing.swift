import ServalKeyStore
import SwiftASN1
import X509

@testable import ServalKeytool

/// The small languages of the key tool's options.
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
}
