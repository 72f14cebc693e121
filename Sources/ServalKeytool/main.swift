import Glibc

// A reader that goes away (`serval-keytool -list | head -1`) must not kill the process between two steps of a write.
signal(SIGPIPE, SIG_IGN)
exit(Keytool(arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.current).run())
