/// Why the connector itself answers a request with an error and closes the connection.
struct RequestRefusal: Error, Equatable {
    /// The status of the answer.
    var status: Int
    /// What is wrong, in a few words; shown to the client, so never anything but constants.
    var reason: StaticString

    init(_ status: Int = 400, _ reason: StaticString) {
        self.status = status
        self.reason = reason
    }

    static func == (one: Self, other: Self) -> Bool {
        one.status == other.status && one.reason.description == other.reason.description
    }
}
