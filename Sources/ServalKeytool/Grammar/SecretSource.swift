/// Where a password option's value comes from: the command line itself, a file's first line, or a variable of the environment.
struct SecretSource {
    let environment: [String: String]

    /// The password that `-storepass VALUE`, `-storepass:file VALUE` or `-storepass:env VALUE` means.
    ///
    /// - Parameters:
    ///   - modifier: What follows the colon, in any case; nil without one.
    ///   - value: The password, the file's name, or the variable's name.
    func password(modifier: String?, value: String) throws -> String {
        switch modifier?.lowercased() {
        case nil:
            return value
        case "env":
            guard let password = environment[value] else { throw Failure.usage("Cannot find environment variable: \(value)") }
            return password
        case "file":
            guard let bytes = try? InputFile(path: value).read(limit: 1 << 20) else { throw Failure.usage("Cannot find file: \(value)") }
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            return String(decoding: line, as: UTF8.self)
        default:
            throw Failure.usage("Unknown password type: \(modifier ?? "")")
        }
    }
}
