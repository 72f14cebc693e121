/// How fresh what a TLS host knows about revocation is; for gauges, warnings and `tls explain`.
public struct TLSRevocationFacts: Sendable, Hashable {
    /// The host (`hostName`).
    public var hostName: String
    /// One for each of the host's certificates that names an OCSP responder, if the host staples.
    public var staples: [Staple] = []
    /// One for each revocation list that the host has for client certificates.
    public var revocationLists: [RevocationList] = []

    /// Makes facts.
    public init(hostName: String) { self.hostName = hostName }

    /// The OCSP answer that is presented with a certificate.
    public struct Staple: Sendable, Hashable {
        /// The certificate's subject.
        public var subject: String
        /// The certificate's serial number in hexadecimal digits, as ``PresentedCertificate/serialNumber``.
        public var serialNumber: String
        /// The responder that is asked.
        public var responder: String
        /// When the answer was known to be right, in seconds since 1970; `nil` if there is none.
        public var thisUpdate: Int?
        /// When it ends, in seconds since 1970; `nil` if there is none.
        public var nextUpdate: Int?
        /// Why the last attempt to fetch one failed; `nil` if it did not.
        public var lastFailure: String?

        /// Makes facts.
        public init(
            subject: String,
            serialNumber: String,
            responder: String,
            thisUpdate: Int? = nil,
            nextUpdate: Int? = nil,
            lastFailure: String? = nil
        ) {
            self.subject = subject
            self.serialNumber = serialNumber
            self.responder = responder
            self.thisUpdate = thisUpdate
            self.nextUpdate = nextUpdate
            self.lastFailure = lastFailure
        }
    }

    /// A revocation list.
    public struct RevocationList: Sendable, Hashable {
        /// Who issued it.
        public var issuer: String
        /// The file it came from.
        public var path: String
        /// When it was made, in seconds since 1970.
        public var thisUpdate: Int
        /// When it ends, in seconds since 1970; `nil` if it does not say so.
        public var nextUpdate: Int?

        /// Makes facts.
        public init(issuer: String, path: String, thisUpdate: Int, nextUpdate: Int? = nil) {
            self.issuer = issuer
            self.path = path
            self.thisUpdate = thisUpdate
            self.nextUpdate = nextUpdate
        }
    }
}

/// Something that revocation did and that is worth counting; labels are constant words.
public enum TLSRevocationEvent: Sendable, Hashable {
    /// A responder was asked about a client certificate; `good`, `revoked`, `unknown`, or why there is no proof, for example `timeout`.
    case query(outcome: String)
    /// A client was let in without proof (`ocspSoftFail`).
    case letInWithoutProof
    /// A client was refused because its certificate, or one above it, has been revoked.
    case refusedRevoked
    /// A client was refused because there was no proof.
    case refusedWithoutProof
    /// A responder was asked about a host's own certificate; the words are those of `query`.
    case staple(outcome: String)
}
