public import Logging
import Synchronization

/// Keeps the sessions of a manager without a store in one file while the server is stopped.
///
/// The file is written when the manager stops, read when it starts, and removed then: nothing in it is ever older than the sessions in memory. It is Serval's own
/// format; what Tomcat has written is Java's and is left alone.
///
/// Source: Tomcat's `pathname` of `StandardManager`.
public struct SessionFile: Sendable {
    /// The file, absolute; folders that are missing are made.
    public var path: String
    /// Names the application, for example `/Catalina/localhost/shop`: a file of another application is not read.
    public var namespace: String
    /// Seals what is written.
    public var sealer: SessionSealer
    /// For what is wrong with the file.
    public var logger: Logger

    /// A file.
    public init(path: String, namespace: String, sealer: SessionSealer, logger: Logger = Logger(label: "serval.session")) {
        self.path = path
        self.namespace = namespace
        self.sealer = sealer
        self.logger = logger
    }

    // MARK: Save

    /// Writes all sessions and lets go of them without telling listeners of an end: they go on after the start.
    ///
    /// If the file cannot be written, the log tells, and the sessions stay in the table.
    func save(_ table: SessionTable) async {
        let saved: [HTTPSession]
        do {
            saved = try await self.write(table)
        } catch {
            self.logger.error("the sessions of \(self.namespace) could not be saved to [\(self.path)] and end: \(error.message)")
            return
        }
        for session in saved where !table.forget(session, despiteChanges: true) { table.forgetEnded(session) }
        if !saved.isEmpty { self.logger.info("\(saved.count) sessions of \(self.namespace) were saved to [\(self.path)]") }
    }

    /// - Returns: the sessions that are in the file.
    private func write(_ table: SessionTable) async throws(SessionError) -> [HTTPSession] {
        var saved: [HTTPSession] = []
        var tooLarge = 0
        // Its temporary file goes away with it.
        let writer = try SessionFileWriter(path: self.path)
        try await table.forEach { sessions throws(SessionError) in
            for session in sessions {
                guard let record = self.record(of: session, in: table) else { continue }
                do throws(SessionError) {
                    try writer.append(record)
                } catch {
                    guard error.code == .limitReached else { throw error }
                    tooLarge += 1
                    continue
                }
                saved.append(session)
            }
        }
        if tooLarge > 0 { self.logger.warning("\(tooLarge) sessions of \(self.namespace) are too large to be saved and end") }
        if !saved.isEmpty { try writer.finish() }
        if let place = writer.unreadPlace {
            self.logger.warning("in the place of [\(self.path)] there was a file of saved sessions that nobody had read; it is now [\(place)]")
        }
        return saved
    }

    /// What is written of a session; `nil` for one that is not alive.
    private func record(of session: HTTPSession, in table: SessionTable) -> StoredSession? {
        let now = table.configuration.clock()
        guard !session.isExpired(now: now, policy: table.policy) else { return nil }
        let lineage = SessionLineage.random()
        let (isLive, head, lastAccessed, contents) = session.state.withLock { state in
            let head = SessionHead(
                lineage: lineage,
                id: state.id.rawValue,
                creationTime: Timestamp(millisecondsSince1970: state.creationTime),
                maxInactiveMilliseconds: state.maxInactiveMilliseconds,
                principal: state.principal
            )
            return (state.phase == .live, head, state.idleSince, state.attributes.mapValues(\.content))
        }
        let key = StoredSessionKey(SessionID(rawValue: head.id), namespace: self.namespace)
        guard isLive, let sealedHead = self.sealer.seal(head: head.encoded, for: key) else { return nil }
        var attributes: [String: StoredSession.Attribute] = [:]
        for (name, content) in contents where table.configuration.attributeFilter?.allows(name, content) ?? true {
            guard let bytes = self.bytes(of: content, named: name), let sealed = self.sealer.seal(attribute: bytes, named: name, of: lineage) else {
                continue
            }
            attributes[name] = StoredSession.Attribute(version: 1, bytes: sealed)
        }
        return StoredSession(
            key: key,
            version: 1,
            lastAccessed: Timestamp(millisecondsSince1970: lastAccessed),
            deadline: nil,
            principal: nil,
            head: sealedHead,
            attributes: attributes
        )
    }

