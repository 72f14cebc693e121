import COpenSSL
import ServalTLS

/// One question to a responder: whether this certificate has been revoked (RFC 6960).
///
/// Makes the request, and judges answers: whose they are, whether they are about this certificate, and whether they are fresh.
struct OCSPQuery: Sendable {
    let certificate: CertificateHandle
    let issuer: CertificateHandle
    /// OpenSSL's, without those that would switch off what `verified` promises.
    var verifyFlags = 0

    /// How far clocks may differ, in seconds; Tomcat's value.
    static let skew = 300
    /// How long an answer counts that does not say how long it does, in seconds.
    static let defaultLifetime = 300

    /// What a responder that is entitled to says.
    struct Answer: Sendable, Hashable {
        var status: Status
        /// In seconds since 1970.
        var thisUpdate: Int
        /// In seconds since 1970; made up if the answer does not say.
        var nextUpdate: Int

        enum Status: Sendable, Hashable {
            case good
            /// When, in seconds since 1970, and why in OpenSSL's words.
            case revoked(at: Int, reason: String?)
            /// The responder does not know the certificate.
            case unknown
        }
    }

    /// A request in DER, and what is needed to recognise its answer.
    final class Request {
        let der: [UInt8]
        fileprivate let pointer: OpaquePointer

        fileprivate init(_ pointer: OpaquePointer, _ der: [UInt8]) {
            self.pointer = pointer
            self.der = der
        }

        deinit { OCSP_REQUEST_free(pointer) }
    }

    /// A request for this certificate.
    ///
    /// - Parameter withNonce: so that the answer can be no old one. Left out where the answer is to be kept and shown to others: prepared answers, which
    ///   large authorities give, have none.
    func request(withNonce: Bool) -> Request? {
        defer { ERR_clear_error() }
        guard let request = OCSP_REQUEST_new() else { return nil }
        guard let id = certificateID() else {
            OCSP_REQUEST_free(request)
            return nil
        }
        guard OCSP_request_add0_id(request, id) != nil else {
            OCSP_CERTID_free(id)
            OCSP_REQUEST_free(request)
            return nil
        }
        // 32 bytes, as RFC 8954 would have it.
        guard !withNonce || OCSP_request_add1_nonce(request, nil, 32) == 1, let der = Self.der(request) else {
            OCSP_REQUEST_free(request)
            return nil
        }
        return Request(request, der)
    }

    private static func der(_ request: OpaquePointer) -> [UInt8]? {
        var start: UnsafeMutablePointer<UInt8>?
        let count = i2d_OCSP_REQUEST(request, &start)
        guard count > 0, let start else { return nil }
        defer { serval_free(start) }
        return Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    /// By SHA-1, which is the only digest that every responder knows; nothing depends on its strength, because the answer's signature covers it.
    private func certificateID() -> OpaquePointer? { OCSP_cert_to_id(EVP_sha1(), certificate.pointer, issuer.pointer) }

    // MARK: Answers

    /// What an answer says, after everything about it has been checked.
    ///
    /// - Parameters:
    ///   - request: The request that it answers; `nil` for an answer that was kept.
    ///   - now: In seconds since 1970.
    func answer(in der: [UInt8], to request: Request?, now: Int) throws(CertificateStatus.MissingProof) -> Answer {
        defer { ERR_clear_error() }
        guard let response = Self.parse(der) else { throw .init("its answer cannot be parsed", label: "malformed") }
        defer { OCSP_RESPONSE_free(response) }
        let outcome = OCSP_response_status(response)
        guard outcome == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
            throw .init("it answers [\(String(cString: OCSP_response_status_str(Int(outcome))))]", label: "responder-error")
        }
        guard let basic = OCSP_response_get1_basic(response) else { throw .init("its answer is of an unknown kind", label: "malformed") }
        defer { OCSP_BASICRESP_free(basic) }
        // An answer without a nonce may have been prepared; its times decide then.
        if let request, OCSP_check_nonce(request.pointer, basic) == 0 { throw .init("its answer belongs to another request (nonce)", label: "nonce") }
        try checkSignature(of: basic)
        return try verified(basic, now: now)
    }

