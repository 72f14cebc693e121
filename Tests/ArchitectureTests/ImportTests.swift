import Foundation
import Testing

@Suite("Imports go one way")
struct ImportTests {
    @Test("Every file imports only what its target may know")
    func imports() throws {
        let files = try Repository.swiftFiles(in: "Sources")
        #expect(files.count >= HouseRules.allowed.count - 1)
        #expect(files.flatMap(HouseRules.importViolations(of:)) == [])
    }

    @Test("Every target's dependencies in Package.swift keep the same rules")
    func packageDependencies() throws {
        let targets = PackageManifest(text: try Repository.text(of: "Package.swift")).targets.filter { $0.place == .sources }
        #expect(Set(targets.map(\.name)) == Set(HouseRules.allowed.keys))
        for target in targets {
            let permitted = try #require(HouseRules.allowed[target.name])
            let own = target.dependencies.filter { HouseRules.allowed[$0] != nil }
            #expect(own.subtracting(permitted) == [], "\(target.name) in Package.swift")
            if HouseRules.withoutNIO.contains(target.name) {
                #expect(!target.dependencies.contains { $0.lowercased().hasPrefix("nio") }, "\(target.name) in Package.swift")
            }
        }
    }

    @Test("The rules themselves have no circle")
    func noCircles() {
        var done: Set<String> = []
        var remaining = HouseRules.allowed
        while let next = remaining.first(where: { $0.value.isSubset(of: done) }) {
            done.insert(next.key)
            remaining[next.key] = nil
        }
        #expect(remaining.keys.sorted() == [])
    }

    @Test("Every target has a folder, and every folder a target")
    func folders() throws {
        let manifest = PackageManifest(text: try Repository.text(of: "Package.swift"))
        for (folder, place) in [("Sources", PackageManifest.Place.sources), ("Tests", .tests)] {
            let folders = try FileManager.default.contentsOfDirectory(atPath: Repository.root.appending(path: folder).path)
            let names = manifest.targets.filter { $0.place == place }.map(\.name)
            #expect(folders.filter { !$0.hasPrefix(".") }.sorted() == names.sorted())
        }
    }

    @Test(
        "A wrong import is found",
        arguments: [
            ("ServalSessions", "import NIOCore", "must not import NIO"),
            ("ServalKeyStore", "public import ServalTLS", "must not import ServalTLS"),
            ("ServalServlet", "@_exported public import ServalContainer", "must not import ServalContainer"),
            ("ServalHTTP", "internal import struct ServalContainer.Context", "must not import ServalContainer"),
            ("ServalConfiguration", "import ServalTLSOpenSSL", "only Serval imports"),
            ("ServalTLS", "@preconcurrency import COpenSSL", "touch COpenSSL"),
            ("ServalCommand", "    import Foundation", "not used in Sources"),
            ("ServalTesting", "import ServalFileStore", "only Serval imports"),
            ("ServalNovelty", "import Logging", "not in HouseRules"),
        ]
    )
    func wrongImport(target: String, line: String, expected: String) {
        let file = SourceFile(path: "Sources/\(target)/File.swift", text: "// A file.\n\(line)\n")
        #expect(HouseRules.importViolations(of: file).contains { $0.contains(expected) })
    }

    @Test(
        "A right import is left alone",
        arguments: [
            ("ServalHTTP", "public import ServalServlet"), ("Serval", "import ServalTLSOpenSSL"), ("ServalTLSOpenSSL", "import COpenSSL"),
            ("ServalSessions", "import FoundationEssentials"), ("ServalSessions", "// import NIOCore"), ("ServalHTTP", "import NIOPosix"),
        ]
    )
    func rightImport(target: String, line: String) {
        let file = SourceFile(path: "Sources/\(target)/File.swift", text: line)
        #expect(HouseRules.importViolations(of: file) == [])
    }
}
