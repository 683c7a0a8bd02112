import Foundation
package import AgentSecretsNative

/// Private half and public half of a device, agent or job.
public final class Identity: Sendable {
    package let native: NativeIdentity

    /// Who it stands for.
    public enum Kind: String, Sendable {
        /// A device of a person.
        case human
        /// An agent.
        case agent
        /// A job.
        case ci
        /// Words on paper.
        case recovery
    }

    /// A fresh one.
    ///
    /// - Throws: `internal` where the system gives no random bytes.
    public init(generating kind: Kind) throws {
        native = try translated { try NativeIdentity.generate(kind: kind.rawValue) }
    }

    /// From its identity string.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)``; the string is not repeated.
    public init(parsing string: Secret) throws {
        native = try translated { try NativeIdentity.parse(string: string.native) }
    }

    /// Its identity string.
    public var string: Secret { Secret(native.string()) }
    /// Its recipient string, which is public.
    public var recipient: String { native.recipient() }
    /// Its fingerprint.
    public var fingerprint: String { native.fingerprint() }

    /// Opens a sealed box.
    ///
    /// - Throws: ``AgentSecretsError/openFailed(_:)``.
    public func unseal(_ sealed: Data) throws -> Secret {
        Secret(try translated { try native.open(sealed: sealed) })
    }

    /// Opens many; for each its message, or why not.
    public func unsealMany(_ sealed: [Data]) -> [Result<Secret, AgentSecretsError>] {
        native.openMany(sealed: sealed).map(verdict)
    }
}

extension Identity: CustomStringConvertible, CustomReflectable {
    /// The fingerprint alone.
    public var description: String { "Identity(\(fingerprint))" }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

func verdict(_ opened: Opened) -> Result<Secret, AgentSecretsError> {
    switch opened {
    case .message(let message): .success(Secret(message))
    case .refused(let code, let cause, let hint):
        .failure(
            .of(
                .init(
                    code: ErrorCode(rawValue: code), message: cause, hint: hint, retryable: false, retryAfter: nil)))
    }
}
