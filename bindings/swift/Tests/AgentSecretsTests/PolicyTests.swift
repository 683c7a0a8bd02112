import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

private let key = "not-a-real-key-4711"

@Suite struct Policies {
    @Test func aPolicyTravelsWithTheSecretAndIsSetByAdminsAlone() async throws {
        let relay = try MemoryRelay(), server = try LocalServer.echo()
        let founder = try await Client.member(of: relay, label: "laptop")
        try await founder.set("API_KEY", to: key)
        let set = policy(at: server, sign: true)
        #expect(try await code { try await founder.setSecretPolicy(of: "API_KEY", to: set) } == .conflict)
        try await founder.push()
        let writer = try await Client.member(of: relay, label: "phone", founder: founder)
        #expect(try await founder.secretPolicy(of: "API_KEY") == nil)
        #expect(try await writer.secrets()["API_KEY"] == Secret(key))
        try await founder.setSecretPolicy(of: "API_KEY", to: set)
        try await writer.sync()
        for member in [founder, writer] {
            #expect(try await member.secretPolicy(of: "API_KEY") == set)
            #expect(try await code { _ = try await member.secrets()["API_KEY"] } == .readForbidden)
            let handle = try await member.secrets().handle("API_KEY")
            #expect(try handle.policy == set)
            #expect(try await handle.request(.get, "\(server.url)/v1/a").text == "Bearer [redacted API_KEY]")
        }
        #expect(try await code { try await writer.setSecretPolicy(of: "API_KEY", to: nil) } == .forbidden)
        try await founder.setSecretPolicy(of: "API_KEY", to: nil)
        try await writer.sync()
        #expect(try await writer.secretPolicy(of: "API_KEY") == nil)
        #expect(try await writer.secrets()["API_KEY"] == Secret(key))
    }

    @Test func anAgentMayNotReadWhatHasNoPolicy() async throws {
        let relay = try MemoryRelay()
        let founder = try await Client.member(of: relay, label: "laptop")
        try await founder.set("API_KEY", to: key)
        try await founder.push()
        let identity = try Identity(generating: .agent)
        let agent = try await Client.open(try Config(vault: "memory", identity: identity.string))
        _ = try await agent.join(try await founder.workspace.invite(.reader), label: "assistant")
        try await founder.workspace.admit()
        try await agent.sync()
        let secrets = try await agent.secrets()
        #expect(secrets.names == [])
        #expect(try await code { _ = try secrets["API_KEY"] } == .readForbidden)
        #expect(try Redactor(secrets).redact("the key is \(key)") == "the key is [redacted API_KEY]")
    }

    @Test func unsoundPoliciesAndUnknownNamesAreRefused() async throws {
        let client = try await Client.member(of: nil, label: "laptop")
        try await client.set("API_KEY", to: key)
        try await client.push()
        func rule(host: String = "api.example", paths: [String] = ["/v1/**"], places: [SecretPolicy.Place] = [.bearer]) -> SecretPolicy {
            SecretPolicy(.useOnly, rules: [.init(host: host, methods: [.get], paths: paths, places: places)])
        }
        let unsound = [
            rule(host: "*.example"), rule(host: "user@api.example"), rule(paths: ["v1"]), rule(paths: ["/v1/../v2"]), rule(paths: []),
            rule(places: []), rule(places: [.header("host")]), rule(places: [.init(rawValue: key)]),
            SecretPolicy(.useOnly, rules: Array(repeating: rule().rules[0], count: 17)),
        ]
        for policy in unsound {
            #expect(try await code { try await client.setSecretPolicy(of: "API_KEY", to: policy) } == .malformedPolicy, "\(policy)")
            #expect(throws: AgentSecretsError.self) {
                try Secrets.ofValues(["API_KEY": Secret(key)], policies: ["API_KEY": policy])
            }
        }
        #expect(throws: AgentSecretsError.self) { try Secrets.ofValues([:], policies: ["API_KEY": rule()]) }
        #expect(try await code { try await client.setSecretPolicy(of: "NOTHING", to: rule()) } == .unknownSecret)
        #expect(try await code { _ = try await client.secretPolicy(of: "NOTHING") } == .unknownSecret)
        #expect(try await code { _ = try await client.secretPolicy(of: key) } == .invalidName)
        #expect(try await client.secretPolicy(of: "API_KEY") == nil)
    }

    @Test func aPolicyIsTheJSONOfItsSchema() async throws {
        let short = #"""
            {"access": "use-only", "rules": [{"host": "api.example", "methods": ["GET", "POST"], "paths": ["/v1/**"],
              "places": ["basic:bot", "header:authorization:Bot", "json:/a/key"]}]}
            """#
        let read = try JSONDecoder().decode(SecretPolicy.self, from: Data(short.utf8))
        let places: [SecretPolicy.Place] = [.basic(user: "bot"), .header("authorization", after: "Bot"), .json("/a/key")]
        let rule = SecretPolicy.Rule(host: "api.example", methods: [.get, .post], paths: ["/v1/**"], places: places)
        #expect(read == SecretPolicy(.useOnly, rules: [rule]))
        #expect(rule.port == 443 && SecretPolicy.Rule(.http, host: "a", methods: [], paths: [], places: []).port == 80)
        #expect(try JSONDecoder().decode(SecretPolicy.self, from: JSONEncoder().encode(read)) == read)
        // What the library makes of it, with what it fills in by itself, is the same.
        let client = try await Client.member(of: nil, label: "laptop")
        try await client.set("API_KEY", to: key)
        try await client.push()
        try await client.setSecretPolicy(of: "API_KEY", to: read)
        #expect(try await client.secretPolicy(of: "API_KEY") == read)
    }
}
