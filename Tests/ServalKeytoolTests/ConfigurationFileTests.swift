import Testing

/// `-conf`: options from a file.
@Suite struct ConfigurationFileTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    @Test func optionsOfAllCommandsAndOfOne() async throws {
        let store = "-keystore s.p12 -storepass changeit"
        for alias in ["one", "two"] {
            #expect(try await Tool.serval.run("-genkeypair -alias \(alias) -keyalg EC -dname CN=\(alias) \(store)", in: folder).status == 0)
        }
        try folder.write(
            #"""
            # a comment
              ! another one
            keytool.all = -keystore ${user.dir}${/}s.p12 -storepass "changeit"
            keytool.list : -alias 'one' \
               -rfc
            keytool.export=-rfc
            keytool.exportcert.not = -bogus
            keytool.certreq -dname "CN=\u00fc b, O=x"
            keytool.printcert=bogus
            keytool.delete=-alias ${nope}
            keytool.printcrl = ${{kept}} "a\tb
            """#,
            to: "k.conf"
        )
        try folder.write("keytool.genkey=-v\nkeytool.genkeypair=-v\n", to: "both.conf")
        try folder.write("keytool.all=-keystore\r\n", to: "odd.conf")
        for line in [
            "-conf k.conf -list", "-CONF k.conf -list -alias two -alias two", "-conf k.conf -export -alias one",
            "-conf k.conf -exportcert -alias two",
            "-list -conf k.conf -storepass wrong1", "-conf k.conf -printcert", "-conf k.conf -delete", "-conf k.conf -printcrl",
            "-conf both.conf -genkey", "-conf odd.conf -list", "-conf missing -list", "-conf . -list", "-list -conf", "-conf odd.conf -list -help",
        ] { try await jdk.same(line) }
        let request = try await Tool.serval.run("-conf k.conf -certreq -alias one -file r.csr", in: folder)
        #expect(request.status == 0)
        #expect(try await Tool.serval.run("-printcertreq -file r.csr", in: folder).output.contains("\nSubject: CN=ü b, O=x\n"))
    }
}
