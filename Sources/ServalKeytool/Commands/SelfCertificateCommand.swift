import FoundationEssentials
import ServalKeyStore
import SwiftASN1
import X509

/// `-selfcert`: makes a new self-signed certificate for a private key, in the place of its chain; obsolete and not listed, as in the JDK.
enum SelfCertificateCommand: Command {
    static let name = "-selfcert"
    static let summary = "Generates a self-signed certificate"
    static let isListed = false
    static let options: [OptionDescription] =
        [.alias, .signatureAlgorithm, .dname, .startDate, .ext, .validity, .keyPassword, .storeType, .keyStore, .storePassword]
        + OptionDescription.providers + [.verbose]

    static func run(in session: Session) throws {
        let options = session.options
        let alias = session.alias
        let days = try session.number(.validity) ?? 90
        guard days > 0 else { throw Failure.error("Validity must be greater than zero") }
        var opened = try KeyStoreOpening(session, for: .changing).open()
        let key = try opened.privateKey(alias: alias, in: session)
        guard var entry = opened.store[alias], case .privateKey(var keyEntry) = entry.content, let present = keyEntry.certificateChain.first else {
            throw Failure.error("Alias <\(alias)> has no public key (certificate)")
        }
        let begin = try StartDate.resolve(options[.startdate], now: KeyStore.millisecondsNow() / 1000)
        let signature = try SignatureName.resolve(options[.sigalg], for: key, failure: .error("Cannot derive signature algorithm"))
        let requested = try ExtensionArguments(options.all(.ext)).extensions
        do {
            let subject = try options[.dname].map { try DistinguishedName.argument($0) } ?? DistinguishedName(present.fields().subject)
            let extensions = try kept(present.fields().extensions, besides: requested) + requested
            let certificate = try SelfSignedCertificate.issue(
                publicKeyInfo: key.publicKeyInfo,
                subject: subject,
                issuer: subject,
                issuerKey: key,
                notBefore: Date(timeIntervalSince1970: Double(begin)),
                notAfter: Date(timeIntervalSince1970: Double(begin) + Double(days) * 86_400),
                extensions: Certificate.Extensions(extensions),
                signatureAlgorithm: signature
            )
            if session.isVerbose {
                session.console.print(error: "New certificate (self-signed):\n" + CertificateBlock.text(certificate), terminator: "")
            }
            keyEntry.certificateChain = [certificate]
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
        entry.content = .privateKey(keyEntry)
        entry.creationDate = KeyStore.millisecondsNow()
        opened.store.set(entry, alias: alias)
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }

    /// The extensions of the present certificate that are not asked for anew, but for those that tell keys: the issuer's may be another.
    private static func kept(_ present: [CertificateFields.Extension], besides requested: [Certificate.Extension]) throws -> [Certificate.Extension] {
        try present.compactMap { old in
            let identifier = try ASN1ObjectIdentifier(dotRepresentation: old.oid)
            guard identifier != .X509ExtensionID.authorityKeyIdentifier, identifier != .X509ExtensionID.subjectKeyIdentifier else { return nil }
            guard !requested.contains(where: { $0.oid == identifier }) else { return nil }
            return Certificate.Extension(oid: identifier, critical: old.isCritical, value: old.value[...])
        }
    }
}
