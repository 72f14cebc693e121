import ServalKeyStore

/// Says once for each certificate that its end comes nearer: at 30, 14, 7 and 1 days before, and after it.
package struct ExpiryWatch: Sendable {
    /// A certificate whose end is near, or past.
    package struct Notice: Sendable, Hashable {
        /// The certificate.
        package var certificate: PresentedCertificate
        /// Whole days that are left; less than zero after the end.
        package var days: Int
        /// The threshold that was passed: 30, 14, 7, 1 or 0.
        package var threshold: Int
    }

    /// The days before the end at which a notice is given.
    package static let thresholds = [30, 14, 7, 1, 0]

    private var told: [[UInt8]: Int] = [:]

    package init() {}

    /// The notices that are due at `time`, in seconds since 1970; each threshold once for each certificate.
    ///
    /// What is to be said of a certificate when it is first seen, ``PresentedCertificate/findings(at:)`` says; notices begin after that.
    ///
    /// The end that counts is the earliest in the chain: clients refuse the certificate then.
    package mutating func notices(for certificates: [PresentedCertificate], at time: Int64) -> [Notice] {
        var notices: [Notice] = []
        var present: Set<[UInt8]> = []
        for certificate in certificates {
            let key = Array(certificate.hostName.utf8) + certificate.chain[0].sha256Fingerprint
            present.insert(key)
            let left = certificate.chainNotAfter - time
            let days = Int(left >= 0 ? left / 86400 : (left - 86399) / 86400)
            let passed = Self.thresholds.last { left <= Int64($0) * 86400 }
            guard let before = told.updateValue(passed ?? .max, forKey: key), let threshold = passed, threshold < before else { continue }
            notices.append(Notice(certificate: certificate, days: days, threshold: threshold))
        }
        told = told.filter { present.contains($0.key) }
        return notices
    }
}
