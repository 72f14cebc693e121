/// `-importpass`: keeps a password in the store, as a secret key.
enum ImportPasswordCommand: Command {
    static let name = "-importpass"
    static let summary = "Imports a password"
    static let options = GenerateSecretKeyCommand.options

    static func run(in session: Session) throws {
        try GenerateSecretKeyCommand.run(in: session, defaultAlgorithm: "PBE")
    }
}
