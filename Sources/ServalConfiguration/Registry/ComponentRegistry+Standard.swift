import ServalContainer
import ServalServlet

extension ComponentRegistry {
    /// What Serval brings along, under Tomcat's names.
    mutating func registerStandardComponents() {
    }
}
