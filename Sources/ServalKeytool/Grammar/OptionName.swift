/// Every option that the JDK's tool knows, and those of the commands that it does not have.
///
/// The JDK accepts an option with any command, also where the command's usage does not list it (`-certreq -keyalg RSA` is in many instructions),
/// so the grammar needs the whole list.
enum OptionName: String, CaseIterable {
    case addprovider, alias, cacerts, conf, debug, dest, destalias, destkeypass, destkeystore, destprotected, destprovidername, deststorepass
    case deststoretype, dname, ext, file, groupname, id, infile, jarfile, keyalg, keypass, keysize, keystore, legacy, new, noprompt, nowarn
    case outfile, protected, provider, providerarg, providerclass, providername, providerpath, rfc, sigalg, signer, signerkeypass, srcalias
    case srckeypass, srckeystore, srcprotected, srcprovidername, srcstorepass, srcstoretype, sslserver, startdate, storepass, storetype, tls
    case trustcacerts, v, validity
    // What the JDK does not have: refused, as it does, with commands that do not name them.
    case certfile, chain, days, dryrun, json, nocrypt

    /// The option with this spelling on the command line, dash included; the case of letters does not matter.
    init?(argument: String) {
        guard argument.hasPrefix("-") else { return nil }
        self.init(rawValue: argument.dropFirst().lowercased())
    }

    /// Whether the next word of the command line is this option's value.
    var takesValue: Bool {
        switch self {
        case .cacerts, .chain, .debug, .dryrun, .json, .legacy, .nocrypt, .destprotected, .noprompt, .nowarn, .protected, .rfc, .srcprotected, .tls,
            .trustcacerts, .v:
            false
        default: true
        }
    }

    /// Whether only commands that name the option take it; the JDK's tool does not know it.
    var isOwn: Bool {
        switch self {
        case .certfile, .chain, .days, .dryrun, .json, .nocrypt: true
        default: false
        }
    }

    /// Whether the value is a password, which may also come from a file (`-storepass:file F`) or a variable (`-storepass:env VAR`).
    var isPassword: Bool {
        switch self {
        case .destkeypass, .deststorepass, .keypass, .new, .signerkeypass, .srckeypass, .srcstorepass, .storepass: true
        default: false
        }
    }

    /// Whether giving the option several times is how it is meant.
    var isRepeatable: Bool {
        switch self {
        case .addprovider, .certfile, .ext, .id, .provider, .providerarg, .providerclass: true
        default: false
        }
    }

    /// The name under which the value is kept: some options are two spellings of one setting.
    var canonical: OptionName {
        switch self {
        case .dest: .destalias
        case .destkeystore: .keystore
        case .deststorepass: .storepass
        case .deststoretype: .storetype
        case .destprotected: .protected
        case .destprovidername: .providername
        case .provider: .providerclass
        case .srcalias: .alias
        default: self
        }
    }
}
