import ArgumentParser
import Glibc

/// `serval status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell whether a server runs from a base directory; exit code 0 if so, 3 if not."
    )

    @OptionGroup var base: BaseOption

    func run() throws {
        let directory = self.base.directory
        guard let process = ProcessFile.runningProcess(directory.processFile) else {
            print("not running (\(directory.path))")
            throw ExitCode(3)
        }
        print("running, process \(process) (\(directory.path))")
    }
}
