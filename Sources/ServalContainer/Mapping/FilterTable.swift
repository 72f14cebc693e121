import ServalServlet
import Synchronization

/// Finds the filters for a path and a servlet: those mapped by pattern in the order of their mappings, then those mapped by servlet name.
///
/// Source: Servlet 6.1 §6.2.4. A combination of mappings is put together once and kept; a request only finds out which mappings apply.
final class FilterTable: Sendable {
    private struct Mapping: Sendable {
        enum Target: Sendable {
            case pattern(URLPattern)
            case servlet(String)
        }

        var target: Target
        var filter: any Filter
        var filterName: String
    }

    private let mappings: [Mapping]
    /// The patterns, in front.
    private let patterns: [FilterPattern]
    /// Combination of mappings, one bit each → filters.
    private let plans = Mutex<[UInt64: [any Filter]]>([:])
    /// The most combinations to keep; further ones are put together for each request.
    private static let planLimit = 256

    /// - Throws: ``ConfigurationError`` for a mapping of a filter that does not exist and for an illegal pattern.
    init(_ registry: ServletContext.Registry) throws(ConfigurationError) {
        var byPattern: [Mapping] = []
        var byServlet: [Mapping] = []
        for mapping in registry.filterMappings {
            guard let registration = registry.filters.first(where: { $0.name == mapping.name }) else {
                throw ConfigurationError(code: .unknownName, message: "a filter mapping names the filter \"\(mapping.name)\", which is not declared")
            }
            switch mapping.target {
            case .pattern(let pattern):
                let target = Mapping.Target.pattern(try URLPattern(pattern))
                byPattern.append(Mapping(target: target, filter: registration.filter, filterName: mapping.name))
            case .servlet(let name):
                byServlet.append(Mapping(target: .servlet(name), filter: registration.filter, filterName: mapping.name))
            }
        }
        self.patterns = byPattern.compactMap { mapping in
            if case .pattern(let pattern) = mapping.target { FilterPattern(pattern) } else { nil }
        }
        self.mappings = byPattern + byServlet
    }

    /// The filters for a path within the context and the servlet that answers it.
    func filters(path: ArraySlice<UInt8>, servletName: String) -> [any Filter] {
        guard !self.mappings.isEmpty else { return [] }
        guard self.mappings.count <= UInt64.bitWidth else { return self.filters { self.applies($0, path: path, servletName: servletName) } }
        var combination: UInt64 = 0
        for index in self.mappings.indices where self.applies(index, path: path, servletName: servletName) { combination |= 1 << UInt64(index) }
        guard combination != 0 else { return [] }
        if let plan = self.plans.withLock({ $0[combination] }) { return plan }
        let plan = self.filters { combination & (1 << UInt64($0)) != 0 }
        self.plans.withLock { plans in
            if plans.count < Self.planLimit { plans[combination] = plan }
        }
        return plan
    }

    private func applies(_ index: Int, path: ArraySlice<UInt8>, servletName: String) -> Bool {
        if index < self.patterns.count { return self.patterns[index].matches(path) }
        guard case .servlet(let name) = self.mappings[index].target else { return false }
        return name == servletName || name == "*"
    }

    /// A filter that is mapped twice runs once, where it is mapped first.
    private func filters(where applies: (Int) -> Bool) -> [any Filter] {
        var names: Set<String> = []
        return self.mappings.indices.compactMap { index in
            applies(index) && names.insert(self.mappings[index].filterName).inserted ? self.mappings[index].filter : nil
        }
    }
}

/// A pattern of a filter mapping, in bytes.
///
/// Unlike a servlet's, `/` matches the context root only.
private struct FilterPattern: Sendable {
    private enum Kind: Sendable {
        case all
        case exact
        case prefix
        case suffix
    }

    private let kind: Kind
    private let bytes: [UInt8]

    init(_ pattern: URLPattern) {
        switch pattern {
        case .exact(let path): (self.kind, self.bytes) = (.exact, Array(path.utf8))
        case .path(let prefix): (self.kind, self.bytes) = (prefix.isEmpty ? .all : .prefix, Array(prefix.utf8))
        case .suffix(let suffix): (self.kind, self.bytes) = (.suffix, Array(suffix.utf8))
        case .fallback, .root: (self.kind, self.bytes) = (.exact, [UInt8(ascii: "/")])
        }
    }

    func matches(_ path: ArraySlice<UInt8>) -> Bool {
        switch self.kind {
        case .all: return true
        case .exact: return path.elementsEqual(self.bytes)
        case .prefix:
            guard path.starts(with: self.bytes) else { return false }
            let border = path.startIndex + self.bytes.count
            return border == path.endIndex || path[border] == UInt8(ascii: "/")
        case .suffix: return path.fileSuffix?.elementsEqual(self.bytes) ?? false
        }
    }
}
