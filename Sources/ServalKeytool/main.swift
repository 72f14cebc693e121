import Glibc
import ServalPKCS11

// A stream that the caller has closed must not become the number of a file that is opened later: a password would be read from the key store.
while true {
    let descriptor = open("/dev/null", O_RDWR)
    guard descriptor >= 0, descriptor <= STDERR_FILENO else {
        if descriptor > STDERR_FILENO { close(descriptor) }
        break
    }
}
// A reader that goes away (`serval-keytool -list | head -1`) must not kill the process between two steps of a write.
signal(SIGPIPE, SIG_IGN)
// A file that grows over the limit of `ulimit -f` is an error of the write, which can be told and cleaned up after.
signal(SIGXFSZ, SIG_IGN)
let status = Keytool(arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.current).run()
// Exit handlers would meet a call that is stuck in a module, or wait for it; everything has been written by now.
if !PKCS11Module.endAll() { _exit(status) }
exit(status)
