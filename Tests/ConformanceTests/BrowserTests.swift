import Foundation
import Testing

/// A real browser visits the example pages.
@Suite(.serialized) struct BrowserTests {
    /// Drives the pages from inside the browser: clicks links in a frame, and counts visits with the browser's own cookies.
    private static let driver = """
        <!DOCTYPE html><title>driver</title><body><iframe id=f></iframe><pre id=out>waiting</pre><script>
        const frame = document.getElementById('f'), out = [];
        const load = url => new Promise(done => { frame.onload = () => done(frame.contentDocument); frame.src = url; });
        const click = link => new Promise(done => { frame.onload = () => done(frame.contentDocument); link.click(); });
        (async () => {
          try {
            out.push('protocol ' + performance.getEntriesByType('navigation')[0].nextHopProtocol);
            for (let i = 0; i < 3; i++) out.push('count ' + await (await fetch('/examples/session')).text());
            out.push('script sees [' + document.cookie + ']');
            document.cookie = 'own=1; Path=/';
            out.push('script sees [' + document.cookie + ']');
            const page = await load('/examples/sessions/');
            const links = [...page.querySelectorAll('a[href]')].filter(a => new URL(a.href).pathname.startsWith('/examples/sessions/'));
            out.push('links ' + links.length);
            for (const href of links.map(a => a.href)) {
              const next = await load(href);
              out.push('page ' + new URL(href).pathname + ' ' + (next.title.length > 0 && next.body.textContent.length > 20));
            }
            out.push('count ' + await (await fetch('/examples/session')).text());
          } catch (error) { out.push('failed ' + error); }
          document.getElementById('out').textContent = out.join('\\n') + '\\ndone';
          document.title = 'done';
        })();
        </script>
        """

    @Test("J09, J10, P05: scripts see cookies of the application, and never that of the session", arguments: ["http/1.1", "h2"])
    func chromiumKeepsItsSession(over name: String) async throws {
        let file = name == "h2" ? HTTP2ServerFile.text() : nil
        let server = try await ServalProcess.start(serverXML: file) { base in try base.write(Self.driver, to: "webapps/ROOT/driver.html") }
        let port = try server.port("https")
        let chromium = Command.path(of: "chromium") == nil ? "chromium-browser" : "chromium"
        let result = try await Command.run(
            chromium,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--no-first-run",
                "--user-data-dir=\(server.base.path)/profile", "--timeout=20000", "--virtual-time-budget=15000", "--dump-dom",
                "https://localhost:\(port)/driver.html",
            ]
        )
        let text = result.output
        #expect(text.contains("\ndone"), "\(text)\n\(result.errors.suffix(2000))\n\(server.errors.suffix(2000))")
        #expect(text.contains("protocol \(name)\n"), "\(text)")
        let counts = text.matches(of: /count ([0-9]+)/).compactMap { Int($0.output.1) }
        #expect(counts.prefix(3) == [1, 2, 3], "\(text)")
        #expect(counts.count == 4 && counts[3] > 3, "the pages must belong to the same session: \(text)")
        #expect(text.contains("script sees []"), "the session cookie must be hidden from scripts: \(text)")
        #expect(text.contains("script sees [own=1]"), "and other cookies not: \(text)")
        #expect(!text.contains(" false"), "\(text)")
        #expect(!text.contains("links 0"), "\(text)")
    }
}
