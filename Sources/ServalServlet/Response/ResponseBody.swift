#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Takes the pieces of a streamed response body.
public protocol ResponseBodyWriter: Sendable {
    /// Sends a piece; returns when the connection can take the next one.
    ///
    /// - Throws: an error when the client is gone or too slow; the body should then end.
    mutating func write(_ piece: ArraySlice<UInt8>) async throws
}

extension ResponseBodyWriter {
    /// Sends text as UTF-8.
    public mutating func write(_ text: String) async throws { try await self.write(Array(text.utf8)[...]) }
    /// Sends bytes.
    public mutating func write(_ bytes: [UInt8]) async throws { try await self.write(bytes[...]) }
}

/// The body of a response.
public struct ResponseBody: Sendable {
    package enum Storage: Sendable {
        case bytes([UInt8])
        case file(OpenFile, offset: Int, length: Int)
        case stream(length: Int?, @Sendable (inout any ResponseBodyWriter) async throws -> HeaderFields?)
    }

    package let storage: Storage

    /// No body.
    public static var empty: Self { .init(storage: .bytes([])) }

    /// A body that is already there.
    ///
    /// Copied once into the connection's buffer, at most.
    public static func bytes(_ bytes: [UInt8]) -> Self { .init(storage: .bytes(bytes)) }

    /// UTF-8 text.
    public static func text(_ text: String) -> Self { .init(storage: .bytes(Array(text.utf8))) }

    /// A part of a file, sent without passing through the application's memory where the connection allows it.
    package static func file(_ file: OpenFile, offset: Int, length: Int) -> Self {
        .init(storage: .file(file, offset: offset, length: length))
    }

    /// A body written piece by piece; the closure returns the trailer fields, if any.
    ///
    /// The closure runs when the head has been sent. If it throws, the connection is closed, so that the client can tell.
    /// - Parameter length: the number of bytes, if known; writing more or fewer is an error. Without it the body is chunked.
    public static func stream(
        length: Int? = nil,
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> HeaderFields?
    ) -> Self { .init(storage: .stream(length: length, write)) }

    /// The number of bytes, if known.
    public var length: Int? {
        switch self.storage {
        case .bytes(let bytes): bytes.count
        case .file(_, _, let length): length
        case .stream(let length, _): length
        }
    }
}

/// An open file; closed with its last reference.
package final class OpenFile: Sendable {
    package let descriptor: CInt

    /// Takes over an open descriptor.
    package init(descriptor: CInt) { self.descriptor = descriptor }

    /// Bytes of the file; blocks while the disk is read.
    ///
    /// - Throws: ``HTTPError`` 500 if the file is shorter than it was, or cannot be read.
    package func read(from offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                guard let start = buffer.baseAddress else { break }
                let result = pread(self.descriptor, start + filled, count - filled, off_t(offset + filled))
                if result < 0, errno == EINTR { continue }
                guard result > 0 else { throw HTTPError(.internalServerError, "a file changed while it was read") }
                filled += result
            }
        }
    }

    deinit { close(self.descriptor) }
}
