import COpenSSL
import ServalTLS

/// OpenSSL's own commands (`<OpenSSLConfCmd>`), which come last and so win over attributes, and what is to be said when they do.
extension HostContextBuilder {
    mutating func applyCommands() throws(TLSError) {
        guard !configuration.openSSLCommands.isEmpty else { return }
        guard let interpreter = SSL_CONF_CTX_new() else { throw TLSError(.backend, "Out of memory") }
        defer { SSL_CONF_CTX_free(interpreter) }
        SSL_CONF_CTX_set_flags(interpreter, UInt32(SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_CERTIFICATE))
        SSL_CONF_CTX_set_ssl_ctx(interpreter, context)
        let before = EffectiveSettings(context)
        var latest = before
        // Who had the last word.
        var deciders: [EffectiveSettings.Setting: TLSHostConfiguration.OpenSSLCommand] = [:]
        for command in configuration.openSSLCommands where !TLSHostConfiguration.revocationCommands.contains(command.name) {
            try apply(command, interpreter)
            let now = EffectiveSettings(context)
            for setting in now.differences(from: latest) { deciders[setting] = command }
            latest = now
        }
        guard SSL_CONF_CTX_finish(interpreter) == 1 else {
            throw TLSError(.invalidConfiguration, about("OpenSSL refuses the OpenSSLConfCmd settings: \(OpenSSLFailure.takeReason())"))
        }
        // Whatever the commands say.
        SSL_CTX_set_options(context, serval_op_no_renegotiation() | serval_op_no_compression())
        SSL_CTX_clear_options(context, serval_op_unsafe_legacy_renegotiation())
        if let command = deciders[.neverAllowed] {
            warn(["OpenSSLConfCmd [\(command.name)]: renegotiation and compression are never allowed"], at: place(of: command))
        }
        for setting in EffectiveSettings.Setting.allCases {
            // OpenSSL's own name for groups; other commands change them only as far as they change versions or ciphers.
            guard let command = deciders[setting], setting != .groups || Self.groupCommands.contains(command.name.lowercased()) else { continue }
            let override = CommandOverride(configuration: configuration, command: command, before: before, after: latest, context: context)
            switch override.verdict(on: setting) {
            case .nothing: break
            case .warning(let words): warn([words], at: place(of: command))
            case .contradiction(let words): throw TLSError(.invalidConfiguration, about(words), origin: place(of: command))
            }
        }
        if deciders[.groups] != nil { hasOwnGroups = true }
    }

    private mutating func apply(_ command: TLSHostConfiguration.OpenSSLCommand, _ interpreter: OpaquePointer) throws(TLSError) {
        let name = command.name.lowercased()
        guard !Self.refusedCommands.contains(name) else {
            throw TLSError(
                .invalidConfiguration,
                about(
                    "The OpenSSLConfCmd [\(command.name)] is not allowed; certificates, trust and verification are set by SSLHostConfig and Certificate"
                ),
                origin: place(of: command)
            )
        }
        ERR_clear_error()
        let status = SSL_CONF_cmd(interpreter, command.name, command.value)
        guard status > 0 else {
            let reason = status == -2 ? "OpenSSL knows no such command" : OpenSSLFailure.takeReason()
            // What is meant by a name that nobody knows may be a password.
            let value = Self.commandsWithoutSecrets.contains(name) ? " with the value [\(command.value.prefix(200))]" : ""
            throw TLSError(
                .invalidConfiguration,
                about("The OpenSSLConfCmd [\(command.name)]\(value) failed: \(reason)"),
                origin: place(of: command)
            )
        }
        if name == "dhparameters" { hasOwnDHParameters = true }
        guard SSL_CTX_get_num_tickets(context) <= Self.ticketLimit else {
            throw TLSError(
                .invalidConfiguration,
                about(
                    "The OpenSSLConfCmd [\(command.name)] with the value [\(command.value)] is refused: each handshake would send that many tickets; "
                        + "up to \(Self.ticketLimit) are possible"
                ),
                origin: place(of: command)
            )
        }
        digest.add("\(command.name)=\(command.value)")
    }

    private func place(of command: TLSHostConfiguration.OpenSSLCommand) -> String? { command.origin?.place(of: "name") ?? place() }

    /// The most tickets after a handshake of TLS 1.3; browsers keep two.
    static var ticketLimit: Int { 16 }

    private static let groupCommands: Set<String> = ["groups", "curves", "ecdhparameters"]

    private static let commandsWithoutSecrets: Set<String> = groupCommands.union([
        "options", "protocol", "minprotocol", "maxprotocol", "cipherstring", "ciphersuites", "signaturealgorithms", "clientsignaturealgorithms",
        "numtickets", "recordpadding", "dhparameters",
    ])

    /// Commands that would go round what the host's settings promise about trust.
    private static let refusedCommands: Set<String> = [
        "verifymode", "certificate", "privatekey", "chaincafile", "chaincapath", "verifycafile", "verifycapath", "chaincastore", "verifycastore",
        "requestcafile", "clientcafile", "requestcapath", "clientcapath", "requestcastore", "clientcastore",
    ]
}

