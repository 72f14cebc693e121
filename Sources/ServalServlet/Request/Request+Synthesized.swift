extension Request {
    /// A request that no connector parsed, for tests.
    ///
    /// - Parameter target: in origin-form, percent-encoded.
    package init(
        method: HTTPRequest.Method,
        target: String,
        headers: HeaderFields,
        body: RequestBody = .empty,
        connection: ConnectionInfo,
        startNanoseconds: UInt64 = 0
    ) {
        var bytes = Array(method.rawValue.utf8)
        let methodEnd = bytes.count
        bytes += " ".utf8
        let targetStart = bytes.count
        bytes += target.utf8
        let targetEnd = bytes.count
        var slots: [ReceivedHead.Slot] = []
        for field in headers {
            let nameStart = bytes.count
            bytes += field.name.rawName.utf8
            let valueStart = bytes.count
            bytes += field.value.utf8
            slots.append(
                ReceivedHead.Slot(
                    nameStart: nameStart,
                    nameLength: valueStart - nameStart,
                    valueStart: valueStart,
                    valueLength: bytes.count - valueStart,
                    nameHash: ReceivedHead.hash(of: field.name.canonicalName.utf8)
                )
            )
        }
        let head = ReceivedHead(bytes: bytes, slots: slots, method: 0..<methodEnd, target: targetStart..<targetEnd, version: .http11)
        self.init(
            state: RequestState(head: head, method: method, body: body, connection: connection, startNanoseconds: startNanoseconds)
        )
    }
}
