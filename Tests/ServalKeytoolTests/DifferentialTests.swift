import Foundation
import Testing

/// The same command lines for the JDK's keytool and ours: equal streams and exit codes.
///
/// Starting a JVM takes about a second, so each line is here for a reason, and the suite works in one pair of folders.
@Suite(.serialized) struct DifferentialTests {
    private let ours = Folder()
    private let theirs = Folder()

    /// Runs a line with both and compares, keys and dates masked.
    private func compare(_ line: String, input: String = "", location: SourceLocation = #_sourceLocation) async throws {
        async let first = Tool.serval.run(line, input: input, in: ours)
        async let second = Tool.jdk.run(line, input: input, in: theirs)
        let (mine, reference) = try await (first.masked, second.masked)
        #expect(mine.status == reference.status, "\(line)", sourceLocation: location)
        #expect(mine.output == reference.output, "\(line)", sourceLocation: location)
        #expect(mine.errors == reference.errors, "\(line)", sourceLocation: location)
    }

    @Test(arguments: ["-certreq", "-delete", "-export", "-GENKEY", "-list"])
    func usage(command: String) async throws {
        try await compare("\(command) -bogus")
    }

    /// The JDK's usage, with a second list of what only ours has.
    @Test func usageOfImportcert() async throws {
        let mine = try await Tool.serval.run("-importcert -bogus", in: ours).masked
        let reference = try await Tool.jdk.run("-importcert -bogus", in: theirs).masked
        let own = """
            Options that the JDK's tool does not have:

             -certfile <file>        more certificates for the chain; may be repeated
             -dryrun                 say what would be done, and write nothing


            """
        #expect(mine.errors.contains(own))
        #expect(mine.errors.replacing(own, with: "") == reference.errors)
        #expect(mine.status == reference.status && mine.output == reference.output)
    }

    @Test(arguments: ["PKCS12", "JKS"])
    func aStoresLife(type: String) async throws {
        let store = "-keystore s -storepass changeit"
        try await compare(
            "-genkey -alias Tomcat -keyalg RSA -sigalg sha512withRSA -validity 1000 -storetype \(type) -keypass changeit \(store) "
                + "-dname 'cn=Duke, OU=\"a, b\", O=Über GmbH, ST=BJ, C=CN, emailAddress=a@b, 1.2.3.4=x'"
        )
        try await compare(
            "-genkeypair -v -alias ca -keyalg EC -keysize 384 -dname CN=CA -keypass changeit -ext bc:c=ca:true,pathlen:1 -ext ku:c=keyCertSign,cRLS,dig "
                + "-ext eku=serverAuth,cA,1.2.3 -ext san=dns:localhost,ip:127.0.0.1,ip:::1,email:a@b,uri:http://a/b,oid:1.2.3 -ext 1.2.3.4=0a:0B "
                + "-ext aia=ocsp:uri:http://o/,caIssuers:uri:http://c/ -ext crldp=uri:http://l/,uri:http://m/ -startdate '2030/02/28 10:11:12' \(store)"
        )
        try await compare("-list -v \(store)")
        try await compare("-certreq -keyalg RSA -alias tomcat -file certreq.csr -v \(store)")
        try await compare("-exportcert -rfc -alias ca -file ca.pem \(store)")
        try await compare("-import -noprompt -alias Root -file ca.pem -keystore trust -storetype \(type) -storepass changeit")
        try await compare("-delete -alias tomcat \(store)")
        try await compare("-list \(store)")
    }

    /// Both tools list the same file, so that not even fingerprints may differ.
    @Test func eachReadsWhatTheOtherWrote() async throws {
        let folder = ours
        let lines = [
            "-genkey -alias rsa -keyalg RSA -keysize 1024 -dname 'CN=www.example.org, O=\"Exa, mple\"' -keystore serval.p12",
            "-genkey -alias ed -keyalg Ed25519 -dname CN=ed -keystore serval.p12",
            "-genkey -alias signed -keyalg EC -groupname secp521r1 -dname CN=signed -signer rsa -keystore serval.p12",
            "-genkey -alias k -keyalg RSA -dname CN=k -storetype JKS -keystore serval.jks -keypass keypass1",
        ]
        for line in lines { #expect(try await Tool.serval.run(line + " -storepass changeit", in: folder).status == 0) }
        for line in [
            "-genkey -alias ec -keyalg EC -dname CN=Ünï -keystore jdk.p12 -ext bc:c",
            "-genkey -alias k -keyalg RSA -dname CN=k -storetype JKS -keystore jdk.jks -keypass keypass1",
        ] { #expect(try await Tool.jdk.run(line + " -storepass changeit", in: folder).status == 0) }
        try await weirdCertificate(in: folder)
        #expect(
            try await Tool.serval.run("-import -noprompt -alias Weird -file weird.pem -keystore serval.p12 -storepass changeit", in: folder).status
                == 0
        )

        for store in ["serval.p12", "serval.jks", "jdk.p12", "jdk.jks"] {
            let line = "-list \(store.hasPrefix("s") ? "-v" : "-rfc") -keystore \(store) -storepass changeit"
            async let mine = Tool.serval.run(line, in: folder, environment: ["TZ": "Europe/Berlin"])
            async let reference = Tool.jdk.run(line, in: folder, environment: ["TZ": "Europe/Berlin"])
            var expected = try await reference
            // The JDK ends the lines of base64 with CR LF, and all others with LF.
            expected.output = expected.output.replacingOccurrences(of: "\r\n", with: "\n")
            #expect(try await mine == expected, "\(line)")
        }
        // The key's own password opens it on either side.
        for (tool, store) in [(Tool.jdk, "serval.jks"), (Tool.serval, "jdk.jks")] {
            let line = "-certreq -alias k -keystore \(store) -storepass changeit -file r.csr -keypass"
            #expect(try await tool.run("\(line) keypass1", in: folder).status == 0)
            #expect(
                try await tool.run("\(line) changeit", in: folder).output
                    == "keytool error: java.security.UnrecoverableKeyException: Cannot recover key\n"
            )
        }
    }

