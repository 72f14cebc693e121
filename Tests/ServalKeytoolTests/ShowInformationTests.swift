import Testing

/// `-showinfo`.
@Suite struct ShowInformationTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    @Test func protocolsAndCipherSuites() async throws {
        let run = try await Tool.serval.run("-showinfo -tls", in: folder)
        #expect(run.status == 0)
        #expect(run.errors.isEmpty)
        // The same form as the JDK's; what is enabled is another implementation's.
        let reference = try await Tool.jdk.run("-showinfo -tls", in: folder)
        let heads = run.output.split(separator: "\n", omittingEmptySubsequences: false).prefix(8)
        #expect(heads == reference.output.split(separator: "\n", omittingEmptySubsequences: false).prefix(8))
        #expect(
            heads == [
                "Enabled Protocols", "-----------------", "TLSv1.3", "TLSv1.2", "", "Enabled Cipher Suites", "---------------------",
                "TLS_AES_256_GCM_SHA384",
            ]
        )
        #expect(run.output.contains("\nTLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n"))
        #expect(!run.output.contains("NULL"))
        #expect(try await Tool.serval.run("-showinfo -tls -v", in: folder) == run)
    }

    @Test func withoutAnOption() async throws {
        try await jdk.same("-showinfo")
        try await jdk.same("-showinfo -help")
    }
}
