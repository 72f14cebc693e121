import NIOPosix
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Reloads the certificates of a server on SIGHUP.
///
/// One reload at a time: however many signals come during one, they are one more, and none once the server stops.
struct CertificateReloadService: Service {
    let server: Server

    func run() async throws {
        let (requests, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let end = End()
        await withTaskGroup { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { continuation.yield() }
                end.hasCome.store(true, ordering: .releasing)
                continuation.finish()
            }
            for await _ in requests where !end.hasCome.load(ordering: .acquiring) {
                let server = self.server
                _ = try? await NIOThreadPool.singleton.runIfActive { server.reloadCertificates() }
            }
        }
    }

    private final class End: Sendable {
        let hasCome = Atomic(false)
    }
}
