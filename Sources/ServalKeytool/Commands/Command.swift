/// One command of the tool, such as `-list`.
///
/// The table ``options`` is what the command's usage is made from; the grammar itself accepts every option with every command, as the JDK does.
protocol Command: SendableMetatype {
    /// The name with its dash, as the usage shows it.
    static var name: String { get }
    /// An older name that works as well.
    static var alternativeName: String? { get }
    /// One line for the list of commands.
    static var summary: String { get }
    /// Whether the list of commands shows it; obsolete commands work without being shown.
    static var isListed: Bool { get }
    /// The options that the usage lists, in its order.
    static var options: [OptionDescription] { get }
    /// Options beyond the JDK's of a command that the JDK has; its usage lists them behind the others.
    static var additionalOptions: [OptionDescription] { get }
    /// Whether words without a dash are names of files.
    static var takesFiles: Bool { get }

    /// Does the work.
    static func run(in session: Session) throws
}

extension Command {
    static var alternativeName: String? { nil }
    static var isListed: Bool { true }
    static var additionalOptions: [OptionDescription] { [] }
    static var takesFiles: Bool { false }

    /// Whether the command takes this option: all of the JDK's, and of the others those that it names.
    static func takes(_ name: OptionName) -> Bool {
        !name.isOwn || (options + additionalOptions).contains { $0.name == name }
    }
}

/// The commands that exist.
enum Commands {
    /// In the order of the general help.
    static let all: [any Command.Type] = [
        CertificateRequestCommand.self, ChangeAliasCommand.self, DeleteCommand.self, ExportCertificateCommand.self, GenerateKeyPairCommand.self,
        GenerateSecretKeyCommand.self, GenerateCertificateCommand.self, ImportCertificateCommand.self, ImportPasswordCommand.self,
        ImportKeyStoreCommand.self, KeyPasswordCommand.self, ListCommand.self, PrintCertificateCommand.self, PrintCertificateRequestCommand.self,
        PrintRevocationListCommand.self, StorePasswordCommand.self, ShowInformationCommand.self,
        CloneKeyCommand.self, IdentityDatabaseCommand.self, SelfCertificateCommand.self,
    ]

    /// Those that the JDK's tool does not have.
    static let own: [any Command.Type] = [ExportKeyCommand.self, ImportKeyCommand.self, InspectCommand.self, LintCommand.self]

    /// The command with this name, old or new, in any case.
    static func named(_ argument: String) -> (any Command.Type)? {
        let name = argument.lowercased()
        return (all + own).first { $0.name == name || $0.alternativeName == name }
    }
}
