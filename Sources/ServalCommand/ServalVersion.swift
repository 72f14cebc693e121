/// The version of this build.
enum ServalVersion {
    static let number = "0.1.0"
    static let description = "Serval/\(number)"
}
