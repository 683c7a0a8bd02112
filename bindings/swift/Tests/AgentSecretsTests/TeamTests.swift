import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

@Suite struct Team {
    @Test func twoMembersShareThroughARelay() async throws {
        let relay = try MemoryRelay()
        let founder = try await Client.member(of: relay, label: "laptop")
        try await founder.set("URL", to: "fake-1")
        #expect(try await founder.push() == 1)
        let writer = try await Client.member(of: relay, label: "phone", founder: founder)
        #expect(try await writer.secrets()["URL"] == Secret("fake-1"))
        try await writer.set("URL", to: "fake-2")
        #expect(try await writer.drift().inSync == false)
        try await writer.push()
        #expect(try await founder.sync().pulled.contains { $0.updated == ["URL"] })
        #expect(try await founder.secrets()["URL"] == Secret("fake-2"))
        #expect(try await founder.history("URL").count == 2)
        #expect(try await founder.list().map(\.name) == ["URL"])
        try await founder.delete("URL")
        try await founder.push()
        try await writer.pull()
        #expect(try await writer.secrets().count == 0)
    }

    @Test func rolesScopesAndEndings() async throws {
        let relay = try MemoryRelay()
        let founder = try await Client.member(of: relay, label: "laptop")
        let reader = try await Client.member(of: relay, label: "phone", founder: founder, role: .reader)
        await #expect(throws: AgentSecretsError.self) { try await reader.workspace.createEnvironment("test") }
        try await founder.workspace.setRole(of: "phone", to: .admin)
        try await founder.workspace.setScope(of: "phone", to: ["development"])
        try await founder.workspace.setScope(of: "phone", to: [])
        _ = try await reader.workspace.follow()
        try await reader.workspace.createEnvironment("test")
        try await reader.workspace.renameEnvironment("test", to: "trial")
        #expect(try await reader.driftBetween("development", and: "trial").inSync)
        try await reader.workspace.archiveEnvironment("trial")
        #expect(try await reader.workspace.environments().contains { $0.name == "trial" && $0.archived })
        try await reader.workspace.rekey()
        try await founder.sync()
        try await founder.workspace.confirm("phone")
        #expect(try await founder.workspace.team().contains { $0.member == "phone" })
        #expect(try await founder.workspace.members().filter(\.active).map(\.label).sorted() == ["laptop", "phone"])
        #expect(try await founder.workspace.safetyNumber(with: "phone").filter(\.isNumber).count == 60)
        try await reader.workspace.leave()
        try await founder.sync()
        await #expect(throws: AgentSecretsError.self) { try await founder.workspace.setRole(of: "phone", to: .reader) }
    }

    @Test func invitationsAndRecipients() async throws {
        let relay = try MemoryRelay()
        let founder = try await Client.member(of: relay, label: "laptop")
        _ = try await founder.workspace.invite(.reader)
        let open = try await founder.workspace.invitations()
        #expect(open.map(\.role) == ["reader"])
        try await founder.workspace.uninvite(open[0].id)
        #expect(try await founder.workspace.invitations() == [])
        let job = try Identity(generating: .ci)
        #expect(try await founder.workspace.admitRecipient(job.recipient, label: "job") == "job")
        try await founder.workspace.remove("job", reason: .lostDevice, device: true)
        #expect(try await founder.workspace.exposure() == [])
    }

    @Test func whatARemovedMemberCouldReadIsListed() async throws {
        let relay = try MemoryRelay()
        let founder = try await Client.member(of: relay, label: "laptop")
        try await founder.set("URL", to: "fake-1")
        try await founder.push()
        _ = try await Client.member(of: relay, label: "phone", founder: founder)
        try await founder.workspace.remove("phone", reason: .compromised)
        let rows = try await founder.workspace.exposure(of: "phone")
        #expect(rows.map(\.name) == ["URL"] && rows.allSatisfy { $0.needsRotation && $0.versions == [1] })
        #expect(try await founder.workspace.exposure().first?.readers == ["phone"])
    }

    @Test func theLogIsExportedAndVerified() async throws {
        let client = try await Client.member(of: nil, label: "laptop")
        try await client.workspace.setPolicy(fresh: .seconds(3600), stale: .blocksPush)
        #expect(try await client.workspace.policy() == Policy(reading: 3600, .blocksPush))
        let (log, head) = (try await client.workspace.export(), try await client.workspace.head())
        #expect(try Workspace.verify(log: log, head: head).head == head)
        #expect(try await client.workspace.status().head == head)
        #expect(try await client.workspace.status().workspace == client.workspace.id)
        #expect(try await client.workspace.headWords().split(separator: " ").count == 8)
        #expect(try await client.workspace.audit().last?.author == "laptop")
        #expect(throws: AgentSecretsError.self) { try Workspace.verify(log: String(log.dropLast(80)), head: head) }
        await #expect(throws: AgentSecretsError.self) { try await client.workspace.adopt(head: "rubbish") }
        let relay = try MemoryRelay()
        try await client.workspace.connect(relay: relay.url)
        #expect(try await client.workspace.repush() == 0)
        #expect(client.recipient.count > 40)
    }

    @Test func changesArriveWithTheirValues() async throws {
        let relay = try MemoryRelay()
        let founder = try await Client.member(of: relay, label: "laptop")
        try await founder.set("URL", to: "fake-1")
        try await founder.push()
        let writer = try await Client.member(of: relay, label: "phone", founder: founder)
        let secrets = try await founder.secrets()
        let pushing = Task {
            try await Task.sleep(for: .milliseconds(300))
            try await writer.set("URL", to: "fake-2")
            try await writer.set("NEW", to: "fake-3")
            try await writer.push()
        }
        var seen: Set<String> = [], last = secrets
        for try await change in secrets.changes {
            seen.formUnion(change.updated)
            last = change.secrets
            if seen == ["URL", "NEW"] { break }
        }
        try await pushing.value
        #expect(try last["URL"] == Secret("fake-2") && last["NEW"] == Secret("fake-3"))
        #expect(try secrets["URL"] == Secret("fake-1"))
        #expect(try await secrets.refreshed()["URL"] == Secret("fake-2"))
    }

    @Test func aLoopOverChangesEndsWithItsTask() async throws {
        let client = try await Client.member(of: nil, label: "laptop")
        try await client.set("URL", to: "fake-1")
        let secrets = try await client.secrets()
        let loop = Task {
            var count = 0
            for try await _ in secrets.changes { count += 1 }
            return count
        }
        try await Task.sleep(for: .milliseconds(200))
        loop.cancel()
        #expect(try await loop.value == 0)
    }
}

extension Policy {
    init(reading seconds: UInt64, _ stale: Workspace.Staleness) throws {
        let text = #"{"freshSeconds": \#(seconds), "stale": "\#(stale.rawValue)"}"#
        self = try JSONDecoder().decode(Policy.self, from: Data(text.utf8))
    }
}
