import ServalTLSOpenSSL

/// `-showinfo`: prints what TLS hosts speak whose configuration does not say otherwise.
enum ShowInformationCommand: Command {
    static let name = "-showinfo"
    static let summary = "Displays security-related information"
    static let options: [OptionDescription] = [.tls, .verbose]

    static func run(in session: Session) throws {
        let console = session.console
        guard session.options.has(.tls) else { return console.print("Missing option for -showinfo. Try \"keytool -showinfo -tls\".") }
        for (title, names) in [("Enabled Protocols", EnabledTLS.protocols), ("Enabled Cipher Suites", EnabledTLS.cipherSuites)] {
            if title != "Enabled Protocols" { console.print() }
            console.print(title)
            console.print(String(repeating: "-", count: title.count))
            for name in names { console.print(name) }
        }
    }
}
