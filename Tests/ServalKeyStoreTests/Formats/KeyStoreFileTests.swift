import Foundation
import ServalKeyStore
import Testing

@Suite struct KeyStoreFileTests {
    let folder: Folder
    let store: KeyStore

    init() throws {
        folder = try Folder()
        var store = KeyStore(format: .jks)
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let certificate = try SelfSignedCertificate.make(key: key, subject: .init(dname: "CN=a"))
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: key, chain: [certificate]))), alias: "a")
        self.store = store
    }

    private func mode(_ name: String) throws -> Int {
        try (FileManager.default.attributesOfItem(atPath: folder(name))[.posixPermissions] as? Int) ?? -1
    }

    private var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }

    @Test func aNewFileIsForItsOwnerOnly() throws {
        try store.write(to: folder("a.jks"), password: "changeit")
        #expect(try mode("a.jks") == 0o600)
        #expect(try files == ["a.jks"])
        #expect(try KeyStore(contentsOf: folder("a.jks"), password: "changeit").aliases == ["a"])
    }

    @Test func aReplacedFileKeepsItsModeAndItsLink() throws {
        try store.write(to: folder("a.jks"), password: "changeit")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder("a.jks"))
        try FileManager.default.createSymbolicLink(atPath: folder("link.jks"), withDestinationPath: "a.jks")
        try store.write(to: folder("link.jks"), password: "another")
        #expect(try mode("a.jks") == 0o640)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder("link.jks")) == "a.jks")
        #expect(try KeyStore(contentsOf: folder("a.jks"), password: "another").count == 1)
    }

    @Test func aFailureLeavesTheOldFile() throws {
        try store.write(to: folder("a.jks"), password: "changeit")
        let old = try folder.bytes("a.jks")
        #expect(code { try KeyFile.write([1, 2, 3], to: folder("a.jks"), flush: { _ in -1 }) } == .writeFailed)
        #expect(try folder.bytes("a.jks") == old)
        #expect(try files == ["a.jks"])
        var broken = store
        broken.set(KeyStore.Entry(.trustedCertificate(CertificateData(der: []))), alias: String(repeating: "a", count: 70_000))
        #expect(code { try broken.write(to: folder("a.jks"), password: "changeit") } == .invalidInput)
        #expect(try folder.bytes("a.jks") == old)
    }

    /// Moving a file into the place of a pipe or a device would take it away from everybody who uses it.
    @Test func onlyFilesAreReplaced() throws {
        #expect(mkfifo(folder("pipe"), 0o600) == 0)
        #expect(code { try store.write(to: folder("pipe"), password: "changeit") } == .writeFailed)
        #expect(try FileManager.default.attributesOfItem(atPath: folder("pipe"))[.type] as? FileAttributeType != .typeRegular)
        #expect(try files == ["pipe"])
    }

    @Test func foldersThatCannotBeWrittenAreNamed() throws {
        try FileManager.default.createDirectory(atPath: folder("a.jks"), withIntermediateDirectories: false)
        // A folder stands where the file should go; and a folder that is not there; and one where nobody may create files.
        for path in [folder("a.jks"), folder("missing/a.jks"), "/proc/self/a.jks"] {
            do {
                try store.write(to: path, password: "changeit")
                Issue.record("\(path) was written")
            } catch {
                #expect(error.code == .writeFailed && error.message.contains(path))
            }
        }
        #expect(try files == ["a.jks"])
    }

    @Test func aReadOnlyFolderKeepsTheOldFile() throws {
        try store.write(to: folder("a.jks"), password: "changeit")
        let old = try folder.bytes("a.jks")
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path) }
        // The administrator may write everywhere; for everybody else this fails, and either way a whole file is there afterwards.
        let failed = code { try store.write(to: folder("a.jks"), password: "changeit") }
        #expect(failed == (geteuid() == 0 ? nil : .writeFailed))
        if failed != nil { #expect(try folder.bytes("a.jks") == old) }
        #expect(try KeyStore(contentsOf: folder("a.jks"), password: "changeit").count == 1)
    }

    @Test func missingUnreadableAndEmptyFilesAreTold() throws {
        func error(_ path: String) -> KeyStoreError? {
            do {
                _ = try KeyStore(contentsOf: path, password: "changeit")
                return nil
            } catch {
                return error
            }
        }
        #expect(error(folder("none.jks"))?.code == .fileNotFound)
        #expect(error(folder("none.jks"))?.message == "\(folder("none.jks")) (No such file or directory)")
        #expect(error(folder.path)?.code == .unreadable)
        try folder.write([], "empty.jks")
        #expect(error(folder("empty.jks"))?.code == .empty)
        try folder.write([1, 2, 3], "odd.jks")
        #expect(error(folder("odd.jks"))?.code == .notAKeyStore)
        #expect(error(folder("odd.jks"))?.message.contains(folder("odd.jks")) == true)
    }
}
