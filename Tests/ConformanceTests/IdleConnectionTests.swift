import Foundation
import Glibc
import Testing

/// Clients that connect and say nothing.
@Suite(.serialized) struct IdleConnectionTests {
    @Test(arguments: ["http", "https"]) func tenThousandSilentConnectionsLeaveRoomForOthers(kind: String) async throws {
        let server = try await ServalProcess.start { base in
            let xml = try base.read("conf/server.xml")
            try base.write(
                xml.replacingOccurrences(
                    of: "connectionTimeout=\"20000\"",
                    with: "connectionTimeout=\"60000\" maxConnections=\"12000\" acceptCount=\"1000\""
                ),
                to: "conf/server.xml"
            )
        }
        #expect(try await server.curl("/examples/plain", kind: kind).output == "Hello, world!")
        let before = server.residentBytes
        let port = try server.port(kind)
        let connections = SilentConnections(port: port, count: SilentConnections.permitted(10_000))
        #expect(connections.count >= 1_000, "the limit of open files of this machine is too low to tell anything")

        let answer = try await server.curl("/examples/plain", kind: kind)
        #expect(answer.output == "Hello, world!", "\(answer.errors)\n\(server.errors)")
        let grown = (server.residentBytes - before) / connections.count
        #expect(grown < 12 * 1024, "\(grown) bytes for each of \(connections.count) connections")

        connections.close()
        #expect(try await server.curl("/examples/plain", kind: kind).output == "Hello, world!")
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
    }
}

/// Sockets that are connected and never used.
private final class SilentConnections {
    private var descriptors: [CInt] = []

    /// As many as the limit of open files permits besides those of the tests that run at the same time.
    static func permitted(_ wanted: Int) -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        getrlimit(resource, &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
        getrlimit(resource, &limit)
        return min(wanted, max(0, Int(clamping: limit.rlim_cur) - 6_000))
    }

    init(port: Int, count: Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
            guard descriptor >= 0 else { break }
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            guard result == 0 else {
                Glibc.close(descriptor)
                break
            }
            self.descriptors.append(descriptor)
        }
    }

    var count: Int { self.descriptors.count }

    func close() {
        for descriptor in self.descriptors { Glibc.close(descriptor) }
        self.descriptors = []
    }

    deinit { self.close() }
}
