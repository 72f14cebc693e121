import Testing

@testable import ServalPKCS11

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    @Test("After a time-out nothing is tried for a while, then one call, whose outcome decides")
    func lifeCycle() {
        var breaker = CircuitBreaker(pause: .seconds(10))
        let start = ContinuousClock.now
        #expect(breaker.admit(at: start) == .proceed)
        breaker.timedOut(at: start)
        #expect(breaker.admit(at: start + .seconds(9)) == .refuse)
        #expect(breaker.admit(at: start + .seconds(10)) == .proceed)
        #expect(breaker.admit(at: start + .seconds(10)) == .refuse)
        breaker.timedOut(at: start + .seconds(20))
        #expect(breaker.admit(at: start + .seconds(29)) == .refuse)
        #expect(breaker.admit(at: start + .seconds(30)) == .proceed)
        breaker.answered()
        #expect(breaker.admit(at: start + .seconds(30)) == .proceed)
        #expect(breaker.isClosed)
    }
}
