import Foundation
package import AgentSecretsNative

/// A device's client: its vault, its identity, its workspace. Any task may use it.
///
/// Arguments `environment` take a label; none is the configured one. Calls read the vault and, where they say so, the relay,
/// on a thread that is none of Swift's concurrency. A call whose task is cancelled before it begins does not begin; one
/// that has begun runs to its end, so that vault and relay agree. ``Machine`` can be cancelled in the middle.
public final class Client: Sendable {
    package let native: NativeClient

    package init(_ native: NativeClient) {
        self.native = native
    }

    /// Opens what the configuration says; none is ``Config/discover()``.
    ///
    /// - Throws: ``AgentSecretsError/noIdentity(_:)``, those of the vault.
    public static func open(_ config: Config? = nil) async throws -> Client {
        Client(try await blocking { try NativeClient.open(config: config?.native) })
    }

    /// This device's recipient string, which is public.
    public var recipient: String { native.recipient() }

    /// The workspace: who is in it, and its log.
    public var workspace: Workspace { Workspace(native) }

    /// Begins a workspace, local without a relay.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)``, those of relay and vault.
    public func create(name: String, label: String, relay: String? = nil) async throws -> Workspace {
        _ = try await blocking { [native] in try native.create(name: name, label: label, relay: relay ?? "") }
        return workspace
    }

    /// Answers an invitation.
    ///
    /// - Throws: ``AgentSecretsError/invitation(_:)``, those of relay and vault.
    public func join(_ code: Secret, label: String) async throws -> Workspace {
        _ = try await blocking { [native] in try native.join(code: code.native, label: label) }
        return workspace
    }

    /// Follows the log, pulls everything in scope, admits and shares; says what it did. An environment that could not be
    /// pulled stays as it was.
    ///
    /// - Throws: those of relay and vault.
    @discardableResult
    public func sync() async throws -> Synced {
        try rows(try await blocking { [native] in try native.sync() })
    }

    /// Brings one environment up to the log, as a whole or not at all; with `theirs`, changes here that clash are given up.
    ///
    /// - Throws: ``AgentSecretsError/conflict(_:)``, those of relay and vault.
    public func pull(environment: String? = nil, theirs: Bool = false) async throws {
        try await blocking { [native] in try native.pull(environment: environment ?? "", theirs: theirs) }
    }

    /// Pushes what was set and deleted here; how many names. With `mine`, this wins over somebody else's.
    ///
    /// - Throws: ``AgentSecretsError/conflict(_:)``, ``AgentSecretsError/forbidden(_:)``, those of relay and vault.
    @discardableResult
    public func push(environment: String? = nil, mine: Bool = false) async throws -> Int {
        Int(try await blocking { [native] in try native.push(environment: environment ?? "", mine: mine) })
    }

    /// Sets a value in the vault, to be pushed: at most 65,536 bytes.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)``, ``AgentSecretsError/forbidden(_:)``.
    public func set(_ name: String, to value: Secret, environment: String? = nil) async throws {
        try await blocking { [native] in
            try native.set(environment: environment ?? "", name: name, value: value.native)
        }
    }

    /// Sets a text in the vault, to be pushed.
    ///
    /// - Throws: as the other `set`.
    public func set(_ name: String, to value: String, environment: String? = nil) async throws {
        try await set(name, to: Secret(value), environment: environment)
    }

    /// Deletes a value in the vault, to be pushed.
    ///
    /// - Throws: ``AgentSecretsError/unknownSecret(_:)``, ``AgentSecretsError/forbidden(_:)``.
    public func delete(_ name: String, environment: String? = nil) async throws {
        try await blocking { [native] in try native.delete(environment: environment ?? "", name: name) }
    }

    /// The values of an environment, as the vault holds them; pulled first where it holds none yet.
    ///
    /// - Throws: ``AgentSecretsError/noWorkspace(_:)``; on first use those of ``pull(environment:theirs:)``.
    public func secrets(environment: String? = nil) async throws -> Secrets {
        let (native, label) = (native, environment ?? "")
        let values = try await blocking { try native.secrets(environment: label) }
        return Secrets(values, .client(native, environment: label))
    }

    /// What the vault holds of an environment, without values.
    public func list(environment: String? = nil) async throws -> [SecretRow] {
        try rows(try await blocking { [native] in try native.list(environment: environment ?? "") })
    }

    /// The vault against the log that it knows.
    public func drift(environment: String? = nil) async throws -> DriftReport {
        try rows(try await blocking { [native] in try native.drift(environment: environment ?? "") })
    }

    /// One environment against another.
    public func driftBetween(_ one: String, and other: String) async throws -> DriftReport {
        try rows(try await blocking { [native] in try native.driftBetween(a: one, b: other) })
    }

    /// Versions of a name, without values.
    ///
    /// - Throws: ``AgentSecretsError/unknownSecret(_:)``.
    public func history(_ name: String, environment: String? = nil) async throws -> [VersionRow] {
        try rows(try await blocking { [native] in try native.history(environment: environment ?? "", name: name) })
    }

    /// A secret's policy; none where whoever holds the secret may read it, except agents.
    ///
    /// - Throws: ``AgentSecretsError/unknownSecret(_:)``; `unknown_environment`; `malformed_policy` where it is of a newer kind.
    public func secretPolicy(of name: String, environment: String? = nil) async throws -> SecretPolicy? {
        let text = try await blocking { [native] in
            try native.secretPolicy(environment: environment ?? "", name: name)
        }
        return text == "null" ? nil : try parsed(text)
    }

    /// Sets a secret's policy, at once and for everybody; none takes it away. Admins alone.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for a policy that is none; ``AgentSecretsError/unknownSecret(_:)``;
    ///   ``AgentSecretsError/conflict(_:)`` where the secret has a change that was not pushed;
    ///   ``AgentSecretsError/forbidden(_:)``; those of relay and vault.
    public func setSecretPolicy(of name: String, to policy: SecretPolicy?, environment: String? = nil) async throws {
        let text = try policy?.json ?? "null"
        try await blocking { [native] in
            try native.setSecretPolicy(environment: environment ?? "", name: name, policy: text)
        }
    }
}

/// A listing of the native half as rows.
func rows<Rows: Decodable>(_ listing: String) throws -> Rows {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try parsed(listing, by: decoder)
}

/// What the native half says in JSON.
func parsed<Parsed: Decodable>(_ text: String, by decoder: JSONDecoder = JSONDecoder()) throws -> Parsed {
    do {
        return try decoder.decode(Parsed.self, from: Data(text.utf8))
    } catch {
        throw AgentSecretsError(.internal, "a listing has another shape than this version knows")
    }
}
