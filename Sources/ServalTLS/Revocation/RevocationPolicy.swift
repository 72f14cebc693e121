/// Whether a host asks if client certificates have been revoked, and what it does when nobody can say (`ocspEnabled`, `ocspSoftFail`).
///
/// Every certificate of a verified chain is looked at, except the last one: who is trusted by configuration is revoked by changing the configuration. A
/// current revocation list of the certificate's issuer (`certificateRevocationListFile`) is as good a proof as an answer of a responder, and if there is
/// one, no responder is asked. A certificate that is revoked is refused under each policy that looks.
public enum RevocationPolicy: Sendable, Hashable {
    /// Asks no responder (`ocspEnabled="false"`, the default).
    ///
    /// Revocation lists, if the host has any, decide alone: every certificate needs a current one.
    case off
    /// Lets a client in when nobody can say whether its certificate has been revoked (`ocspSoftFail="true"`, Tomcat's default).
    ///
    /// That goes for everything that is no proof: no responder named, none reachable, a wrong, stale or unknown answer, a missing or outdated list.
    case softFail(OCSPSettings)
    /// Refuses a client without proof that its certificate has not been revoked (`ocspSoftFail="false"`).
    case hardFail(OCSPSettings)

    /// How responders are asked; `nil` if they are not.
    public var settings: OCSPSettings? {
        switch self {
        case .off: nil
        case .softFail(let settings), .hardFail(let settings): settings
        }
    }

    /// Whether no proof means no connection.
    public var isHard: Bool { if case .hardFail = self { true } else { false } }
}

/// How responders are asked about client certificates (RFC 6960).
public struct OCSPSettings: Sendable, Hashable {
    /// How long asking may take for one certificate, all its responders together (`ocspTimeout`); 15 s, more than zero and at most ten minutes.
    public var timeout: Duration
    /// OpenSSL's flags for the verification of answers (`ocspVerifyFlags`, `ocspVerify`); 0.
    ///
    /// Those that would accept an answer that nobody entitled has signed are refused: `OCSP_NOSIGS` (0x4), `OCSP_NOVERIFY` (0x10), `OCSP_NOCHECKS` (0x100).
    public var verifyFlags: Int

    /// Makes settings.
    public init(timeout: Duration = .seconds(15), verifyFlags: Int = 0) {
        self.timeout = timeout
        self.verifyFlags = verifyFlags
    }

    /// Checks the ranges.
    func validate(host: String) throws(TLSError) {
        guard timeout > .zero, timeout <= .seconds(600) else {
            throw TLSError(.invalidConfiguration, "SSLHostConfig [\(host)]: ocspTimeout must be more than 0 and at most 600000 milliseconds")
        }
        let forbidden = verifyFlags & (0x4 | 0x10 | 0x100)
        guard verifyFlags >= 0, verifyFlags <= 0xFFF, forbidden == 0 else {
            let words =
                forbidden == 0
                ? "has flags that OpenSSL does not know"
                : "contains 0x\(String(forbidden, radix: 16)), with which anybody could vouch for a revoked certificate"
            throw TLSError(.invalidConfiguration, "SSLHostConfig [\(host)]: ocspVerifyFlags [\(verifyFlags)] \(words)")
        }
    }
}

extension TLSHostConfiguration {
    /// The policy that `revocation` and the commands of `OpenSSLConf` come to.
    ///
    /// Tomcat's commands `NO_OCSP_CHECK`, `OCSP_SOFT_FAIL`, `OCSP_TIMEOUT` (milliseconds) and `OCSP_VERIFY_FLAGS` are another way to write the attributes,
    /// and win over them.
    package func resolvedRevocation() throws(TLSError) -> RevocationPolicy {
        var isOn = revocation != .off
        var isHard = revocation.isHard
        var settings = revocation.settings ?? OCSPSettings()
        for command in openSSLCommands where Self.revocationCommands.contains(command.name) {
            func wrong(_ expected: String) -> TLSError {
                let words = "The OpenSSLConfCmd [\(command.name)] has the value [\(command.value)]; expected \(expected)"
                return TLSError(.invalidConfiguration, "SSLHostConfig [\(hostName)]: \(words)")
            }
            switch command.name {
            case "NO_OCSP_CHECK", "OCSP_SOFT_FAIL":
                let word = command.value.lowercased()
                guard word == "true" || word == "false" else { throw wrong("true or false") }
                if command.name == "NO_OCSP_CHECK" { isOn = word == "false" } else { isHard = word == "false" }
            case "OCSP_TIMEOUT":
                guard let number = Int(command.value), (1...600_000).contains(number) else { throw wrong("milliseconds, 1 to 600000") }
                settings.timeout = .milliseconds(number)
            default:
                guard let number = Int(command.value) else { throw wrong("a number") }
                settings.verifyFlags = number
            }
        }
        guard isOn else { return .off }
        try settings.validate(host: hostName)
        return isHard ? .hardFail(settings) : .softFail(settings)
    }

    /// The names of `OpenSSLConfCmd` that mean Serval and not OpenSSL.
    package static let revocationCommands: Set<String> = ["NO_OCSP_CHECK", "OCSP_SOFT_FAIL", "OCSP_TIMEOUT", "OCSP_VERIFY_FLAGS"]
}
