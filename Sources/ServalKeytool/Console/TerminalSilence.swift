import Glibc

/// A terminal that does not echo what is typed, until ``end()``.
///
/// A signal that ends the program meanwhile (Ctrl-C at the password prompt) must not leave the user's shell without echo, so a handler restores the
/// terminal first.
struct TerminalSilence {
    private let descriptor: Int32
    private let settings: termios

    /// Turns the echo off, if the descriptor is a terminal.
    init?(descriptor: Int32) {
        var settings = termios()
        guard isatty(descriptor) == 1, tcgetattr(descriptor, &settings) == 0 else { return nil }
        self.descriptor = descriptor
        self.settings = settings
        interruptedTerminal = settings
        interruptedDescriptor = descriptor
        for number in Self.endingSignals { signal(number, restoreTerminalAndEnd) }
        settings.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(descriptor, TCSAFLUSH, &settings)
    }

    /// Turns the echo on again.
    func end() {
        var settings = settings
        tcsetattr(descriptor, TCSADRAIN, &settings)
        for number in Self.endingSignals { signal(number, SIG_DFL) }
    }

    private static let endingSignals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
}

// A signal handler cannot capture anything, so what it needs is global. Safe: the tool has one thread, and both are written before the handler is
// installed.
private nonisolated(unsafe) var interruptedTerminal = termios()
private nonisolated(unsafe) var interruptedDescriptor: Int32 = -1

/// Calls nothing but functions that POSIX allows in signal handlers.
private func restoreTerminalAndEnd(_ number: Int32) {
    tcsetattr(interruptedDescriptor, TCSANOW, &interruptedTerminal)
    signal(number, SIG_DFL)
    raise(number)
}
