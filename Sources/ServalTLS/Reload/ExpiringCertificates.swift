import ServalKeyStore

/// Decides which certificates are to be loaded again because they are about to expire, and what is said of it (`TLSCertificateReloadListener`).
///
/// A value without I/O, for one connector. What is loaded again and is still the same is told once for each certificate, and a failure once for each cause,
/// however often is looked.
package struct ExpiringCertificates: Sendable {
    private let daysBefore: Int
    private var told: Set<[UInt8]> = []
    private var lastCause: String?

    /// - Parameter daysBefore: a certificate that ends in this many days or fewer is loaded again.
    package init(daysBefore: Int) { self.daysBefore = daysBefore }

    /// Those whose chain ends soon, or has ended, at `time` in seconds since 1970.
    package func near(_ certificates: [PresentedCertificate], at time: Int64) -> [PresentedCertificate] {
        certificates.filter { $0.chainNotAfter - time <= Int64(daysBefore) * 86400 }
    }

    /// Those among `certificates`, which are in use after a load, that are about to expire all the same and have not been told of.
    package mutating func stillNear(_ certificates: [PresentedCertificate], at time: Int64) -> [PresentedCertificate] {
        lastCause = nil
        let near = near(certificates, at: time)
        let keys = near.map(Self.key)
        defer { told = Set(keys) }
        return zip(near, keys).filter { !told.contains($0.1) }.map(\.0)
    }

    /// Whether a load that failed for this cause is to be told of.
    package mutating func isNews(_ cause: String) -> Bool {
        defer { lastCause = cause }
        return cause != lastCause
    }

    private static func key(_ certificate: PresentedCertificate) -> [UInt8] {
        Array(certificate.hostName.utf8) + certificate.chain.flatMap(\.sha256Fingerprint)
    }
}
