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
