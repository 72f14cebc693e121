import ServalServlet

/// Finds the servlet for a path within a context.
///
/// Source: Servlet 6.1 §12.1 and §12.2; welcome files §10.10.
struct ServletMapper<Target: Sendable>: Sendable {
    /// What a path leads to.
    struct Match: Sendable {
        var target: Target
        var servletPath: String
        var pathInfo: String?
    }

    /// An exact pattern with its text, so that no request has to make it again.
    private struct Entry: Sendable {
        var target: Target
        var pattern: String
    }

    private var exact = PathTable<Entry>()
    private var prefixes = PathTable<Entry>()
    private var suffixes = PathTable<Target>()
    private var fallback: Target?
    private var root: Target?
    /// The most slashes in any prefix; longer prefixes of a path need no look-up.
    private var prefixDepth = 0
    private var matchesEverything: Target?

    init() {}

    /// Whether a servlet is mapped to `/`.
    var hasFallback: Bool { self.fallback != nil }

    /// Adds a pattern; the last one added for a pattern wins.
    mutating func add(_ pattern: URLPattern, _ target: Target) {
        switch pattern {
        case .exact(let path): self.exact.set(path, Entry(target: target, pattern: path))
        case .path(let prefix):
            if prefix.isEmpty { self.matchesEverything = target }
            self.prefixes.set(prefix, Entry(target: target, pattern: prefix))
            self.prefixDepth = max(self.prefixDepth, prefix.utf8.count { $0 == UInt8(ascii: "/") })
        case .suffix(let suffix): self.suffixes.set(suffix, target)
        case .fallback: self.fallback = target
        case .root: self.root = target
        }
    }

    /// The servlet for a path that begins with a slash, without regard to welcome files.
    func match(_ path: ArraySlice<UInt8>) -> Match? {
        if let match = self.specificMatch(path, allowsSuffix: true) { return match }
        return self.fallbackMatch(path)
    }

    /// The servlet that a pattern other than `/` names.
    func specificMatch(_ path: ArraySlice<UInt8>, allowsSuffix: Bool) -> Match? {
        if let entry = self.exact[path] { return Match(target: entry.target, servletPath: entry.pattern, pathInfo: nil) }
        if let root, path.count == 1 { return Match(target: root, servletPath: "", pathInfo: "/") }
        if let match = self.prefixMatch(path) { return match }
        if allowsSuffix, let target = self.suffixTarget(path) {
            return Match(target: target, servletPath: String(decoding: path, as: UTF8.self), pathInfo: nil)
        }
        return nil
    }

    /// The servlet that is mapped to `/`.
    func fallbackMatch(_ path: ArraySlice<UInt8>) -> Match? {
        guard let fallback else { return nil }
        return Match(target: fallback, servletPath: String(decoding: path, as: UTF8.self), pathInfo: nil)
    }

    private func prefixMatch(_ path: ArraySlice<UInt8>) -> Match? {
        guard !self.prefixes.isEmpty else { return nil }
        if self.prefixDepth > 0 {
            var end = path.end(ofSegments: self.prefixDepth)
            while end > path.startIndex {
                if let entry = self.prefixes[path[..<end]] {
                    let rest = path[end...]
                    return Match(
                        target: entry.target,
                        servletPath: entry.pattern,
                        pathInfo: rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
                    )
                }
                end = path[..<end].lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
            }
        }
        guard let matchesEverything else { return nil }
        return Match(target: matchesEverything, servletPath: "", pathInfo: String(decoding: path, as: UTF8.self))
    }

    private func suffixTarget(_ path: ArraySlice<UInt8>) -> Target? {
        guard !self.suffixes.isEmpty, let suffix = path.fileSuffix else { return nil }
        return self.suffixes[suffix]
    }
}

extension ArraySlice<UInt8> {
    /// Where the first `count` segments of a path end.
    func end(ofSegments count: Int) -> Index {
        var remaining = count
        var index = self.startIndex
        while index < self.endIndex {
            if self[index] == UInt8(ascii: "/") {
                if remaining == 0 { return index }
                remaining -= 1
            }
            index += 1
        }
        return index
    }

    /// What follows the last dot of the last segment.
    var fileSuffix: ArraySlice<UInt8>? {
        var index = self.endIndex
        while index > self.startIndex {
            index -= 1
            if self[index] == UInt8(ascii: "/") { return nil }
            if self[index] == UInt8(ascii: ".") { return self[(index + 1)...] }
        }
        return nil
    }
}
