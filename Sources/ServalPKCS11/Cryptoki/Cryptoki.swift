import CPKCS11
import ServalKeyStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A loaded module: its functions, with Swift's values around them.
///
/// `@unchecked Sendable`: the list of functions never changes, and `C_Initialize` has been told that several threads call.
final class Cryptoki: @unchecked Sendable {
    private let functions: UnsafeMutablePointer<CK_FUNCTION_LIST>

    /// Loads the library and starts it; both may block as long as the library likes.
    ///
    /// A module that some other part of the process has started already is used as it is. The library is never unloaded: modules leave threads and exit
    /// handlers behind.
    init(path: String) throws(KeyStoreError) {
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "unknown reason"
            throw KeyStoreError(.moduleUnavailable, "The PKCS#11 module [\(path)] cannot be loaded: \(reason)")
        }
        guard let symbol = dlsym(library, "C_GetFunctionList") else {
            throw KeyStoreError(.moduleUnavailable, "[\(path)] is not a PKCS#11 module: it has no function C_GetFunctionList")
        }
        var list: UnsafeMutablePointer<CK_FUNCTION_LIST>?
        let code = unsafeBitCast(symbol, to: CK_C_GetFunctionList.self)(&list)
        guard code == CKR_OK, let list else {
            let failure = CryptokiFailure(function: "C_GetFunctionList", code: code)
            throw KeyStoreError(.moduleUnavailable, "The PKCS#11 module [\(path)] does not start: \(failure.inWords)")
        }
        guard list.pointee.version.major == 2 else {
            throw KeyStoreError(
                .moduleUnavailable,
                "The PKCS#11 module [\(path)] speaks version \(list.pointee.version.major).\(list.pointee.version.minor); version 2 is needed"
            )
        }
        functions = list
        var arguments = CK_C_INITIALIZE_ARGS()
        arguments.flags = CKF_OS_LOCKING_OK
        do throws(CryptokiFailure) {
            let started = functions.pointee.C_Initialize(&arguments)
            if started != CKR_CRYPTOKI_ALREADY_INITIALIZED { try check("C_Initialize", started) }
        } catch {
            throw KeyStoreError(.moduleUnavailable, "The PKCS#11 module [\(path)] does not start: \(error.inWords)")
        }
    }

    func finalize() { _ = functions.pointee.C_Finalize(nil) }

    // MARK: Slots

    /// All slots, whether they hold a token or not, in the module's order.
    func slots() throws(CryptokiFailure) -> [CK_SLOT_ID] {
        var count: CK_ULONG = 0
        try check("C_GetSlotList", functions.pointee.C_GetSlotList(0, nil, &count))
        // The number may change between the calls.
        for _ in 0..<4 {
            var slots = [CK_SLOT_ID](repeating: 0, count: Int(min(count, 4096)))
            count = CK_ULONG(slots.count)
            let code = functions.pointee.C_GetSlotList(0, &slots, &count)
            if code == CKR_BUFFER_TOO_SMALL { continue }
            try check("C_GetSlotList", code)
            return Array(slots.prefix(Int(min(count, 4096))))
        }
        throw CryptokiFailure(function: "C_GetSlotList", code: CKR_BUFFER_TOO_SMALL)
    }

    func tokenInfo(_ slot: CK_SLOT_ID) throws(CryptokiFailure) -> CK_TOKEN_INFO {
        var info = CK_TOKEN_INFO()
        try check("C_GetTokenInfo", functions.pointee.C_GetTokenInfo(slot, &info))
        return info
    }

    func mechanisms(_ slot: CK_SLOT_ID) throws(CryptokiFailure) -> Set<CK_MECHANISM_TYPE> {
        var count: CK_ULONG = 0
        try check("C_GetMechanismList", functions.pointee.C_GetMechanismList(slot, nil, &count))
        var list = [CK_MECHANISM_TYPE](repeating: 0, count: Int(min(count, 4096)))
        count = CK_ULONG(list.count)
        try check("C_GetMechanismList", functions.pointee.C_GetMechanismList(slot, &list, &count))
        return Set(list.prefix(Int(min(count, 4096))))
    }

    // MARK: Sessions

    func openSession(_ slot: CK_SLOT_ID, isWritable: Bool) throws(CryptokiFailure) -> CK_SESSION_HANDLE {
        var session: CK_SESSION_HANDLE = 0
        let flags = CKF_SERIAL_SESSION | (isWritable ? CKF_RW_SESSION : 0)
        try check("C_OpenSession", functions.pointee.C_OpenSession(slot, flags, nil, nil, &session))
        return session
    }

    func closeSession(_ session: CK_SESSION_HANDLE) { _ = functions.pointee.C_CloseSession(session) }

    /// - Parameter pin: `nil` for tokens with a keypad of their own.
    /// - Returns: False if some other part of the process has logged in before, so that the PIN was not looked at.
    @discardableResult
    func login(_ session: CK_SESSION_HANDLE, user: CK_ULONG = CKU_USER, pin: [UInt8]?) throws(CryptokiFailure) -> Bool {
        let code = pin.map { functions.pointee.C_Login(session, user, $0, CK_ULONG($0.count)) } ?? functions.pointee.C_Login(session, user, nil, 0)
        if code == CKR_USER_ALREADY_LOGGED_IN { return false }
        try check("C_Login", code)
        return true
    }

    // MARK: Objects

    /// The handles of all objects that fit; at most 65,536.
    func find(_ session: CK_SESSION_HANDLE, _ template: [Attribute]) throws(CryptokiFailure) -> [CK_OBJECT_HANDLE] {
        let code = Attribute.withTemplate(template) { functions.pointee.C_FindObjectsInit(session, $0, $1) }
        try check("C_FindObjectsInit", code)
        defer { _ = functions.pointee.C_FindObjectsFinal(session) }
        var found: [CK_OBJECT_HANDLE] = []
        while found.count < 65536 {
            var batch = [CK_OBJECT_HANDLE](repeating: 0, count: 256)
            var count: CK_ULONG = 0
            try check("C_FindObjects", functions.pointee.C_FindObjects(session, &batch, CK_ULONG(batch.count), &count))
            if count == 0 { break }
            found += batch.prefix(Int(min(count, 256)))
        }
        return found
    }

    /// An attribute's value; `nil` if the object has none or keeps it to itself.
    func value(_ session: CK_SESSION_HANDLE, _ object: CK_OBJECT_HANDLE, _ type: CK_ATTRIBUTE_TYPE) throws(CryptokiFailure) -> [UInt8]? {
        var attribute = CK_ATTRIBUTE(type: type, pValue: nil, ulValueLen: 0)
        var code = functions.pointee.C_GetAttributeValue(session, object, &attribute, 1)
        if code == CKR_ATTRIBUTE_TYPE_INVALID || code == CKR_ATTRIBUTE_SENSITIVE { return nil }
        try check("C_GetAttributeValue", code)
        guard attribute.ulValueLen != CK_ULONG.max, attribute.ulValueLen <= 1 << 20 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(attribute.ulValueLen))
        code = bytes.withUnsafeMutableBytes {
            attribute.pValue = $0.baseAddress
            return functions.pointee.C_GetAttributeValue(session, object, &attribute, 1)
        }
        try check("C_GetAttributeValue", code)
        return Array(bytes.prefix(Int(min(attribute.ulValueLen, CK_ULONG(bytes.count)))))
    }

    func create(_ session: CK_SESSION_HANDLE, _ template: [Attribute]) throws(CryptokiFailure) {
        var object: CK_OBJECT_HANDLE = 0
        let code = Attribute.withTemplate(template) { functions.pointee.C_CreateObject(session, $0, $1, &object) }
        try check("C_CreateObject", code)
    }

    func set(_ session: CK_SESSION_HANDLE, _ object: CK_OBJECT_HANDLE, _ template: [Attribute]) throws(CryptokiFailure) {
        let code = Attribute.withTemplate(template) { functions.pointee.C_SetAttributeValue(session, object, $0, $1) }
        try check("C_SetAttributeValue", code)
    }

    func destroy(_ session: CK_SESSION_HANDLE, _ object: CK_OBJECT_HANDLE) throws(CryptokiFailure) {
        try check("C_DestroyObject", functions.pointee.C_DestroyObject(session, object))
    }

    func generateKeyPair(
        _ session: CK_SESSION_HANDLE,
        mechanism: CK_MECHANISM_TYPE,
        publicTemplate: [Attribute],
        privateTemplate: [Attribute]
    ) throws(CryptokiFailure) -> (publicKey: CK_OBJECT_HANDLE, privateKey: CK_OBJECT_HANDLE) {
        var publicKey: CK_OBJECT_HANDLE = 0
        var privateKey: CK_OBJECT_HANDLE = 0
        var mechanism = CK_MECHANISM(mechanism: mechanism, pParameter: nil, ulParameterLen: 0)
        let code = Attribute.withTemplate(publicTemplate) { publicStart, publicCount in
            Attribute.withTemplate(privateTemplate) { privateStart, privateCount in
                functions.pointee.C_GenerateKeyPair(
                    session,
                    &mechanism,
                    publicStart,
                    publicCount,
                    privateStart,
                    privateCount,
                    &publicKey,
                    &privateKey
                )
            }
        }
        try check("C_GenerateKeyPair", code)
        return (publicKey, privateKey)
    }

    // MARK: Signing

    /// - Parameter contextPIN: Given again for this one signature, as keys with `CKA_ALWAYS_AUTHENTICATE` want it.
    func sign(
        _ session: CK_SESSION_HANDLE,
        _ mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        _ input: [UInt8],
        contextPIN: [UInt8]?
    ) throws(CryptokiFailure) -> [UInt8] {
        var parameters = CK_RSA_PKCS_PSS_PARAMS()
        var mechanismValue = CK_MECHANISM(mechanism: mechanism.type, pParameter: nil, ulParameterLen: 0)
        let code = withUnsafeMutableBytes(of: &parameters) { bytes in
            if let pss = mechanism.pss {
                bytes.storeBytes(of: pss, as: CK_RSA_PKCS_PSS_PARAMS.self)
                mechanismValue.pParameter = bytes.baseAddress
                mechanismValue.ulParameterLen = CK_ULONG(bytes.count)
            }
            return functions.pointee.C_SignInit(session, &mechanismValue, key)
        }
        try check("C_SignInit", code)
        if let contextPIN { try login(session, user: CKU_CONTEXT_SPECIFIC, pin: contextPIN) }
        var signature = [UInt8](repeating: 0, count: 4096)
        var length = CK_ULONG(signature.count)
        try check("C_Sign", functions.pointee.C_Sign(session, input, CK_ULONG(input.count), &signature, &length))
        guard length > 0, length <= CK_ULONG(signature.count) else { throw CryptokiFailure(function: "C_Sign", code: CKR_GENERAL_ERROR) }
        return Array(signature.prefix(Int(length)))
    }

    private func check(_ function: String, _ code: CK_RV) throws(CryptokiFailure) {
        guard code == CKR_OK else { throw CryptokiFailure(function: function, code: code) }
    }
}

