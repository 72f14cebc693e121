import ServalServlet
import Testing

@Suite struct HeaderFieldsTests {
    private let request = Request(
        method: .get,
        target: "/",
        headers: [.accept: "text/html", .userAgent: "a", .accept: "text/plain", .cookie: "a=1", .cookie: "b=2"],
        connection: ConnectionInfo()
    )

    @Test func receivedFieldsAreFoundWithoutRegardToCase() throws {
        let name = try #require(HTTPField.Name("USER-AGENT"))
        #expect(self.request.headers[name] == "a")
        #expect(self.request.headers[.host] == nil)
        #expect(self.request.headers.contains(.accept))
        #expect(!self.request.headers.contains(.contentType))
    }

    @Test func repeatedFieldsAreCombined() {
        #expect(self.request.headers[.accept] == "text/html, text/plain")
        #expect(self.request.headers[values: .accept] == ["text/html", "text/plain"])
        #expect(self.request.headers[.cookie] == "a=1; b=2")
    }

    @Test func changingACopyLeavesTheOriginal() {
        var copy = self.request
        copy.headers[.accept] = "image/png"
        copy.headers.append(.origin, "x")
        copy.headers.remove(.userAgent)
        #expect(copy.headers[values: .accept] == ["image/png"])
        #expect(copy.headers[.origin] == "x")
        #expect(copy.headers[.userAgent] == nil)
        #expect(self.request.headers[.userAgent] == "a")
        #expect(self.request.headers.count == 5)
        #expect(copy.headers.map(\.name) == [.accept, .cookie, .cookie, .origin])
    }

    @Test func settingManyValuesReplacesAll() {
        var headers: HeaderFields = [.setCookie: "a", .setCookie: "b"]
        headers[values: .setCookie] = ["c"]
        #expect(headers[values: .setCookie] == ["c"])
        headers[.setCookie] = nil
        #expect(headers.isEmpty)
    }

    @Test func valuesAreNotPrinted() {
        let headers: HeaderFields = [.authorization: "secret"]
        #expect("\(headers)".contains("Authorization"))
        #expect(!"\(headers)".contains("secret"))
    }

    @Test func fieldsOfSwiftHTTPTypesGoInAndOut() {
        var fields = HTTPFields()
        fields[.accept] = "a"
        #expect(HeaderFields(fields)[.accept] == "a")
        #expect(self.request.headers.httpFields[.userAgent] == "a")
    }
}

extension HTTPField.Name {
    /// swift-http-types has `Host` as the request's authority only.
    fileprivate static let host = HTTPField.Name("Host") ?? .origin
}
