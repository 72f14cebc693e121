public import ServalKeyStore

/// What a reload changes: the certificates that clients see, and what they are measured by.
public struct CertificateReplacement: Sendable {
    /// Certificates that are presented now and were not before.
    public var added: [PresentedCertificate]
    /// Certificates that are not presented any more.
    public var removed: [PresentedCertificate]
    /// What else is different, host by host, each in one line: trusted certificates, revocation lists, the file of session ticket keys.
    public var otherChanges: [String] = []
    /// Revocation lists that take the place of others, host by host.
    private var replacedLists: [(hostName: String, old: TLSHostDescription.RevocationListMark, new: TLSHostDescription.RevocationListMark)] = []

    /// Compares what two contexts present.
    public init(from old: [TLSHostDescription], to new: [TLSHostDescription]) {
        let before = old.flatMap(\.certificates)
        let after = new.flatMap(\.certificates)
        added = after.filter { certificate in !before.contains { $0.hostName == certificate.hostName && $0.chain == certificate.chain } }
        removed = before.filter { certificate in !after.contains { $0.hostName == certificate.hostName && $0.chain == certificate.chain } }
        for host in new {
            guard let former = old.first(where: { $0.hostName == host.hostName }) else { continue }
            for list in host.revocationLists where !former.revocationLists.contains(list) {
                let old = former.revocationLists.filter { $0.path == list.path && $0.issuer == list.issuer }
                for old in old { replacedLists.append((host.hostName, old, list)) }
            }
            otherChanges += Self.changes(from: former, to: host).map { "SSLHostConfig [\(host.hostName)]: \($0)" }
        }
    }

    /// The most revocation lists that are named one by one.
    private static let listLimit = 20

    private static func changes(from old: TLSHostDescription, to new: TLSHostDescription) -> [String] {
        var changes: [String] = []
        let now = KeyStore.millisecondsNow() / 1000
        let before = Set(old.trustedCertificates)
        let after = Set(new.trustedCertificates)
        if before != after {
            let added = after.subtracting(before).count
            let removed = before.subtracting(after).count
            changes.append("trusted certificates: \(added) added, \(removed) removed, \(after.count) now")
        }
        if let mark = new.ticketKeyMark, old.ticketKeyMark != mark { changes.append("other session ticket keys in the serval.sessionTicketKeyFile") }
        var lists: [String] = []
        for list in new.revocationLists where !old.revocationLists.contains(list) {
            let isKnown = old.revocationLists.contains { $0.path == list.path && $0.issuer == list.issuer }
            let state = list.nextUpdate.flatMap { $0 < now ? ", which is out of date since \(ISOTime.text(Int64($0)))" : nil } ?? ""
            lists.append("\(isKnown ? "another" : "a further") revocation list of [\(list.issuer)] in [\(list.path)]\(state)")
        }
        for list in old.revocationLists where !new.revocationLists.contains(where: { $0.path == list.path && $0.issuer == list.issuer }) {
            lists.append("no revocation list of [\(list.issuer)] in [\(list.path)] any more")
        }
        changes += lists.prefix(listLimit)
        if lists.count > listLimit { changes.append("\(lists.count - listLimit) more changes of revocation lists") }
        return changes
    }

    /// Refuses to replace certificates that clients accept by some that they will not, and revocation lists by some that say nothing yet.
    ///
    /// - Parameter time: in seconds since 1970.
    /// - Throws: `.certificateNotValid` if a new certificate has expired, or is not valid yet, while the old one of its host is valid, or if a new revocation list is
    ///   not valid yet; one that has ended counts, because the authority may have stopped to vouch for anybody.
    public func check(at time: Int64 = KeyStore.millisecondsNow() / 1000) throws(TLSError) {
        for certificate in added where !certificate.isValid(at: time) {
            let old = removed.filter { $0.hostName == certificate.hostName }
            guard old.contains(where: { $0.isValid(at: time) }) else { continue }
            let state = certificate.notAfter < time ? "has expired" : "is not valid yet"
            throw TLSError(
                .certificateNotValid,
                "SSLHostConfig [\(certificate.hostName)]: the new certificate \(state) (\(certificate.source), serial number \(certificate.serialNumber)); the one in use is valid"
            )
        }
        for (hostName, old, new) in replacedLists where Int64(old.thisUpdate) <= time && Int64(new.thisUpdate) > time {
            throw TLSError(
                .certificateNotValid,
                "SSLHostConfig [\(hostName)]: the new revocation list of [\(new.issuer)] in [\(new.path)] is valid from \(ISOTime.text(Int64(new.thisUpdate))) only; is one of the clocks wrong?"
            )
        }
    }
}
