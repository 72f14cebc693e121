import Foundation
import Testing

@testable import ServalKeytool

/// `-startdate`: steps from a moment, and wall clock times.
@Suite struct StartDateTests {
    private let calendar = Calendar(identifier: .gregorian)

    @Test(arguments: [
        ("+1m", Calendar.Component.month, 1), ("-1m", .month, -1), ("+13m", .month, 13), ("-1y", .year, -1), ("+4y", .year, 4), ("+30d", .day, 30),
        ("-400d", .day, -400), ("+5H", .hour, 5), ("-90M", .minute, -90), ("+100S", .second, 100),
    ])
    func steps(value: String, unit: Calendar.Component, amount: Int) throws {
        // January 31st of a leap year, where months and years have to be shortened.
        for start in [1_832_932_800, 1_835_438_400, 1_842_700_000] as [Int64] {
            let expected = calendar.date(byAdding: unit, value: amount, to: Date(timeIntervalSince1970: Double(start)))
            #expect(try StartDate.resolve(value, now: start) == expected.map { Int64($0.timeIntervalSince1970) })
        }
    }

    @Test func stepsFollowEachOther() throws {
        let now: Int64 = 1_832_932_800
        let expected = try StartDate.resolve("-3d", now: StartDate.resolve("+2m", now: StartDate.resolve("-1y", now: now)))
        #expect(try StartDate.resolve("-1y+2m-3d", now: now) == expected)
        #expect(try StartDate.resolve(nil, now: now) == now)
    }

    @Test func datesAreThoseOfTheTimeZone() async throws {
        let folder = Folder()
        for (alias, date, from, until) in [
            ("both", "2030/02/28 10:11:12", "Thu Feb 28 10:11:12 CET 2030", "Sat Mar 30 10:11:12 CET 2030"),
            // Validity is a number of days of 24 hours, whatever the clocks do.
            ("summer", "2030/03/30 10:11:12", "Sat Mar 30 10:11:12 CET 2030", "Mon Apr 29 11:11:12 CEST 2030"),
        ] {
            let berlin = ["TZ": "Europe/Berlin"]
            let made = try await Tool.serval.run(
                "-genkey -alias \(alias) -keyalg EC -dname CN=a -validity 30 -startdate '\(date)' -keystore s -storepass changeit",
                in: folder,
                environment: berlin
            )
            #expect(made.status == 0)
            let list = try await Tool.serval.run("-list -v -alias \(alias) -keystore s -storepass changeit", in: folder, environment: berlin)
            #expect(list.output.contains("Valid from: \(from) until: \(until)\n"))
        }
    }
}
