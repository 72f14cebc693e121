import Foundation
import TestPrograms
import Testing

@Suite("The project's own files")
struct ProjectFileTests {
    @Test("make help names every target, and every target calls a script that is there")
    func makefile() throws {
        let makefile = try Repository.text(of: "Makefile")
        let phony = try #require(makefile.firstMatch(of: #/\.PHONY:(.*)/#)).1.split(separator: " ").map(String.init)
        let rules = makefile.matches(of: #/(?m)^([a-z-]+):/#).map { String($0.1) }
        #expect(rules.sorted() == phony.sorted())
        #expect(Set(["run", "test", "bench", "format", "lint", "docs"]).isSubset(of: phony))

        let help = try output(of: "make", ["--no-print-directory", "help"])
        for target in phony {
            #expect(help.contains("make \(target) "), "make help does not name \(target)")
        }
        for script in makefile.matches(of: #/scripts/[a-z-]+/#).map({ String($0.0) }) {
            #expect(FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: script).path), "\(script)")
        }
    }

    @Test(
        "What users look for is there",
        arguments: [
            "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", ".swift-format", ".editorconfig", ".ci/run",
            "docs/architecture.md",
            "docs/configuration.md", "docs/operations.md", "docs/threat-model.md", "conf/server.xml", "conf/web.xml", "conf/context.xml",
            "conf/logging.properties", "webapps/ROOT/index.html", "webapps/examples/WEB-INF/web.xml",
        ]
    )
    func files(path: String) {
        #expect(Repository.contains(path))
    }

    @Test("What serval init lays down is what conf/ and webapps/ say")
    func embeddedFiles() throws {
        _ = try output(of: "scripts/embed", ["--check"])
    }

    @Test("Links between the documents lead somewhere")
    func links() throws {
        let pages =
            ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"] + (try Repository.paths(in: "docs").filter { $0.hasSuffix(".md") })
        for page in pages {
            let folder = page.contains("/") ? page.split(separator: "/").dropLast().joined(separator: "/") + "/" : ""
            for link in try Repository.text(of: page).matches(of: #/\]\(([^)#:\s]+)(?:#[^)]*)?\)/#) {
                #expect(Repository.contains(folder + link.1), "\(page) links to \(link.1)")
            }
        }
    }

    @Test("Links into the middle of a document lead to a heading")
    func anchors() throws {
        let pages = ["README.md"] + (try Repository.paths(in: "docs").filter { $0.hasSuffix(".md") })
        for page in pages {
            let folder = page.hasPrefix("docs/") ? "docs/" : ""
            for link in try Repository.text(of: page).matches(of: #/\]\(([^)#:\s]*)#([^)]+)\)/#) {
                let target = link.1.isEmpty ? page : folder + link.1
                let headings = try Repository.text(of: target).matches(of: #/(?m)^#+ (.+)$/#).map { Self.anchor(of: $0.1) }
                #expect(headings.contains(String(link.2)), "\(page) links to \(link.1)#\(link.2)")
            }
        }
    }

    /// How GitHub and others name a heading.
    private static func anchor(of heading: Substring) -> String {
        String(heading.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }.map { $0 == " " ? "-" : $0 })
    }

    @Test("No page sends its readers to authorities' pages of twenty years ago; chains are imported from files")
    func linksToTheChainsOfOldAuthorities() throws {
        let pages = ["README.md"] + (try Repository.paths(in: "docs") + Repository.paths(in: "webapps"))
        for page in pages where page.hasSuffix(".md") || page.hasSuffix(".html") {
            let text = try Repository.text(of: page).lowercased()
            for name in ["verisign.com", "trustcenter.de", "thawte.com"] { #expect(!text.contains(name), "\(page) names \(name)") }
        }
        let guide = try Repository.text(of: "docs/keytool.md")
        #expect(guide.contains("-import -alias root -keystore conf/keystore.p12 -trustcacerts -file chain.pem"))
        #expect(guide.contains("](https://docs.openssl.org/"))
    }

    @Test("The pages that are laid down load nothing from elsewhere", arguments: ["webapps"])
    func selfContainedPages(folder: String) throws {
        for path in try Repository.paths(in: folder) where path.hasSuffix(".html") || path.hasSuffix(".css") || path.hasSuffix(".svg") {
            let text = try Repository.text(of: path)
            let loads = text.matches(of: #/(?:src|srcset)="(?:https?:)?//|<link[^>]*href="(?:https?:)?//|url\(\s*['"]?(?:https?:)?//|@import/#)
            #expect(loads.isEmpty, "\(path) loads \(loads.map { String($0.0) })")
        }
    }

    private func output(of command: String, _ arguments: [String]) throws -> String {
        let process = ChildProcess()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [command] + arguments
        process.currentDirectoryURL = Repository.root
        // The tests may themselves run under make.
        process.environment = ProcessInfo.processInfo.environment.filter { !["MAKEFLAGS", "MAKELEVEL", "MFLAGS"].contains($0.key) }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }
}
