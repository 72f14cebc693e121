import SwiftASN1

extension ASN1ObjectIdentifier {
    /// From the dotted numbers of a command line; `nil` when they are not an object identifier.
    ///
    /// swift-asn1's own way from text ends the process when the first two numbers are too large.
    init?(argument: some StringProtocol) {
        let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
        let arcs = parts.compactMap { $0.allSatisfy { $0.isASCII && $0.isNumber } ? UInt($0) : nil }
        guard arcs.count == parts.count, arcs.count >= 2, arcs[0] <= 2, arcs[1] < (arcs[0] == 2 ? 1 << 32 : 40) else { return nil }
        guard let identifier = try? ASN1ObjectIdentifier(elements: arcs) else { return nil }
        self = identifier
    }
}
