import ServalSessions

/// The functions of OpenSSL that a client needs.
///
/// Source: `ssl.h`, `bio.h` and `x509_vfy.h` of OpenSSL 3.
struct OpenSSLLibrary: Sendable {
    typealias Handle = OpaquePointer
    typealias Text = UnsafePointer<CChar>?

    let clientMethod: @convention(c) () -> Handle?
    let makeContext: @convention(c) (Handle?) -> Handle?
    let freeContext: @convention(c) (Handle?) -> Void
    let setVerification: @convention(c) (Handle?, Int32, UnsafeRawPointer?) -> Void
    let loadTrust: @convention(c) (Handle?, Text, Text) -> Int32
    let useCertificates: @convention(c) (Handle?, Text) -> Int32
    let useKey: @convention(c) (Handle?, Text, Int32) -> Int32
    let controlContext: @convention(c) (Handle?, Int32, Int, UnsafeRawPointer?) -> Int
    let makeConnection: @convention(c) (Handle?) -> Handle?
    let freeConnection: @convention(c) (Handle?) -> Void
    let control: @convention(c) (Handle?, Int32, Int, UnsafeRawPointer?) -> Int
    let setHost: @convention(c) (Handle?, Text) -> Int32
    let parameters: @convention(c) (Handle?) -> Handle?
    let setAddress: @convention(c) (Handle?, Text) -> Int32
    let setBuffers: @convention(c) (Handle?, Handle?, Handle?) -> Void
    let setConnecting: @convention(c) (Handle?) -> Void
    let handshake: @convention(c) (Handle?) -> Int32
    let read: @convention(c) (Handle?, UnsafeMutableRawPointer?, Int32) -> Int32
    let write: @convention(c) (Handle?, UnsafeRawPointer?, Int32) -> Int32
    let error: @convention(c) (Handle?, Int32) -> Int32
    let verification: @convention(c) (Handle?) -> Int
    let verificationText: @convention(c) (Int) -> UnsafePointer<CChar>?
    let memory: @convention(c) () -> Handle?
    let makeBuffer: @convention(c) (Handle?) -> Handle?
    let readBuffer: @convention(c) (Handle?, UnsafeMutableRawPointer?, Int32) -> Int32
    let writeBuffer: @convention(c) (Handle?, UnsafeRawPointer?, Int32) -> Int32
    let nextError: @convention(c) () -> UInt
    let clearErrors: @convention(c) () -> Void
    let errorText: @convention(c) (UInt) -> UnsafePointer<CChar>?

    /// Loads it, once for the process.
    static func load() throws(SessionError) -> Self { try Self.loaded.get() }

    private static let loaded = Result { () throws(SessionError) in try OpenSSLLibrary() }

    private init() throws(SessionError) {
        #if canImport(Darwin)
            let names = ["libssl.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libssl.3.dylib", "/usr/local/opt/openssl@3/lib/libssl.3.dylib"]
        #else
            let names = ["libssl.so.3"]
        #endif
        // What is of libcrypto is found as well: libssl needs it.
        let library = try DynamicLibrary(names, purpose: "TLS to a session store in Redis", package: "libssl3")
        self.clientMethod = try library.function("TLS_client_method")
        self.makeContext = try library.function("SSL_CTX_new")
        self.freeContext = try library.function("SSL_CTX_free")
        self.setVerification = try library.function("SSL_CTX_set_verify")
        self.loadTrust = try library.function("SSL_CTX_load_verify_locations")
        self.useCertificates = try library.function("SSL_CTX_use_certificate_chain_file")
        self.useKey = try library.function("SSL_CTX_use_PrivateKey_file")
        self.controlContext = try library.function("SSL_CTX_ctrl")
        self.makeConnection = try library.function("SSL_new")
        self.freeConnection = try library.function("SSL_free")
        self.control = try library.function("SSL_ctrl")
        self.setHost = try library.function("SSL_set1_host")
        self.parameters = try library.function("SSL_get0_param")
        self.setAddress = try library.function("X509_VERIFY_PARAM_set1_ip_asc")
        self.setBuffers = try library.function("SSL_set_bio")
        self.setConnecting = try library.function("SSL_set_connect_state")
        self.handshake = try library.function("SSL_do_handshake")
        self.read = try library.function("SSL_read")
        self.write = try library.function("SSL_write")
        self.error = try library.function("SSL_get_error")
        self.verification = try library.function("SSL_get_verify_result")
        self.verificationText = try library.function("X509_verify_cert_error_string")
        self.memory = try library.function("BIO_s_mem")
        self.makeBuffer = try library.function("BIO_new")
        self.readBuffer = try library.function("BIO_read")
        self.writeBuffer = try library.function("BIO_write")
        self.nextError = try library.function("ERR_get_error")
        self.clearErrors = try library.function("ERR_clear_error")
        self.errorText = try library.function("ERR_reason_error_string")
    }
}
