#if os(Linux)
    import Glibc
    import NIOCore
    import NIOPosix
    import Synchronization

    /// Finds out how long event loops are held up.
    ///
    /// A task runs on each watched loop again and again, so that the loop never sleeps for long for want of work. Between two of its turns the kernel says what
    /// became of the time: how much of it the loop's thread was running, and how much it was ready to run and others were. The rest it slept, in a system call that
    /// blocks: a file, a lock, a name, a process. That holds on a machine that is busy with other things, where the plain difference of two times would not.
    final class EventLoopWatchdog: Sendable {
        /// The longest stretches between two turns of the task, over all loops.
        struct Findings: Sendable {
            /// Blocked, in milliseconds.
            var blocked = 0.0
            /// Running one piece of work after the other without a turn for anybody else, in milliseconds.
            var busy = 0.0
            var turns = 0
        }

        /// What is known of one loop; without a lock, for which one loop could have to wait for another.
        private final class Record: Sendable {
            let blocked = Atomic<Int>(0)
            let busy = Atomic<Int>(0)
            let turns = Atomic<Int>(0)
            let isStopped = Atomic<Bool>(false)

            func note(_ blocked: Double, _ busy: Double) {
                self.blocked.max(Int(blocked * 1e6), ordering: .relaxed)
                self.busy.max(Int(busy * 1e6), ordering: .relaxed)
                turns.add(1, ordering: .relaxed)
            }
        }

        /// The time between two turns, in which the loop looks after its sockets: it does not as long as there are tasks that can run at once.
        private static let pause = 0.1

        private let records = Mutex<[ObjectIdentifier: Record]>([:])

        /// How many loops are watched.
        var loopCount: Int { records.withLock { $0.count } }

        /// What was found so far; begins anew.
        func takeFindings() -> Findings {
            records.withLock { records in
                records.values.reduce(into: Findings()) { findings, record in
                    findings.blocked = max(findings.blocked, Double(record.blocked.exchange(0, ordering: .relaxed)) / 1e6)
                    findings.busy = max(findings.busy, Double(record.busy.exchange(0, ordering: .relaxed)) / 1e6)
                    findings.turns += record.turns.exchange(0, ordering: .relaxed)
                }
            }
        }

        /// Watches the loop that this is called on, if it is not watched yet.
        func watchThisLoop() {
            guard let loop = MultiThreadedEventLoopGroup.currentEventLoop else { return }
            let record = Record()
            guard records.withLock({ $0.updateValue($0[ObjectIdentifier(loop)] ?? record, forKey: ObjectIdentifier(loop)) }) == nil else { return }
            turn(loop, record, ThreadTimes(), nil)
        }

        /// Lets all loops sleep again.
        func stop() { records.withLock { for record in $0.values { record.isStopped.store(true, ordering: .relaxed) } } }

        private func turn(_ loop: any EventLoop, _ record: Record, _ times: ThreadTimes, _ last: ThreadTimes.Reading?) {
            if let last {
                let (blocked, busy) = times.read().since(last)
                record.note(max(0, blocked - Self.pause), busy)
            }
            guard !record.isStopped.load(ordering: .relaxed) else { return }
            // Others on the machine go first: that is no time of the loop's.
            sched_yield()
            let begin = times.read()
            loop.scheduleTask(in: .nanoseconds(Int64(Self.pause * 1e6))) { self.turn(loop, record, times, begin) }
        }
    }

    /// What the kernel tells a thread of itself.
    final class ThreadTimes: Sendable {
        struct Reading: Sendable {
            var wall: Double
            var running: Double
            var waiting: Double
            /// How often the thread gave the processor up of itself.
            var sleeps: Int
            /// How often it had to wait for its own code or data from a disk.
            var faults: Int

            /// Milliseconds blocked and busy since an earlier reading.
            func since(_ earlier: Self) -> (blocked: Double, busy: Double) {
                let busy = running - earlier.running
                let others = waiting - earlier.waiting
                // Without a sleep it has been neither blocked nor waiting: it is the host of the virtual machine that did not let it run.
                guard sleeps > earlier.sleeps, faults == earlier.faults else { return (0, busy) }
                return (max(0, wall - earlier.wall - busy - others), busy)
            }
        }

        private let file: Int32 = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)

        deinit { close(file) }

        func read() -> Reading {
            var usage = rusage()
            // RUSAGE_THREAD
            getrusage(__rusage_who_t(1), &usage)
            var text = [UInt8](repeating: 0, count: 128)
            let count = pread(file, &text, text.count, 0)
            // Nanoseconds running, nanoseconds ready, time slices.
            let numbers = String(decoding: text[..<max(0, count)], as: UTF8.self).split(separator: " ").compactMap { Double($0) }
            return Reading(
                wall: Double(NIODeadline.now().uptimeNanoseconds) / 1e6,
                running: (numbers.first ?? 0) / 1e6,
                waiting: (numbers.dropFirst().first ?? 0) / 1e6,
                sleeps: usage.ru_nvcsw,
                faults: usage.ru_majflt
            )
        }
    }
#endif
