import Synchronization

/// The listeners of one context.
///
/// Looking for listeners where there are none costs one relaxed load.
final class SessionEvents: Sendable {
    private let sessionListeners = Mutex<[any HTTPSessionListener]>([])
    private let hasSessionListeners = Atomic(false)
    private let allAttributeListeners = Mutex<[any HTTPSessionAttributeListener]>([])
    private let hasAttributeListeners = Atomic(false)

    func add(_ listener: any HTTPSessionListener) {
        self.sessionListeners.withLock { $0.append(listener) }
        self.hasSessionListeners.store(true, ordering: .releasing)
    }

    func add(_ listener: any HTTPSessionAttributeListener) {
        self.allAttributeListeners.withLock { $0.append(listener) }
        self.hasAttributeListeners.store(true, ordering: .releasing)
    }

    /// The listeners for attributes, or `nil` if there are none.
    var attributeListeners: [any HTTPSessionAttributeListener]? {
        guard self.hasAttributeListeners.load(ordering: .acquiring) else { return nil }
        return self.allAttributeListeners.withLock { $0 }
    }

    func created(_ session: HTTPSession) async {
        guard let listeners = self.listeners else { return }
        for listener in listeners { await listener.sessionCreated(session) }
    }

    func destroyed(_ session: HTTPSession, reason: SessionEndReason) async {
        guard let listeners = self.listeners else { return }
        for listener in listeners { await listener.sessionDestroyed(session, reason: reason) }
    }

    func idChanged(_ session: HTTPSession, from oldID: SessionID) async {
        SessionRequest.current?.didReplace(oldID, by: session.id, of: session)
        guard let listeners = self.listeners else { return }
        for listener in listeners { await listener.sessionIDChanged(session, from: oldID) }
    }

    func attributesRemoved(_ attributes: [String: SessionAttributeSlot], from session: HTTPSession) {
        guard !attributes.isEmpty, let listeners = self.attributeListeners else { return }
        for (name, slot) in attributes.sorted(by: { $0.key < $1.key }) {
            let event = HTTPSessionAttributeEvent(session: session, name: name, value: slot.value)
            for listener in listeners { listener.attributeRemoved(event) }
        }
    }

    private var listeners: [any HTTPSessionListener]? {
        guard self.hasSessionListeners.load(ordering: .acquiring) else { return nil }
        return self.sessionListeners.withLock { $0 }
    }
}
