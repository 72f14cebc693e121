import Foundation
import Testing

@testable import ServalTLS

/// Files of authorities that are damaged, and have more in them than certificates.
@Suite struct PEMFileTests {
    private static let certificate = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"
    private static let secret = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
    private static let key = "-----BEGIN PRIVATE KEY-----\n\(secret)\n-----END PRIVATE KEY-----\n"

    private func certificates(_ text: String) throws -> [[UInt8]] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("pem-\(UUID().uuidString).pem").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try pemCertificates(inFile: path)
    }

    @Test func certificatesAreTakenAndKeysPassedOver() throws {
        #expect(try self.certificates("# comment\n" + Self.key + Self.certificate + Self.certificate) == [[0, 1, 2], [0, 1, 2]])
        #expect(try self.certificates("nothing") == [])
    }

    @Test(arguments: [
        certificate + String(key.dropLast(10)), certificate + "-----BEGIN PRIVATE KEY-----\n" + secret,
        certificate + key.replacingOccurrences(of: "MIGH", with: "M*GH"),
    ])
    func aDamagedFileIsToldByItsLineAndWithoutItsContents(text: String) {
        let error = #expect(throws: TLSError.self) { try self.certificates(text) }
        #expect(error?.message.contains("line ") == true)
        #expect(error?.message.contains("MBMGByqGSM49") == false)
        #expect((error?.message.utf8.count ?? 0) < 300)
    }
}
