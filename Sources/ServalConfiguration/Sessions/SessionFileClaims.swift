import ServalSessions

/// The files of `pathname`, and whose they are: each holds the sessions of one application.
///
/// Belongs to one loading and stays on its thread.
final class SessionFileClaims {
    private var owners: [String: String] = [:]

    /// Takes an absolute path for an application; why it cannot have it, `nil` if it can.
    ///
    /// Looks at what lies there and changes nothing.
    func claim(_ path: String, for namespace: String) -> String? {
        if let owner = self.owners[path], owner != namespace {
            return "the file [\(path)] of pathname is already that of the sessions of \(owner), and each application would write over the other's; "
                + "a relative pathname is a file of its own in each application's work directory"
        }
        self.owners[path] = namespace
        return SessionFile.obstacle(at: path).map { "the sessions cannot be kept in the file of pathname: [\(path)] \($0)" }
    }
}
