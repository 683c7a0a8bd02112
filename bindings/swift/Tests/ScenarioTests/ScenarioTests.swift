import Foundation
import XCTest

/// The transcripts that the model wrote, played through Swift, byte for byte.
final class ScenarioTests: XCTestCase {
    private static let folder = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { place, _ in
        place.deletingLastPathComponent()
    }.deletingLastPathComponent().appendingPathComponent("conformance/scenarios")

    private func scenarios() throws -> [(name: String, text: String)] {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
        let played = files.filter { $0.pathExtension == "txt" }.sorted { $0.path < $1.path }
        return try played.map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8)) }
    }

    func testEveryScenarioGoesAsItIsWritten() throws {
        let all = try scenarios()
        XCTAssertGreaterThanOrEqual(all.count, 52)
        for (name, text) in all {
            XCTAssertEqual(try Player(text).differences, [], name)
        }
        print("\(all.count) scenarios played")
    }

    func testABentTranscriptIsNoticed() throws {
        let text = try XCTUnwrap(try scenarios().first { $0.name == "push-on-relay.txt" }).text
        let place = try XCTUnwrap(text.range(of: " = STORE "))
        let digit = text.index(place.upperBound, offsetBy: 150)
        let other = text[digit] == "0" ? "1" : "0"
        let bent = text.replacingCharacters(in: digit...digit, with: other)
        XCTAssertEqual(try Player(bent).differences.count, 1)
    }
}
