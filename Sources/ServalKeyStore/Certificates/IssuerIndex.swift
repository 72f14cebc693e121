import Synchronization

/// Certificates under their subjects, in which issuers are looked up.
///
/// A file may hold any number of certificates of one name: few of them are tried for each certificate, and all signatures together cost no more than a
/// multiple of reading the file.
package final class IssuerIndex: Sendable {
    /// How many certificates of one name are tried, those with the right key identifier first.
    ///
    /// Authorities have a handful.
    private static let mostCandidates = 32
    /// How many signatures are checked besides one for each certificate.
    private static let checks = 1024

    private struct Member {
        let certificate: CertificateData
        let keyIdentifier: [UInt8]?
    }

    private struct Link: Hashable {
        let certificate: CertificateData
        let issuer: CertificateData
    }

    private struct State {
        var verdicts: [Link: SignatureAlgorithm.Verification] = [:]
        var checksLeft: Int
    }

    private let bySubject: [CanonicalName: [Member]]
    private let state: Mutex<State>

    /// Takes in certificates; duplicates, and what is no certificate, are left out.
    package init(_ certificates: some Sequence<CertificateData>) {
        var seen: Set<CertificateData> = []
        var bySubject: [CanonicalName: [Member]] = [:]
        for certificate in certificates where seen.insert(certificate).inserted {
            guard let skeleton = try? CertificateSkeleton(der: certificate.der) else { continue }
            let member = Member(certificate: certificate, keyIdentifier: skeleton.keyIdentifiers.own)
            bySubject[CanonicalName(skeleton.subject), default: []].append(member)
        }
        self.bySubject = bySubject
        state = Mutex(State(checksLeft: Self.checks + seen.count))
    }

    /// The certificates with the name that this one gives as its issuer's, without itself; at most 32, the likeliest first.
    package func named(asIssuerOf certificate: CertificateData) -> [CertificateData] {
        guard let skeleton = try? CertificateSkeleton(der: certificate.der), let members = bySubject[CanonicalName(skeleton.issuer)] else {
            return []
        }
        let wanted = skeleton.keyIdentifiers.issuer
        var likely: [CertificateData] = []
        var others: [CertificateData] = []
        for member in members where member.certificate != certificate {
            if wanted != nil, member.keyIdentifier == wanted {
                likely.append(member.certificate)
                if likely.count == Self.mostCandidates { return likely }
            } else if others.count < Self.mostCandidates {
                others.append(member.certificate)
            }
        }
        return Array((likely + others).prefix(Self.mostCandidates))
    }

    /// The certificates that signed this one, by name and signature, the likeliest first.
    package func issuers(of certificate: CertificateData) -> [CertificateData] {
        named(asIssuerOf: certificate).filter { verification(of: certificate, by: $0) == .holds }
    }

    /// Whether the key of `issuer` made the signature; unknown when too many have been checked.
    func verification(of certificate: CertificateData, by issuer: CertificateData) -> SignatureAlgorithm.Verification {
        let link = Link(certificate: certificate, issuer: issuer)
        let (known, isAllowed) = state.withLock { state -> (SignatureAlgorithm.Verification?, Bool) in
            if let verdict = state.verdicts[link] { return (verdict, true) }
            guard state.checksLeft > 0 else { return (nil, false) }
            state.checksLeft -= 1
            return (nil, true)
        }
        if let known { return known }
        guard isAllowed, let child = try? CertificateSkeleton(der: certificate.der), let parent = try? CertificateSkeleton(der: issuer.der) else {
            return .unknown
        }
        let verdict = child.verification(by: parent)
        state.withLock { $0.verdicts[link] = verdict }
        return verdict
    }
}

extension CertificateSkeleton {
    /// The identifiers of the certificate's own key and of its issuer's, as its extensions tell them.
    fileprivate var keyIdentifiers: (own: [UInt8]?, issuer: [UInt8]?) {
        var identifiers: (own: [UInt8]?, issuer: [UInt8]?)
        for value in (try? extensions?.children()) ?? [] {
            guard let item = try? CertificateFields.Extension(value), let inner = try? ASN1Value(item.value) else { continue }
            switch item.oid {
            case "2.5.29.14": identifiers.own = try? inner.octets()
            case "2.5.29.35": identifiers.issuer = (try? inner.children())?.first { $0.tag == 0x80 }.map { Array($0.content) }
            default: break
            }
        }
        return identifiers
    }
}
