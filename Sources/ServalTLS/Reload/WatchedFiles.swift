#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The files that a TLS configuration is read from, and what can be seen of them without opening them.
package struct WatchedFiles: Sendable {
    /// The files and directories, without repetition.
    package let paths: [String]

    /// Everything that `configuration` names: key stores, PEM files, passwords, trusted certificates, revocation lists.
    package init(_ configuration: TLSEndpointConfiguration) {
        var paths: [String] = []
        for host in configuration.hosts {
            for certificate in host.certificates { paths += certificate.source.paths }
            paths += host.clientAuthentication.trust?.paths ?? []
            paths += host.revocationListFiles + host.revocationListDirectories
        }
        var seen: Set<String> = []
        self.paths = paths.filter { seen.insert($0).inserted }
    }

    /// What the files look like now.
    ///
    /// Links are followed, so that a link which is set to another file shows; so do other rights, and files that come into, or go from, a directory. One `stat`
    /// for each file.
    package func look() -> Appearance {
        var marks: [Appearance.Mark] = []
        for path in paths {
            let mark = Appearance.Mark(path)
            marks.append(mark)
            guard mark.isDirectory, let names = try? directoryEntries(path) else { continue }
            for name in names.prefix(10_000) { marks.append(Appearance.Mark(path + "/" + name)) }
        }
        return Appearance(marks: marks)
    }

    /// Differs from an earlier one if a file may have changed.
    package struct Appearance: Sendable, Hashable {
        fileprivate var marks: [Mark]

        /// A file that is not there has zeros.
        fileprivate struct Mark: Hashable {
            var device: UInt64 = 0
            var inode: UInt64 = 0
            var size: Int64 = 0
            var changed: Int64 = 0
            var modified: Int64 = 0
            var isDirectory = false

            init(_ path: String) {
                var status = stat()
                guard stat(path, &status) == 0 else { return }
                device = UInt64(truncatingIfNeeded: status.st_dev)
                inode = UInt64(truncatingIfNeeded: status.st_ino)
                size = Int64(status.st_size)
                #if canImport(Darwin)
                    changed = Int64(status.st_ctimespec.tv_sec) * 1_000_000_000 + Int64(status.st_ctimespec.tv_nsec)
                    modified = Int64(status.st_mtimespec.tv_sec) * 1_000_000_000 + Int64(status.st_mtimespec.tv_nsec)
                #else
                    changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
                    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
                #endif
                isDirectory = status.st_mode & S_IFMT == S_IFDIR
            }
        }
    }
}

extension CertificateConfiguration.Source {
    fileprivate var paths: [String] {
        switch self {
        case .keyStore(let path, _, _, let password, let keyPassword): [path] + [password, keyPassword].compactMap { $0?.path }
        case .pem(let certificate, let key, let chain, let keyPassword): [certificate, key, chain, keyPassword?.path].compactMap { $0 }
        case .token(.configuration(let paths, _), _, let pin): paths + [pin?.path].compactMap { $0 }
        case .token(.uri, _, let pin): [pin?.path].compactMap { $0 }
        case .identity: []
        }
    }
}

extension TrustSource {
    fileprivate var paths: [String] {
        switch self {
        case .file(let path), .directory(let path): [path]
        case .keyStore(let path, _, let password): [path] + [password?.path].compactMap { $0 }
        case .certificates: []
        case .all(let sources): sources.flatMap(\.paths)
        }
    }
}

extension SecretSource {
    fileprivate var path: String? {
        if case .file(let path) = self { path } else { nil }
    }
}
