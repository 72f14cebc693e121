import Foundation
import Testing

/// The stock configuration of Debian's tomcat10, as the package lays it down.
@Suite struct TomcatConfigurationTests {
    @Test func stockConfigurationStarts() async throws {
        let source = ["/etc/tomcat10", "/usr/share/tomcat10/etc"].first { FileManager.default.fileExists(atPath: $0 + "/server.xml") }
        let stock = try #require(source, "the package tomcat10 is not installed; scripts/prepare test installs it")
        let server = try await ServalProcess.start { base in
            try FileManager.default.removeItem(atPath: base.path + "/conf")
            try FileManager.default.createDirectory(atPath: base.path + "/conf", withIntermediateDirectories: true)
            for file in try FileManager.default.contentsOfDirectory(atPath: stock) where file.hasSuffix(".xml") || file.hasSuffix(".properties") {
                try FileManager.default.copyItem(atPath: "\(stock)/\(file)", toPath: "\(base.path)/conf/\(file)")
            }
            try base.write(ServalProcess.withFreePorts(base.read("conf/server.xml")), to: "conf/server.xml")
            try base.write("<html><body>mine</body></html>", to: "webapps/mine/index.html")
            try base.write("<%= secret %>", to: "webapps/mine/page.jsp")
        }
        let page = try await server.curl("/mine/", kind: "http")
        #expect(page.output.contains("mine"))
        let source2 = try await server.curl("/mine/page.jsp", ["-w", "%{http_code}"], kind: "http")
        #expect(!source2.output.contains("secret"), "a JSP page's source must not be served")
        #expect(!server.errors.contains("ERROR"), "\(server.errors)")
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
    }
}
