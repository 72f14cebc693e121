extension AttributeTable {
    /// `<Server>`.
    public static let server = AttributeTable(
        element: "Server",
        summary: "The whole: services, and the port that takes the shutdown command.",
        children: ["Listener", "GlobalNamingResources", "Service"],
        attributes: [
            AttributeDefinition("port", .integer(-1...65535), default: "8005", note: "-1 turns it off"),
            AttributeDefinition("address", .text, default: "localhost"),
            AttributeDefinition("shutdown", .text, default: "SHUTDOWN"),
            AttributeDefinition("portOffset", .integer(0...65535), default: "0", note: "added to every port above 0"),
        ] + AttributeDefinition.unused("className", "utilityThreads", "utilityThreadsAsDaemon", "periodicEventDelay")
    )

    /// `<Service>`.
    public static let service = AttributeTable(
        element: "Service",
        summary: "Connectors with the engine that answers them.",
        children: ["Executor", "Connector", "Engine"],
        attributes: [
            AttributeDefinition("name", .text, default: "Catalina"),
            AttributeDefinition("gracefulStopAwaitMillis", .milliseconds, default: "0"),
        ] + AttributeDefinition.unused("className")
    )

    /// `<Executor>`.
    public static let executor = AttributeTable(
        element: "Executor",
        summary: "A number of threads that connectors refer to by name; each connector gets as many for itself.",
        attributes: [
            AttributeDefinition("name", .text, isRequired: true),
            AttributeDefinition("maxThreads", .integer(1...100_000), default: "200"),
        ]
            + AttributeDefinition.unused(
                "className",
                "namePrefix",
                "minSpareThreads",
                "maxIdleTime",
                "maxQueueSize",
                "threadPriority",
                "daemon",
                "threadRenewalDelay",
                "prestartminSpareThreads"
            )
    )

    /// `<Engine>`.
    public static let engine = AttributeTable(
        element: "Engine",
        summary: "Takes the requests of all connectors of a service and finds the host.",
        children: ["Host", "Valve", "Realm", "Cluster", "Listener"],
        attributes: [
            AttributeDefinition("name", .text, isRequired: true),
            AttributeDefinition("defaultHost", .text, isRequired: true),
            AttributeDefinition("jvmRoute", .text, note: "letters, digits, '-', '_' and '~'; the property jvmRoute if left out"),
            AttributeDefinition("backgroundProcessorDelay", .integer(-1...86400, unit: "seconds"), default: "10"),
        ] + AttributeDefinition.unused("className", "startStopThreads")
    )

    /// `<Host>`.
    public static let host = AttributeTable(
        element: "Host",
        summary: "A virtual host with its applications.",
        children: ["Alias", "Context", "Valve", "Realm", "Cluster", "Listener"],
        attributes: [
            AttributeDefinition("name", .text, isRequired: true, note: "*.example.com matches one label"),
            AttributeDefinition("appBase", .path, default: "webapps"),
            AttributeDefinition("xmlBase", .path, note: "conf/<Engine>/<Host> if left out"),
            AttributeDefinition("autoDeploy", .boolean, default: "true", note: "applications are looked for at start only"),
            AttributeDefinition("deployOnStartup", .boolean, default: "true"),
            AttributeDefinition("deployIgnore", .text, note: "a regular expression; names that match it as a whole are not deployed"),
            AttributeDefinition("deployXML", .boolean, default: "true"),
            .notYet("failCtxIfServletStartFails", .boolean, default: "false"),
            .notYet("undeployOldVersions", .boolean, default: "false"),
            .notYet("backgroundProcessorDelay", .integer(-1...86400, unit: "seconds"), default: "-1"),
            .notYet("errorReportValveClass", default: "org.apache.catalina.valves.ErrorReportValve"),
            .notYet("copyXML", .boolean, default: "false"),
            .notYet("createDirs", .boolean, default: "true"),
        ]
            + AttributeDefinition.unused(
                "className",
                "legacyAppBase",
                "startStopThreads",
                "unpackWARs",
                "workDir",
                "xmlNamespaceAware",
                "xmlValidation"
            )
    )

    /// `<Context>`.
    public static let context = AttributeTable(
        element: "Context",
        summary: "An application at a path.",
        children: [
            "Manager", "CookieProcessor", "Parameter", "Valve", "Loader", "Realm", "Resources", "JarScanner", "WatchedResource", "Environment",
            "Resource",
        ],
        attributes: [
            AttributeDefinition("path", .text, note: "in server.xml only; elsewhere the file's name decides"),
            AttributeDefinition("docBase", .path, note: "relative to the host's appBase"),
            AttributeDefinition(
                "serval.application",
                .text,
                note: "the name of a registered application; Serval's own. The folder's name if left out"
            ),
            AttributeDefinition(
                "alwaysAccessSession",
                .boolean,
                default: "false",
                note: "also the system property ACCESS_SESSION of StandardHostValve"
            ),
            AttributeDefinition("cookies", .boolean, default: "true"),
            AttributeDefinition("sessionCookieName", .text),
            AttributeDefinition("sessionCookieDomain", .text),
            AttributeDefinition(
                "sessionCookiePath",
                .text,
                note: "/ makes all applications that say so share ids, which makes session fixation easier"
            ),
            AttributeDefinition("privileged", .boolean, default: "false", note: "lets the Manager's servlets see the host's other applications"),
            AttributeDefinition("sessionCookiePathUsesTrailingSlash", .boolean, default: "false"),
            AttributeDefinition("useHttpOnly", .boolean, default: "true"),
            AttributeDefinition("usePartitioned", .boolean, default: "false"),
            AttributeDefinition("validateClientProvidedNewSessionId", .boolean, default: "true"),
            AttributeDefinition("mapperContextRootRedirectEnabled", .boolean, default: "true"),
            AttributeDefinition("mapperDirectoryRedirectEnabled", .boolean, default: "false"),
            AttributeDefinition("useRelativeRedirects", .boolean, default: "true"),
            AttributeDefinition("allowMultipleLeadingForwardSlashInPath", .boolean, default: "false"),
            AttributeDefinition("override", .boolean, default: "false"),
            .notYet("allowCasualMultipartParsing", .boolean, default: "false"),
            .notYet("altDDName", .path),
            .notYet("backgroundProcessorDelay", .integer(-1...86400, unit: "seconds"), default: "-1"),
            .notYet("crossContext", .boolean, default: "false"),
            .notYet("createUploadTargets", .boolean, default: "false"),
            .notYet("dispatchersUseEncodedPaths", .boolean, default: "true"),
            .notYet("encodedReverseSolidusHandling", .choice(["decode", "reject", "passthrough"]), default: "decode"),
            .notYet("encodedSolidusHandling", .choice(["decode", "reject", "passthrough"]), default: "reject"),
            .notYet("failCtxIfServletStartFails", .boolean, default: "false"),
            .notYet("logEffectiveWebXml", .boolean, default: "false"),
            .notYet("preemptiveAuthentication", .boolean, default: "false"),
            .notYet("reloadable", .boolean, default: "false"),
            .notYet("sendRedirectBody", .boolean, default: "false"),
            .notYet("sessionTimeout", .integer(-1...Int(Int32.max), unit: "minutes")),
            .notYet("swallowAbortedUploads", .boolean, default: "true"),
            .notYet("webappVersion", default: ""),
        ]
            + AttributeDefinition.unused(
                "addWebinfClassesResources",
                "allowLinking",
                "antiJARLocking",
                "antiResourceLocking",
                "cachingAllowed",
                "cacheMaxSize",
                "cacheTTL",
                "className",
                "clearReferencesHttpClientKeepAliveThread",
                "clearReferencesObjectStreamClassCaches",
                "clearReferencesRmiTargets",
                "clearReferencesStopThreads",
                "clearReferencesStopTimerThreads",
                "clearReferencesThreadLocals",
                "containerSciFilter",
                "contextGetResourceRequiresSlash",
                "copyXML",
                "debug",
                "dispatcherWrapsSameObject",
                "fireRequestListenersOnForwards",
                "ignoreAnnotations",
                "jndiExceptionOnFailedWrite",
                "notFoundClassResourceCacheSize",
                "parallelAnnotationScanning",
                "renewThreadsWhenStoppingContext",
                "resourceOnlyServlets",
                "skipMemoryLeakChecksOnJvmShutdown",
                "suspendWrappedResponseAfterForward",
                "swallowOutput",
                "tldNamespaceAware",
                "tldValidation",
                "unloadDelay",
                "unpackWAR",
                "useNaming",
                "workDir",
                "wrapperClass",
                "xmlBlockExternal",
                "xmlNamespaceAware",
                "xmlValidation"
            )
    )

    /// `<Parameter>`.
    public static let parameter = AttributeTable(
        element: "Parameter",
        summary: "A context parameter, as <context-param> in web.xml.",
        attributes: [
            AttributeDefinition("name", .text, isRequired: true),
            AttributeDefinition("value", .text, isRequired: true),
            AttributeDefinition("override", .boolean, default: "true", note: "whether web.xml may give another value"),
        ] + AttributeDefinition.unused("description")
    )

    /// `SSLAuthenticator`.
    public static let sslAuthenticator = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.authenticator.SSLAuthenticator",
        summary: "Users sign in with their certificates, as with the auth-method CLIENT-CERT, whatever <login-config> says. Only inside <Context>.",
        attributes: [
            AttributeDefinition("className", .className, isRequired: true),
            AttributeDefinition("changeSessionIdOnAuthentication", .boolean, default: "true", note: "always so, but for tracking by TLS sessions"),
            AttributeDefinition("disableProxyCaching", .boolean, default: "true", note: "Cache-Control is private unless the application sets it"),
            .notYet("allowCorsPreflight", default: "never"),
            .notYet("alwaysUseSession", .boolean, default: "false"),
            .notYet("cache", .boolean, default: "true", note: "the certificate is looked at in each request"),
            .notYet("securePagesWithPragma", .boolean, default: "false"),
            .notYet("sendAuthInfoResponseHeaders", .boolean, default: "false"),
        ]
            + AttributeDefinition.unused(
                "jaspicCallbackHandlerClass",
                "secureRandomAlgorithm",
                "secureRandomClass",
                "secureRandomProvider"
            )
    )

    /// `<CookieProcessor>`.
    public static let cookieProcessor = AttributeTable(
        element: "CookieProcessor",
        summary: "How cookies are written.",
        attributes: [
            AttributeDefinition("sameSiteCookies", .choice(["unset", "none", "lax", "strict"]), default: "unset"),
            AttributeDefinition("partitioned", .boolean, default: "false"),
            .notYet("cookiesWithoutEquals", .choice(["ignore", "name"]), default: "ignore"),
        ]
            + AttributeDefinition.unused(
                "className",
                "allowEqualsInValue",
                "allowHttpSepsInV0",
                "allowNameOnly",
                "alwaysAddExpires",
                "forwardSlashIsSeparator"
            )
    )
}
