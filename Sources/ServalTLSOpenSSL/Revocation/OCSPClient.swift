import NIOCore
import ServalTLS

/// Asks the responders that a certificate names, one after the other, until one says something.
struct OCSPClient: Sendable {
    /// What one of them said.
    struct Finding: Sendable {
        var answer: OCSPQuery.Answer
        /// The answer as it came, signed.
        var der: [UInt8]
        var responder: ResponderAddress
    }

    let query: OCSPQuery
    let responders: [ResponderAddress]
    let withNonce: Bool
    let timeout: TimeAmount

    /// The most bytes of an answer.
    static let sizeLimit = 65536

    /// Fails with `CertificateStatus.MissingProof`, which names each responder with what it did.
    func ask(on loop: any EventLoop) -> EventLoopFuture<Finding> {
        let end = NIODeadline.now() + timeout
        return loop.flatSubmit { self.ask(0, until: end, on: loop, before: []) }
    }

    private func ask(
        _ index: Int,
        until end: NIODeadline,
        on loop: any EventLoop,
        before: [CertificateStatus.MissingProof]
    ) -> EventLoopFuture<Finding> {
        let left = end - .now()
        guard left > .zero, index < responders.count else {
            let words = before.map(\.words).joined(separator: "; ")
            return loop.makeFailedFuture(CertificateStatus.MissingProof(words, label: before.last?.label ?? "timeout"))
        }
        // A responder that hangs leaves the others their share of the time.
        let share = TimeAmount.nanoseconds(left.nanoseconds / Int64(responders.count - index))
        let responder = responders[index]
        return ask(responder, within: share, on: loop).flatMapErrorWithEventLoop { error, loop in
            var missing = error as? CertificateStatus.MissingProof ?? .init("\(error)", label: "internal")
            missing.words = "\(responder) \(missing.words)"
            return self.ask(index + 1, until: end, on: loop, before: before + [missing])
        }
    }

    private func ask(_ responder: ResponderAddress, within time: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Finding> {
        guard let request = query.request(withNonce: withNonce) else {
            return loop.makeFailedFuture(CertificateStatus.MissingProof("cannot be asked: \(OpenSSLFailure.takeReason())", label: "internal"))
        }
        let exchange = HTTPExchange(
            address: responder,
            body: request.der,
            contentType: "application/ocsp-request",
            timeout: time,
            sizeLimit: Self.sizeLimit
        )
        // The request's nonce is needed for its answer; both are of this loop.
        let kept = NIOLoopBound(request, eventLoop: loop)
        return exchange.run(on: loop)
            .flatMapErrorThrowing { error in
                guard let failure = error as? HTTPExchange.Failure else { throw error }
                throw CertificateStatus.MissingProof(failure.words, label: failure.label)
            }
            .flatMapThrowing { der in
                let answer = try self.query.answer(in: der, to: kept.value, now: currentSecond())
                guard answer.status != .unknown else { throw CertificateStatus.MissingProof("does not know the certificate", label: "unknown") }
                return Finding(answer: answer, der: der, responder: responder)
            }
    }
}
