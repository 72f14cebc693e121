public import Logging
public import NIOCore

/// A TLS implementation.
public protocol TLSBackend: Sendable {
    /// The implementation's name and version for logs, for example `OpenSSL 3.0.17`.
    var name: String { get }

    /// Whether `TLSConnectionFacts.sessionID` stays the same when a session is resumed, so that HTTP sessions can be tracked by it; `true` by default.
    ///
    /// Where it is not, the id is empty.
    var tracksSessions: Bool { get }

    /// Reads keys and certificates and builds what connections need, as a whole: it is either complete or not there.
    ///
    /// Reads files and computes; call it at start and at reload, not on an event loop.
    ///
    /// - Parameter logger: gets warnings about settings that were ignored.
    /// - Throws: what is wrong, with host, attribute and file.
    func makeServerContext(_ configuration: TLSEndpointConfiguration, logger: Logger) throws(TLSError) -> any TLSServerContext
}

extension TLSBackend {
    /// As most do.
    public var tracksSessions: Bool { true }
}

/// The immutable TLS state of one connector; a reload makes a new one.
public protocol TLSServerContext: Sendable {
    /// A handler for one connection, to be put first into its pipeline on the connection's event loop.
    ///
    /// It takes and gives `ByteBuffer`s. Inbound it fires `TLSHandshakeCompletion` as a user event before the first bytes. On failure it fires a
    /// `TLSError` as `errorCaught` and closes the channel. The one exception is the error `.plaintextHTTP`: after it the handler passes writes through as
    /// they are, so that the next handler can answer in plain HTTP, and leaves closing to that handler. A client that goes on sending then, or after a refusal, is
    /// given two seconds or 256 KiB to read why before the channel closes.
    ///
    /// - Parameter reporter: is told how the handshake came out.
    func makeHandler(reporter: TLSHandshakeReporter?) -> any ChannelHandler

    /// The same for a connection that `keeper` looks after; `nil`, as by default, if the backend's handlers cannot be looked after.
    func makeHandler(reporter: TLSHandshakeReporter?, keeper: any TLSConnectionKeeper) -> (any KeptTLSHandler)?

    /// Which host serves which server name.
    var hostNames: TLSHostNames { get }

    /// What each host presents and how it speaks, in the order of the configuration.
    ///
    /// For logs, tools and metrics; not for the path of a connection.
    var hostDescriptions: [TLSHostDescription] { get }

    /// One line for each host for the log: name, key type, source, protocols, client authentication.
    var summary: [String] { get }

    /// How fresh what each host knows about revocation is now: OCSP answers about its own certificates, revocation lists for clients'.
    var revocationFacts: [TLSRevocationFacts] { get }
}

extension TLSServerContext {
    /// A handler whose handshake nobody is told of.
    public func makeHandler() -> any ChannelHandler { makeHandler(reporter: nil) }

    /// None, for backends whose handlers look after themselves.
    public func makeHandler(reporter: TLSHandshakeReporter?, keeper: any TLSConnectionKeeper) -> (any KeptTLSHandler)? { nil }

    /// None, for backends that neither staple nor look at lists.
    public var revocationFacts: [TLSRevocationFacts] { [] }
}
