import ServalContainer
import ServalSessions

/// Shows in swift-metrics what the applications' session managers count, every ten seconds and at the end.
struct SessionGauges: Sendable {
    private static let pause = Duration.seconds(10)

    let services: [ServiceContainer]

    /// Runs until its task is cancelled.
    func run() async {
        var metrics: [String: SessionMetrics] = [:]
        while !Task.isCancelled {
            self.show(&metrics)
            try? await Task.sleep(for: Self.pause)
        }
        self.show(&metrics)
    }

    private func show(_ metrics: inout [String: SessionMetrics]) {
        for service in self.services {
            for host in service.engine.hosts {
                for context in host.contexts {
                    guard let manager = context.sessionManager else { continue }
                    // As stores name the application.
                    let name = "/\(service.engine.name)/\(host.name)" + (context.path.isEmpty ? "/" : context.path)
                    metrics[name, default: SessionMetrics(context: name)].show(manager.statistics)
                }
            }
        }
    }
}