    private func bytes(of content: SessionAttributeSlot.Content, named name: String) -> [UInt8]? {
        switch content {
        case .transient, .stored: return nil
        case .saved(let bytes): return bytes
        case .decoded(let value, let version):
            do {
                return try SessionValueCoding.encode(value, version: version)
            } catch {
                self.logger.warning("the session attribute '\(name)' cannot be encoded and is not saved: \(error)")
                return nil
            }
        }
    }

    // MARK: Load

    /// Brings the sessions of the file back and removes it.
    ///
    /// What can be read of a damaged file is kept; the log tells once, and the file stays under another name.
    func load(into table: SessionTable) async {
        let reader: SessionFileReader
        switch SessionFileReader.open(self.path) {
        case .absent: return self.checkPlace()
        case .java:
            self.logger.warning("[\(self.path)] was written by Tomcat in Java's format, which is not read; the file is left alone")
            return self.checkPlace()
        case .foreign:
            self.logger.warning(
                "[\(self.path)] is not a file of saved sessions and is left alone: the sessions of \(self.namespace) will end when the server stops"
            )
            return
        case .unreadable(let cause):
            self.logger.warning(
                "the saved sessions of \(self.namespace) in [\(self.path)] cannot be read: \(cause). The file is left alone; unless it can be read or is moved away, the sessions will end when the server stops"
            )
            return
        case .opened(let opened): reader = opened
        }
        var count = 0
        var lost = 0
        while let (key, bytes) = reader.next() {
            if let session = self.session(key, bytes, table), case .done = table.adopt(session) { count += 1 } else { lost += 1 }
            if count.isMultiple(of: 256) { await Task.yield() }
        }
        if lost == 0, reader.isComplete {
            reader.remove()
            self.logger.info("\(count) sessions of \(self.namespace) were loaded from [\(self.path)]")
            return self.checkPlace()
        }
        let reason = reader.isComplete ? "\(lost) sessions were changed or sealed with another secret" : "it is damaged or cut off"
        let place = reader.setAside()
        self.logger.warning("of the saved sessions in [\(self.path)] only \(count) could be read: \(reason). The file is now [\(place)]")
    }

    /// Tells at the start, when something can be done, that there will be no place for the sessions at the stop.
    private func checkPlace() {
        do throws(SessionError) {
            // Its temporary file goes away with it.
            _ = try SessionFileWriter(path: self.path)
        } catch {
            self.logger.error("the sessions of \(self.namespace) cannot be saved when the server stops, and will end: \(error.message)")
        }
    }

    private func session(_ key: StoredSessionKey, _ bytes: ArraySlice<UInt8>, _ table: SessionTable) -> HTTPSession? {
        guard let record = try? StoredSession(key: key, encoded: bytes),
            let sealed = self.sealer.open(head: record.head, of: key), case .session(let head) = SessionHead.decode(sealed),
            key == StoredSessionKey(SessionID(rawValue: head.id), namespace: self.namespace)
        else { return nil }
        var attributes: [String: SessionAttributeSlot.Content] = [:]
        for (name, attribute) in record.attributes {
            guard let opened = self.sealer.open(attribute: attribute.bytes, named: name, of: head.lineage) else { return nil }
            // The filter may have changed while the server was stopped.
            let content = SessionAttributeSlot.Content.saved(opened)
            if table.configuration.attributeFilter?.allows(name, content) ?? true { attributes[name] = content }
        }
        var state = HTTPSessionState(
            restored: SessionID(rawValue: head.id),
            creationTime: head.creationTime.millisecondsSince1970,
            lastAccessed: record.lastAccessed.millisecondsSince1970,
            maxInactiveMilliseconds: head.maxInactiveMilliseconds,
            attributes: attributes
        )
        state.principal = head.principal
        return HTTPSession(state, table: table)
    }
}
