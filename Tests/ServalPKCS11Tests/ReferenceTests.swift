import Foundation
import ServalKeyStore
import ServalPKCS11
import Testing

@Suite("Names of tokens")
struct ReferenceTests {
    @Test("A URI names module, token, alias and PIN")
    func uri() throws {
        let reference = try PKCS11Reference(
            uri: "pkcs11:token=My%20Token;serial=12%3B3;object=Tomcat;type=private?pin-value=12%2634&module-path=/usr/lib/x.so"
        )
        #expect(reference.modulePath == "/usr/lib/x.so")
        #expect(reference.selector == PKCS11TokenSelector(label: "My Token", serialNumber: "12;3"))
        #expect(reference.alias == "Tomcat")
        #expect(reference.pin == .value("12&34"))
        #expect(try PKCS11Reference(uri: "pkcs11:slot-id=7?pin-source=file:///etc/pin").pin == .file("/etc/pin"))
        #expect(try PKCS11Reference(uri: "pkcs11:?pin-source=file:/etc/pin").pin == .file("/etc/pin"))
        #expect(try PKCS11Reference(uri: "PKCS11:").modulePath == "p11-kit-proxy.so")
    }

    @Test(
        "A wrong URI is told without its PIN",
        arguments: [
            "http:token=x", "pkcs11:tokn=x?pin-value=4711", "pkcs11:token?pin-value=4711", "pkcs11:token=%4?pin-value=4711",
            "pkcs11:slot-id=x?pin-value=4711",
            "pkcs11:token=%FF?pin-value=4711", "pkcs11:?pin-source=|cat&pin-value=4711",
        ]
    )
    func wrongURI(text: String) {
        do {
            _ = try PKCS11Reference(uri: text)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidInput)
            #expect(!error.message.contains("4711"))
        }
    }

    @Test("The JDK's configuration files are read as the JDK reads them")
    func configuration() throws {
        let text = """
            # a comment
            name = My-Token
            library = "/opt/maker/lib.so"   # another
            slot = 0x1f
            disabledMechanisms = {
              CKM_SHA1_RSA_PKCS
            }
            attributes(*,CKO_PRIVATE_KEY,*) = { CKA_SIGN = true }
            showInfo = false
            """
        let reference = try PKCS11Reference(sunPKCS11: "--" + text.replacingOccurrences(of: "\n", with: "\\n"))
        #expect(reference.name == "My-Token")
        #expect(reference.modulePath == "/opt/maker/lib.so")
        #expect(reference.selector == PKCS11TokenSelector(slot: 31))
        #expect(try PKCS11Reference(sunPKCS11: "--name=a\\nlibrary=/b").selector == PKCS11TokenSelector(slotListIndex: 0))
    }

    @Test(
        "What the JDK refuses is refused",
        arguments: [
            "--name = x", "--library = /x", "--nam = x\\nlibrary = /x", "--name = x\\nlibrary = x.so", "--name = x\\nlibrary = /x\\nslot = y",
            "--name = x\\nlibrary = /x\\nslot = 1\\nslotListIndex = 1", "--name", "/no/such/file",
        ]
    )
    func wrongConfiguration(text: String) {
        #expect(throws: KeyStoreError.self) { try PKCS11Reference(sunPKCS11: text) }
    }
}
