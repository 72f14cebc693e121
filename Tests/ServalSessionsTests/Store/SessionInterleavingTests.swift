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
