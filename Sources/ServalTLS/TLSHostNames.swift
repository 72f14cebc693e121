/// Which host serves which server name: the exact name, else `*.` and what follows the first dot, else the default.
public struct TLSHostNames: Sendable, Hashable {
    private let positions: [String: Int]
    private let defaultPosition: Int
    private let names: [String]

    /// Indexes the hosts of `configuration`.
    ///
    /// - Throws: `.duplicateHost`, `.missingDefaultHost`, or `.invalidConfiguration` for a name that no client can ask for.
    public init(_ configuration: TLSEndpointConfiguration) throws(TLSError) {
        var positions: [String: Int] = [:]
        for (position, host) in configuration.hosts.enumerated() {
            let name = Self.normalized(host.hostName)
            guard Self.isPossible(name) else {
                throw TLSError(
                    .invalidConfiguration,
                    "The host name [\(host.hostName)] of an SSLHostConfig is neither a DNS name, nor a name after [*.], nor [\(TLSHostConfiguration.defaultHostName)]",
                    origin: host.origin?.place(of: "hostName")
                )
            }
            guard positions.updateValue(position, forKey: name) == nil else {
                throw TLSError(
                    .duplicateHost,
                    "Multiple SSLHostConfig elements were provided for the host name [\(name)]. Host names must be unique.",
                    origin: host.origin?.place(of: "hostName")
                )
            }
        }
        let defaultName = Self.normalized(configuration.defaultHostName)
        guard let defaultPosition = positions[defaultName] else {
            throw TLSError(
                .missingDefaultHost,
                "No SSLHostConfig element was found with the hostName [\(defaultName)] to match the defaultSSLHostConfigName for the connector"
            )
        }
        self.positions = positions
        names = configuration.hosts.map(\.hostName)
        self.defaultPosition = defaultPosition
    }

    /// Whether there is a choice at all.
    public var hasSeveral: Bool { names.count > 1 }

    /// The position in `TLSEndpointConfiguration.hosts` of the host that serves `serverName`; nil stands for a client that names none.
    ///
    /// Names are compared without case and without a final dot. One or two table look-ups, none where there is one host.
    public func position(for serverName: String?) -> Int { hasSeveral ? choice(for: serverName).position : defaultPosition }

    /// Why a host serves a name.
    public enum Reason: Sendable, Hashable {
        /// The host has exactly this name.
        case exactName
        /// The host's name is `*.` and what follows the name's first dot.
        case wildcard
        /// The client names no host, and this is the default one.
        case noServerName
        /// No host has the name, and this is the default one.
        case unknownName
    }

    /// The host that serves `serverName`, as `position(for:)` tells, and why.
    public func choice(for serverName: String?) -> (position: Int, reason: Reason) {
        guard let serverName else { return (defaultPosition, .noServerName) }
        let name = Self.normalized(serverName)
        if let position = positions[name] { return (position, .exactName) }
        guard let dot = name.firstIndex(of: "."), let position = positions["*" + name[dot...]] else { return (defaultPosition, .unknownName) }
        return (position, .wildcard)
    }

    /// The `hostName` of the host that serves `serverName`.
    public func hostName(for serverName: String?) -> String { names[position(for: serverName)] }

    static func normalized(_ name: String) -> String {
        var name = name.lowercased()
        if name.count > 1 && name.hasSuffix(".") { name.removeLast() }
        return name
    }

    private static func isPossible(_ name: String) -> Bool {
        if name == TLSHostConfiguration.defaultHostName { return true }
        let rest = name.hasPrefix("*.") ? name.dropFirst(2) : name[...]
        return !rest.isEmpty && rest.utf8.count <= 253 && !rest.utf8.contains { $0 <= 32 || $0 >= 127 || $0 == UInt8(ascii: "*") }
    }
}
