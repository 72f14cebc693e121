import Foundation
import Testing

/// The questions, on standard input as in the JDK's captured runs, and on a terminal.
@Suite struct InteractiveTests {
    private let folder = Folder()

    private let nameQuestions = """
        What is your first and last name?
          [Unknown]:  What is the name of your organizational unit?
          [Unknown]:  What is the name of your organization?
          [Unknown]:  What is the name of your City or Locality?
          [Unknown]:  What is the name of your State or Province?
          [Unknown]:  What is the two-letter country code for this unit?
          [Unknown]:  Is CN=www.myside.org, OU=Dev, O=Acme, L=Beijing, ST=BJ, C=CN correct?
          [no]:  \n
        """
    private let generating = """
        Generating 2,048 bit RSA key pair and self-signed certificate (SHA256withRSA) with a validity of 90 days
        \tfor: CN=www.myside.org, OU=Dev, O=Acme, L=Beijing, ST=BJ, C=CN
        Added the subject alternative name dns:www.myside.org, because browsers do not look at CN (-ext san=... replaces it).

        """
    private let answers = "www.myside.org\nDev\nAcme\nBeijing\nBJ\nCN\nyes\n"

    @Test("A02 B12 B18 B21: the documents' first command")
    func theDocumentsFirstCommand() async throws {
        let run = try await Tool.serval.run("-genkey -alias tomcat -keyalg RSA", input: "changeit\nchangeit\n" + answers, in: folder)
        #expect(run.status == 0)
        #expect(run.output.isEmpty)
        #expect(run.errors == "Enter keystore password:  Re-enter new password: " + nameQuestions + generating)
        let list = try await Tool.serval.run("-list", input: "changeit\n", in: folder)
        #expect(list.errors == "Enter keystore password:  ")
        #expect(list.output.hasPrefix("Keystore type: PKCS12\nKeystore provider: SUN\n\nYour keystore contains 1 entry\n\ntomcat, "))
        #expect(list.output.contains(", PrivateKeyEntry, \nCertificate fingerprint (SHA-256): "))
    }

    @Test("B23 B24: a JKS store asks for the key's password; RETURN takes the store's")
    func aJKSStoreAsksForTheKeysPassword() async throws {
        let command = "-genkey -alias tomcat -keyalg RSA -storetype JKS -keystore"
        let same = try await Tool.serval.run("\(command) same.jks", input: "changeit\nchangeit\n" + answers + "\n", in: folder)
        let question = "Enter key password for <tomcat>\n\t(RETURN if same as keystore password):  "
        let advice = """

            Warning:
            The JKS keystore uses a proprietary format. It is recommended to migrate to PKCS12 which is an industry standard format using \
            "keytool -importkeystore -srckeystore same.jks -destkeystore same.jks -deststoretype pkcs12".

            """
        #expect(same.status == 0)
        #expect(same.errors == "Enter keystore password:  Re-enter new password: " + nameQuestions + generating + question + advice)
        #expect(try folder.read("same.jks").prefix(4).elementsEqual([0xFE, 0xED, 0xFE, 0xED]))

        let other = try await Tool.serval.run("\(command) own.jks", input: "changeit\nchangeit\n" + answers + "keypass1\nkeypass1\n", in: folder)
        #expect(other.errors.contains(question + "Re-enter new password: \nWarning:\n"))
        // The key has a password of its own, which the request has to ask for.
        let request = try await Tool.serval.run("-certreq -alias tomcat -keystore own.jks -nowarn", input: "changeit\nkeypass1\n", in: folder)
        #expect(request.status == 0)
        #expect(request.errors == "Enter keystore password:  Enter key password for <tomcat>")
        let wrong = try await Tool.serval.run("-certreq -alias tomcat -keystore own.jks -storepass changeit -keypass nonsense", in: folder)
        #expect(wrong.output == "keytool error: java.security.UnrecoverableKeyException: Cannot recover key\n")
    }