/// A command of OpenSSL that changed what an attribute of the same host decides.
private struct CommandOverride {
    enum Verdict {
        case nothing
        case warning(String)
        /// What comes out is weaker than what the attribute says.
        case contradiction(String)
    }

    let configuration: TLSHostConfiguration
    let command: TLSHostConfiguration.OpenSSLCommand
    let before: EffectiveSettings
    let after: EffectiveSettings
    let context: OpaquePointer

    func verdict(on setting: EffectiveSettings.Setting) -> Verdict {
        guard !after.differences(from: before).filter({ $0 == setting }).isEmpty else { return .nothing }
        switch setting {
        case .protocols: return protocols
        case .ciphers: return ciphers
        case .cipherSuites: return cipherSuites
        case .groups: return groups
        case .honorCipherOrder:
            guard says("honorCipherOrder", configuration.honorsCipherOrder) else { return .nothing }
            return .warning(overrides("honorCipherOrder", "\(configuration.honorsCipherOrder)", "it is [\(after.honorsCipherOrder)] now"))
        case .disableSessionTickets:
            guard says("disableSessionTickets", configuration.disablesSessionTickets) else { return .nothing }
            let words = overrides("disableSessionTickets", "\(configuration.disablesSessionTickets)", "it is [\(after.disablesSessionTickets)] now")
            return after.disablesSessionTickets ? .warning(words) : contradiction(words)
        case .securityLevel:
            guard after.securityLevel < before.securityLevel else { return .nothing }
            let words = "it lowers OpenSSL's security level to \(after.securityLevel): weak keys, signatures and ciphers are accepted from now on"
            return configuration.ciphers.contains("@SECLEVEL")
                ? contradiction(overrides("ciphers", configuration.ciphers, words)) : .warning("OpenSSLConfCmd [\(command.name)]: \(words)")
        case .neverAllowed: return .nothing
        }
    }

    private var protocols: Verdict {
        let configured = configuration.protocols.sorted()
        let spoken = after.protocols.map(\.rawValue).joined(separator: "+")
        let added = after.protocols.filter { !configured.contains($0) }
        guard says("protocols", configuration.protocols != TLSProtocolVersion.defaults) else {
            guard let oldest = added.first, oldest < .v1_2 else { return .nothing }
            return .warning("OpenSSLConfCmd [\(command.name)]: the host speaks [\(spoken)] now; [\(oldest)] is deprecated (RFC 8996)")
        }
        let words = overrides("protocols", configured.map(\.rawValue).joined(separator: "+"), "the host speaks [\(spoken)] now")
        guard let newest = configured.last, let oldest = added.first, oldest < newest else { return .warning(words) }
        return contradiction(words)
    }

    private var ciphers: Verdict {
        let effective = Set(EffectiveCipher.all(context).map(\.number))
        let weaker = after.ciphers.filter { effective.contains($0.number) && !before.ciphers.contains($0) && $0.isWeaker(than: before.ciphers) }
        let names = weaker.prefix(10).map(\.name).joined(separator: ", ") + (weaker.count > 10 ? " and \(weaker.count - 10) more" : "")
        guard says("ciphers", configuration.ciphers != TLSHostConfiguration.defaultCiphers) else {
            let insecure = weaker.filter(\.isInsecure).prefix(10).map(\.name)
            guard !insecure.isEmpty else { return .nothing }
            return .warning("OpenSSLConfCmd [\(command.name)]: it brings in ciphers that protect nobody: [\(insecure.joined(separator: ", "))]")
        }
        guard !weaker.isEmpty else { return .warning(overrides("ciphers", configuration.ciphers, "it has the last word")) }
        return contradiction(overrides("ciphers", configuration.ciphers, "it brings in [\(names)]"))
    }

    private var cipherSuites: Verdict {
        guard says("cipherSuites", configuration.cipherSuites != TLSHostConfiguration.defaultCipherSuites) else { return .nothing }
        let suites = after.cipherSuites.map(\.name).joined(separator: ":")
        let words = overrides("cipherSuites", configuration.cipherSuites, "the host has [\(suites)] now")
        return after.cipherSuites.contains { $0.isWeaker(than: before.cipherSuites) } ? contradiction(words) : .warning(words)
    }

    private var groups: Verdict {
        guard says("groups", !configuration.groups.isEmpty) else { return .nothing }
        let names = after.groups.map(TLSGroup.name(of:)).joined(separator: ",")
        let words = overrides("groups", configuration.groups.joined(separator: ","), "the host has [\(names)] now")
        return after.groups.contains { TLSGroup.isWeak($0) && !before.groups.contains($0) } ? contradiction(words) : .warning(words)
    }

    /// Whether the file says so; for a host that comes from no file, whether it differs from the default.
    private func says(_ attribute: String, _ differs: Bool) -> Bool { configuration.origin.map { $0.attributeLines[attribute] != nil } ?? differs }

    private func overrides(_ attribute: String, _ value: String, _ outcome: String) -> String {
        "OpenSSLConfCmd [\(command.name)] overrides \(attribute) [\(value.prefix(200))]: \(outcome)"
    }

    private func contradiction(_ words: String) -> Verdict {
        .contradiction("\(words), which is weaker than what the attribute says; take one of them out")
    }
}
