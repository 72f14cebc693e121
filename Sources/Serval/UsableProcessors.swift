import NIOCore
import ServalTLS

/// The processors that this process may run on.
enum UsableProcessors {
    /// How many there are: not more than the process is pinned to (`taskset`, systemd's `CPUAffinity`), nor than its control group is allowed to use.
    ///
    /// More event loops than that would only get in each other's way.
    static var count: Int {
        let pinned = (try? readFile("/proc/self/status", limit: 65536)).flatMap { allowed(in: String(decoding: $0, as: UTF8.self)) }
        return max(1, min(System.coreCount, pinned ?? .max))
    }

    /// What Linux's `status` of a process says; nil if it does not.
    static func allowed(in status: String) -> Int? {
        let name = "Cpus_allowed:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        // Hexadecimal digits of a mask, in groups divided by commas.
        let count = line.dropFirst(name.count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return count == 0 ? nil : count
    }
}
