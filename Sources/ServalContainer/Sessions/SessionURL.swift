import ServalServlet

/// Puts a session id into URLs that lead back into the same context.
///
/// Source: Servlet `encodeURL`, Tomcat's `Response.isEncodeable`.
struct SessionURL {
    private let request: Request
    private let contextPath: String

    init(request: Request, contextPath: String) {
        self.request = request
        self.contextPath = contextPath
    }

    /// The URL with `;parameter=id` before its query and fragment; as it is where it leads elsewhere or has the parameter already.
    func encoded(_ url: String, parameter: String, id: String) -> String {
        let bytes = Array(url.utf8)
        guard bytes.first != UInt8(ascii: "#") else { return url }
        let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.count
        guard !Self.isReadDifferently(bytes[..<end]), let pathStart = self.pathStart(in: bytes[..<end]) else { return url }
        var path = bytes[pathStart..<end]
        let isAbsolute = path.first == UInt8(ascii: "/")
        if !isAbsolute, pathStart > 0 {
            // `http://host` without a path leads to the root.
            guard self.contextPath.isEmpty else { return url }
            path = [UInt8(ascii: "/")]
        } else if !isAbsolute, path.isEmpty {
            // An empty reference is the request's own path, without its parameters.
            path = self.request.pathBytes
            if let semicolon = path.firstIndex(of: UInt8(ascii: ";")) { path = path[..<semicolon] }
        }
        guard self.isInContext(isAbsolute || pathStart > 0 ? path : self.folder + path) else { return url }
        let marker = Array(";\(parameter)=".utf8)
        guard !path.containsSequence(marker) else { return url }
        return String(decoding: bytes[..<pathStart] + path + marker + Array(id.utf8) + bytes[end...], as: UTF8.self)
    }

    /// Whether browsers read something else than what is written, so that the URL may lead to another host after all.
    ///
    /// They drop control characters and spaces before a URL, and tabs and line ends inside, and take `\` for `/`.
    /// Source: WHATWG URL Standard §4.4.
    private static func isReadDifferently(_ url: ArraySlice<UInt8>) -> Bool {
        url.first == UInt8(ascii: " ") || url.contains { $0 < 0x20 || $0 == UInt8(ascii: "\\") }
    }

    /// Where the path begins; `nil` for URLs of another scheme, host or port.
    private func pathStart(in url: ArraySlice<UInt8>) -> Int? {
        let authorityStart: Int
        if url.starts(with: "//".utf8) {
            authorityStart = 2
        } else if let colon = url.firstIndex(of: UInt8(ascii: ":")), !url[..<colon].contains(UInt8(ascii: "/")) {
            let scheme = String(decoding: url[..<colon], as: UTF8.self).lowercased()
            guard scheme == self.request.scheme, url[(colon + 1)...].starts(with: "//".utf8) else { return nil }
            authorityStart = colon + 3
        } else {
            return 0
        }
        let pathStart = url[authorityStart...].firstIndex(of: UInt8(ascii: "/")) ?? url.endIndex
        return self.isOwnAuthority(url[authorityStart..<pathStart]) ? pathStart : nil
    }

    private func isOwnAuthority(_ authority: ArraySlice<UInt8>) -> Bool {
        var host = authority
        var port = self.request.scheme == "https" ? 443 : 80
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")), !authority[colon...].contains(UInt8(ascii: "]")) {
            guard let number = Int(String(decoding: authority[(colon + 1)...], as: UTF8.self)) else { return false }
            port = number
            host = authority[..<colon]
        }
        let own = Array(self.request.serverName.utf8)
        return port == self.request.serverPort && host.count == own.count && zip(host, own).allSatisfy { $0.lowercased == $1.lowercased }
    }

    /// The folder of the request's own path, with the slash at its end.
    private var folder: ArraySlice<UInt8> {
        let path = self.request.pathBytes.prefix { $0 != UInt8(ascii: ";") }
        return path.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? []
    }

    /// Whether a path leads into the context.
    ///
    /// It is read as the server reads requests, because otherwise another application would get the id: without what follows semicolons, percent-decoded once, with dot
    /// segments resolved; browsers take `%2e` for a dot, too.
    private func isInContext(_ path: ArraySlice<UInt8>) -> Bool {
        guard !self.contextPath.isEmpty else { return true }
        var segments: [[UInt8]] = []
        for segment in path.split(separator: UInt8(ascii: "/")) {
            let name = Self.decoded(segment.prefix { $0 != UInt8(ascii: ";") })
            if name.elementsEqual(".".utf8) || name.isEmpty { continue }
            if name.elementsEqual("..".utf8) { _ = segments.popLast() } else { segments.append(name) }
        }
        let context = self.contextPath.utf8.split(separator: UInt8(ascii: "/"))
        return segments.count >= context.count && zip(segments, context).allSatisfy { $0.elementsEqual($1) }
    }

    private static func decoded(_ segment: ArraySlice<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        var rest = segment
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.prefix(2).allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") })
            {
                decoded.append(value)
                rest.removeFirst(2)
            } else {
                decoded.append(byte)
            }
        }
        return decoded
    }
}

extension ArraySlice<UInt8> {
    func containsSequence(_ other: [UInt8]) -> Bool {
        guard self.count >= other.count else { return false }
        return (self.startIndex...(self.endIndex - other.count)).contains { self[$0...].starts(with: other) }
    }
}
