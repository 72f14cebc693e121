import ServalConfiguration
import Testing

@testable import ServalConfiguration

@Suite struct ReferenceTests {
    @Test func tablesHoldTogether() {
        for table in AttributeTable.all + ComponentRegistry().valveTables {
            let names = table.attributes.map(\.name)
            #expect(Set(names).count == names.count, "\(table.element): \(names.filter { name in names.count { $0 == name } > 1 })")
            for attribute in table.attributes {
                if let text = attribute.defaultText, !text.isEmpty { #expect(attribute.kind.accepts(text), "\(table.element) \(attribute.name)") }
            }
        }
    }

    @Test func everyAttributeStandsInTheReference() {
        let text = referenceMarkdown()
        for table in AttributeTable.all {
            #expect(text.contains("## \(table.element)\n"))
            for attribute in table.attributes { #expect(text.contains("`\(attribute.name)`"), "\(table.element) \(attribute.name)") }
        }
    }
}
