#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A C library that is loaded when it is needed, so that building and running without it are possible.
package struct DynamicLibrary: Sendable {
    /// Its handle; a library stays for the life of the process, and looking symbols up in it is safe from any thread.
    private nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    private let name: String

    /// Loads the first library of several names.
    ///
    /// - Parameters:
    ///   - purpose: what it is needed for, in the message of the error.
    ///   - package: the Debian package that has it.
    package init(_ names: [String], purpose: String, package: String) throws(SessionError) {
        for name in names {
            if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) {
                self.handle = handle
                self.name = name
                return
            }
        }
        let reason = "\(purpose) needs the library \(names.first ?? ""), which is not installed; Debian's package is \(package)"
        throw SessionError(code: .illegalSetting, message: reason)
    }

    /// A function of the library; `Function` is its type in C.
    package func function<Function>(_ symbol: String, as _: Function.Type = Function.self) throws(SessionError) -> Function {
        guard let address = dlsym(self.handle, symbol) else {
            throw SessionError(code: .illegalSetting, message: "the library \(self.name) has no function \(symbol); it is too old")
        }
        return unsafeBitCast(address, to: Function.self)
    }
}
