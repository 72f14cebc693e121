/// The path and version that the name of a folder, a WAR or a descriptor means: `foo#bar##42` is version 42 of `/foo/bar`.
///
/// Source: Tomcat's `ContextName`.
struct ContextName: Hashable {
    /// The name without extension.
    let baseName: String
    /// `""` for `ROOT`.
    let path: String
    /// What follows `##`; `""` for none.
    let version: String

    init(_ name: String) {
        self.baseName = name
        let versionMark = name.firstRange(of: "##")
        let pathPart = versionMark.map { name[..<$0.lowerBound] } ?? name[...]
        self.version = versionMark.map { String(name[$0.upperBound...]) } ?? ""
        let trimmed = pathPart.split(separator: "#", omittingEmptySubsequences: true).joined(separator: "/")
        self.path = trimmed.isEmpty || trimmed == "ROOT" ? "" : "/" + trimmed
    }

    /// The path as messages show it.
    var displayPath: String { self.path.isEmpty ? "/" : self.path }
}
