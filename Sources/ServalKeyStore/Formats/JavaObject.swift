/// What a Java serialization stream holds, as far as key stores need it: text, bytes, constants and plain objects of known classes.
indirect enum JavaObject {
    case null
    case text(String)
    case bytes([UInt8])
    case constant(type: String, name: String)
    case instance(type: String, fields: [String: JavaObject])
}

/// Reads a Java serialization stream (Java Object Serialization Specification, chapter 6) without making any object.
///
/// Only classes of the list, without data of their own making, with fields that are objects, are let through.
struct JavaObjectReader {
    /// Magic and version.
    static let header: [UInt8] = [0xAC, 0xED, 0x00, 0x05]

    private static let knownTypes: Set<String> = [
        "com.sun.crypto.provider.SealedObjectForKeyProtector", "javax.crypto.SealedObject", "javax.crypto.spec.SecretKeySpec",
        "java.security.KeyRep", "java.security.KeyRep$Type", "java.lang.Enum", "[B",
    ]

    private final class Description: Sendable {
        let type: String
        let fields: [String]
        let parent: Description?

        init(type: String, fields: [String], parent: Description?) {
            self.type = type
            self.fields = fields
            self.parent = parent
        }
    }

    private enum Handle {
        case description(Description)
        case object(JavaObject)
        /// An object whose fields are being read.
        case unfinished
    }

    private var input: JKSInput
    private var handles: [Handle] = []
    private var depth = 0

    init(_ bytes: ArraySlice<UInt8>) {
        input = JKSInput(bytes)
    }

    /// What follows the stream.
    var rest: ArraySlice<UInt8> { input.rest }

    var isAtEnd: Bool { input.remaining == 0 }

    /// The stream's first object.
    ///
    /// - Throws: `corrupt`, and `unsupportedAlgorithm` for classes that are not known.
    mutating func object() throws(KeyStoreError) -> JavaObject {
        guard try input.take(4).elementsEqual(JavaObjectReader.header) else { throw JavaObjectReader.malformed }
        return try content()
    }

    private mutating func content() throws(KeyStoreError) -> JavaObject {
        guard depth < 8 else { throw KeyStoreError(.corrupt, "Java objects are nested more than 8 deep") }
        depth += 1
        defer { depth -= 1 }
        switch try input.byte() {
        case 0x70: return .null
        case 0x71:
            guard case .object(let object) = try handle() else { throw JavaObjectReader.malformed }
            return object
        case 0x73: return try instance()
        case 0x74: return .text(try text())
        case 0x75: return try array()
        case 0x7E: return try constant()
        default: throw JavaObjectReader.malformed
        }
    }

    private mutating func text() throws(KeyStoreError) -> String {
        let text = try input.text()
        try add(.object(.text(text)))
        return text
    }

    private mutating func array() throws(KeyStoreError) -> JavaObject {
        guard let type = try description(), type.type == "[B" else { throw JavaObjectReader.malformed }
        let bytes = JavaObject.bytes(Array(try input.take(input.number())))
        try add(.object(bytes))
        return bytes
    }

    private mutating func constant() throws(KeyStoreError) -> JavaObject {
        guard let type = try description() else { throw JavaObjectReader.malformed }
        let index = try add(.unfinished)
        guard case .text(let name) = try content() else { throw JavaObjectReader.malformed }
        handles[index] = .object(.constant(type: type.type, name: name))
        return .constant(type: type.type, name: name)
    }

    private mutating func instance() throws(KeyStoreError) -> JavaObject {
        guard let type = try description() else { throw JavaObjectReader.malformed }
        let index = try add(.unfinished)
        // The fields of the topmost class come first.
        var lineage: [Description] = []
        var next: Description? = type
        while let description = next {
            lineage.append(description)
            next = description.parent
        }
        var fields: [String: JavaObject] = [:]
        for description in lineage.reversed() {
            for field in description.fields { fields[field] = try content() }
        }
        let object = JavaObject.instance(type: type.type, fields: fields)
        handles[index] = .object(object)
        return object
    }