/// How a token is to sign.
struct Mechanism {
    let type: CK_MECHANISM_TYPE
    var pss: CK_RSA_PKCS_PSS_PARAMS?
}

/// An attribute of an object with its value.
struct Attribute {
    let type: CK_ATTRIBUTE_TYPE
    let value: [UInt8]

    init(_ type: CK_ATTRIBUTE_TYPE, _ value: [UInt8]) {
        self.type = type
        self.value = value
    }

    init(_ type: CK_ATTRIBUTE_TYPE, _ value: Bool) { self.init(type, [value ? 1 : 0]) }

    init(_ type: CK_ATTRIBUTE_TYPE, _ value: CK_ULONG) { self.init(type, withUnsafeBytes(of: value) { Array($0) }) }

    init(_ type: CK_ATTRIBUTE_TYPE, _ value: String) { self.init(type, Array(value.utf8)) }

    /// Lays the attributes out as Cryptoki wants them while `body` runs.
    static func withTemplate(_ attributes: [Attribute], _ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> CK_RV) -> CK_RV {
        var values = attributes.flatMap { $0.value + [UInt8](repeating: 0, count: (8 - $0.value.count % 8) % 8) }
        return values.withUnsafeMutableBytes { storage in
            var offset = 0
            var template = attributes.map { attribute in
                let pointer = attribute.value.isEmpty ? nil : storage.baseAddress.map { $0 + offset }
                offset += (attribute.value.count + 7) / 8 * 8
                return CK_ATTRIBUTE(type: attribute.type, pValue: pointer, ulValueLen: CK_ULONG(attribute.value.count))
            }
            let count = CK_ULONG(template.count)
            return template.withUnsafeMutableBufferPointer { body($0.baseAddress, count) }
        }
    }
}
