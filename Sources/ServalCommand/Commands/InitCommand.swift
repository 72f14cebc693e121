import ArgumentParser
import Glibc

/// `serval init`.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Lay down a complete base directory: conf, webapps and a key store, on ports 8080, 8443 and 8005.",
        discussion: "Files that are there already are kept."
    )

    @Argument(help: "The directory; made if it does not exist.")
    var directory: String

    func run() throws {
        let path = self.directory.hasSuffix("/") && self.directory.count > 1 ? String(self.directory.dropLast()) : self.directory
        for folder in ["", "/conf", "/logs", "/temp", "/webapps", "/work"] { try Self.makeDirectory(path + folder) }
        var written = 0
        for file in BaseDirectoryTemplate.files where access(path + "/" + file.path, F_OK) != 0 {
            let target = path + "/" + file.path
            try Self.makeDirectories(above: target, below: path)
            try Self.write(Array(file.contents.utf8), to: target, mode: 0o644)
            written += 1
        }
        if access(path + "/conf/localhost.p12", F_OK) != 0 { try InitialKeyStore.make(in: path + "/conf") }
        print("\(BaseDirectory.absolute(path)): \(written) files written")
    }

    private static func makeDirectories(above file: String, below root: String) throws {
        var index = file.index(file.startIndex, offsetBy: root.count + 1)
        while let slash = file[index...].firstIndex(of: "/") {
            try self.makeDirectory(String(file[..<slash]))
            index = file.index(after: slash)
        }
    }

    private static func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw CommandFailure("\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    /// Writes a new file; never follows or replaces what is there.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }
}
