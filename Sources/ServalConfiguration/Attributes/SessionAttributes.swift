extension AttributeTable {
    /// `<Manager>`.
    public static let manager = AttributeTable(
        element: "Manager",
        summary:
            "Keeps the sessions of an application: in memory (`org.apache.catalina.session.StandardManager`), or in memory and in a store "
            + "(`org.apache.catalina.session.PersistentManager` with a `<Store>`). The cluster's managers are taken as the first, with a warning; "
            + "`serval.session.DisabledManager` has no sessions at all.",
        children: ["SessionIdGenerator", "Store"],
        attributes: [
            AttributeDefinition("className", .className, default: "org.apache.catalina.session.StandardManager"),
            AttributeDefinition("maxActiveSessions", .countOrUnlimited, default: "-1"),
            AttributeDefinition("processExpiresFrequency", .integer(0...Int(Int32.max)), default: "6", note: "background runs, not seconds"),
            AttributeDefinition(
                "sessionActivityCheck",
                .boolean,
                default: "false",
                note: "also the system property ACTIVITY_CHECK of StandardSession"
            ),
            AttributeDefinition(
                "sessionLastAccessAtStart",
                .boolean,
                default: "false",
                note: "also the system property LAST_ACCESS_AT_START of StandardSession"
            ),
            AttributeDefinition("sessionIdLength", .integer(2...96, unit: "bytes"), default: "16", note: "give it on SessionIdGenerator"),
            AttributeDefinition(
                "pathname",
                .text,
                default: "",
                note: "StandardManager: the file that keeps sessions over a restart, relative to work/<Engine>/<Host>/<application>; empty for none"
            ),
            AttributeDefinition("maxIdleBackup", .secondsOrNever, default: "-1", note: "PersistentManager"),
            AttributeDefinition("maxIdleSwap", .secondsOrNever, default: "-1", note: "PersistentManager"),
            AttributeDefinition("minIdleSwap", .secondsOrNever, default: "-1", note: "PersistentManager"),
            AttributeDefinition("saveOnRestart", .boolean, default: "true", note: "PersistentManager"),
            AttributeDefinition("sessionAttributeNameFilter", .text, default: "", note: "a regular expression for the whole name"),
            AttributeDefinition(
                "sessionAttributeValueClassNameFilter",
                .text,
                default: "",
                note: "a regular expression for the whole name of the Swift type, or java.lang.String and the like for simple values"
            ),
            AttributeDefinition("warnOnSessionAttributeFilterFailure", .boolean, default: "false", note: "once for each attribute"),
            AttributeDefinition("secureRandomClass", .text, note: "ids always come from the system's cryptographic random source"),
            AttributeDefinition("secureRandomProvider", .text, note: "see secureRandomClass"),
            AttributeDefinition("secureRandomAlgorithm", .text, default: "SHA1PRNG", note: "see secureRandomClass"),
            AttributeDefinition(
                "serval.saveEachRequest",
                .boolean,
                default: "false",
                note: "PersistentManager: stores what a request changed before its response is sent, as with a PersistentValve; for several servers"
            ),
            AttributeDefinition(
                "serval.maxStaleness",
                .seconds,
                default: "0",
                note: "with serval.saveEachRequest: how long a server may show what another has changed"
            ),
            AttributeDefinition(
                "serval.maxLifetime",
                .integer(1...Int(Int32.max), unit: "seconds"),
                note: "the longest life of a session, however busy"
            ),
            AttributeDefinition("serval.maxSessionsPerPrincipal", .integer(1...Int(Int32.max)), note: "no limit if left out"),
            AttributeDefinition("serval.principalSessionLimit", .choice(["evictOldest", "reject"]), default: "evictOldest"),
            AttributeDefinition(
                "serval.maxNewSessions",
                .countOrUnlimited,
                default: "100000",
                note: "sessions whose clients have not come back; the oldest make room"
            ),
            AttributeDefinition(
                "serval.maxMemory",
                .integer(-1...Int.max, unit: "bytes"),
                default: "-1",
                note: "sessions in memory; -1 for no limit"
            ),
            AttributeDefinition(
                "serval.evictAtMaxActive",
                .boolean,
                default: "false",
                note: "at maxActiveSessions another session makes room instead of the new one being refused"
            ),
            AttributeDefinition(
                "serval.secretFile",
                .path,
                default: "conf/session-store.key",
                note: "seals what is kept outside of memory; made if it is not there; a Store's own is stronger"
            ),
            AttributeDefinition(
                "serval.encrypt",
                .boolean,
                default: "false",
                note: "encrypts attributes outside of memory; without, they are only authenticated; a Store's own is stronger"
            ),
            .notYet("notifyAttributeListenerOnUnchangedValue", .boolean, default: "true"),
            .notYet("notifyBindingListenerOnUnchangedValue", .boolean, default: "false"),
            .notYet("persistAuthentication", .boolean, default: "false"),
            .notYet("maxInactiveInterval", .secondsOrNever, note: "use session-timeout in web.xml"),
        ]
            + AttributeDefinition.unused(
                "accessTimeout",
                "distributable",
                "enableStatistics",
                "expireSessionsOnShutdown",
                "jvmRoute",
                "mapSendOptions",
                "name",
                "notifyContainerListenersOnReplication",
                "notifyListenersOnReplication",
                "notifySessionListenersOnReplication",
                "randomClass",
                "recordAllActions",
                "rpcTimeout",
                "sendAllSessions",
                "sendAllSessionsSize",
                "sendAllSessionsWaitTime",
                "stateTimestampDrop",
                "stateTransferTimeout",
                "terminateOnStartFailure"
            )
    )

    /// What every `<Store>` takes besides its own.
    public static let store = AttributeTable(
        element: "Store",
        summary: "Where a PersistentManager keeps sessions: a class that is registered, or a database that `connectionURL` names.",
        attributes: [
            AttributeDefinition("className", .className, note: "may be left out where there is a connectionURL"),
            AttributeDefinition(
                "serval.secretFile",
                .path,
                default: "conf/session-store.key",
                note: "32 random bytes in hexadecimal that seal what is stored; made if it is not there; the same on all servers of a store"
            ),
            AttributeDefinition("serval.encrypt", .boolean, default: "false", note: "encrypts attributes; without, they are only authenticated"),
        ]
    )

    /// `<SessionIdGenerator>`.
    public static let sessionIdGenerator = AttributeTable(
        element: "SessionIdGenerator",
        summary: "Makes session ids from the system's cryptographic random source.",
        attributes: [
            AttributeDefinition("className", .className, default: "org.apache.catalina.util.StandardSessionIdGenerator"),
            AttributeDefinition(
                "sessionIdLength",
                .integer(2...96, unit: "bytes"),
                default: "16",
                note: "twice as many characters; below 16 ids are guessable"
            ),
            AttributeDefinition("jvmRoute", .text, note: "the engine's if left out"),
            AttributeDefinition("secureRandomClass", .text, note: "ids always come from the system's cryptographic random source"),
            AttributeDefinition("secureRandomProvider", .text, note: "see secureRandomClass"),
            AttributeDefinition("secureRandomAlgorithm", .text, default: "SHA1PRNG", note: "see secureRandomClass"),
        ]
    )
}