    @Test func shortKeyPasswords() async throws {
        let run = try await Tool.serval.run(
            "-genkey -alias z -keyalg EC -dname CN=z -storetype JKS -keystore z.jks",
            input: "changeit\nchangeit\nabc\nabc\nabc\n",
            in: folder
        )
        #expect(run.status == 1)
        #expect(run.output == "keytool error: java.lang.Exception: Too many failures - key not added to keystore\n")
        #expect(run.errors.components(separatedBy: "Key password is too short - must be at least 6 characters\n").count == 4)
        #expect(!folder.exists("z.jks"))
    }

    @Test func shortStorePasswords() async throws {
        let run = try await Tool.serval.run("-genkey -alias z -keyalg EC -dname CN=z -keystore z.p12", input: "abc\nab\na\n", in: folder)
        let round = "Enter keystore password:  Keystore password is too short - must be at least 6 characters\n"
        #expect(run == ToolRun(status: 0, output: "", errors: round + round + round + "Too many failures - try later\n"))
        #expect(!folder.exists("z.p12"))
    }

    @Test func passwordsThatDoNotMatch() async throws {
        let run = try await Tool.serval.run(
            "-genkey -alias z -keyalg EC -dname CN=z -keystore z.p12",
            input: String(repeating: "abcdef\nabcdeg\n", count: 3),
            in: folder
        )
        let round = "Enter keystore password:  Re-enter new password: They don't match. Try again\n"
        #expect(run == ToolRun(status: 0, output: "", errors: round + round + round + "Too many failures - try later\n"))
    }

    @Test func aNameThatIsNotConfirmedIsAskedAgain() async throws {
        let run = try await Tool.serval.run(
            "-genkey -keyalg EC -keystore n.p12 -storepass changeit",
            input: "a, b\n\n\n\n\n\nno\n\nunit\n\n\n\nDE\nY\n",
            in: folder
        )
        #expect(run.status == 0)
        #expect(run.errors.contains("Is CN=\"a, b\", OU=Unknown, O=Unknown, L=Unknown, ST=Unknown, C=Unknown correct?\n  [no]:  "))
        #expect(run.errors.contains("What is your first and last name?\n  [a, b]:  "))
        #expect(run.errors.contains("\tfor: CN=\"a, b\", OU=unit, O=Unknown, L=Unknown, ST=Unknown, C=DE\n"))

        let stubborn = try await Tool.serval.run("-genkey -alias x -keyalg EC -keystore n.p12 -storepass changeit", input: "", in: folder)
        #expect(stubborn.status == 1)
        #expect(stubborn.output == "keytool error: java.lang.RuntimeException: Too many retries, program terminated\n")
    }

    @Test func deleteAsksForTheAliasBeforeThePassword() async throws {
        _ = try await Tool.serval.run("-genkey -alias k -keyalg EC -dname CN=k -keystore d.p12 -storepass changeit", in: folder)
        let none = try await Tool.serval.run("-delete -keystore d.p12", input: "\n", in: folder)
        #expect(none.status == 1)
        #expect(none.errors == "Enter alias name:  ")
        #expect(none.output == "keytool error: java.lang.Exception: Must specify alias\n")
        let run = try await Tool.serval.run("-delete -keystore d.p12", input: "K\nchangeit\n", in: folder)
        #expect(run == ToolRun(status: 0, output: "", errors: "Enter alias name:  Enter keystore password:  "))
        let list = try await Tool.serval.run("-list -keystore d.p12 -storepass changeit", in: folder)
        #expect(list.output.contains("Your keystore contains 0 entries\n"))
    }

    @Test func trustQuestions() async throws {
        _ = try await Tool.serval.run("-genkey -alias ca -keyalg EC -dname CN=CA -ext bc:c -keystore ca.p12 -storepass changeit", in: folder)
        _ = try await Tool.serval.run("-exportcert -rfc -alias ca -file ca.pem -keystore ca.p12 -storepass changeit", in: folder)
        let command = "-import -file ca.pem -alias"
        let refused = try await Tool.serval.run("\(command) root -keystore ts.p12", input: "newpass1\nnewpass1\n\n", in: folder)
        #expect(refused.status == 0)
        #expect(
            refused.errors
                == "Enter keystore password:  Re-enter new password: Trust this certificate? [no]:  Certificate was not added to keystore\n"
        )
        #expect(refused.output.hasPrefix("Owner: CN=CA\nIssuer: CN=CA\nSerial number: "))
        #expect(!folder.exists("ts.p12"))

