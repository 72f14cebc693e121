import Foundation
import ServalKeyStore
import Testing
import X509

/// The code of the article "Getting started", run as it stands there.
@Suite struct GettingStartedTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
        try Authority().store(.pkcs12).write(to: folder("server.p12"), password: "changeit")
    }

    @Test func looking() throws {
        let path = folder("server.p12")
        // snippet: looking
        let store = try KeyStore(contentsOf: path, password: "changeit")
        for alias in store.aliases {
            switch store[alias]?.content {
            case .privateKey(let entry): print("\(alias): a private key with \(entry.certificateChain.count) certificates")
            case .trustedCertificate(let certificate): print("\(alias): trusts \(certificate.subjectDescription)")
            case .secretKey: print("\(alias): a secret key")
            case nil: continue
            }
        }
        // end
        #expect(store.count == 3)
    }

    @Test func presenting() throws {
        let store = try KeyStore(contentsOf: folder("server.p12"), password: "changeit")
        // snippet: presenting
        let identity = try store.identity(alias: "rsa")
        print(identity.privateKey)  // 2048-bit RSA key
        let key = PEM.encode(identity.privateKey.pkcs8, label: "PRIVATE KEY")
        let chain = identity.chain.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined()
        // end
        #expect(try PEM.privateKey(in: Array(key.utf8)) == identity.privateKey)
        #expect(try PEM.certificates(in: Array(chain.utf8)) == identity.chain)
    }

    @Test func making() throws {
        let path = folder("new.p12")
        // snippet: making
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let name = try DistinguishedName(dname: "CN=www.example.org, O=Example, C=DE")
        let certificate = try SelfSignedCertificate.make(key: key, subject: name)

        var store = KeyStore(format: .pkcs12)
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: key, chain: [certificate]))), alias: "server")
        try store.write(to: path, password: "a good password")
        // end
        #expect(try KeyStore(contentsOf: path, password: "a good password").identity().chain == [certificate])
    }

    @Test func requesting() throws {
        let authority = try Authority()
        let path = folder("server.p12")
        let inAnyOrder = [authority.root, authority.rsaLeaf, authority.intermediate]
        let reply = Array(inAnyOrder.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined().utf8)
        var prepared = try KeyStore(contentsOf: path, password: "changeit")
        prepared.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.rsaKey, chain: [authority.rsaLeaf]))), alias: "rsa")
        try prepared.write(to: path, password: "changeit")
        // snippet: requesting
        var store = try KeyStore(contentsOf: path, password: "changeit")
        let identity = try store.identity(alias: "rsa")
        let name = try DistinguishedName(dname: "CN=www.example.org")
        let request = try CertificateRequest.make(key: identity.privateKey, subject: name)
        print(PEM.encode(request, label: "CERTIFICATE REQUEST"))

        // What the authority sends back, in any order and with any certificates around it.
        let certificates = try PEM.certificates(in: reply)
        guard let chain = CertificateChain.build(for: identity.privateKey, from: certificates) else { return }
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: identity.privateKey, chain: chain))), alias: "rsa")
        try store.write(to: path, password: "changeit")
        // end
        #expect(try KeyStore(contentsOf: path, password: "changeit").identity(alias: "rsa").chain == authority.rsaChain)
    }

    @Test func failing() throws {
        let path = folder("server.p12")
        var said = ""
        func print(_ text: String) { said = text }
        // snippet: failing
        do {
            _ = try KeyStore(contentsOf: path, password: "guessed")
        } catch let error where error.code == .wrongPassword {
            print("The password is wrong")
        } catch let error where error.code == .corrupt {
            print("The file is damaged: \(error.message)")
        } catch {
            print(error.message)
        }
        // end
        #expect(said == "The password is wrong")
    }

    /// Each block of the article is one of the above, word for word.
    @Test func theArticleShowsWhatRuns() throws {
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        let snippets = source.components(separatedBy: "// snippet: ").dropFirst().map { part in
            let lines = part.components(separatedBy: "\n").dropFirst().prefix { !$0.contains("// end") }
            return lines.map { $0.hasPrefix("        ") ? String($0.dropFirst(8)) : $0 }.joined(separator: "\n")
        }
        let article = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Sources/ServalKeyStore/ServalKeyStore.docc/GettingStarted.md").standardizedFileURL
        let text = try String(contentsOf: article, encoding: .utf8)
        let blocks = text.components(separatedBy: "```swift\n").dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
        let described = blocks.filter { !$0.contains(".package(") && !$0.contains(".product(") }
        #expect(described.count == 5)
        for block in described { #expect(snippets.contains(block), "\(block)") }
    }
}
