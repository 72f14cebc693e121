import ArgumentParser
import Glibc

/// `serval reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Make the server of a base directory read its certificates and keys again, and tell the result.",
        discussion: "The exit code is 0 if all TLS connectors use the new ones, 1 if one keeps its old ones; then it is told why."
    )

    @OptionGroup var base: BaseOption

    @Option(help: "How many seconds to wait for the result.")
    var timeout = 60

    func run() throws {
        let directory = self.base.directory
        guard let process = ProcessFile.runningProcess(directory.processFile) else {
            throw CommandFailure("no server runs from \(directory.path)")
        }
        let before = ReloadRecord(path: directory.reloadFile)
        guard kill(process, SIGHUP) == 0 else {
            throw CommandFailure("process \(process) cannot be reached: \(String(cString: strerror(errno)))")
        }
        guard let record = ReloadRecord.next(at: directory.reloadFile, after: before, patience: .seconds(max(1, self.timeout))) else {
            throw CommandFailure("process \(process) was asked to reload and has not told the result within \(self.timeout) s; see its log")
        }
        if record.connectors.isEmpty { print("the server has no TLS connector") }
        for connector in record.connectors {
            if let error = connector.error {
                printError("\(connector.name): not reloaded, the old certificates stay in use: \(error)")
            } else {
                let changes = connector.changed ?? []
                let outcome = connector.added.isEmpty ? (changes.isEmpty ? ", nothing has changed" : ", the server's certificates are the same") : ""
                print("\(connector.name): reloaded\(outcome)")
                for certificate in connector.added { print("  new: \(certificate)") }
                for change in changes { print("  changed: \(change)") }
            }
        }
        if let hint = record.hint { printError(hint) }
        if record.connectors.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }
}
