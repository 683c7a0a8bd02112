import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

private let key = "not-a-real-key-4711"

/// One attempt of `conformance/agents/requests.json`.
private struct Attempt: Decodable, Sendable {
    struct Narrowing: Decodable, Sendable {
        let methods: [SecretPolicy.Method]?, paths: [String]?, ttl: Int?, uses: Int?
    }

    let number: Int, url: String, expected: String
    let method: String?, headers: [[String]]?, body: String?, place: String?
    let host: String?, places: [SecretPolicy.Place]?, secret: String?, policy: Bool?
    let narrow: Narrowing?, then: Narrowing?, times: Int?
    let answer: String?, drip: Bool?, status: UInt16?
    let resolve: [String]?, later: Int?

    /// Needs another resolver or another clock than Swift's callers have; the core plays those.
    var isForTheCore: Bool { resolve != nil && ["address_forbidden", "sent"].contains(expected) || later != nil }

    func server() throws -> LocalServer {
        // A redirect that names its own port does so to the same port over another scheme.
        let text = (answer ?? answered("ok")).replacingOccurrences(of: "{port}", with: "443")
        guard drip == true, let end = text.range(of: "\r\n\r\n")?.upperBound else {
            return try LocalServer { asked in AnySequence([filled(text, asked)]) }
        }
        let pieces = [String(text[..<end])] + text[end...].map(String.init)
        return try LocalServer { _ in
            AnySequence(pieces.lazy.map { piece in
                Thread.sleep(forTimeInterval: 0.4)
                return piece
            })
        }
    }

    func handle(_ server: LocalServer) throws -> Handle {
        let rule = SecretPolicy.Rule(
            .http, host: host ?? "127.0.0.1", port: server.port, methods: [.get, .post], paths: ["/v1/**"],
            places: places ?? [.bearer], responseLimit: 4096)
        let policies = policy == false ? [:] : ["API_KEY": SecretPolicy(.useOnly, rules: [rule])]
        let handle = try Secrets.ofValues(["API_KEY": Secret(secret ?? key)], policies: policies).handle("API_KEY")
        return try [narrow, then].compactMap { $0 }.reduce(handle) { handle, wanted in
            let ttl = wanted.ttl.map { Duration.seconds($0) }
            return try handle.attenuate(methods: wanted.methods, paths: wanted.paths, ttl: ttl, uses: wanted.uses)
        }
    }

    func made(at server: LocalServer) async throws -> Answer {
        let handle = try handle(server)
        // What is no method of a policy cannot be written in Swift.
        guard let method = SecretPolicy.Method(rawValue: method ?? "GET") else { throw AgentSecretsError(.invalidRequest, "") }
        let headers = Dictionary(uniqueKeysWithValues: (headers ?? []).map { ($0[0], $0[1]) })
        let place = place.map(SecretPolicy.Place.init(rawValue:))
        let url = filled(url.replacingOccurrences(of: "{origin}", with: server.url), server)
        for _ in 1..<(times ?? 1) {
            _ = try await handle.request(method, url)
        }
        return try await handle.request(
            method, url, headers: headers, body: Data((body ?? "").utf8), place: place,
            timeout: drip == true ? .milliseconds(700) : .seconds(60))
    }

    func outcome(_ answer: Answer) -> String {
        let shown = "\(answer.headers)\(answer.text)"
        if shown.contains("4711") || shown.contains("NDcxM") || answer.status != status ?? 200 { return "leaked" }
        if expected == "no_cookie", !shown.lowercased().contains("cookie") { return "no_cookie" }
        return answer.redactions == 0 ? "sent" : "redacted"
    }
}

private func filled(_ text: String, _ server: LocalServer) -> String {
    text.replacingOccurrences(of: "{port}", with: String(server.port))
}

private func filled(_ text: String, _ asked: Asked) -> String {
    text.replacingOccurrences(of: "{{authorization}}", with: asked.header("authorization"))
        .replacingOccurrences(of: "{{target}}", with: asked.target)
}

/// Codes of refusals before anything is sent.
private let before = [
    "use_forbidden", "invalid_request", "address_forbidden", "not_injectable", "secret_too_short", "lease_wider", "lease_over",
]

@Suite struct Attacks {
    @Test func everyAttemptOfTheCorpusEndsAsItSays() async throws {
        let file = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }
            .appendingPathComponent("conformance/agents/requests.json")
        let corpus = try JSONDecoder().decode([Attempt].self, from: Data(contentsOf: file))
        let played = corpus.filter { !$0.isForTheCore }
        for attempt in played {
            let server = try attempt.server()
            var found = ""
            do {
                found = attempt.outcome(try await attempt.made(at: server))
            } catch let error as AgentSecretsError {
                found = error.code.word
                #expect(!"\(error)\(String(reflecting: error))".contains("4711"), "\(attempt.number)")
            }
            let same = found == attempt.expected || attempt.expected == "sent" && found == "redacted"
            #expect(same, "\(attempt.number): expected \(attempt.expected), found \(found)")
            let sent = before.contains(attempt.expected) ? (attempt.times ?? 1) - 1 : nil
            #expect(sent == nil || server.heard.count == sent, "\(attempt.number): \(server.heard.count) requests were sent")
        }
        #expect(corpus.count >= 116 && played.count >= 97)
        print("\(played.count) of \(corpus.count) attempts played")
    }
}
