import Foundation

/// The repository that these tests stand in, as text.
enum Repository {
    /// The root of the repository, two folders above this file's.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The Swift files below a folder of the repository, in a stable order.
    static func swiftFiles(in folder: String) throws -> [SourceFile] {
        try paths(in: folder).filter { $0.hasSuffix(".swift") }.map { path in
            SourceFile(path: path, text: try text(of: path))
        }
    }

    /// All paths below a folder, files and folders, relative to the root.
    static func paths(in folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).sorted().map { "\(folder)/\($0)" }
    }

    /// A file's content.
    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Whether a file or folder is there.
    static func contains(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }
}

/// One Swift file with what the rules ask about it.
struct SourceFile {
    var path: String
    var text: String

    /// The target that the file belongs to: the folder below `Sources` or `Tests`.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 1 ? String(parts[1]) : ""
    }

    var lines: [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The modules that the file imports: `Logging` for `public import struct Logging.Logger`.
    var imports: Set<String> {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"]
        var modules: Set<String> = []
        for line in lines {
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" })[...]
            while let word = words.first, word.hasPrefix("@") || Self.accessLevels.contains(word) {
                words = words.dropFirst()
            }
            guard words.first == "import" else { continue }
            words = words.dropFirst()
            if let word = words.first, kinds.contains(word) { words = words.dropFirst() }
            if let module = words.first?.split(separator: ".").first { modules.insert(String(module)) }
        }
        return modules
    }

    /// The lines without comments and without what stands between quotation marks, numbered from 1.
    var codeLines: [(number: Int, text: String)] {
        var result: [(Int, String)] = []
        var insideLongString = false
        for (index, line) in lines.enumerated() {
            let quotes = line.components(separatedBy: "\"\"\"").count - 1
            if insideLongString {
                if quotes % 2 == 1 { insideLongString = false }
                continue
            }
            if quotes % 2 == 1 { insideLongString = true }
            result.append((index + 1, Self.code(of: line)))
        }
        return result
    }

    private static let accessLevels: Set<Substring> = ["public", "package", "internal", "private", "fileprivate"]

    private static func code(of line: Substring) -> String {
        var code = ""
        var insideString = false
        var escaped = false
        var previous: Character?
        for character in line {
            if insideString {
                if escaped {
                    escaped = false
                } else if character == "\\" {
                    escaped = true
                } else if character == "\"" {
                    insideString = false
                }
                continue
            }
            if character == "\"" {
                insideString = true
                previous = nil
                continue
            }
            if character == "/", previous == "/" { return String(code.dropLast()) }
            code.append(character)
            previous = character
        }
        return code
    }
}