        let added = try await Tool.serval.run("\(command) root -keystore ts.p12", input: "newpass1\nnewpass1\nyes\n", in: folder)
        #expect(added.errors.hasSuffix("Trust this certificate? [no]:  Certificate was added to keystore\n"))
        let again = try await Tool.serval.run("\(command) root2 -keystore ts.p12", input: "newpass1\nmaybe\nno\n", in: folder)
        let question = "Do you still want to add it? [no]:  "
        #expect(
            again.errors
                == "Enter keystore password:  Certificate already exists in keystore under alias <root>\n\(question)Wrong answer, try again\n\(question)Certificate was not added to keystore\n"
        )
        let insisted = try await Tool.serval.run("\(command) root2 -keystore ts.p12", input: "newpass1\nmaybe\nyes\n", in: folder)
        #expect(insisted.errors.hasSuffix("Certificate was added to keystore\n"))

        let system = try await Tool.serval.run(
            "\(command) root -keystore sys.p12 -storepass changeit -trustcacerts",
            input: "y\n",
            in: folder,
            environment: ["SSL_CERT_FILE": folder.path("ca.pem")]
        )
        #expect(
            system.errors == """
                Certificate already exists in system-wide CA keystore under alias <CN=CA>
                Do you still want to add it to your own keystore? [no]:  Certificate was added to keystore

                """
        )
    }

    @Test func listingWithoutThePassword() async throws {
        for type in ["JKS", "PKCS12"] {
            _ = try await Tool.serval.run(
                "-genkey -alias k -keyalg EC -dname CN=k -keystore \(type) -storetype \(type) -storepass changeit -keypass changeit",
                in: folder
            )
            let run = try await Tool.serval.run("-list -nowarn -keystore \(type)", input: "\n", in: folder)
            #expect(run.status == 0)
            #expect(
                run.errors == """
                    Enter keystore password:  \n\
                    *****************  WARNING WARNING WARNING  *****************
                    * The integrity of the information stored in your keystore  *
                    * has NOT been verified!  In order to verify its integrity, *
                    * you must provide your keystore password.                  *
                    *****************  WARNING WARNING WARNING  *****************


                    """
            )
            #expect(run.output.contains(type == "JKS" ? "Certificate fingerprint (SHA-256): " : "Certificate chain length: 0\n"))
        }
    }

    @Test(.timeLimit(.minutes(2))) func onATerminalPasswordsAreNotShown() async throws {
        typealias Step = Terminal.Step
        let (status, screen) = try await Terminal.talk(
            to: .serval,
            ["-genkey", "-alias", "tomcat", "-keyalg", "EC"],
            in: folder,
            [
                Step(awaited: "Enter keystore password:  ", typed: "s3cret-word"),
                Step(awaited: "Re-enter new password: ", typed: "s3cret-word"),
                Step(awaited: "first and last name?\n  [Unknown]:  ", typed: "Visible Name"),
                Step(awaited: "unit?\n  [Unknown]:  ", typed: ""), Step(awaited: "organization?\n  [Unknown]:  ", typed: ""),
                Step(awaited: "Locality?\n  [Unknown]:  ", typed: ""), Step(awaited: "Province?\n  [Unknown]:  ", typed: ""),
                Step(awaited: "this unit?\n  [Unknown]:  ", typed: "DE"),
                Step(awaited: "correct?\n  [no]:  ", typed: "yes"),
            ]
        )
        #expect(status == 0, "\(screen)")
        #expect(!screen.contains("s3cret"))
        #expect(
            screen.hasPrefix("Enter keystore password:  \nRe-enter new password: \nWhat is your first and last name?\n  [Unknown]:  Visible Name\n")
        )
        #expect(screen.contains("  [no]:  yes\n\nGenerating 256 bit EC (secp256r1) key pair"))
        let list = try await Tool.serval.run("-list -storepass s3cret-word", in: folder)
        #expect(list.output.contains("tomcat, "))
    }
}
