import COpenSSL

/// A list of ciphers as OpenSSL takes it, made from Tomcat's language, and what is to be said about it.
struct CipherExpression: Equatable {
    /// For `SSL_CTX_set_cipher_list` or `SSL_CTX_set_ciphersuites`; empty if nothing is left.
    var expression: String
    /// `@SECLEVEL=n`.
    var securityLevel: Int?
    var warnings: [String] = []

    /// `ciphers`: elements separated by colons, commas or spaces.
    ///
    /// A name or an alias adds what is not there yet; `-x` takes out, `+x` moves to the end, `!x` takes out for good wherever it stands; `a+b` means what is in
    /// both; `@STRENGTH` puts the longest keys first. Names may be OpenSSL's or the RFCs' (JSSE's). What nobody knows is left out with a warning. A single
    /// `PROFILE=x` is for OpenSSL alone to resolve. Unlike Tomcat, `-`, `+` and `!` take `a+b`, too, as they do in OpenSSL.
    static func forTLS12(_ text: String, catalog: CipherCatalog = .system) -> CipherExpression {
        let elements = separated(text)
        if elements.count == 1, let profile = elements.first, profile.hasPrefix("PROFILE=") { return CipherExpression(expression: profile) }
        var list = CipherList(catalog)
        for element in elements { list.apply(element) }
        return list.finished()
    }

    /// `cipherSuites`: names of the RFC.
    static func forTLS13(_ text: String) -> CipherExpression {
        var result = CipherExpression(expression: "")
        var elements: [String] = []
        for element in separated(text) {
            if known13.contains(element) {
                if !elements.contains(element) { elements.append(element) }
            } else {
                let kind = isTLS13Name(element) ? "unknown" : "not for TLS 1.3"
                result.warnings.append(
                    "The cipher suite [\(element)] in cipherSuites is \(kind) and is ignored" + (kind == "unknown" ? "" : "; use ciphers")
                )
            }
        }
        result.expression = elements.joined(separator: ":")
        return result
    }

    private static func separated(_ text: String) -> [String] {
        text.split { $0 == ":" || $0 == "," || $0 == ";" || $0.isWhitespace }.map(String.init)
    }

    static let known13: Set<String> = [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256",
    ]

    static func isTLS13Name(_ name: String) -> Bool {
        known13.contains(name) || (name.hasPrefix("TLS_") && !name.contains("_WITH_") && !name.hasSuffix("_SCSV"))
    }
}

/// The list while its elements are applied one after the other.
private struct CipherList {
    private let catalog: CipherCatalog
    private var chosen: [Int] = []
    /// By position, whether it is chosen.
    private var isChosen: [Bool]
    private var excluded: Set<Int> = []
    private var unknown: [String] = []
    private var securityLevel: Int?
    private var warnings: [String] = []

    init(_ catalog: CipherCatalog) {
        self.catalog = catalog
        isChosen = Array(repeating: false, count: catalog.ciphers.count)
    }

    mutating func apply(_ element: String) {
        switch element.first {
        case "!": if let positions = positions(element, prefixed: true) { excluded.formUnion(positions) }
        case "-": if let positions = positions(element, prefixed: true) { takeOut(positions) }
        case "+":
            guard let positions = positions(element, prefixed: true) else { return }
            let moved = positions.filter { isChosen[$0] }
            takeOut(moved)
            add(moved)
        case "@": applyCommand(element)
        default:
            guard let positions = positions(element, prefixed: false) else { return }
            add(positions)
        }
    }

    private mutating func add(_ positions: [Int]) {
        for position in positions where !isChosen[position] {
            isChosen[position] = true
            chosen.append(position)
        }
    }

    private mutating func takeOut(_ positions: [Int]) {
        for position in positions { isChosen[position] = false }
        chosen.removeAll { !isChosen[$0] }
    }

    private mutating func applyCommand(_ element: String) {
        if element == "@STRENGTH" {
            let bits = catalog.ciphers.map(\.bits)
            // Sorted by position in the list where the keys are as long as each other.
            chosen = chosen.enumerated().sorted { bits[$0.element] != bits[$1.element] ? bits[$0.element] > bits[$1.element] : $0.offset < $1.offset }
                .map(\.element)
        } else if element.hasPrefix("@SECLEVEL="), let level = Int(element.dropFirst(10)), (0...5).contains(level) {
            securityLevel = level
        } else {
            unknown.append(element)
        }
    }

    /// What an element stands for; `nil`, with a warning to come, if nobody knows it.
    private mutating func positions(_ element: String, prefixed: Bool) -> [Int]? {
        let words = (prefixed ? element.dropFirst() : element[...]).split(separator: "+").map(String.init)
        if words.contains(where: CipherExpression.isTLS13Name) {
            // Taking out what this list never contains is no mistake.
            if !prefixed { warnings.append("The cipher [\(element)] in ciphers is for TLS 1.3 and is ignored; use cipherSuites") }
            return nil
        }
        guard let first = words.first else {
            unknown.append(element)
            return nil
        }
        guard var result = catalog.positions(of: first) else {
            unknown.append(element)
            return nil
        }
        for word in words.dropFirst() {
            guard let others = catalog.positions(of: word) else {
                // Tomcat takes the rest of the intersection; leaving all of it out lets nothing in that was not meant.
                unknown.append(element)
                return nil
            }
            let both = Set(others)
            result.removeAll { !both.contains($0) }
        }
        return result
    }

    func finished() -> CipherExpression {
        let ciphers = chosen.filter { !excluded.contains($0) }.map { catalog.ciphers[$0] }
        var result = CipherExpression(expression: ciphers.map(\.name).joined(separator: ":"), securityLevel: securityLevel, warnings: warnings)
        if !unknown.isEmpty {
            result.warnings.append(
                "Some of the specified [ciphers] are not supported by the SSL engine and have been skipped: [\(unknown.joined(separator: ", "))]"
            )
        }
        return result
    }
}
