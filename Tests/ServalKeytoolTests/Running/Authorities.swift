import Testing

/// Authorities and certificates made by OpenSSL in a folder, all with keys on P-256.
struct Authorities {
    let folder: Folder

    /// `root.pem`, `middle.pem` below it, with their keys.
    init(in folder: Folder) async throws {
        self.folder = folder
        try folder.write("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n", to: "ca.ext")
        try folder.write(
            "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:www.example.org\nextendedKeyUsage=serverAuth\n"
                + "authorityInfoAccess=caIssuers;URI:http://ca.example/middle.crt\nauthorityKeyIdentifier=keyid\n",
            to: "server.ext"
        )
        try await root("root", subject: "/CN=Root")
        try await authority("middle", subject: "/CN=Middle", below: "root")
    }

    func openssl(_ line: String, location: SourceLocation = #_sourceLocation) async throws {
        let run = try await Tool.openssl.run(line, in: folder)
        #expect(run.status == 0, "\(line): \(run.errors)", sourceLocation: location)
    }

    /// A key and its request, `NAME.key` and `NAME.csr`.
    func request(_ name: String, subject: String) async throws {
        try await openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \(name).key -out \(name).csr -subj \(subject)")
    }

    func root(_ name: String, subject: String) async throws {
        try await request(name, subject: subject)
        try await openssl("x509 -req -in \(name).csr -signkey \(name).key -out \(name).pem -days 300 -extfile ca.ext")
    }

    func authority(_ name: String, subject: String, below issuer: String) async throws {
        try await request(name, subject: subject)
        try await sign(name, by: issuer, extensions: "ca.ext")
    }

    /// Signs `NAME.csr`.
    func sign(_ name: String, by issuer: String, as output: String? = nil, extensions: String = "server.ext", days: Int = 200) async throws {
        try await openssl(
            "x509 -req -in \(name).csr -CA \(issuer).pem -CAkey \(issuer).key -CAcreateserial -out \(output ?? name).pem -days \(days) -extfile \(extensions)"
        )
    }

    /// Puts files together, in this order.
    func join(_ names: String..., to output: String) throws {
        try folder.write(names.map { try folder.text($0) }.joined(), to: output)
    }
}