    private static func parse(_ der: [UInt8]) -> OpaquePointer? {
        der.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            guard let response = d2i_OCSP_RESPONSE(nil, &position, bytes.count) else { return nil }
            guard let position, let start = bytes.baseAddress, position - start == bytes.count else {
                OCSP_RESPONSE_free(response)
                return nil
            }
            return response
        }
    }

    /// The issuer of the certificate itself, or a responder that it has certified for this very purpose; nobody else, however trusted.
    private func checkSignature(of basic: OpaquePointer) throws(CertificateStatus.MissingProof) {
        guard let store = serval_store_of(issuer.pointer), let candidates = serval_certs_new() else {
            throw .init("out of memory", label: "internal")
        }
        defer {
            X509_STORE_free(store)
            serval_certs_free(candidates)
        }
        guard serval_certs_push(candidates, issuer.pointer) == 1 else { throw .init("out of memory", label: "internal") }
        let forbidden = Int(OCSP_NOSIGS | OCSP_NOVERIFY | OCSP_NOCHECKS)
        // Without NOEXPLICIT whoever is trusted for OCSP in general would do; TRUSTOTHER means the issuer here, who is trusted anyway.
        let flags = verifyFlags & ~forbidden | Int(OCSP_NOEXPLICIT)
        guard OCSP_basic_verify(basic, candidates, store, UInt(flags)) == 1 else {
            throw .init("nobody entitled has signed its answer: \(OpenSSLFailure.takeReason())", label: "signature")
        }
    }

    private func verified(_ basic: OpaquePointer, now: Int) throws(CertificateStatus.MissingProof) -> Answer {
        guard let id = certificateID() else { throw .init("out of memory", label: "internal") }
        defer { OCSP_CERTID_free(id) }
        var found: Answer?
        var problem = CertificateStatus.MissingProof("its answer is about another certificate", label: "other-certificate")
        var index = OCSP_resp_find(basic, id, -1)
        while index >= 0 {
            do throws(CertificateStatus.MissingProof) {
                let answer = try single(OCSP_resp_get0(basic, index), now: now)
                // Of several the worst counts.
                if found.map({ answer.status.rank > $0.status.rank }) ?? true { found = answer }
            } catch {
                problem = error
            }
            index = OCSP_resp_find(basic, id, index)
        }
        guard let found else { throw problem }
        return found
    }

    private func single(_ single: OpaquePointer?, now: Int) throws(CertificateStatus.MissingProof) -> Answer {
        var reason: Int32 = -1
        var revoked: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var this: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        let status = OCSP_single_get0_status(single, &reason, &revoked, &this, &next)
        let thisUpdate = Int(serval_seconds(this))
        guard status >= 0, thisUpdate > 0 else { throw .init("its answer has no time", label: "malformed") }
        var nextUpdate = thisUpdate + Self.defaultLifetime
        if let next {
            nextUpdate = Int(serval_seconds(next))
            guard nextUpdate >= thisUpdate else { throw .init("its answer ends before it begins", label: "malformed") }
        }
        guard thisUpdate <= now + Self.skew else {
            throw .init("its answer is of the future: thisUpdate is \(UTCTime.words(thisUpdate))", label: "not-yet-valid")
        }
        guard now <= nextUpdate + Self.skew else {
            let words =
                next == nil ? "thisUpdate is \(UTCTime.words(thisUpdate)), and there is no nextUpdate" : "nextUpdate was \(UTCTime.words(nextUpdate))"
            throw .init("its answer is out of date: \(words)", label: "stale")
        }
        switch status {
        case V_OCSP_CERTSTATUS_GOOD:
            return Answer(status: .good, thisUpdate: thisUpdate, nextUpdate: nextUpdate)
        case V_OCSP_CERTSTATUS_REVOKED:
            let words = reason < 0 ? nil : String(cString: OCSP_crl_reason_str(Int(reason)))
            return Answer(status: .revoked(at: Int(serval_seconds(revoked)), reason: words), thisUpdate: thisUpdate, nextUpdate: nextUpdate)
        default:
            return Answer(status: .unknown, thisUpdate: thisUpdate, nextUpdate: nextUpdate)
        }
    }
}

extension OCSPQuery.Answer.Status {
    fileprivate var rank: Int {
        switch self {
        case .unknown: 0
        case .good: 1
        case .revoked: 2
        }
    }
}