    /// The JDK's own collection of the world's authorities, which has about every extension in it.
    @Test func theJDKsAuthorities() async throws {
        let script = "cat \"$(dirname \"$(dirname \"$(readlink -f \"$(command -v keytool)\")\")\")/lib/security/cacerts\" > cacerts"
        #expect(try await Tool(path: "/bin/sh").run(["-c", script], in: ours).status == 0)
        let line = "-list -v -keystore cacerts -storepass changeit"
        async let mine = Tool.serval.run(line, in: ours)
        async let reference = Tool.jdk.run(line, in: ours)
        let (run, expected) = try await (mine, reference)
        #expect(expected.output.count > 10_000)
        #expect(run == expected)
    }

    private func weirdCertificate(in folder: Folder) async throws {
        try folder.write(
            """
            [req]
            distinguished_name=dn
            prompt=no
            [dn]
            CN=weird
            [v]
            subjectKeyIdentifier=hash
            authorityKeyIdentifier=keyid,issuer:always
            basicConstraints=critical,CA:FALSE
            keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyAgreement,keyCertSign,cRLSign,encipherOnly,decipherOnly
            extendedKeyUsage=serverAuth,clientAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,msSGC,1.3.6.1.5.5.7.3.77
            subjectAltName=DNS:a.b,email:x@y,URI:http://x/,IP:10.0.0.1,IP:fe80::1,RID:1.2.3,dirName:dir,otherName:1.2.3.4;UTF8:some
            issuerAltName=DNS:i.b
            authorityInfoAccess=OCSP;URI:http://o/,caIssuers;URI:http://c/
            crlDistributionPoints=dp1,URI:http://crl/2
            certificatePolicies=1.2.3.4,@pol
            tlsfeature=status_request
            noCheck=ignored
            nsCertType=server,client,objCA
            nsComment="hello world, this is longer than a line"
            1.2.3.4.5=ASN1:UTF8String:hello~{|}
            [dp1]
            fullname=URI:http://crl/1
            CRLissuer=dirName:dir
            reasons=keyCompromise,CACompromise
            [pol]
            policyIdentifier=1.3.5.8
            CPS.1=http://cps/
            userNotice.1=@n
            [n]
            explicitText=hello
            [dir]
            C=DE
            O=My Org
            CN=dir

            """,
            to: "weird.cnf"
        )
        let request = "req -x509 -newkey rsa:2048 -nodes -keyout weird.key -out weird.pem -config weird.cnf -extensions v -sha1 -days 30"
        #expect(try await Tool.openssl.run(request, in: folder).status == 0)
    }

    @Test func errors() async throws {
        let store = "-keystore e -storepass changeit"
        try await compare("-genkey -alias ec -keyalg EC -dname CN=a \(store) -keypass otherpass")
        for line in [
            "-genkey -alias EC -keyalg EC -dname CN=a \(store)",
            "-genkey -alias bad -keyalg EC -keysize 384 -groupname secp256r1 -dname CN=a \(store)",
            "-genkey -alias bad -keyalg EC -dname CN=a,FOO=b \(store)",
            "-genkey -alias bad -keyalg RSA -dname BADDN \(store)",
            "-genkey -alias bad -keyalg RSA -sigalg FOO -dname CN=a \(store)",
            "-list -cacerts \(store)",
            "-list -storetype PKCS11 \(store)",
        ] { try await compare(line) }
    }

    @Test func anAliasThatIsEmpty() async throws {
        let store = "-keystore empty -storepass changeit"
        for line in ["-genkeypair -alias '' -keyalg EC -dname CN=a", "-list", "-changealias -alias '' -destalias b", "-list"] {
            try await compare("\(line) \(store)")
        }
    }

    @Test func protectedMeansThatNoPasswordIsExpected() async throws {
        try await compare("-genkeypair -alias a -keyalg EC -dname CN=a -keystore p -storepass changeit")
        try await compare("-list -protected -keystore p")
    }
}
