import ArgumentParser
import Glibc

/// `serval stop`.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the server of a base directory: requests in progress are finished, then it ends."
    )

    @OptionGroup var base: BaseOption

    @Option(help: "How many seconds to wait for the end of the process.")
    var timeout = 50

    func run() async throws {
        let directory = self.base.directory
        guard let process = ProcessFile.runningProcess(directory.processFile) else {
            throw CommandFailure("no server runs from \(directory.path)")
        }
        guard kill(process, SIGTERM) == 0 else {
            throw CommandFailure("process \(process) cannot be stopped: \(String(cString: strerror(errno)))")
        }
        for _ in 0..<(self.timeout * 20) {
            if ProcessFile.runningProcess(directory.processFile) == nil {
                print("stopped, process \(process)")
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw CommandFailure("process \(process) still runs after \(self.timeout) seconds; it finishes the requests in progress or saves sessions")
    }
}
