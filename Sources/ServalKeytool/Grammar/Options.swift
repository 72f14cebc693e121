/// The values that a command line gives to options.
struct Options {
    /// Values by option, in the order given; the last one counts unless the option is repeatable.
    private var values: [OptionName: [String]] = [:]
    private var flags: Set<OptionName> = []

    /// The value of an option, nil if it was not given.
    subscript(_ name: OptionName) -> String? {
        values[name.canonical]?.last
    }

    /// All the values of an option that may be repeated.
    func all(_ name: OptionName) -> [String] {
        values[name.canonical] ?? []
    }

    /// Whether a flag was given.
    func has(_ flag: OptionName) -> Bool {
        flags.contains(flag.canonical)
    }

    mutating func append(_ value: String, for name: OptionName) {
        values[name.canonical, default: []].append(value)
    }

    mutating func set(_ flag: OptionName) {
        flags.insert(flag.canonical)
    }
}
