import Synchronization
import Testing

@testable import ServalSessions

/// Random interleavings of requests on several servers over one store: nothing acknowledged is lost, nothing ended comes back, versions only grow.
@Suite struct SessionInterleavingTests {
    enum Left: SessionAttributeKey {
        typealias Value = Int
        static let name = "left"
    }

    enum Right: SessionAttributeKey {
        typealias Value = Int
        static let name = "right"
    }

    @Test(arguments: [1, 2, 3, 4]) func noUpdateIsLost(round: Int) async throws {
        let nodes = try SessionNodes(3, mode: .everyRequest(maximumStaleness: round == 4 ? .seconds(60) : .zero), yields: true)
        let start = try await nodes.session()
        let current = Shared(start)
        let retired = Shared<[SessionID]>([])
        let acknowledged = (left: Counter(), right: Counter())
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<12 {
                group.addTask {
                    for step in 0..<40 {
                        let node = Int.random(in: 0..<3)
                        let id = current.withLock { $0 }
                        do {
                            let isDone: Bool? = try await nodes.request(node, id) { session in
                                if Bool.random() { session.update(Left.self, default: 0) { $0 += 1 } } else { return false }
                                if step % 3 == 0 { await Task.yield() }
                                session.update(Right.self, default: 0) { $0 += 1 }
                                return true
                            }
                            if isDone == true {
                                acknowledged.left.add(1)
                                acknowledged.right.add(1)
                            }
                        } catch {
                            Issue.record("\(error)")
                        }
                        if worker == 0, step % 10 == 9 {
                            // A new id, while others are under way with the old one.
                            let newID = try? await nodes.request(node, id) { try await $0.rotateID() }
                            if let newID {
                                current.withLock { $0 = newID }
                                retired.withLock { $0.append(id) }
                            }
                        }
                        if worker == 1 { await nodes[node].processExpires() }
                        if worker == 2,
                            case .found(let record) = try? await nodes.store.memory.load(
                                StoredSessionKey(current.withLock { $0 }, namespace: "/Catalina/localhost/shop"),
                                unless: nil
                            )
                        {
                            #expect(record.attributes.values.allSatisfy { $0.version <= record.version })
                        }
                    }
                }
            }
        }
        let id = current.withLock { $0 }
        nodes.clock.advance(by: .seconds(61))
        for node in 0..<3 {
            let values = try await nodes.request(node, id) { ($0[Left.self] ?? 0, $0[Right.self] ?? 0) }
            #expect(values?.0 == acknowledged.left.value)
            #expect(values?.1 == acknowledged.right.value)
            for old in retired.withLock({ $0 }) { #expect(try await nodes[node].find(old) == nil) }
        }
        #expect(acknowledged.left.value > 100)
    }

    enum Notes: SessionAttributeKey {
        typealias Value = [Int]
        static let name = "notes"
    }

    /// What the requests of a round know of their session.
    struct Known: Sendable {
        var id: SessionID
        var former: [SessionID]
        var principal: String
        var idleTimes: Set<Duration> = [.seconds(1800)]
        var next = 0
        var acknowledged: Set<Int> = []

        mutating func makeNote() -> Int {
            self.next += 1
            return self.next
        }
    }

    /// Sign-ons, new idle times, old ids and answers that are lost: each update is done once if it was acknowledged and at most once if not, one id finds the
    /// session, and nobody but the last to sign on has it.
    @Test(arguments: 0..<8) func oneSessionWithOneOwner(round: Int) async throws {
        let nodes = try SessionNodes(3, mode: .everyRequest(maximumStaleness: round % 2 == 1 ? .seconds(60) : .zero), yields: true)
        // A first save that nobody has confirmed, and a sign-on behind it.
        let first = try await nodes[0].create(id: nil)
        first[Notes.self] = []
        nodes.store.setFault(.losesAnswer, of: .insert)
        await #expect(throws: SessionError.self) { try await nodes[0].save(first) }
        let firstID = first.id
        _ = try await first.signOn(as: "user")
        try await nodes[0].save(first)
        first.endAccess()
        let known = Shared(Known(id: first.id, former: [firstID], principal: "user"))
        nodes.store.loseAnswers(oneIn: round < 2 ? 0 : 12)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<10 {
                group.addTask {
                    for step in 0..<30 {
                        let node = Int.random(in: 0..<3)
                        switch worker {
                        case 0 where step % 4 == 3: await self.signOn(as: "user \(step)", on: nodes, node, known)
                        case 1 where step % 3 == 2: await self.changeIdleTime(to: .seconds(2000 + step), on: nodes, node, known)
                        case 2: await self.useFormerID(on: nodes, node, known)
                        case 3: await nodes[node].processExpires()
                        default: _ = await self.makeNote(on: nodes, node, known.withLock { $0.id }, known)
                        }
                    }
                }
            }
        }
        nodes.store.loseAnswers(oneIn: 0)
        // Several answers in a row may have been lost last.
        for node in nodes.managers { _ = try await node.storedSessionCountOnceItAnswers() }
        let end = known.withLock { $0 }
        nodes.clock.advance(by: .seconds(61))
        for node in nodes.managers { await node.processExpires() }
        for node in 0..<3 {
            for id in end.former { #expect(try await nodes[node].find(id) == nil) }
            let session = try #require(try await nodes[node].find(end.id))
            let notes = session[Notes.self] ?? []
            #expect(notes.count == Set(notes).count, "an update was done twice")
            #expect(end.acknowledged.subtracting(notes).isEmpty, "an acknowledged update is lost")
            #expect(session.principalName == end.principal)
            #expect(end.idleTimes.contains(try #require(session.maxInactiveInterval)))
            #expect(try await nodes[node].sessions(ofPrincipal: end.principal).map(\.id) == [end.id])
            for step in 0..<30 where "user \(step)" != end.principal {
                #expect(try await nodes[node].sessions(ofPrincipal: "user \(step)").isEmpty)
            }
        }
        #expect(end.acknowledged.count > 20)
        #expect(!nodes.logs.flatMap(\.all).contains { $0.hasPrefix("destroyed") })
    }

