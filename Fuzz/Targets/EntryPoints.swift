// Set once before the first run, which is on the same thread.
private nonisolated(unsafe) var chosen: FuzzTarget?

/// Called by the fuzzer's entry in C before anything else.
@_cdecl("serval_fuzz_choose")
func choose(_ name: UnsafePointer<CChar>) -> Int32 {
    chosen = FuzzTarget(rawValue: String(cString: name))
    return chosen == nil ? 0 : 1
}

/// Called by the fuzzer's entry in C for each input.
@_cdecl("serval_fuzz_run")
func run(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    chosen?.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
}
