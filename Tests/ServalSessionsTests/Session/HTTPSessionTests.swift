import Testing

@testable import ServalSessions

@Suite struct HTTPSessionTests {
    let session = HTTPSession(id: SessionID(rawValue: "A"))

    @Test func readsWritesAndRemovesAttributes() throws {
        #expect(self.session[Visits.self] == nil)
        #expect(try self.session.decode(Visits.self) == nil)
        self.session[Visits.self] = 3
        self.session[Cart.self] = ["tea"]
        #expect(self.session[Visits.self] == 3)
        #expect(try self.session.decode(Cart.self) == ["tea"])
        #expect(self.session.attributeNames == ["cart", "visits"])
        #expect(self.session.remove(Visits.self) == 3)
        #expect(self.session.remove(Visits.self) == nil)
        self.session[Cart.self] = nil
        #expect(self.session.attributeNames.isEmpty)
    }

    @Test func valueOfAnotherTypeReadsAsNilAndSaysWhy() {
        self.session[Visits.self] = 3
        #expect(self.session[VisitsAsText.self] == nil)
        #expect(throws: SessionError.self) { try self.session.decode(VisitsAsText.self) }
        #expect(self.session.update(VisitsAsText.self, default: "new") { $0 } == "new")
        #expect(self.session[VisitsAsText.self] == "new")
    }

    @Test func updateThatThrowsChangesNothing() {
        struct Refusal: Error {}
        self.session[Visits.self] = 1
        #expect(throws: Refusal.self) {
            try self.session.update(Visits.self, default: 0) { visits in
                visits = 99
                throw Refusal()
            }
        }
        #expect(self.session[Visits.self] == 1)
    }

    @Test func updateMayUseTheSession() {
        let session = self.session
        session[Visits.self] = 1
        let seen = session.update(Visits.self, default: 0) { visits in
            session[Cart.self] = ["\(session.id.rawValue)\(session[Visits.self] ?? 0)"]
            visits += 1
            return session.update(Cart.self, default: []) { cart in
                cart.append("x")
                return cart
            }
        }
        #expect(seen == ["A1", "x"])
        #expect(session[Visits.self] == 2)
    }

    @Test func outerUpdateOfTheSameAttributeWins() {
        let session = self.session
        session.update(Visits.self, default: 0) { visits in
            session.update(Visits.self, default: 0) { $0 += 100 }
            session[Visits.self] = 7
            visits += 1
        }
        #expect(session[Visits.self] == 1)
        session.update(Visits.self, default: 0) { visits in
            session.remove(Visits.self)
            visits += 1
        }
        #expect(session[Visits.self] == 1)
    }

    @Test(.timeLimit(.minutes(1))) func updateLosesNothing() async {
        let session = self.session
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    for step in 0..<500 {
                        session.update(Visits.self, default: 0) { $0 += 1 }
                        if step % 50 == 0 { session.update(Cart.self, default: []) { $0.append("\(task).\(step)") } }
                    }
                }
            }
        }
        #expect(session[Visits.self] == 8000)
        #expect(Set(session[Cart.self] ?? []).count == 160)
    }

    @Test func valuesAreReleasedOutsideOfTheLock() {
        final class Talkative: Codable, Sendable {
            let session: HTTPSession?
            let log: EventLog?
            init(_ session: HTTPSession, _ log: EventLog) {
                self.session = session
                self.log = log
            }
            init(from decoder: any Decoder) throws {
                self.session = nil
                self.log = nil
            }
            func encode(to encoder: any Encoder) throws {}
            // Would not come back if the session were locked now.
            deinit { self.log?.append(self.session?.id.rawValue ?? "") }
        }
        enum Key: SessionAttributeKey {
            typealias Value = Talkative
            static let name = "talkative"
        }
        let log = EventLog()
        self.session[Key.self] = Talkative(self.session, log)
        self.session[Key.self] = Talkative(self.session, log)
        self.session.update(Key.self, default: Talkative(self.session, log)) { $0 = Talkative(self.session, log) }
        self.session.remove(Key.self)
        #expect(log.all == ["A", "A", "A"])
    }

    @Test func maxInactiveIntervalIsKeptToTheMillisecond() {
        #expect(self.session.maxInactiveInterval == .seconds(1800))
        let cases: [(Duration?, Duration?)] = [
            (.seconds(600), .seconds(600)), (.milliseconds(1500), .milliseconds(1500)), (nil, nil), (.zero, nil), (.seconds(-1), nil),
            (.microseconds(1), .milliseconds(1)), (.seconds(Int64.max), .milliseconds(Int64.max)), (.seconds(Int64.min), nil),
        ]
        for (given, kept) in cases {
            self.session.maxInactiveInterval = given
            #expect(self.session.maxInactiveInterval == kept)
        }
    }

    @Test func endedSessionIsHarmless() async throws {
        let session = self.session
        session[Visits.self] = 5
        try await session.invalidate()
        try await session.invalidate()
        #expect(!session.isValid)
        #expect(session.id.rawValue == "A")
        #expect(session[Visits.self] == nil)
        #expect(session.attributeNames.isEmpty)
        session[Visits.self] = 6
        #expect(session[Visits.self] == nil)
        #expect(session.remove(Visits.self) == nil)
        let detached = session.update(Visits.self, default: 40) { visits in
            visits += 2
            return visits
        }
        #expect(detached == 42)
        #expect(session[Visits.self] == nil)
        #expect(!session.beginAccess())
        session.endAccess()
        let decoding = #expect(throws: SessionError.self) { try session.decode(Visits.self) }
        #expect(decoding?.code == .invalidated)
        let rotation = await #expect(throws: SessionError.self) { try await session.rotateID() }
        #expect(rotation?.code == .invalidated)
    }

    @Test func rotatesWithoutAManager() async throws {
        let id = try await self.session.rotateID()
        #expect(id == self.session.id && id.rawValue != "A")
    }
}
