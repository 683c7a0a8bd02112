import Foundation
package import AgentSecretsNative

/// The values of one environment by name, as they were when they were loaded. ``changes`` tells of newer ones.
public struct Secrets: Sendable {
    package let native: NativeSecrets
    package let origin: Origin

    /// How values were loaded, to load them again.
    package enum Origin: Sendable {
        case loaded(environment: String, config: Config?)
        case client(NativeClient, environment: String)
        case given
    }

    package init(_ native: NativeSecrets, _ origin: Origin) {
        (self.native, self.origin) = (native, origin)
    }

    /// The values of the configured environment, from the vault; no network where it is warm.
    ///
    /// - Parameters:
    ///   - environment: label; none is the configured one
    ///   - require: names that must be there
    ///   - maxAge: syncs first where the last sync is longer ago
    ///   - offline: never touches the network, whatever the age
    ///   - config: none is ``Config/discover()``
    /// - Throws: ``AgentSecretsError/missingSecrets(names:_:)`` with all names; ``AgentSecretsError/noIdentity(_:)``,
    ///   ``AgentSecretsError/noWorkspace(_:)``; those of vault and relay.
    public static func load(
        environment: String? = nil, require: [String] = [], maxAge: Duration? = nil, offline: Bool = false,
        config: Config? = nil
    ) throws -> Secrets {
        let label = environment ?? ""
        let age = try maxAge.map(milliseconds)
        let native = try translated {
            try AgentSecretsNative.load(
                config: config?.native, environment: label, require: require, maxAgeMs: age, offline: offline)
        }
        return Secrets(native, .loaded(environment: label, config: config))
    }

    /// As the other `load`, without blocking the calling thread.
    public static func load(
        environment: String? = nil, require: [String] = [], maxAge: Duration? = nil, offline: Bool = false,
        config: Config? = nil
    ) async throws -> Secrets {
        try await blocking {
            try load(environment: environment, require: require, maxAge: maxAge, offline: offline, config: config)
        }
    }

    /// A value.
    ///
    /// - Throws: ``AgentSecretsError/unknownSecret(_:)``; the name is not repeated: it may be a value in the wrong place;
    ///   ``AgentSecretsError/readForbidden(_:)`` where it may only be used: see ``handle(_:)``.
    public subscript(name: String) -> Secret {
        get throws { try translated { Secret(try native.get(name: name)) } }
    }

    /// Names in sorted order, of what may be read.
    public var names: [String] { native.names() }
    /// How many there are.
    public var count: Int { Int(native.count()) }
    /// Label of the environment.
    public var environment: String { native.environment() }
    /// Number of the log entry up to which the environment was pulled.
    public var version: UInt64 { native.version() }
    /// When the environment was pulled last.
    public var syncedAt: Date { Date(timeIntervalSince1970: Double(native.syncedAt()) / 1000) }

    /// Syncs, and returns the values as they are then.
    ///
    /// - Throws: those of relay and vault.
    public func refreshed() async throws -> Secrets {
        try await blocking { [origin] in
            switch origin {
            case .loaded(let environment, let config):
                return try Secrets.load(environment: environment, maxAge: .zero, config: config)
            case .client(let client, let environment):
                try client.pull(environment: environment, theirs: false)
                return Secrets(try client.secrets(environment: environment), origin)
            case .given:
                return self
            }
        }
    }
}

extension Secrets: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Environment and number.
    public var description: String { "Secrets(\(environment), \(count) values, redacted)" }
    /// Environment and number.
    public var debugDescription: String { description }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// A time as the native half takes it; a negative one is refused.
func milliseconds(_ time: Duration) throws -> UInt64 {
    let (seconds, attoseconds) = time.components
    guard seconds >= 0, attoseconds >= 0, seconds < 1 << 50 else {
        throw AgentSecretsError(.invalidArgument, "a time is not negative")
    }
    return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
}
