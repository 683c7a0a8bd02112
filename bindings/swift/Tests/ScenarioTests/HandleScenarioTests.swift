import Foundation
import Testing

private let folder = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }
    .appendingPathComponent("conformance/handles")
/// Of the server that repeats keys, which `bindings/swift/check.py` starts where there are scenarios of handles.
private let port = ProcessInfo.processInfo.environment["AGENTSECRETS_HANDLES_PORT"]

@Suite(.enabled(if: port != nil)) struct HandleScenarios {
    private func scenario(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    @Test func everyScenarioOfHandlesGoesAsItIsWritten() async throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".txt") }.sorted()
        var unwritable = 0
        for name in names {
            let played = try await HandlePlayer(scenario(name), port: port ?? "")
            #expect(played.differences == [], "\(name)")
            unwritable += played.unwritable
        }
        print("\(names.count) scenarios of handles played, \(unwritable) lines that Swift's types refuse")
    }

    @Test func aBentLineIsNoticed() async throws {
        let bent = try scenario("echoes.txt").replacingOccurrences(of: "/v1/raw - - - = 0 200 1 ", with: "/v1/raw - - - = 0 200 2 ")
        #expect(try await HandlePlayer(bent, port: port ?? "").differences.count == 1)
    }
}
