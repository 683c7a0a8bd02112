package import AgentSecretsNative

/// Where an identity, a vault and a workspace are found.
public final class Config: Sendable {
    package let native: NativeConfig

    /// Settings by hand; what is not given is not set.
    ///
    /// - Parameters:
    ///   - vault: `keychain`, `file` or `memory`
    ///   - vaultKeyFile: path of a file of 32 bytes
    ///   - vaultPassphraseFile: path of a file with a passphrase
    ///   - home: folder of a file vault
    ///   - identity: an identity string, for a vault that holds none
    ///   - environment: label
    ///   - workspace: 64 hexadecimal digits
    ///   - relay: address
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)``; the value is not repeated.
    public init(
        vault: String? = nil, vaultKeyFile: String? = nil, vaultPassphraseFile: String? = nil, home: String? = nil,
        identity: Secret? = nil, environment: String? = nil, workspace: String? = nil, relay: String? = nil
    ) throws {
        native = NativeConfig.empty()
        let texts = [
            ("vault", vault), ("vault_key_file", vaultKeyFile), ("vault_passphrase_file", vaultPassphraseFile),
            ("home", home), ("environment", environment), ("workspace", workspace), ("relay", relay),
        ]
        let settings = texts.map { ($0, $1.map { Secret($0) }) } + [("identity", identity)]
        for case (let key, let value?) in settings {
            try translated { try native.set(key: key, value: value.native) }
        }
    }

    private init(found: NativeConfig) {
        native = found
    }

    /// From `AGENTSECRETS_*` and the project file from the working folder upward.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)``; `project_file`.
    public static func discover() throws -> Config {
        Config(found: try translated { try NativeConfig.discover() })
    }

    /// Makes this device's identity in the vault, unless there is one; says whether it did.
    ///
    /// - Throws: ``AgentSecretsError/vault(_:)``, ``AgentSecretsError/keychain(_:)``.
    @discardableResult
    public func initialize(label: String) async throws -> Bool {
        try await blocking { [native] in try native.`init`(label: label) }
    }
}
