import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

@Suite struct Commands {
    private let secrets: Secrets

    init() throws {
        let policies = ["API_KEY": SecretPolicy(.useOnly), "TOKEN": SecretPolicy(.useOnly, environment: true)]
        let values = ["API_KEY": "not-a-real-key-4711", "TOKEN": "fake-token", "PORT": "3000", "ZERO": "a\0b"]
        secrets = try Secrets.ofValues(values.mapValues { Secret($0) }, policies: policies)
    }

    private func shell(_ script: String, only: [String] = []) throws -> Child {
        try secrets.spawn(["sh", "-c", script], only: only)
    }

    @Test func aCommandGetsTheNamesThatWereChosen() async throws {
        let script = #"[ "$PORT" = 3000 ] && [ "$TOKEN" = fake-token ] && [ -z "$API_KEY" ] && exit 7"#
        let child = try shell(script, only: ["PORT", "TOKEN"])
        #expect(child.pid > 0 && "\(child)" == "Child(\(child.pid))")
        #expect(try await child.wait() == 7)
        #expect(try await child.wait(upTo: .zero) == 7)
        try child.kill()
        #expect(try await shell(#"[ -z "$PORT$TOKEN$API_KEY" ]"#).wait() == 0)
    }

    @Test func whatMayOnlyBeUsedIsGivenToNoCommand() async throws {
        #expect(try await code { _ = try shell("exit 0", only: ["PORT", "API_KEY"]) } == .readForbidden)
        #expect(try await code { _ = try shell("exit 0", only: ["NOTHING"]) } == .unknownSecret)
        #expect(try await code { _ = try shell("exit 0", only: ["ZERO"]) } == .notAnEnvironmentValue)
        #expect(try await code { _ = try secrets.spawn([], only: []) } == .invalidArgument)
        #expect(try await code { _ = try secrets.spawn(["/nowhere/no-command"], only: []) } == .invalidArgument)
    }

    @Test func aCommandIsWaitedForAndEnded() async throws {
        let child = try shell("exec sleep 600")
        #expect(try await child.wait(upTo: .milliseconds(20)) == nil)
        let waiting = Task { try await child.wait() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(try await child.wait(upTo: .zero) == nil)
        try child.kill()
        #expect(try await child.wait() == 128 + 9)
    }
}
