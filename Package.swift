// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"]))
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// For SQLite, whose header is then needed to build.
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"]))

// Dear in every build, so behind a trait: a second BoringSSL, for the second TLS backend.
let withNIOSSL: TargetDependencyCondition? = .when(traits: ["NIOSSL"])
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl", condition: withNIOSSL)
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio", condition: withNIOSSL)
let nioSSLBackend: Target.Dependency = .target(name: "ServalTLSNIOSSL", condition: withNIOSSL)

let package = Package(
    name: "serval",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "ServalKeyStore", targets: ["ServalKeyStore"]),
        .library(name: "ServalPKCS11", targets: ["ServalPKCS11"]),
        .library(name: "ServalSessions", targets: ["ServalSessions"]),
        .library(name: "ServalFileStore", targets: ["ServalFileStore"]),
        .library(name: "ServalSQLStore", targets: ["ServalSQLStore"]),
        .library(name: "ServalRedisStore", targets: ["ServalRedisStore"]),
        .library(name: "ServalServlet", targets: ["ServalServlet"]),
        .library(name: "ServalTLS", targets: ["ServalTLS", "ServalTLSOpenSSL", "ServalTLSNIOSSL"]),
        .library(name: "Serval", targets: ["Serval"]),
        .library(name: "ServalHummingbird", targets: ["ServalHummingbird"]),
        .library(name: "ServalTesting", targets: ["ServalTesting"]),
        .executable(name: "serval", targets: ["ServalCommand"]),
        .executable(name: "serval-keytool", targets: ["ServalKeytool"]),
    ],
    traits: [
        .trait(name: "NIOSSL", description: "The second TLS backend: swift-nio-ssl, with BoringSSL inside."),
        .trait(name: "Hummingbird", description: "Hummingbird applications as contexts, and sessions for Hummingbird."),
        .trait(name: "SQLite", description: "Sessions in SQLite, by GRDB on the system's libsqlite3."),
        .default(enabledTraits: ["SQLite"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", from: "2.1.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin.git", from: "1.5.0"),
    ],
    targets: [
        // Rooms, from the ground up. Imports go one way; Tests/ArchitectureTests checks it.
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "ServalKeyStore", dependencies: ["COpenSSL", crypto, cryptoExtras, x509, asn1], swiftSettings: settings),
        .target(name: "CPKCS11"),
        .target(name: "ServalPKCS11", dependencies: ["ServalKeyStore", "CPKCS11"], swiftSettings: settings),
        .target(name: "ServalSessions", dependencies: [logging, metrics, crypto], swiftSettings: settings),
        .target(name: "ServalFileStore", dependencies: ["ServalSessions", logging], swiftSettings: settings),
        .target(name: "ServalSQLStore", dependencies: ["ServalSessions", grdb, logging], swiftSettings: settings),
        .target(name: "ServalRedisStore", dependencies: ["ServalSessions", logging, crypto], swiftSettings: settings),
        .target(name: "ServalServlet", dependencies: ["ServalSessions", httpTypes, logging, x509, asn1], swiftSettings: settings),
        .target(
            name: "ServalTLS",
            dependencies: ["ServalKeyStore", nioCore, nioPosix, nioHTTP1, logging, metrics, x509, asn1],
            swiftSettings: settings
        ),
        .target(name: "ServalTLSOpenSSL", dependencies: ["ServalTLS", "COpenSSL", nioCore, nioPosix, logging], swiftSettings: settings),
        // Empty without the trait NIOSSL.
        .target(
            name: "ServalTLSNIOSSL",
            dependencies: ["ServalTLS", "ServalKeyStore", nioSSL, nioTLS, nioCore, logging, x509, asn1, crypto],
            swiftSettings: settings
        ),
        .target(
            name: "ServalHTTP",
            dependencies: ["ServalTLS", "ServalServlet", nioCore, nioPosix, nioHTTP2, nioHPACK, httpTypes, logging, x509, asn1],
            swiftSettings: settings
        ),
        // Empty without the trait Hummingbird.
        .target(
            name: "ServalHummingbird",
            dependencies: ["ServalServlet", "ServalSessions", hummingbird, nioCore, nioEmbedded, httpTypes, logging, serviceLifecycle],
            swiftSettings: settings
        ),
        .target(
            name: "ServalContainer",
            dependencies: ["ServalHTTP", "ServalServlet", "ServalSessions", httpTypes, logging, x509, asn1, mustache],
            swiftSettings: settings
        ),
        .target(
            name: "ServalConfiguration",
            dependencies: ["ServalContainer", "ServalHTTP", "ServalTLS", "ServalKeyStore", "ServalServlet", "ServalSessions", logging, httpTypes],
            swiftSettings: settings
        ),
        .target(name: "ServalObservability", dependencies: [logging], swiftSettings: settings),
        .target(
            name: "Serval",
            dependencies: [
                "ServalConfiguration", "ServalContainer", "ServalHTTP", "ServalTLS", "ServalTLSOpenSSL", "ServalKeyStore", "ServalPKCS11",
                "ServalServlet", "ServalSessions", "ServalFileStore", "ServalSQLStore", "ServalRedisStore", "ServalObservability", nioSSLBackend,
                nioCore, nioPosix, logging, metrics, serviceLifecycle, unixSignals,
            ],
            swiftSettings: settings
        ),
        .target(name: "ServalExamples", dependencies: ["ServalServlet", "ServalSessions", httpTypes, x509], swiftSettings: settings),
        .target(
            name: "ServalTesting",
            dependencies: [
                "Serval", "ServalContainer", "ServalHTTP", "ServalServlet", "ServalSessions", "ServalKeyStore", httpTypes, logging, x509, crypto,
                asn1,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ServalCommand",
            dependencies: [
                "Serval", "ServalExamples", "ServalConfiguration", "ServalContainer", "ServalObservability", "ServalKeyStore", "ServalServlet",
                "ServalTLS", logging,
                argumentParser, x509, asn1,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ServalKeytool",
            dependencies: ["ServalKeyStore", "ServalPKCS11", "ServalTLSOpenSSL", x509, asn1, crypto, cryptoExtras],
            swiftSettings: settings
        ),

        // Examples are built with the tests and are no products.
        .executableTarget(name: "PEMToPKCS12", dependencies: ["ServalKeyStore"], path: "Examples/PEMToPKCS12", swiftSettings: settings),

        .target(name: "TestPrograms", path: "Tests/TestPrograms", swiftSettings: settings),
        .testTarget(name: "ArchitectureTests", dependencies: ["TestPrograms"], swiftSettings: settings),
        .testTarget(
            name: "ServalKeyStoreTests",
            dependencies: ["TestPrograms", "ServalKeyStore", "COpenSSL", x509, asn1, crypto, cryptoExtras],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServalPKCS11Tests",
            dependencies: [
                "TestPrograms", "ServalPKCS11", "ServalKeyStore", "Serval", "ServalContainer", "ServalHTTP", "ServalTLS", "ServalConfiguration",
                logging, x509,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "ServalKeytoolTests", dependencies: ["TestPrograms", "ServalKeytool", "ServalKeyStore"], swiftSettings: settings),
        .testTarget(name: "ServalSessionsTests", dependencies: ["ServalSessions", logging, metricsTestKit], swiftSettings: settings),
        .testTarget(
            name: "ServalHummingbirdTests",
            dependencies: [
                "ServalHummingbird", "Serval", "ServalTesting", "TestPrograms", "ServalServlet", "ServalSessions", hummingbird, nioEmbedded, nioCore,
                httpTypes, logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "ServalFileStoreTests", dependencies: ["ServalFileStore", "ServalSessions", logging], swiftSettings: settings),
        .testTarget(name: "ServalSQLStoreTests", dependencies: ["ServalSQLStore", "ServalSessions", grdb], swiftSettings: settings),
        .testTarget(name: "ServalRedisStoreTests", dependencies: ["ServalRedisStore", "ServalSessions"], swiftSettings: settings),
        // Killed by the tests while it writes.
        .executableTarget(
            name: "SessionStoreWriter",
            dependencies: ["ServalFileStore", "ServalSQLStore", "ServalSessions"],
            path: "Tests/SessionStoreWriter",
            swiftSettings: settings
        ),
        .testTarget(name: "ServalServletTests", dependencies: ["ServalServlet", "ServalSessions", httpTypes, logging], swiftSettings: settings),
        .testTarget(
            name: "ServalTLSTests",
            dependencies: [
                "TestPrograms", "ServalTLS", "ServalTLSOpenSSL", "ServalKeyStore", "COpenSSL", nioSSLBackend, nioSSL, nioCore, nioPosix, nioHTTP1,
                nioEmbedded, logging, metricsTestKit, x509, asn1, crypto,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServalHTTPTests",
            dependencies: ["TestPrograms", "ServalHTTP", "ServalServlet", nioCore, nioPosix, nioEmbedded, nioHPACK, httpTypes, logging],
            exclude: ["HTTP2/application.py"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServalContainerTests",
            dependencies: [
                "ServalContainer", "ServalExamples", "ServalHTTP", "ServalServlet", "ServalSessions", "ServalTesting", httpTypes, logging, x509,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServalConfigurationTests",
            dependencies: [
                "ServalConfiguration", "ServalObservability", "ServalContainer", "ServalHTTP", "ServalTLS", "ServalServlet", "ServalSessions",
                "ServalTesting", logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServalTests",
            dependencies: [
                "TestPrograms", "Serval", "ServalConfiguration", "ServalExamples", "ServalTesting", "ServalContainer", "ServalHTTP", "ServalTLS",
                "ServalServlet", "ServalSessions", nioCore, nioPosix, httpTypes, logging, metrics, metricsTestKit,
                x509,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "TestPrograms", "SessionStoreWriter", "ServalTesting", "ServalKeyStore", "ServalSessions", "ServalFileStore", "ServalSQLStore",
                "ServalRedisStore", logging, x509,
            ],
            exclude: ["HTTP2/attacks.py", "HTTP2/client.py", "HTTP2/conformance.py", "HTTP2/stopping.py", "Scanners"],
            swiftSettings: settings
        ),
        // The fuzzer's targets, fed with what the fuzzer once found.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "ServalKeyStore", "ServalKeytool", "ServalPKCS11", "ServalHTTP", "ServalServlet", nioCore, nioHPACK, httpTypes, x509, asn1,
            ],
            path: "Fuzz",
            exclude: ["Entry", "Dictionaries", "fuzz.py", "seeds.py"],
            sources: ["Targets", "Tests"],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)

// scripts/fuzz builds the parsers with the instrumentation of libFuzzer and AddressSanitizer; such flags have no place in a package that others use.
if Context.environment["SERVAL_FUZZ"] != nil {
    let sanitizers: [SwiftSetting] = [.unsafeFlags(["-sanitize=address,fuzzer", "-enable-testing", "-DSERVAL_FUZZ"])]
    let fuzzed = ["ServalKeyStore", "ServalKeytool", "ServalPKCS11", "ServalHTTP"]
    let keytoolDependencies = package.targets.first { $0.name == "ServalKeytool" }?.dependencies ?? []
    package.targets.removeAll { $0.type == .test || $0.type == .executable }
    package.products.removeAll()
    package.targets += [
        .target(name: "ServalKeytool", dependencies: keytoolDependencies, exclude: ["main.swift"], swiftSettings: settings),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ServalKeyStore", "ServalKeytool", "ServalPKCS11", "ServalHTTP", "ServalServlet", nioCore, nioHPACK, httpTypes, x509, asn1,
            ],
            path: "Fuzz/Targets",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "serval-fuzz",
            dependencies: ["FuzzTargets"],
            path: "Fuzz/Entry",
            linkerSettings: [.unsafeFlags(["-sanitize=address,fuzzer"])]
        ),
    ]
    for target in package.targets where fuzzed.contains(target.name) || target.name == "FuzzTargets" {
        target.swiftSettings = (target.swiftSettings ?? []) + sanitizers
    }
}