    private func makeNote(on nodes: SessionNodes, _ node: Int, _ id: SessionID, _ known: Shared<Known>) async -> Bool {
        let note = known.withLock { $0.makeNote() }
        let isDone: Bool? = try? await nodes.request(node, id) { session in
            session.update(Notes.self, default: []) { $0.append(note) }
            return true
        }
        if isDone == true { known.withLock { _ = $0.acknowledged.insert(note) } }
        return isDone == true
    }

    private func signOn(as principal: String, on nodes: SessionNodes, _ node: Int, _ known: Shared<Known>) async {
        let id = known.withLock { $0.id }
        guard let session = try? await nodes[node].find(id), session.beginAccess() else { return }
        defer { session.endAccess() }
        guard let newID = try? await session.signOn(as: principal) else {
            #expect(session.id == id && session.principalName != principal)
            return
        }
        known.withLock { known in
            known.former.append(known.id)
            (known.id, known.principal) = (newID, principal)
        }
    }

    private func changeIdleTime(to time: Duration, on nodes: SessionNodes, _ node: Int, _ known: Shared<Known>) async {
        let id = known.withLock { known in
            known.idleTimes.insert(time)
            return known.id
        }
        _ = try? await nodes.request(node, id) { $0.maxInactiveInterval = time }
    }

    /// A server that has not heard of a new id may serve the old one until it writes.
    private func useFormerID(on nodes: SessionNodes, _ node: Int, _ known: Shared<Known>) async {
        guard let id = known.withLock({ $0.former.randomElement() }) else { return }
        // What another request had begun to read before the id changed may still come in.
        for _ in 0..<3 {
            guard await self.makeNote(on: nodes, node, id, known), (try? await nodes[node].find(id)) != nil else { return }
        }
        Issue.record("a server goes on with an old id")
    }

    @Test(arguments: 0..<30) func nothingEndedComesBack(round: Int) async throws {
        let nodes = try SessionNodes(2, yields: true)
        let id = try await nodes.session()
        let rotated = Shared<[SessionID]>([])
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<6 {
                group.addTask {
                    for _ in 0..<5 {
                        _ = try? await nodes.request(worker % 2, id) { session in
                            session.update(Visits.self, default: 0) { $0 += 1 }
                            if worker == 5 { rotated.withLock { $0.append(session.id) } }
                        }
                    }
                }
            }
            group.addTask {
                for _ in 0..<(round % 7) { await Task.yield() }
                _ = try? await nodes.request(0, id) { try await $0.invalidate() }
            }
            if round % 2 == 0 {
                group.addTask {
                    if let newID = try? await nodes.request(1, id, { try await $0.rotateID() }) { rotated.withLock { $0.append(newID) } }
                }
            }
        }
        let ended = nodes.logs.flatMap(\.all).filter { $0.hasPrefix("destroyed invalidated") }.count
        // The rotation may have won: then the session lives under its new id, and the one who wanted to end it found nothing or ended it there.
        let survivors = try await rotated.withLock { $0 }.asyncFilter { try await nodes[0].find($0) != nil }
        #expect(ended <= 1)
        if ended == 1 {
            #expect(survivors.isEmpty)
            #expect(try await nodes[0].find(id) == nil)
            #expect(try await nodes[1].find(id) == nil)
        }
        nodes.clock.advance(by: .seconds(4000))
        for node in nodes.managers { await node.processExpires() }
        #expect(try await nodes[0].storedSessionCount() == 0)
        #expect(nodes.logs.flatMap(\.all).filter { $0.hasPrefix("destroyed") }.count == 1, "one end for one session")
    }
}

/// A value that tasks share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result { self.value.withLock(body) }
}

extension Array where Element: Sendable {
    fileprivate func asyncFilter(_ condition: (Element) async throws -> Bool) async rethrows -> [Element] {
        var result: [Element] = []
        for element in self where try await condition(element) { result.append(element) }
        return result
    }
}
