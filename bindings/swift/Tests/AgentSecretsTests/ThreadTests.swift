import AgentSecrets
import AgentSecretsTesting
import Testing

@Suite struct Threads {
    @Test func sixteenTasksShareOneClient() async throws {
        let client = try await Client.member(of: nil, label: "laptop")
        for number in 0..<16 { try await client.set("NAME_\(number)", to: "fake-\(number)") }
        let secrets = try await client.secrets()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<16 {
                group.addTask { try await work(client, secrets, number) }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 16 * 20)
        #expect(try await client.secrets().count == 16)
    }

    @Test func sixteenTasksShareOneHandleAndOneRedactor() async throws {
        let secrets = try Secrets.ofValues(
            ["KEY": Secret("fake-4711")], policies: ["KEY": SecretPolicy(.useOnly, sign: true)])
        let (handle, redactor) = (try secrets.handle("KEY").attenuate(uses: 16 * 20), try Redactor(secrets))
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let right = try (0..<20).filter { round in
                        let same = redactor.redact("\(round) fake-4711") == "\(round) [redacted KEY]"
                        return try handle.sign("message").bytes.count == 32 && same && handle.usesLeft != nil
                    }
                    return right.count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(try sum == 16 * 20 && handle.usesLeft == 0)
    }
}

private func work(_ client: Client, _ secrets: Secrets, _ number: Int) async throws -> Int {
    var right = 0
    for round in 0..<20 {
        let value = try secrets["NAME_\((number + round) % 16)"]
        let same = try await client.secrets()["NAME_\(number)"] == Secret("fake-\(number)")
        let length = value.withRevealedBytes { $0.count }
        if round % 10 == 0 { try await client.set("NAME_\(number)", to: "fake-\(number)") }
        if same && length >= 6 && client.recipient.count > 40 { right += 1 }
    }
    return right
}
