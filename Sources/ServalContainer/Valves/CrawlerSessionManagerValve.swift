public import ServalServlet
import Synchronization

/// Gives each crawler, which takes no cookies, one short session for all of its requests instead of a new one for each.
///
/// Only sessions without a principal are shared: a crawler that signs in has its sessions for itself.
///
/// Source: Tomcat's `CrawlerSessionManagerValve`; its attributes and defaults.
public final class CrawlerSessionManagerValve: Valve {
    /// Who is a crawler, and what becomes of its session.
    public struct Configuration: Sendable, Hashable {
        /// What a crawler's `User-Agent` matches as a whole; names of more than 1024 bytes match nothing.
        ///
        /// Attribute `crawlerUserAgents`; empty for none.
        public var crawlerUserAgents = ".*[bB]ot.*|.*Yahoo! Slurp.*|.*Feedfetcher-Google.*"
        /// What a crawler's address matches as a whole.
        ///
        /// Attribute `crawlerIps`; default `nil` for none.
        public var crawlerIPs: String?
        /// How long a crawler's session may be idle.
        ///
        /// Attribute `sessionInactiveInterval`, in seconds; default 60.
        public var sessionInactiveInterval = Duration.seconds(60)
        /// Whether a crawler has a session of its own for each host name.
        ///
        /// Attribute `hostAware`; default `true`.
        public var isHostAware = true
        /// Whether a crawler has a session of its own for each application; without, it has one only in the application that it asked last.
        ///
        /// Attribute `contextAware`; default `true`.
        public var isContextAware = true

        /// Tomcat's defaults.
        public init() {}
    }

    private struct Client: Hashable, Sendable {
        var address: String
        var host: String
        var context: String
    }

    private struct Entry: Sendable {
        var id: SessionID
        var lastUsed: ContinuousClock.Instant
    }

    /// The most crawlers to remember; beyond, those are forgotten that have been away longest.
    private static let maximumClients = 10_000

    private let configuration: Configuration
    private let userAgents: CachedPattern?
    private let addresses: CachedPattern?
    private let sessions = Mutex<[Client: Entry]>([:])

    /// A valve.
    ///
    /// - Throws: ``ConfigurationError`` for what is not a regular expression.
    public init(_ configuration: Configuration = Configuration()) throws(ConfigurationError) {
        self.configuration = configuration
        let userAgents = configuration.crawlerUserAgents
        self.userAgents = userAgents.isEmpty ? nil : try CachedPattern(userAgents, attribute: "crawlerUserAgents")
        if let ips = configuration.crawlerIPs, !ips.isEmpty {
            self.addresses = try CachedPattern(ips, attribute: "crawlerIps")
        } else {
            self.addresses = nil
        }
    }

    /// Finds a crawler's session for it, and remembers the one that the request has made.
    ///
    /// With a store that does not answer, requests pass as they are: those that need no session do not fail for the sake of one.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        guard let tracker = request.mapping?.sessions as? SessionTracker, self.isCrawler(request), await self.lacksSession(request, tracker) else {
            return try await next(request)
        }
        let client = Client(
            address: request.remoteAddress,
            host: self.configuration.isHostAware ? request.serverName.lowercased() : "",
            context: self.configuration.isContextAware ? request.contextPath : ""
        )
        let known = self.sessions.withLock { sessions in
            sessions[client]?.lastUsed = .now
            return sessions[client]?.id
        }
        if let known, try await self.substitute(known, tracker) {
            // The request now has come with an id, so the session's next id would be its client's.
            return try await SessionRequest.$current.withValue(tracker) { try await next(request) }
        }
        let response = try await next(request)
        guard request.sessionPolicy != .forbidden, let session = tracker.usedSession, session.isValid else { return response }
        // Of somebody who has signed in it is nobody else's, whatever the next client calls itself.
        guard session.principalName == nil, request.authentication == nil else { return response }
        session.maxInactiveInterval = self.configuration.sessionInactiveInterval
        self.remember(session.id, of: client)
        return response
    }

    /// Whether the request's id names no session; `false` if nobody can tell.
    private func lacksSession(_ request: Request, _ tracker: SessionTracker) async -> Bool {
        guard request.sessionPolicy != .forbidden else { return true }
        return (try? await tracker.findsRequestedSession()) == false
    }

    private func substitute(_ id: SessionID, _ tracker: SessionTracker) async throws(SessionError) -> Bool {
        do {
            return try await tracker.substitute(id)
        } catch {
            guard error.code == .storeUnavailable else { throw error }
            return false
        }
    }

    private func isCrawler(_ request: Request) -> Bool {
        // Two names of one client are a trick or a mistake.
        let names = request.headers[values: .userAgent]
        if let userAgents, names.count == 1, let name = names.first, userAgents.matches(name) { return true }
        return self.addresses?.matches(request.remoteAddress) ?? false
    }

    private func remember(_ id: SessionID, of client: Client) {
        let now = ContinuousClock.now
        self.sessions.withLock { sessions in
            sessions[client] = Entry(id: id, lastUsed: now)
            guard sessions.count > Self.maximumClients else { return }
            let past = now - self.configuration.sessionInactiveInterval
            sessions = sessions.filter { $0.value.lastUsed > past }
            guard sessions.count > Self.maximumClients else { return }
            for (client, _) in sessions.sorted(by: { $0.value.lastUsed < $1.value.lastUsed }).prefix(Self.maximumClients / 10) {
                sessions[client] = nil
            }
        }
    }
}