    /// A class; `nil` for none.
    private mutating func description(generation: Int = 0) throws(KeyStoreError) -> Description? {
        switch try input.byte() {
        case 0x70: return nil
        case 0x71:
            guard case .description(let description) = try handle() else { throw JavaObjectReader.malformed }
            return description
        case 0x72: break
        default: throw JavaObjectReader.malformed
        }
        let type = try input.text()
        guard JavaObjectReader.knownTypes.contains(type) else {
            throw KeyStoreError(.unsupportedAlgorithm, "The key store holds a Java object of class \(type), which is not read")
        }
        // The class's version number, which the names stand for.
        _ = try input.take(8)
        let index = try add(.unfinished)
        // Serializable, without data written by the class itself; 0x10 marks an enumeration.
        guard try input.byte() & ~0x10 == 0x02, generation < 4 else { throw JavaObjectReader.malformed }
        let count = try input.shortNumber()
        guard count <= 8 else { throw JavaObjectReader.malformed }
        var fields: [String] = []
        for _ in 0..<count {
            let kind = try input.byte()
            guard kind == UInt8(ascii: "L") || kind == UInt8(ascii: "[") else { throw JavaObjectReader.malformed }
            fields.append(try input.text())
            guard case .text = try content() else { throw JavaObjectReader.malformed }
        }
        guard try input.byte() == 0x78 else { throw JavaObjectReader.malformed }
        let result = Description(type: type, fields: fields, parent: try description(generation: generation + 1))
        handles[index] = .description(result)
        return result
    }

    private mutating func handle() throws(KeyStoreError) -> Handle {
        let index = try input.number() - 0x7E_0000
        guard handles.indices.contains(index) else { throw JavaObjectReader.malformed }
        return handles[index]
    }

    @discardableResult
    private mutating func add(_ handle: Handle) throws(KeyStoreError) -> Int {
        guard handles.count < Limits.javaObjects else {
            throw KeyStoreError(.corrupt, "A serialized Java object holds more than \(Limits.javaObjects) others")
        }
        handles.append(handle)
        return handles.count - 1
    }

    private static var malformed: KeyStoreError {
        KeyStoreError(.corrupt, "The bytes are not a serialized Java object of the kind that key stores hold")
    }
}

/// Writes the two objects of JCEKS secret keys byte for byte as the JDK does.
struct JavaObjectWriter {
    private var output = JKSOutput()

    init() {
        output.bytes = JavaObjectReader.header
    }

    var bytes: [UInt8] { output.bytes }

    mutating func secretKeySpec(algorithm: String, key: [UInt8]) throws(KeyStoreError) {
        output.bytes.append(0x73)
        try describe("javax.crypto.spec.SecretKeySpec", version: 0x5B47_0B66_E230_614D, fieldCount: 2)
        try field("L", "algorithm", type: "Ljava/lang/String;")
        try field("[", "key", type: "[B")
        output.bytes += [0x78, 0x70, 0x74]
        try output.text(algorithm)
        output.bytes.append(0x75)
        try describeByteArray()
        output.block(key)
    }

    mutating func sealedObject(parameters: [UInt8], encrypted: [UInt8], algorithm: String) throws(KeyStoreError) {
        output.bytes.append(0x73)
        try describe("com.sun.crypto.provider.SealedObjectForKeyProtector", version: 0xCD57_CA59_E730_BB53, fieldCount: 0)
        output.bytes.append(0x78)
        try describe("javax.crypto.SealedObject", version: 0x3E36_3DA6_C3B7_5470, fieldCount: 4)
        // Handles count classes, strings and objects in the order in which they appear: the two classes are 0 and 1, `[B` is 2.
        try field("[", "encodedParams", type: "[B")
        try field("[", "encryptedContent", handle: 2)
        try field("L", "paramsAlg", type: "Ljava/lang/String;")
        try field("L", "sealAlg", handle: 3)
        output.bytes += [0x78, 0x70, 0x75]
        try describeByteArray()
        output.block(parameters)
        output.bytes += [0x75, 0x71]
        output.number(0x7E_0005)
        output.block(encrypted)
        for _ in 0..<2 {
            output.bytes.append(0x74)
            try output.text(algorithm)
        }
    }

    private mutating func describeByteArray() throws(KeyStoreError) {
        try describe("[B", version: 0xACF3_17F8_0608_54E0, fieldCount: 0)
        output.bytes += [0x78, 0x70]
    }

    private mutating func describe(_ type: String, version: UInt64, fieldCount: UInt8) throws(KeyStoreError) {
        output.bytes.append(0x72)
        try output.text(type)
        output.date(Int64(bitPattern: version))
        output.bytes += [0x02, 0, fieldCount]
    }

    private mutating func field(_ kind: Unicode.Scalar, _ name: String, type: String) throws(KeyStoreError) {
        output.bytes.append(UInt8(ascii: kind))
        try output.text(name)
        output.bytes.append(0x74)
        try output.text(type)
    }

    private mutating func field(_ kind: Unicode.Scalar, _ name: String, handle: Int) throws(KeyStoreError) {
        output.bytes.append(UInt8(ascii: kind))
        try output.text(name)
        output.bytes.append(0x71)
        output.number(0x7E_0000 + handle)
    }
}
