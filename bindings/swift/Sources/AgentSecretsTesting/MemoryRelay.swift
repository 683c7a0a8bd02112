public import AgentSecrets
import AgentSecretsNative

/// The reference relay over memory, on a free port of this machine, for tests of programs. It forgets everything with its last
/// reference.
public final class MemoryRelay: Sendable {
    private let native: NativeRelay

    /// Starts it.
    ///
    /// - Throws: `internal` where the system gives no port or no thread.
    public init() throws {
        do {
            native = try NativeRelay.start()
        } catch {
            throw AgentSecretsError(.internal, "no port or thread for a relay")
        }
    }

    /// Where it listens.
    public var url: String { native.url() }

    /// Ends it; nothing where it has ended.
    public func stop() {
        native.stop()
    }
}

extension Secrets {
    /// Values by hand, for tests of programs.
    public static func ofValues(_ values: [String: Secret]) -> Secrets {
        let named = values.map { NamedSecret(name: $0.key, value: $0.value.native) }
        return Secrets(NativeSecrets.ofValues(values: named), .given)
    }

    /// Values by hand, of which some have a policy, for tests of programs.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for what is no name or no policy, and for a policy without a value.
    public static func ofValues(_ values: [String: Secret], policies: [String: SecretPolicy]) throws -> Secrets {
        let named = values.map { NamedSecret(name: $0.key, value: $0.value.native) }
        let policies = try policies.mapValues { try $0.json }
        return Secrets(try translated { try NativeSecrets.underPolicies(values: named, policies: policies) }, .given)
    }
}

extension Client {
    /// A client over a vault in memory, with a fresh identity: the founder of a workspace, or admitted to that of `founder`.
    ///
    /// - Throws: those of relay and vault.
    public static func member(
        of relay: MemoryRelay?, label: String, founder: Client? = nil, role: Workspace.Role = .writer
    ) async throws -> Client {
        let identity = try Identity(generating: .human)
        let client = try await Client.open(try Config(vault: "memory", identity: identity.string))
        guard let founder else {
            _ = try await client.create(name: "test", label: label, relay: relay?.url)
            return client
        }
        _ = try await client.join(try await founder.workspace.invite(role), label: label)
        try await founder.workspace.admit()
        try await client.sync()
        return client
    }
}
