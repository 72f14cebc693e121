/// Finds the context with the longest path that a request's path begins with, on the border of a segment.
struct ContextTable<Target: Sendable>: Sendable {
    private var contexts = PathTable<Target>()
    private var root: Target?
    /// The most segments of any context path; longer prefixes need no look-up.
    private var depth = 0

    init(_ contexts: [(path: String, target: Target)]) {
        for context in contexts {
            if context.path.isEmpty {
                self.root = context.target
            } else {
                self.contexts.set(context.path, context.target)
                self.depth = max(self.depth, context.path.utf8.count { $0 == UInt8(ascii: "/") })
            }
        }
    }

    /// The context, and the rest of the path: empty, or beginning with a slash.
    func match(_ path: ArraySlice<UInt8>) -> (target: Target, rest: ArraySlice<UInt8>)? {
        if self.depth > 0 {
            var end = path.end(ofSegments: self.depth)
            while end > path.startIndex {
                if let target = self.contexts[path[..<end]] { return (target, path[end...]) }
                end = path[..<end].lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
            }
        }
        return self.root.map { ($0, path) }
    }
}
