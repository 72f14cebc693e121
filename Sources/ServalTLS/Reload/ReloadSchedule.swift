/// Decides from looks at the files when certificates are to be loaded again.
///
/// A change counts once the files have looked the same twice in a row, so that nothing is read half written. If key and certificate do not belong together
/// then, whoever replaces them is probably between the two: that is told only when it stays so. What failed for a reason that may pass without a change of the
/// files that a look would see, such as a responder or a token out of service, or a file that was away while it was to be read, is tried again, each time after
/// a longer while.
package struct ReloadSchedule: Sendable {
    /// What to do after a look.
    package enum Step: Sendable, Equatable {
        /// Nothing has changed, or what has changed may go on changing.
        case wait
        /// Load.
        case load
    }

    /// What to say of a load that failed.
    package enum Report: Sendable, Equatable {
        /// Why it failed is an error to be told.
        case failure
        /// The other half is probably on its way.
        case pending
    }

    private var inUse: WatchedFiles.Appearance
    private var last: WatchedFiles.Appearance
    private var looksSinceMismatch: Int?
    /// How many looks there are until the next attempt, and how many there were before; nil if nothing is to be tried again.
    private var retry: (looksLeft: Int, looks: Int)?

    /// How many looks a mismatch of key and certificate may take before it is an error.
    package static let patience = 6
    /// The most looks between two attempts.
    package static let longestRetry = 64

    /// Begins with what the files in use looked like before they were read.
    package init(_ appearance: WatchedFiles.Appearance) {
        inUse = appearance
        last = appearance
    }

    /// The files look like `appearance` now.
    package mutating func see(_ appearance: WatchedFiles.Appearance) -> Step {
        defer { last = appearance }
        if let looks = looksSinceMismatch {
            looksSinceMismatch = looks + 1
            // Once more at the end of the patience, to tell of it.
            if appearance == last, looks + 1 >= Self.patience { return .load }
        }
        if let (left, looks) = retry, appearance == last {
            retry = (max(left - 1, 0), looks)
            if left <= 1 {
                inUse = appearance
                return .load
            }
        }
        guard appearance != inUse, appearance == last else { return .wait }
        inUse = appearance
        return .load
    }

    /// What was loaded is in use.
    package mutating func loaded() {
        looksSinceMismatch = nil
        retry = nil
    }

    /// Loading failed.
    package mutating func failed(_ code: TLSError.Code) -> Report {
        noteFailure(code)
        guard code == .keyMismatch else {
            looksSinceMismatch = nil
            return .failure
        }
        let looks = looksSinceMismatch ?? 0
        if looks >= Self.patience {
            looksSinceMismatch = nil
            return .failure
        }
        looksSinceMismatch = looks
        return .pending
    }

    /// Loading failed, for whatever reason it was tried.
    package mutating func noteFailure(_ code: TLSError.Code) {
        guard [.stapleMissing, .keyUnavailable, .secretUnavailable, .fileNotFound].contains(code) else {
            retry = nil
            return
        }
        let looks = min((retry?.looks ?? 1) * 2, Self.longestRetry)
        retry = (looks, looks)
    }

    /// The files were loaded for another reason, and looked like `appearance` before.
    package mutating func noteLoad(of appearance: WatchedFiles.Appearance) {
        inUse = appearance
        last = appearance
        looksSinceMismatch = nil
        retry = nil
    }
}
