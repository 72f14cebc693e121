import ServalServlet

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The folder of an application's static files.
///
/// A path is opened segment by segment, each below the descriptor of the one before, and no segment may be a symbolic link: so nothing outside of the
/// folder can be reached, also not by somebody who exchanges a folder for a link meanwhile. The folder itself may be a link.
/// Source: Tomcat's `allowLinking`, whose default refuses links, too.
struct DocumentTree: Sendable {
    /// An open file or folder.
    struct Document: Sendable {
        let file: OpenFile
        let isDirectory: Bool
        let size: Int
        /// Since 1970.
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
        let inode: UInt64
    }

    let root: String
    /// Follows symbolic links, wherever they lead.
    let allowsLinking: Bool

    init(root: String, allowsLinking: Bool = false) {
        self.root = root
        self.allowsLinking = allowsLinking
    }

    func isFile(_ path: ArraySlice<UInt8>) -> Bool { self.open(path).map { !$0.isDirectory } ?? false }
    func isDirectory(_ path: ArraySlice<UInt8>) -> Bool { self.open(path)?.isDirectory ?? false }

    /// Opens what lies at a decoded, normalised path; `nil` for everything that is neither a regular file nor a folder, or cannot be read.
    func open(_ path: ArraySlice<UInt8>) -> Document? {
        // Without O_NONBLOCK opening a named pipe would wait for a writer.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (self.allowsLinking ? 0 : O_NOFOLLOW)
        var descriptor = Self.retrying { openat(AT_FDCWD, self.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { return nil }
        var file = OpenFile(descriptor: descriptor)
        let segments = path.split(separator: UInt8(ascii: "/"))
        for (index, segment) in segments.enumerated() {
            guard !segment.elementsEqual(".".utf8), !segment.elementsEqual("..".utf8), !segment.contains(0) else { return nil }
            let name = segment.map { CChar(bitPattern: $0) } + [0]
            let isLast = index == segments.count - 1
            descriptor = withExtendedLifetime(file) { parent in
                Self.retrying { openat(parent.descriptor, name, isLast ? flags : flags | O_DIRECTORY) }
            }
            guard descriptor >= 0 else { return nil }
            file = OpenFile(descriptor: descriptor)
        }
        return Self.document(file)
    }

    private static func document(_ file: OpenFile) -> Document? {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { return nil }
        let type = status.st_mode & S_IFMT
        guard type == S_IFREG || type == S_IFDIR else { return nil }
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        return Document(
            file: file,
            isDirectory: type == S_IFDIR,
            size: Int(status.st_size),
            modifiedSeconds: Int(modified.tv_sec),
            modifiedNanoseconds: Int(modified.tv_nsec),
            inode: UInt64(status.st_ino)
        )
    }

    /// The names in a folder, sorted; folders end in a slash.
    ///
    /// Hidden files and what cannot be served are left out; `nil` for more than `limit`.
    static func names(in directory: Document, limit: Int) -> [String]? {
        // A descriptor of its own, because `closedir` closes the one it was given.
        let descriptor = openat(directory.file.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard let stream = fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
            }
            let type = Int(entry.pointee.d_type)
            guard name.utf8.first != UInt8(ascii: "."), type == Int(DT_DIR) || type == Int(DT_REG) || type == Int(DT_UNKNOWN) else { continue }
            guard names.count < limit else { return nil }
            names.append(type == Int(DT_DIR) ? name + "/" : name)
        }
        return names.sorted()
    }

    /// Reads a part of a file; `nil` if it cannot be read or is shorter.
    static func read(_ file: OpenFile, offset: Int, length: Int) -> [UInt8]? {
        guard length > 0 else { return [] }
        var isComplete = true
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                let done = Self.retrying { pread(file.descriptor, buffer.baseAddress.map { $0 + count }, length - count, off_t(offset + count)) }
                guard done > 0 else {
                    isComplete = false
                    return
                }
                count += done
            }
        }
        return isComplete ? bytes : nil
    }

    private static func retrying<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}
