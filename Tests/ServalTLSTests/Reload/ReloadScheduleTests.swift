import Foundation
import ServalTLS
import Testing

/// When files that have changed are loaded.
struct ReloadScheduleTests {
    /// Looks of a file that is changed by hand.
    private struct Files {
        let folder: TemporaryFolder
        let watched: WatchedFiles

        init() throws {
            folder = try TemporaryFolder()
            let path = try folder.write("one", to: "site.pem")
            let source = CertificateConfiguration.Source.pem(certificate: path)
            watched = WatchedFiles(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [.init(source: source)])]))
        }

        func look() -> WatchedFiles.Appearance { watched.look() }

        @discardableResult
        func change(_ text: String) throws -> WatchedFiles.Appearance {
            _ = try folder.write(text, to: "site.pem")
            return look()
        }
    }

    @Test func aChangeCountsWhenItIsQuiet() throws {
        let files = try Files()
        var schedule = ReloadSchedule(files.look())
        #expect(schedule.see(files.look()) == .wait)
        let second = try files.change("two, half writ")
        #expect(schedule.see(second) == .wait)
        let third = try files.change("two, half written and now whole")
        #expect(schedule.see(third) == .wait)
        #expect(schedule.see(third) == .load)
        schedule.loaded()
        for _ in 0..<20 { #expect(schedule.see(third) == .wait) }
    }

    @Test func aFailureIsToldOnceAndTriedAgainAtTheNextChange() throws {
        let files = try Files()
        var schedule = ReloadSchedule(files.look())
        let bad = try files.change("not a certificate")
        #expect([schedule.see(bad), schedule.see(bad)] == [.wait, .load])
        #expect(schedule.failed(.invalidKeyMaterial) == .failure)
        for _ in 0..<20 { #expect(schedule.see(bad) == .wait) }
        let good = try files.change("a certificate, let us say")
        #expect([schedule.see(good), schedule.see(good)] == [.wait, .load])
    }

    @Test func whatMayPassIsTriedAgainLessAndLessOften() throws {
        let files = try Files()
        for code in [TLSError.Code.stapleMissing, .keyUnavailable, .secretUnavailable, .fileNotFound] {
            var schedule = ReloadSchedule(files.look())
            let new = try files.change("for \(code)")
            #expect([schedule.see(new), schedule.see(new)] == [.wait, .load])
            var pauses: [Int] = []
            for _ in 0..<7 {
                #expect(schedule.failed(code) == .failure)
                var looks = 1
                while schedule.see(new) == .wait, looks < 1000 { looks += 1 }
                pauses.append(looks)
            }
            #expect(pauses == [2, 4, 8, 16, 32, 64, 64])
            schedule.loaded()
            for _ in 0..<100 { #expect(schedule.see(new) == .wait) }
            // Also after a load that somebody asked for.
            schedule.noteLoad(of: new)
            schedule.noteFailure(code)
            #expect([schedule.see(new), schedule.see(new)] == [.wait, .load])
        }
    }

    @Test func aKeyIsWaitedForAndThenMissed() throws {
        let files = try Files()
        var schedule = ReloadSchedule(files.look())
        let half = try files.change("the new certificate, the old key")
        #expect([schedule.see(half), schedule.see(half)] == [.wait, .load])
        #expect(schedule.failed(.keyMismatch) == .pending)
        var looks = 0
        while schedule.see(half) == .wait { looks += 1; #expect(looks < 100) }
        #expect(looks == ReloadSchedule.patience - 1)
        #expect(schedule.failed(.keyMismatch) == .failure)
        for _ in 0..<20 { #expect(schedule.see(half) == .wait) }
        let whole = try files.change("the new certificate, the new key, at last")
        #expect([schedule.see(whole), schedule.see(whole)] == [.wait, .load])
    }

    @Test func aKeyThatComesLaterIsNoFailure() throws {
        let files = try Files()
        var schedule = ReloadSchedule(files.look())
        let half = try files.change("the new certificate, the old key")
        #expect([schedule.see(half), schedule.see(half)] == [.wait, .load])
        #expect(schedule.failed(.keyMismatch) == .pending)
        #expect(schedule.see(half) == .wait)
        let whole = try files.change("the new certificate, the new key!")
        #expect([schedule.see(whole), schedule.see(whole)] == [.wait, .load])
        schedule.loaded()
        for _ in 0..<20 { #expect(schedule.see(whole) == .wait) }
    }

    @Test func linksRightsAndDirectoriesAreSeen() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (try folder.write("one", to: "one.pem"), try folder.write("two", to: "two.pem"))
        let link = folder.path("site.pem")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: one)
        let lists = folder.path("lists")
        try FileManager.default.createDirectory(atPath: lists, withIntermediateDirectories: false)
        var host = TLSHostConfiguration(certificates: [.init(source: .pem(certificate: link, keyPassword: .file(two)))])
        host.clientAuthentication = .required(trust: .all([.file(one), .directory(lists)]))
        host.revocationListDirectories = [lists]
        let watched = WatchedFiles(TLSEndpointConfiguration(hosts: [host]))
        #expect(Set(watched.paths) == [link, one, two, lists])
        var looks = [watched.look()]
        // As certbot and Kubernetes do it.
        try FileManager.default.createSymbolicLink(atPath: link + ".new", withDestinationPath: two)
        #expect(rename(link + ".new", link) == 0)
        looks.append(watched.look())
        _ = try folder.write("a list", to: "lists/a.crl")
        looks.append(watched.look())
        chmod(two, 0o400)
        looks.append(watched.look())
        try FileManager.default.removeItem(atPath: one)
        looks.append(watched.look())
        #expect(Set(looks).count == looks.count)
        #expect(watched.look() == looks.last)
    }
}
