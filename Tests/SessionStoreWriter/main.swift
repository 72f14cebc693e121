// Writes to a store until it is killed, and says so after each step that the store has acknowledged: "WORKER STEP".
//
//   SessionStoreWriter file|sqlite PATH [unprivileged|small-files]
//
// "unprivileged" gives up the right to write behind the start; "small-files" lets no file grow beyond 8 KiB, as a full disk would. Either way the program
// tells the error that ended it on its standard error.
import ServalFileStore
import ServalSQLStore
import ServalSessions

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

func say(_ line: String, to descriptor: Int32 = STDOUT_FILENO) {
    let bytes = Array((line + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let store = LocalStore(rawValue: arguments[1])?.store(at: arguments[2]) else {
    say("usage: SessionStoreWriter file|sqlite|postgreSQL PATH [unprivileged|small-files]", to: STDERR_FILENO)
    exit(2)
}
// For a test that ends before it kills.
alarm(300)
do {
    try await store.start()
    switch arguments.dropFirst(3).first {
    case "unprivileged": if geteuid() == 0 { seteuid(65534) }
    case "small-files":
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 8192, rlim_max: 8192)
        #if canImport(Darwin)
            setrlimit(RLIMIT_FSIZE, &limit)
        #else
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        #endif
    default: break
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<Workload.workers {
            group.addTask {
                for step in 0... {
                    try await Workload(worker: worker).perform(step, on: store)
                    say("\(worker) \(step)")
                }
            }
        }
        try await group.waitForAll()
    }
} catch {
    say("\(error)", to: STDERR_FILENO)
    exit(1)
}
