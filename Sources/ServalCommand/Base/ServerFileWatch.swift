import ServalTLS

/// Knows whether `conf/server.xml` has changed since the server read it, which a reload of certificates does not read.
struct ServerFileWatch: Sendable {
    private let path: String
    private let mark: [Int]?

    init(_ directory: BaseDirectory) {
        self.path = directory.path + "/conf/server.xml"
        self.mark = fileMark(self.path)
    }

    /// A line for whoever asks for a reload; nil if the file is as it was.
    var hint: String? {
        guard fileMark(self.path) != self.mark else { return nil }
        return "conf/server.xml has changed since the start: a reload reads certificates and keys only, and the rest counts from the next start on"
    }
}
