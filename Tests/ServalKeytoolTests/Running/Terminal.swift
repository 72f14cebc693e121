import Foundation
import Glibc
import TestPrograms

/// A conversation with a program on a terminal of its own.
struct Terminal {
    /// What a person does: waits for a text, then types a line.
    struct Step {
        let awaited: String
        let typed: String
    }

    /// Runs the program on a new pseudo-terminal.
    ///
    /// - Returns: The exit code and everything that appeared on the screen, line ends as `\n`.
    static func talk(to tool: Tool, _ arguments: [String], in folder: Folder, _ steps: [Step]) async throws -> (status: Int32, screen: String) {
        let controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var number: UInt32 = 0
        var locked: Int32 = 0
        // TIOCSPTLCK and TIOCGPTN of Linux, which the C library's unlockpt and ptsname use; Swift does not see those two.
        guard controller >= 0, ioctl(controller, 0x4004_5431, &locked) == 0, ioctl(controller, 0x8004_5430, &number) == 0 else {
            throw CocoaError(.fileReadUnknown)
        }
        let device = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        guard device >= 0 else { throw CocoaError(.fileReadUnknown) }
        let handle = FileHandle(fileDescriptor: device, closeOnDealloc: true)
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: tool.path)
        process.arguments = tool.leadingArguments + arguments
        process.currentDirectoryURL = folder.url
        process.environment = ["HOME": folder.url.path, "TZ": "UTC", "PATH": "/usr/bin:/bin"]
        process.standardInput = handle
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        try handle.close()

        let screen = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: converse(controller, steps)) }
        }
        process.waitUntilExit()
        close(controller)
        return (process.terminationStatus, screen)
    }

    /// Reads until the program has closed its side, and types each answer when its question is there and the echo is as it should be.
    private static func converse(_ controller: Int32, _ steps: [Step]) -> String {
        var screen = ""
        var position = screen.startIndex
        var remaining = steps[...]
        var buffer = [UInt8](repeating: 0, count: 4096)
        var patience = 600
        while patience > 0 {
            var descriptor = pollfd(fd: controller, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, 100)
            patience -= ready == 0 ? 1 : 0
            guard ready > 0 else { continue }
            let count = read(controller, &buffer, buffer.count)
            guard count > 0 else { break }
            let offset = screen.distance(from: screen.startIndex, to: position)
            screen += String(decoding: buffer[..<count], as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
            position = screen.index(screen.startIndex, offsetBy: offset)
            while let step = remaining.first, let range = screen.range(of: step.awaited, range: position..<screen.endIndex) {
                position = range.upperBound
                remaining.removeFirst()
                if step.awaited.contains("password") { waitForSilence(controller) }
                let line = Array((step.typed + "\n").utf8)
                _ = write(controller, line, line.count)
            }
        }
        return screen
    }

    /// The prompt appears a moment before the echo goes off; a person is never as fast as that.
    private static func waitForSilence(_ controller: Int32) {
        var settings = termios()
        for _ in 0..<500 where tcgetattr(controller, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0 { usleep(10_000) }
    }
}
