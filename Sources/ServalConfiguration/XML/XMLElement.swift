/// A place in a text file; both numbers count from 1, columns in characters.
package struct XMLPosition: Sendable, Hashable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// An attribute with the place where its name begins.
package struct XMLAttribute: Sendable, Hashable {
    /// The name without prefix.
    package var name: String
    package var value: String
    package var position: XMLPosition
    /// The name in the file, where this attribute was translated from an older one.
    package var olderName: String?

    /// The name as the file has it.
    package var writtenName: String { self.olderName ?? self.name }
}

/// An element with its attributes, its children and its text.
///
/// Names lose their prefixes, and namespaces are not looked at: configuration files of all ages say the same with `javaee`, `jakartaee` or none.
package struct XMLElement: Sendable, Hashable {
    /// The name without prefix.
    package var name: String
    package var position: XMLPosition
    /// In the order of the file; without namespace declarations and without what belongs to XML itself (`xml:`, `xsi:`).
    package var attributes: [XMLAttribute] = []
    package var children: [XMLElement] = []
    /// All text directly in this element, with references resolved.
    package var text = ""

    package init(name: String, position: XMLPosition) {
        self.name = name
        self.position = position
    }

    /// The attribute of this name, which is unique.
    package func attribute(_ name: String) -> XMLAttribute? { self.attributes.first { $0.name == name } }

    /// The children of this name, in order.
    package func children(_ name: String) -> [XMLElement] { self.children.filter { $0.name == name } }

    /// The first child of this name.
    package func child(_ name: String) -> XMLElement? { self.children.first { $0.name == name } }

    /// The text without white space around it.
    package var trimmedText: String { self.text.trimmingWhitespace() }
}

/// Why a file is not the XML that this server reads.
package struct XMLError: Error, Hashable {
    package var message: String
    package var position: XMLPosition
}

/// The most of everything that a document may have; more is an error.
package struct XMLLimits: Sendable {
    package var bytes = 8 << 20
    package var depth = 64
    package var elements = 200_000
    package var attributes = 10_000
    package var attributesOfOneElement = 256
    package var nameBytes = 256
    package var valueBytes = 1 << 20

    package init() {}
}
