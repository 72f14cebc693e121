import ServalTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the process knows of its user and machine.
enum ProcessFacts {
    static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The home of the server's user: `HOME`, else the user database's.
    static func homeDirectory(_ environment: (String) -> String?) -> String? {
        if let home = environment("HOME"), !home.isEmpty { return home }
        return self.user?.home
    }

    static var userName: String? { self.user?.name }

    static var systemName: String {
        #if canImport(Darwin)
            "Mac OS X"
        #else
            "Linux"
        #endif
    }

    private static var user: (name: String, home: String)? {
        var record = passwd()
        var buffer = [CChar](repeating: 0, count: 16384)
        var found: UnsafeMutablePointer<passwd>?
        // The strings lie in `buffer`, so they are copied inside.
        return buffer.withUnsafeMutableBufferPointer { buffer -> (name: String, home: String)? in
            guard let start = buffer.baseAddress, getpwuid_r(getuid(), &record, start, buffer.count, &found) == 0, found != nil else { return nil }
            guard let name = record.pw_name, let home = record.pw_dir else { return nil }
            return (String(cString: name), String(cString: home))
        }
    }
}

/// Paths and what lies there.
enum FilePath {
    /// An absolute path without `.`, `..` and double slashes; relative ones start at `base`.
    static func absolute(_ path: String, base: String) -> String {
        var parts: [Substring] = []
        let full = path.hasPrefix("/") ? path : base + "/" + path
        for part in full.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The path as diagnostics show it: relative to `base` where it lies below.
    static func display(_ path: String, base: String) -> String {
        let prefix = base == "/" ? "/" : base + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    /// The last component.
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }

    static func isDirectory(_ path: String) -> Bool { self.mode(path).map { $0 & S_IFMT == S_IFDIR } ?? false }

    static func isFile(_ path: String) -> Bool { self.mode(path).map { $0 & S_IFMT == S_IFREG } ?? false }

    /// Why there is no file at a path, in words that go on after it; for paths that ``isFile(_:)`` refuses.
    static func obstacle(_ path: String) -> String { fileObstacle(path) ?? "cannot be read" }

    static func exists(_ path: String) -> Bool { self.mode(path) != nil }

    private static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode : nil
    }
}
