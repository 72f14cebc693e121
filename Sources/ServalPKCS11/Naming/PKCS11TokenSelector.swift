/// Which of a module's tokens is meant; what is `nil` does not matter.
public struct PKCS11TokenSelector: Sendable, Hashable, CustomStringConvertible {
    /// The token's label, exactly.
    public var label: String?
    /// The token's serial number, exactly.
    public var serialNumber: String?
    /// Who made the token, exactly.
    public var manufacturer: String?
    /// The token's model, exactly.
    public var model: String?
    /// The number of the token's slot.
    ///
    /// Some modules give other numbers at each start; prefer the label.
    public var slot: UInt?
    /// The place of the token's slot among all slots of the module, from 0.
    public var slotListIndex: Int?

    /// Selects the first token that has been initialized, unless more is said.
    public init(label: String? = nil, serialNumber: String? = nil, slot: UInt? = nil, slotListIndex: Int? = nil) {
        self.label = label
        self.serialNumber = serialNumber
        self.slot = slot
        self.slotListIndex = slotListIndex
    }

    /// Whether a token fits.
    public func matches(_ token: PKCS11TokenDescription) -> Bool {
        (label == nil || label == token.label) && (serialNumber == nil || serialNumber == token.serialNumber)
            && (manufacturer == nil || manufacturer == token.manufacturer) && (model == nil || model == token.model)
            && (slot == nil || slot == token.slot) && (slotListIndex == nil || slotListIndex == token.slotListIndex)
    }

    /// For messages: `label [x], slot [3]`.
    public var description: String {
        let parts = [
            label.map { "label [\($0)]" }, serialNumber.map { "serial number [\($0)]" }, manufacturer.map { "manufacturer [\($0)]" },
            model.map { "model [\($0)]" }, slot.map { "slot [\($0)]" }, slotListIndex.map { "slotListIndex [\($0)]" },
        ].compactMap { $0 }
        return parts.isEmpty ? "any initialized token" : parts.joined(separator: ", ")
    }
}
