import ServalServlet

/// Answers GET and HEAD with the files of a folder.
struct StaticFiles: Sendable {
    private let cache: FileCache
    private let settings: DefaultServletSettings

    init(root: String, settings: DefaultServletSettings) {
        self.settings = settings
        self.cache = FileCache(
            tree: DocumentTree(root: root, allowsLinking: settings.allowLinking),
            byteLimit: settings.cacheMaxSize,
            timeToLive: settings.cacheTTL
        )
    }

    func response(to request: Request) -> Response {
        let path = request.pathInfo.map { request.servletPath + $0 } ?? request.servletPath
        if path.utf8.last == UInt8(ascii: "/") { return self.listing(of: path, request: request) }
        switch self.cache.entry(path, context: request.context) {
        case .missing: return .error(.notFound)
        case .directory: return self.redirect(to: path + "/", request: request)
        case .file(let file): return self.response(to: request, path: path, file: file)
        }
    }

    private func redirect(to path: String, request: Request) -> Response {
        var location = request.contextPath + PathEncoding.encoded(path.utf8)
        if let query = request.query { location += "?\(query)" }
        return .redirect(to: request.encodedURL(location), status: self.settings.directoryRedirectStatus)
    }

    // MARK: Files

    private func response(to request: Request, path: String, file: StaticFile) -> Response {
        var chosen = file
        var fields = file.fields
        let variants = self.settings.precompressed.compactMap { format -> (coding: String, file: StaticFile)? in
            guard case .file(let variant) = self.cache.entry(path + format.suffix, context: request.context) else { return nil }
            return (format.coding, variant)
        }
        if !variants.isEmpty {
            let accepted = AcceptedCodings(request.headers[values: .acceptEncoding])
            if let index = accepted.best(of: variants.map(\.coding)) {
                chosen = variants[index].file
                fields = chosen.fields.filter { $0.name != .contentType } + [.init(.contentEncoding, variants[index].coding)]
                if let type = file.contentType { fields.append(.init(.contentType, self.typeField(type))) }
            }
            fields.append(.init(.vary, "Accept-Encoding"))
        }
        if chosen === file, let type = file.contentType, let encoding = self.settings.fileEncoding, type.hasPrefix("text/") {
            fields = fields.filter { $0.name != .contentType } + [.init(.contentType, "\(type);charset=\(encoding)")]
        }
        switch Preconditions(request).outcome(entityTag: chosen.entityTag, modified: chosen.modified) {
        case .proceed: break
        case .failed: return .error(.preconditionFailed)
        case .notModified:
            return Response(.notModified, headers: HeaderFields(fields.filter { $0.name != .contentType && $0.name != .contentEncoding }))
        }
        guard self.settings.useAcceptRanges else { return Response(.ok, headers: HeaderFields(fields), body: chosen.body) }
        fields.append(.init(.acceptRanges, "bytes"))
        let whole = Response(.ok, headers: HeaderFields(fields), body: chosen.body)
        guard request.method == .get, let range = request.headers[.range] else { return whole }
        guard Preconditions(request).allowsRange(entityTag: chosen.entityTag, modified: chosen.modified) else { return whole }
        switch ByteRanges(range, length: chosen.size) {
        case .ignored: return whole
        case .unsatisfiable:
            var response = Response.error(.rangeNotSatisfiable)
            response.headers[.contentRange] = "bytes */\(chosen.size)"
            return response
        case .ranges(let ranges): return self.partial(chosen, fields: fields, ranges: ranges)
        }
    }

    private func typeField(_ type: String) -> String {
        guard let encoding = self.settings.fileEncoding, type.hasPrefix("text/") else { return type }
        return "\(type);charset=\(encoding)"
    }

    private func partial(_ file: StaticFile, fields: [HeaderFields.Field], ranges: [Range<Int>]) -> Response {
        if ranges.count == 1 {
            var response = Response(.partialContent, headers: HeaderFields(fields), body: file.body(ranges[0]))
            response.headers[.contentRange] = "bytes \(ranges[0].lowerBound)-\(ranges[0].upperBound - 1)/\(file.size)"
            return response
        }
        let type = fields.first { $0.name == .contentType }?.value
        let multipart = MultipartRanges(file: file, type: type, ranges: ranges)
        var response = Response(.partialContent, headers: HeaderFields(fields), body: multipart.body)
        response.headers[.contentType] = "multipart/byteranges; boundary=\(multipart.boundary)"
        return response
    }

    // MARK: Folders

    /// The most names of one listing.
    private static let listingLimit = 10_000

    private func listing(of path: String, request: Request) -> Response {
        guard self.settings.listings, let directory = self.cache.tree.open(Array(path.utf8)[...]), directory.isDirectory,
            let names = DocumentTree.names(in: directory, limit: Self.listingLimit)
        else { return .error(.notFound) }
        let title = "Directory listing of " + HTMLText.escaped(request.context.path + path)
        var html = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>\(title)</title></head><body><h1>\(title)</h1><ul>"
        if path != "/" { html += "<li><a href=\"../\">../</a></li>" }
        for name in names where !(path == "/" && Self.isPrivate(name)) {
            // `./` keeps a name with a colon from being read as a scheme.
            let link = HTMLText.escaped(request.encodedURL("./" + PathEncoding.encoded(Array(name.utf8))))
            html += "<li><a href=\"\(link)\">\(HTMLText.escaped(name))</a></li>"
        }
        html += "</ul></body></html>"
        return .html(html)
    }

    private static func isPrivate(_ name: String) -> Bool { ["web-inf/", "meta-inf/"].contains(name.lowercased()) }
}
