import Foundation
import Logging
import ServalKeyStore
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// What is told about the certificates that hosts present.
struct PresentedCertificateTests {
    private func presented(_ pair: Certificates.Pair, host: String = "localhost") async throws -> PresentedCertificate {
        let chain = [try await pair.der(), try await Certificates.shared.value.authority.der()]
        return try #require(PresentedCertificate(hostName: host, keyType: "EC", source: pair.certificate, chain: chain))
    }

    @Test func aCertificateIsDescribed() async throws {
        let certificates = try await Certificates.shared.value
        let certificate = try await presented(certificates.server)
        #expect(certificate.names == ["localhost"])
        #expect(certificate.description.contains("host [localhost], subject [CN=localhost]"))
        #expect(certificate.description.contains(certificates.server.certificate))
        let shown = try await Command.openssl("x509", "-in", certificates.server.certificate, "-noout", "-fingerprint", "-sha256", "-serial")
        let text = String(decoding: shown, as: UTF8.self)
        #expect(text.contains(certificate.fingerprint))
        #expect(text.lowercased().contains(certificate.serialNumber.lowercased()))
        #expect(certificate.chainNotAfter <= certificate.notAfter)
        #expect(!certificate.findings().contains { $0.severity == .error })
    }

    @Test func aNameThatTheCertificateDoesNotHaveIsFound() async throws {
        let certificates = try await Certificates.shared.value
        let wrong = try await presented(certificates.alpha, host: "www.example.com").findings()
        #expect(wrong.contains { $0.message.contains("is not for the host [www.example.com] but for alpha.test") })
        let right = try await presented(certificates.alpha, host: "ALPHA.test").findings()
        #expect(!right.contains { $0.message.contains("is not for the host") })
        let anything = try await presented(certificates.alpha, host: "_default_").findings()
        #expect(!anything.contains { $0.message.contains("is not for the host") })
        let expired = try await presented(certificates.expiredClient).findings()
        #expect(expired.contains { $0.severity == .error && $0.message.contains("expired") })
    }

    @Test func theEndIsToldAtEachThresholdOnce() async throws {
        let certificate = try await presented(Certificates.shared.value.server)
        let end = certificate.chainNotAfter
        var watch = ExpiryWatch()
        func days(_ before: Int64) -> [Int] { watch.notices(for: [certificate], at: end - before * 86400).map(\.threshold) }
        #expect(days(31) == [])
        #expect(days(30) == [30])
        #expect(days(29) == [])
        #expect(days(15) == [])
        #expect(days(14) == [14])
        #expect(days(6) == [7])
        #expect(days(6) == [])
        #expect(days(1) == [1])
        #expect(days(0) == [0])
        #expect(days(-5) == [])
        // Another certificate takes its place, and what is seen first near its end has been told of in another way.
        #expect(watch.notices(for: [], at: end).isEmpty)
        #expect(watch.notices(for: [certificate], at: end - 86400 * 10).isEmpty)
        let late = watch.notices(for: [certificate], at: end + 86400 * 2)
        #expect(late.map(\.threshold) == [0] && late.map(\.days) == [-2])
    }

    @Test func whatExpiresSoonIsToldOnceHoweverOftenItIsLoaded() async throws {
        let soon = try await presented(Certificates.shared.value.server)
        let end = soon.chainNotAfter
        var expiring = ExpiringCertificates(daysBefore: 14)
        #expect(expiring.near([soon], at: end - 14 * 86400 - 1).isEmpty)
        #expect(expiring.near([soon], at: end - 14 * 86400) == [soon])
        #expect(expiring.near([soon], at: end + 86400) == [soon])
        #expect(ExpiringCertificates(daysBefore: 0).near([soon], at: end - 1).isEmpty)
        #expect(ExpiringCertificates(daysBefore: Int(Int32.max)).near([soon], at: 0) == [soon])
        var told = 0
        for day in stride(from: Int64(13), through: -3, by: -1) { told += expiring.stillNear([soon], at: end - day * 86400).count }
        #expect(told == 1)
        // The same for another host is another matter, and so is a certificate that was away.
        var other = soon
        other.hostName = "www.example.com"
        #expect(expiring.stillNear([soon, other], at: end) == [other])
        #expect(expiring.stillNear([], at: end).isEmpty)
        #expect(expiring.stillNear([soon], at: end) == [soon])
        var news = ["a", "a", "b", "b", "a"].map { cause in expiring.isNews(cause) }
        #expect(news == [true, false, true, false, true])
        // It worked in between.
        _ = expiring.stillNear([soon], at: end)
        news = [expiring.isNews("a")]
        #expect(news == [true])
    }

    @Test func anExpiredCertificateDoesNotReplaceAGoodOne() async throws {
        let certificates = try await Certificates.shared.value
        let good = try await presented(certificates.server)
        let other = try await presented(certificates.alpha)
        let expired = try await presented(certificates.expiredClient)
        func replacement(_ old: PresentedCertificate, _ new: PresentedCertificate) -> CertificateReplacement {
            func description(_ certificate: PresentedCertificate) -> TLSHostDescription {
                TLSHostDescription(
                    TLSHostConfiguration(hostName: "localhost", certificates: []),
                    certificates: [certificate],
                    cipherSuites: [],
                    trustedCount: 0
                )
            }
            return CertificateReplacement(from: [description(old)], to: [description(new)])
        }
        #expect(replacement(good, good).added.isEmpty && replacement(good, good).removed.isEmpty)
        #expect(replacement(good, other).added == [other] && replacement(good, other).removed == [good])
        try replacement(good, other).check()
        let error = #expect(throws: TLSError.self) { try replacement(good, expired).check() }
        #expect(error?.code == .certificateNotValid && error?.message.contains("has expired") == true)
        try replacement(expired, expired).check()
        try replacement(expired, good).check()
    }

    @Test func theSuitesThatCanBeAgreedOnFollowVersionsAndKeys() async throws {
        let certificates = try await Certificates.shared.value
        func suites(_ pairs: [(Certificates.Pair, CertificateConfiguration.KeyType)], _ versions: Set<TLSProtocolVersion>) async throws -> [String] {
            var configurations: [CertificateConfiguration] = []
            for (pair, type) in pairs { configurations.append(.init(source: try await pair.configuration().source, keyType: type)) }
            var host = TLSHostConfiguration(certificates: configurations)
            host.protocols = versions
            let context = try OpenSSLServerContext(
                TLSEndpointConfiguration(hosts: [host]),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            return context.hostDescriptions[0].cipherSuites
        }
        let both: Set<TLSProtocolVersion> = [.v1_2, .v1_3]
        let ec = try await suites([(certificates.server, .ec)], both)
        #expect(ec.first == "TLS_AES_256_GCM_SHA384")
        #expect(ec.contains("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") && !ec.contains { $0.contains("_RSA_") })
        let rsa = try await suites([(certificates.serverRSA, .rsa)], both)
        #expect(rsa.contains("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") && !rsa.contains { $0.contains("_ECDSA_") })
        let all = try await suites([(certificates.server, .ec), (certificates.serverRSA, .rsa)], both)
        #expect(Set(all) == Set(ec + rsa))
        #expect(try await suites([(certificates.server, .ec)], [.v1_3]).allSatisfy { !$0.contains("_WITH_") })
        #expect(try await suites([(certificates.server, .ec)], [.v1_2]).allSatisfy { $0.contains("_WITH_") })
    }
}
