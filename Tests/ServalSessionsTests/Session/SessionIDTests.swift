import Testing

@testable import ServalSessions

@Suite struct SessionIDTests {
    static let plain = "00112233445566778899AABBCCDDEEFF"

    @Test(arguments: [
        plain, "\(plain).node1", "\(plain).a-b_c~1", "A0B1C2D3E4F50617", "abc", "00112233445566778899aabbccddeeff", "\(plain).", "\(plain)X", ".",
        "0",
    ])
    func keepsItsText(text: String) throws {
        let id = try #require(SessionID(text))
        #expect(id.rawValue == text)
        #expect(SessionID(rawValue: text) == id)
        #expect(SessionID(Substring(text)) == id)
        #expect(SessionID(rawValue: text).hashValue == id.hashValue)
    }

    @Test func plainIDsLieInline() throws {
        #expect(MemoryLayout<SessionID>.size <= 24)
        #expect(try #require(SessionID(Self.plain)).tail == nil)
    }

    @Test(arguments: [
        "", " ", "\(plain) ", "\(plain);", "a\r\nb", "a\u{0}b", "../../etc/passwd", "a/b", "a\\b", "%2e%2e", "\"\(plain)\"", "ä", "Ａ", "a,b", "a=b",
        "<a>",
        String(repeating: "A", count: 257), String(repeating: ";", count: 1_000_000), "\(plain).\(String(repeating: "n", count: 300))",
    ])
    func refusesHostileText(text: String) {
        #expect(SessionID(text) == nil)
        #expect(SessionID(Substring(text)) == nil)
    }

    @Test func takesTheLongestAllowedText() {
        #expect(SessionID(String(repeating: "A", count: 256))?.rawValue.utf8.count == 256)
    }

    @Test func tellsIDsApart() {
        let texts = [Self.plain, "\(Self.plain).a", "\(Self.plain).b", Self.plain.lowercased(), "\(Self.plain)0", "\(Self.plain)."]
        let ids = texts.map(SessionID.init(rawValue:))
        for (index, id) in ids.enumerated() {
            for (other, otherID) in ids.enumerated() { #expect((id == otherID) == (index == other)) }
        }
        #expect(Set(ids).count == ids.count)
        #expect(SessionID(rawValue: "") != SessionID(rawValue: String(repeating: "0", count: 32)))
    }

    @Test func knowsItsRoute() {
        #expect(SessionID(rawValue: "\(Self.plain).node1").route == "node1")
        #expect(SessionID(rawValue: "ABCD.node1").route == "node1")
        #expect(SessionID(rawValue: Self.plain).route == nil)
        #expect(SessionID(rawValue: "ABCD").route == nil)
    }

    @Test(arguments: [plain, "\(plain).secretroute", "SHORTSECRET"])
    func neverPrintsItself(text: String) {
        let id = SessionID(rawValue: text)
        var dumped = ""
        dump(id, to: &dumped)
        dump([id], to: &dumped)
        let optional: SessionID? = id
        let printed = "\(id) \(String(reflecting: id)) \(String(describing: optional)) \([id]) \(HTTPSession(id: id)) \(dumped)"
        for part in [text.prefix(8), text.suffix(8)] { #expect(!printed.contains(part)) }
        #expect(!printed.contains("\(id.high)") || id.high == 0)
        #expect(id.description == SessionID(rawValue: text).description)
        #expect(id.description != SessionID(rawValue: "other").description)
        #expect(id.description.utf8.count == "SessionID(#00000000)".utf8.count)
    }
}

@Suite struct SessionIDGeneratorTests {
    @Test func makesIDsAsTomcatDoes() throws {
        let id = StandardSessionIDGenerator().makeID()
        #expect(id.rawValue.wholeMatch(of: /[0-9A-F]{32}/) != nil)
        let routed = try StandardSessionIDGenerator(route: "node1").makeID()
        #expect(routed.rawValue.wholeMatch(of: /[0-9A-F]{32}\.node1/) != nil)
    }

    @Test(arguments: [2, 3, 8, 15, 17, 32, 96])
    func makesIDsOfOtherLengths(length: Int) throws {
        let id = try StandardSessionIDGenerator(length: length, route: "n").makeID()
        #expect(id.rawValue.utf8.count == 2 * length + 2)
        #expect(id.rawValue.wholeMatch(of: /[0-9A-F]+\.n/) != nil)
        #expect(SessionID(id.rawValue) == id)
    }

    @Test func longestIDComesBack() throws {
        let id = try StandardSessionIDGenerator(length: 96, route: String(repeating: "r", count: 63)).makeID()
        #expect(id.rawValue.utf8.count == SessionID.maximumLength)
        #expect(SessionID(id.rawValue) == id)
    }

    @Test(arguments: [-1, 0, 1, 97, Int.max])
    func refusesLengths(length: Int) {
        #expect(throws: SessionError.self) { try StandardSessionIDGenerator(length: length) }
    }

    @Test(arguments: ["", "a.b", "a b", "a;b", "a\r\n", "ü", String(repeating: "r", count: 64)])
    func refusesRoutes(route: String) {
        #expect(throws: SessionError.self) { try StandardSessionIDGenerator(route: route) }
    }

    @Test func neverRepeatsItselfUnderConcurrency() async {
        let generator = StandardSessionIDGenerator()
        let ids = await withTaskGroup(of: [SessionID].self) { group in
            for _ in 0..<8 { group.addTask { (0..<2000).map { _ in generator.makeID() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(ids).count == 16_000)
        // Every bit is set in some id and clear in another; chance of a false alarm: nil.
        #expect(ids.reduce(0) { $0 | $1.high } == .max && ids.reduce(.max) { $0 & $1.low } == 0)
        #expect(ids.reduce(0) { $0 | $1.low } == .max && ids.reduce(.max) { $0 & $1.high } == 0)
    }
}
