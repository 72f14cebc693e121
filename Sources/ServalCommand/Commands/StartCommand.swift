import ArgumentParser
import Glibc
import ServalObservability

/// `serval start`.
struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a server in the background and wait until it is ready; exit code 1 if it does not start."
    )

    @OptionGroup var base: BaseOption
    @OptionGroup var properties: PropertyOption
    @OptionGroup var logging: LogFormatOption

    func run() throws {
        let directory = self.base.directory
        try directory.requireServerXML()
        if let process = ProcessFile.runningProcess(directory.processFile) {
            throw CommandFailure("a server already runs from this base directory: process \(process)")
        }
        mkdir(directory.path + "/logs", 0o755)
        let earlierOutput = try self.sizeOfOutput(directory.outputFile)
        var readiness: [CInt] = [0, 0]
        guard pipe(&readiness) == 0 else { throw CommandFailure("no pipe: \(String(cString: strerror(errno)))") }
        let process = try self.launch(directory, readyDescriptor: readiness[1])
        close(readiness[1])

        // The server writes one byte when it is ready; without one, the end of the pipe means that it has ended.
        var byte: UInt8 = 0
        guard read(readiness[0], &byte, 1) == 1 else {
            var status: CInt = 0
            waitpid(process, &status, 0)
            self.printTail(of: directory.outputFile, after: earlierOutput)
            throw CommandFailure("the server did not start; all it said is in \(directory.outputFile)")
        }
        print("started, process \(process)")
    }

    /// Starts `serval run` in a session of its own with its output in the output file.
    private func launch(_ directory: BaseDirectory, readyDescriptor: CInt) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, directory.outputFile, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawn_file_actions_adddup2(&actions, readyDescriptor, ReadyNotice.descriptor)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID, which the headers give only to GNU C: away from the terminal and its signals.
        posix_spawnattr_setflags(&attributes, 0x80)

        let arguments =
            [CommandLine.arguments[0], "run", "--base", directory.path, "--log-format", self.logging.format.rawValue]
            + self.properties.properties.flatMap { ["-D", $0] }
        var environment = ["\(ReadyNotice.variable)=1"]
        var entry = environ
        while let variable = entry.pointee {
            environment.append(String(cString: variable))
            entry += 1
        }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, &argv, &envp)
        guard result == 0 else { throw CommandFailure("the server cannot be started: \(String(cString: strerror(result)))") }
        return process
    }

    /// How much earlier servers left in the output file, which is made if it is not there.
    private func sizeOfOutput(_ path: String) throws -> off_t {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        return lseek(descriptor, 0, SEEK_END)
    }

    /// Prints the last lines of what was written after the first `start` bytes.
    private func printTail(of path: String, after start: off_t) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        lseek(descriptor, max(start, size - 2048), SEEK_SET)
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return }
        for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").suffix(8) { printError(String(line)) }
    }
}

/// How `serval run` tells the `serval start` that launched it that it is ready.
enum ReadyNotice {
    static let variable = "SERVAL_READY_NOTICE"
    static let descriptor: CInt = 9

    /// Says so, if anybody waits for it.
    static func send() {
        guard getenv(self.variable) != nil else { return }
        var byte: UInt8 = 1
        write(self.descriptor, &byte, 1)
        close(self.descriptor)
    }
}
