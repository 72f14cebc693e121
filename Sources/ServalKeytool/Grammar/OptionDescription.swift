/// One line of a command's usage.
struct OptionDescription: Sendable {
    /// What is typed, with the argument's placeholder.
    let syntax: String
    let summary: String
    /// The option; nil for a dependent one.
    let name: OptionName?

    init(_ name: OptionName, _ argument: String? = nil, _ summary: String) {
        self.name = name
        syntax = argument.map { "-\(name.rawValue) <\($0)>" } ?? "-\(name.rawValue)"
        self.summary = summary
        isDependent = false
    }

    private init(dependent syntax: String, _ summary: String) {
        self.syntax = syntax
        self.summary = summary
        name = nil
        isDependent = true
    }

    /// Whether the option belongs to the one in the line above, and is indented.
    let isDependent: Bool

    static let alias = OptionDescription(.alias, "alias", "alias name of the entry to process")
    static let cacerts = OptionDescription(.cacerts, nil, "access the cacerts keystore")
    static let destinationAlias = OptionDescription(.destalias, "alias", "destination alias")
    static let dname = OptionDescription(.dname, "name", "distinguished name")
    static let ext = OptionDescription(.ext, "value", "X.509 extension")
    static let groupName = OptionDescription(.groupname, "name", "Group name. For example, an Elliptic Curve name.")
    static let infile = OptionDescription(.infile, "file", "input file name")
    static let inputFile = OptionDescription(.file, "file", "input file name")
    static let jarFile = OptionDescription(.jarfile, "file", "signed jar file")
    static let keyAlgorithm = OptionDescription(.keyalg, "alg", "key algorithm name")
    static let keyPassword = OptionDescription(.keypass, "arg", "key password")
    static let keySize = OptionDescription(.keysize, "size", "key bit size")
    static let keyStore = OptionDescription(.keystore, "keystore", "keystore name")
    static let newPassword = OptionDescription(.new, "arg", "new password")
    static let noPrompt = OptionDescription(.noprompt, nil, "do not prompt")
    static let outfile = OptionDescription(.outfile, "file", "output file name")
    static let outputFile = OptionDescription(.file, "file", "output file name")
    static let protected = OptionDescription(.protected, nil, "password through protected mechanism")
    static let rfc = OptionDescription(.rfc, nil, "output in RFC style")
    static let signatureAlgorithm = OptionDescription(.sigalg, "alg", "signature algorithm name")
    static let signer = OptionDescription(.signer, "alias", "signer alias")
    static let signerKeyPassword = OptionDescription(.signerkeypass, "arg", "signer key password")
    static let sslServer = OptionDescription(.sslserver, "server[:port]", "SSL server host and port")
    static let startDate = OptionDescription(.startdate, "date", "certificate validity start date/time")
    static let storePassword = OptionDescription(.storepass, "arg", "keystore password")
    static let storeType = OptionDescription(.storetype, "type", "keystore type")
    static let tls = OptionDescription(.tls, nil, "Displays TLS configuration information")
    static let trustCACertificates = OptionDescription(.trustcacerts, nil, "trust certificates from cacerts")
    static let validity = OptionDescription(.validity, "days", "validity number of days")
    static let verbose = OptionDescription(.v, nil, "verbose output")

    /// The options about security providers.
    ///
    /// Serval has no providers: they are accepted for the sake of existing scripts.
    static let providers = [
        OptionDescription(.providername, "name", "provider name"),
        OptionDescription(.addprovider, "name", "add security provider by name (e.g. SunPKCS11)"),
        OptionDescription(dependent: "[-providerarg <arg>]", "configure argument for -addprovider"),
        OptionDescription(.providerclass, "class", "add security provider by fully-qualified class name"),
        OptionDescription(dependent: "[-providerarg <arg>]", "configure argument for -providerclass"),
        OptionDescription(.providerpath, "list", "provider classpath"),
    ]
}
