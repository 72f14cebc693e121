import Foundation
import ServalKeyStore
import ServalPKCS11
import Testing

@Suite("Modules that misbehave")
struct OddModuleTests {
    private func sign(_ module: OddModule) throws -> [UInt8] {
        let key = try module.token.identity(alias: "Odd").privateKey
        return try #require(key.external).sign([UInt8](repeating: 7, count: 32), .ecdsa)
    }

    private func error(of body: () throws -> some Any) -> KeyStoreError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? KeyStoreError
        }
    }

    @Test("A call that hangs ends after the time limit; then the breaker spares callers, and the token's return is noticed")
    func hang() throws {
        let module = try OddModule(limits: OddModule.shortLimits)
        let key = try module.key()
        _ = try key.sign([1], .ecdsa)
        try module.behave("hang")
        let start = ContinuousClock.now
        let first = try #require(error { try key.sign([1], .ecdsa) })
        #expect(first.code == .tokenNotResponding)
        #expect(first.message.contains("token [odd token] gave no answer within 1.5 s"))
        #expect(ContinuousClock.now - start >= .milliseconds(1500))

        let pause = ContinuousClock.now
        #expect(error { try key.sign([1], .ecdsa) }?.message.contains("is not asked again yet") == true)
        #expect(ContinuousClock.now - pause < .seconds(1))

        try module.behave("ok")
        var isBack = false
        for _ in 0..<1000 where !isBack {
            isBack = (try? key.sign([1], .ecdsa)) != nil
            usleep(20_000)
        }
        #expect(isBack)
    }

    @Test("However long a token hangs, only so many threads get stuck in it")
    func boundedThreads() throws {
        var limits = OddModule.shortLimits
        limits.timeout = .milliseconds(500)
        limits.pause = .milliseconds(1)
        let module = try OddModule(limits: limits)
        let key = try module.key()
        _ = try module.calls()
        try module.behave("hang")
        var last: KeyStoreError?
        for _ in 0..<30 {
            last = error { try key.sign([1], .ecdsa) }
            usleep(3000)
        }
        #expect(last?.message.contains("4 calls are stuck") == true)
        #expect(try module.calls().count { $0 == "C_Sign" } == 4)
        try module.behave("ok")
        for _ in 0..<500 where (try? key.sign([1], .ecdsa)) == nil { usleep(10_000) }
        #expect(try !key.sign([1], .ecdsa).isEmpty)
    }

    @Test("Lost sessions are opened again, with a login, and the call is repeated once", arguments: [0xB3, 0xB0, 0x32, 0xE0, 0x101, 0x60])
    func lostSession(code: Int) throws {
        let module = try OddModule(limits: PKCS11Token.Limits())
        let key = try module.key()
        _ = try key.sign([1], .ecdsa)
        _ = try module.calls()
        try module.behave("once:\(String(code, radix: 16))")
        #expect(try !key.sign([1], .ecdsa).isEmpty)
        let calls = try module.calls()
        #expect(calls.filter { ["C_Sign", "C_OpenSession", "C_Login"].contains($0) } == ["C_Sign", "C_OpenSession", "C_Login", "C_Sign"])
    }

    @Test("A token that is taken out is missed, and used again when it is back")
    func removal() throws {
        let module = try OddModule(limits: PKCS11Token.Limits())
        let key = try module.key()
        try module.behave("gone")
        let error = try #require(error { try key.sign([1], .ecdsa) })
        #expect(error.code == .tokenNotFound)
        #expect(error.message.contains("token [odd token] is not present any more"))
        try module.behave("ok")
        #expect(try !key.sign([1], .ecdsa).isEmpty)
    }

    @Test(
        "Odd codes become errors with the function's and the code's name",
        arguments: [
            (0x5, "CKR_GENERAL_ERROR", KeyStoreError.Code.tokenFailed), (0x70, "CKR_MECHANISM_INVALID", .unsupportedAlgorithm),
            (0x8000_0042, "0x80000042", .tokenFailed), (0x30, "CKR_DEVICE_ERROR", .tokenFailed),
        ]
    )
    func codes(code: Int, name: String, kind: KeyStoreError.Code) throws {
        let module = try OddModule(limits: PKCS11Token.Limits())
        try module.behave(String(code, radix: 16))
        let error = try #require(error { try sign(module) })
        #expect(error.code == kind)
        #expect(error.message.contains("C_Sign returned \(name)"))
    }

    @Test("A PIN that is refused after the token came back is not sent again")
    func refusedPIN() throws {
        let module = try OddModule(limits: PKCS11Token.Limits())
        let key = try module.key()
        try module.behave("gone")
        _ = error { try key.sign([1], .ecdsa) }
        try module.behave("login:a0")
        #expect(error { try key.sign([1], .ecdsa) }?.code == .wrongPassword)
        _ = try module.calls()
        #expect(error { try key.sign([1], .ecdsa) }?.code == .wrongPassword)
        #expect(try !module.calls().contains("C_Login"))
    }

    @Test(
        "Refused logins are told apart",
        arguments: [
            ("login:a0", KeyStoreError.Code.wrongPassword, "is wrong"), ("login:a4", .pinLocked, "locked"), ("login:a3", .wrongPassword, "expired"),
            ("login:102", .tokenFailed, "no user PIN"),
        ]
    )
    func logins(mode: String, code: KeyStoreError.Code, words: String) throws {
        let module = try OddModule(limits: PKCS11Token.Limits())
        try module.behave(mode)
        // Another PIN than that of the token that is open makes a login.
        let error = try #require(error { try PKCS11Token.open(PKCS11Module.load(path: module.path), pin: "4321") })
        #expect(error.code == code)
        #expect(error.message.contains(words))
    }
}
