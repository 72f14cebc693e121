import ServalTLS
import Testing

/// The values that revocation is made of.
struct RevocationValueTests {
    @Test(arguments: [
        ("http://ocsp.example.com", "ocsp.example.com", 80, "/"), ("HTTP://a:8080/x/y?z=1#f", "a", 8080, "/x/y?z=1"),
        ("http://[::1]:81/", "::1", 81, "/"), ("http://127.0.0.1:8088", "127.0.0.1", 8088, "/"), ("http://a?x", "a", 80, "/?x"),
    ])
    func addresses(url: String, host: String, port: Int, target: String) throws {
        let address = try #require(ResponderAddress(url))
        #expect((address.host, address.port, address.target) == (host, port, target))
    }

    @Test(arguments: [
        "", "https://a/", "ldap://a/", "http://", "http:///x", "http://u@a/", "http://a:0/", "http://a:65536/", "http://a:-1/", "http://a:+1/",
        "http://a b/",
        "http://a/\r\nX: y", "http://[::1/", "http://[::1]x/", "http://::1/", "http://é/", "http://a\\b/",
        "http://" + String(repeating: "a", count: 2048),
        "file:///etc/passwd",
    ])
    func noAddresses(url: String) { #expect(ResponderAddress(url) == nil) }

    @Test func theCacheForgetsInTime() {
        var cache = StatusCache<Int>(limit: 16)
        cache.insert(.good, for: 1, until: 100, now: 50)
        #expect(cache.status(of: 1, now: 99) == .good)
        #expect(cache.status(of: 1, now: 100) == nil)
        cache.insert(.revoked("x"), for: 1, until: 200, now: 100)
        #expect(cache.status(of: 1, now: 100) == .revoked("x"))
        // What ends before it begins is not kept.
        cache.insert(.good, for: 1, until: 100, now: 100)
        #expect(cache.status(of: 1, now: 100) == nil)
    }

    @Test func theCacheIsBounded() {
        var cache = StatusCache<Int>(limit: 16)
        for key in 0..<1000 {
            cache.insert(.good, for: key, until: 1000 + key, now: 0)
            #expect(cache.count <= 16)
            #expect(cache.status(of: key, now: 0) == .good)
        }
        for key in 0..<100 { cache.insert(.good, for: -key, until: 5000, now: 0) }
        #expect(cache.count <= 16)
    }

    @Test func staplesAreReplacedAtHalfOfTheirLife() {
        var schedule = StapleSchedule()
        #expect(schedule.pause(afterAnswerFrom: 0, to: 10_000, now: 0, chance: 0.5) == 5000)
        #expect(schedule.pause(afterAnswerFrom: 0, to: 10_000, now: 0, chance: 0) == 4500)
        #expect(schedule.pause(afterAnswerFrom: 0, to: 10_000, now: 0, chance: 1) == 5500)
        // The responder still gives the same answer: half of what is left.
        #expect(schedule.pause(afterAnswerFrom: 0, to: 10_000, now: 6000, chance: 0.5) == 2000)
        #expect(schedule.pause(afterAnswerFrom: 0, to: 10_000, now: 20_000, chance: 0.5) == StapleSchedule.shortestPause)
        #expect(schedule.pause(afterAnswerFrom: 0, to: 10_000_000, now: 0, chance: 0.5) == StapleSchedule.longestPause)
    }

    @Test func failuresAreRetriedMoreAndMoreSeldom() {
        var schedule = StapleSchedule()
        let pauses = (0..<10).map { _ in schedule.pauseAfterFailure(nextUpdate: nil, now: 0, chance: 0.5) }
        #expect(pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        // Towards the end it matters more.
        #expect(schedule.pauseAfterFailure(nextUpdate: 400, now: 0, chance: 0.5) == 100)
        _ = schedule.pause(afterAnswerFrom: 0, to: 100, now: 0, chance: 0.5)
        #expect(schedule.pauseAfterFailure(nextUpdate: nil, now: 0, chance: 0.5) == 30)
    }

    @Test func tomcatsCommandsWinOverAttributes() throws {
        func policy(_ revocation: RevocationPolicy, _ commands: (String, String)...) throws -> RevocationPolicy {
            var host = TLSHostConfiguration(certificates: [])
            host.revocation = revocation
            host.openSSLCommands = commands.map { .init(name: $0.0, value: $0.1) }
            return try host.resolvedRevocation()
        }
        #expect(try policy(.off) == .off)
        #expect(try policy(.off, ("NO_OCSP_CHECK", "false")) == .softFail(OCSPSettings()))
        #expect(try policy(.hardFail(OCSPSettings()), ("NO_OCSP_CHECK", "true")) == .off)
        #expect(try policy(.off, ("OCSP_SOFT_FAIL", "false")) == .off)
        #expect(
            try policy(.softFail(OCSPSettings()), ("OCSP_SOFT_FAIL", "false"), ("OCSP_TIMEOUT", "250"), ("OCSP_VERIFY_FLAGS", "512"))
                == .hardFail(OCSPSettings(timeout: .milliseconds(250), verifyFlags: 512))
        )
        for (name, value) in [("NO_OCSP_CHECK", "maybe"), ("OCSP_TIMEOUT", "0"), ("OCSP_TIMEOUT", "x"), ("OCSP_VERIFY_FLAGS", "16")] {
            #expect(throws: TLSError(.invalidConfiguration, "")) { try policy(.softFail(OCSPSettings()), (name, value)) }
        }
    }
}
