/// Asking for a password that takes the place of another.
struct NewPassword {
    let console: Console
    /// What the password is for: `keystore password`, `key password for <tomcat>`.
    let subject: String

    /// Asks twice, up to three times.
    ///
    /// - Parameter old: The present password, which is no answer.
    func ask(insteadOf old: String?) throws -> String {
        for _ in 0..<3 {
            guard let entered = console.askPassword("New \(subject): "), entered.utf16.count >= 6 else {
                console.print(error: "Password is too short - must be at least 6 characters")
                continue
            }
            guard entered != old else {
                console.print(error: "Passwords must differ")
                continue
            }
            if console.askPassword("Re-enter new \(subject): ") == entered { return entered }
            console.print(error: "They don't match. Try again")
        }
        throw Failure.error("Too many failures - try later")
    }
}
