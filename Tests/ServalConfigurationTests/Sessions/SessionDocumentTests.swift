import Foundation
import Testing

@testable import ServalConfiguration

/// What the documents for operators have to say of sessions.
@Suite("Documents about sessions")
struct SessionDocumentTests {
    private static let page: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL
        return (try? String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)) ?? ""
    }()

    private static func section(_ title: String) -> Substring {
        let rest = Self.page.components(separatedBy: "\n\(title)\n").dropFirst().first ?? ""
        return rest[..<(rest.range(of: "\n## ")?.lowerBound ?? rest.endIndex)]
    }

    @Test("K18: the page has the order in which settings win, with every attribute of the table in it")
    func precedence() {
        let text = Self.section("## Sessions")
        #expect(text.contains("the attribute of `<Context>` or `<Manager>`; `web.xml`"))
        let names = AttributeTable.context.attributes.map(\.name).filter { $0.hasPrefix("sessionCookie") && !$0.hasSuffix("TrailingSlash") }
        #expect(names.count == 3)
        for name in names + [
            "useHttpOnly", "cookies", "session-timeout", "tracking-mode", "ACTIVITY_CHECK", "LAST_ACCESS_AT_START", "ACCESS_SESSION",
        ] {
            #expect(text.contains(name), "\(name)")
        }
    }

    @Test("P13: the page explains how applications work without cookies")
    func cookieless() {
        let text = Self.section("### Without cookies")
        for words in ["encodedURL", ";jsessionid=", "<tracking-mode>COOKIE</tracking-mode>", "serval.maxNewSessions"] {
            #expect(text.contains(words))
        }
    }

    @Test("P15, K08: the page names the model of sessions, and warns of shared ids")
    func warnings() {
        #expect(Self.section("### The session object").contains("modelled on Tomcat's `StandardSession`"))
        #expect(Self.section("## Sessions").contains("harder: when somebody signs on"))
    }
}
