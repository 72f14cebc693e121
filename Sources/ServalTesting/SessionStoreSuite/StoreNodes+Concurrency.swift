import ServalSessions

/// Checks of what happens when several servers do something at once.
extension StoreNodes {
    func checkRenamingWhileSaving() async throws {
        let stores = [try await self.node(), try await self.node()]
        for round in 0..<6 {
            let session = self.session("old \(round)", ["a": [0]])
            let newKey = self.key("new \(round)")
            try await self.insert(session, into: stores[0])
            let saved = try await self.concurrently(5) { position -> UInt64 in
                if position == 2 {
                    let forwarding = self.session("forwarding \(round)", seconds: 60)
                    let renaming = self.renaming(of: session, to: newKey, head: [1], forwarding: forwarding)
                    let answer = try await stores[1].rename(session.key, by: renaming)
                    guard case .renamed = answer else {
                        throw SessionStoreSuite.Failure(check: self.check, message: "rename answers \(answer.words) while others save")
                    }
                    return 0
                }
                var count: UInt64 = 0
                for number in 0..<6 {
                    let name = "\(position) \(number)"
                    switch try await stores[position % 2].save(self.changes([name: .init(bytes: [1], condition: .absent)]), to: session.key) {
                    case .saved: count += 1
                    case .absent: break
                    case .conflict: try self.require(false, "save answers 'conflict', though nobody else writes the attribute")
                    }
                }
                return count
            }
            let renamed = try await self.load(newKey, from: stores[0])
            let count = saved.reduce(0, +)
            try self.require(
                renamed.version == 2 + count,
                "\(count) saves were acknowledged while a session was renamed; it has version \(renamed.version)"
            )
            try self.require(renamed.attributes.count == 1 + Int(count), "acknowledged saves are missing after a rename")
            try await self.requireAbsent(session.key, in: stores[1], "was renamed while others saved it")
        }
    }

    func checkRemovalWhileSaving() async throws {
        let stores = [try await self.node(), try await self.node()]
        for round in 0..<6 {
            let session = self.session("session \(round)")
            try await self.insert(session, into: stores[0])
            _ = try await self.concurrently(5) { position in
                if position == 2 {
                    try self.require(try await stores[1].remove(session.key), "remove does not find a session that others save")
                    try await self.requireAbsent(session.key, in: stores[0], "was removed while others saved it")
                    return
                }
                for number in 0..<6 {
                    let write = StoredSessionChanges.Write(bytes: [1], condition: .any)
                    _ = try await stores[position % 2].save(self.changes(["\(position) \(number)": write], head: [2]), to: session.key)
                    _ = try await stores[position % 2].touch(session.key, lastAccessed: self.now, deadline: nil)
                }
            }
            for store in stores { try await self.requireAbsent(session.key, in: store, "was removed while others saved it") }
        }
    }

    func checkRemovalBySeveral() async throws {
        let stores = [try await self.node(), try await self.node()]
        for round in 0..<6 {
            let session = self.session("session \(round)")
            try await self.insert(session, into: stores[0])
            let answers = try await self.concurrently(8) { try await stores[$0 % 2].remove(session.key) }
            let count = answers.count { $0 }
            try self.require(count == 1, "remove said 'true' to \(count) of 8 who removed one session")
        }
        try self.require(try await !stores[0].remove(self.key("nobody")), "remove finds a session that is not there")
    }

    func checkParallelInsertion() async throws {
        let stores = [try await self.node(), try await self.node()]
        for round in 0..<6 {
            let inserted = try await self.concurrently(8) { position -> UInt8? in
                try await stores[position % 2].insert(self.session("session \(round)", ["who": [UInt8(position)]])) ? UInt8(position) : nil
            }
            let winners = inserted.compactMap(\.self)
            try self.require(winners.count == 1, "insert said 'true' to \(winners.count) of 8 with one key")
            let stored = try await self.load(self.key("session \(round)"), from: stores[1])
            try self.require(stored.attributes["who"]?.bytes == winners, "the session is not that of who was told that it is stored")
        }
    }

    func checkParallelSaving() async throws {
        let stores = [try await self.node(), try await self.node()]
        let session = self.session("session")
        try await self.insert(session, into: stores[0])
        let versions = try await self.concurrently(8) { position in
            var versions: [UInt64] = []
            for number in 0..<10 {
                let write = StoredSessionChanges.Write(bytes: [UInt8(number)], condition: .absent)
                versions.append(try await self.save(self.changes(["\(position) \(number)": write]), to: session.key, in: stores[position % 2]))
            }
            try self.require(versions == versions.sorted(), "versions went back")
            return versions
        }
        try self.require(versions.joined().sorted() == Array(2...81), "80 saves at once did not get the versions 2 to 81, each once")
        let stored = try await self.load(session.key, from: stores[1])
        try self.require(stored.version == 81, "after 80 saves the version is \(stored.version)")
        try self.require(stored.attributes.count == 80, "of 80 attributes that were saved at once \(stored.attributes.count) are there")
        let attributeVersions = stored.attributes.values.map(\.version).sorted()
        try self.require(attributeVersions == Array(2...81), "attributes do not have the versions that wrote them")
    }

    func checkParallelUpdates() async throws {
        let stores = [try await self.node(), try await self.node()]
        let session = self.session("session", ["count": [0]])
        try await self.insert(session, into: stores[0])
        _ = try await self.concurrently(4) { position in
            let store = stores[position % 2]
            var current = session
            for _ in 0..<10 {
                var isDone = false
                while !isDone {
                    let attribute = try self.require(current.attributes["count"], "the attribute has gone")
                    let write = StoredSessionChanges.Write(bytes: [(attribute.bytes.first ?? 0) + 1], condition: .version(attribute.version))
                    switch try await store.save(self.changes(["count": write]), to: session.key) {
                    case .saved:
                        current = try await self.load(session.key, from: store)
                        isDone = true
                    case .conflict(let stored):
                        try self.require(stored.version > current.version || stored.attributes != current.attributes, "a conflict tells nothing new")
                        current = stored
                    case .absent: try self.require(false, "the session has gone")
                    }
                }
            }
        }
        let stored = try await self.load(session.key, from: stores[0])
        try self.require(stored.attributes["count"]?.bytes == [40], "of 40 updates at once \(stored.attributes["count"]?.bytes.first ?? 0) are there")
        try self.require(stored.version == 41, "after 40 updates the version is \(stored.version)")
    }
}
