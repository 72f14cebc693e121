import ArgumentParser
import Glibc

/// `serval reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Make the server of a base directory read its certificates and keys again; its log tells the result."
    )

    @OptionGroup var base: BaseOption

    func run() throws {
        let directory = self.base.directory
        guard let process = ProcessFile.runningProcess(directory.processFile) else {
            throw CommandFailure("no server runs from \(directory.path)")
        }
        guard kill(process, SIGHUP) == 0 else {
            throw CommandFailure("process \(process) cannot be reached: \(String(cString: strerror(errno)))")
        }
        print("reload asked for, process \(process)")
    }
}
