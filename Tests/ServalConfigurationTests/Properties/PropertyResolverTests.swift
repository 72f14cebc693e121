import Testing

@testable import ServalConfiguration

@Suite struct PropertyResolverTests {
    private let resolver = PropertyResolver(
        base: "/srv/base",
        home: "/opt/serval",
        commandLine: ["a": "command", "nested": "<${a}>", "loop": "x${loop}", "double": "${double}${double}"],
        catalinaProperties: ["a": "file", "b": "file", "user.dir": "/from/file", "catalina.base": "/wrong"],
        environment: { ["SECRET": "s3cret", "HOME": "/home/tester", "TMPDIR": "/scratch"][$0] }
    )

    @Test(
        arguments: [
            ("plain $ text", "plain $ text", []),
            ("${a}", "command", []),
            ("x${b}y${b}", "xfiley" + "file", []),
            ("${catalina.base}/conf", "/srv/base/conf", []),
            ("${catalina.home}", "/opt/serval", []),
            ("${user.home}/.keystore", "/home/tester/.keystore", []),
            ("${user.dir}", "/from/file", []),
            ("${java.io.tmpdir}", "/scratch", []),
            ("${file.separator}", "/", []),
            ("${env:SECRET}", "s3cret", []),
            ("${env:NONE:-none}", "none", []),
            ("${unknown}", "${unknown}", ["unknown"]),
            ("${unknown:-default}", "default", []),
            ("${unknown:-}", "", []),
            ("${unknown:-${a}}", "command", []),
            ("${unknown:-${b:-x}}!", "file!", []),
            ("${nested}", "<command>", []),
            ("${a", "${a", []),
            ("$${a}", "$command", []),
            ("${}", "${}", [""]),
            ("${a}}", "command}", []),
        ] as [(String, String, [String])]
    )
    func replacement(_ text: String, _ expected: String, _ unknown: [String]) {
        let resolution = self.resolver.resolve(text)
        #expect(resolution.text == expected)
        #expect(resolution.unknown == unknown)
    }

    @Test func circlesEnd() {
        #expect(self.resolver.resolve("${loop}").text.hasPrefix("xxx"))
    }

    @Test(.timeLimit(.minutes(1))) func doublingEnds() {
        #expect(self.resolver.resolve("${double}").text.utf8.count < 1 << 24)
    }

    @Test func theHomeOfTheUserIsKnownWithoutTheVariable() {
        let resolver = PropertyResolver(base: "/", home: "/", environment: { _ in nil })
        #expect(resolver.value(of: "user.home")?.hasPrefix("/") == true)
        #expect(resolver.value(of: "java.io.tmpdir") == "/tmp")
    }
}
