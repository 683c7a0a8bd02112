import Foundation
internal import AgentSecretsNative

/// Anonymous public-key encryption to one recipient, byte for byte that of libsodium's `crypto_box_seal`.
public enum SealedBox {
    /// Seals a message to a recipient string; the box is 48 bytes longer.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for a damaged recipient string.
    public static func seal(_ message: Secret, to recipient: String) throws -> Data {
        try translated { try AgentSecretsNative.seal(recipient: recipient, message: message.native) }
    }

    /// Seals each message to one recipient string.
    ///
    /// - Throws: as for one.
    public static func sealMany(_ messages: [Secret], to recipient: String) throws -> [Data] {
        try translated { try AgentSecretsNative.sealMany(recipient: recipient, messages: messages.map(\.native)) }
    }
}

/// A bare X25519 pair, as libsodium and NaCl have it.
public struct KeyPair: Sendable {
    /// Public half, 32 bytes.
    public let publicKey: Data
    /// Secret half, 32 bytes.
    public let secretKey: Secret

    /// A fresh one.
    ///
    /// - Throws: `internal` where the system gives no random bytes.
    public init() throws {
        let keys = try translated { try generateKeys() }
        (publicKey, secretKey) = (keys.publicKey, Secret(keys.secretKey))
    }

    /// From the secret half of 32 bytes.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for another size.
    public init(secretKey: Secret) throws {
        publicKey = try translated { try AgentSecretsNative.publicKey(secretKey: secretKey.native) }
        self.secretKey = secretKey
    }

    /// Seals a message to an X25519 public key of 32 bytes.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for another size and for a weak key.
    public static func seal(_ message: Secret, to publicKey: Data) throws -> Data {
        try translated { try sealToKey(publicKey: publicKey, message: message.native) }
    }

    /// Seals each message to one public key.
    ///
    /// - Throws: as for one.
    public static func sealMany(_ messages: [Secret], to publicKey: Data) throws -> [Data] {
        try translated { try sealManyToKey(publicKey: publicKey, messages: messages.map(\.native)) }
    }

    /// Opens a sealed box.
    ///
    /// - Throws: ``AgentSecretsError/openFailed(_:)``.
    public func unseal(_ sealed: Data) throws -> Secret {
        Secret(try translated { try openWithKey(secretKey: secretKey.native, sealed: sealed) })
    }

    /// Opens many; for each its message, or why not.
    public func unsealMany(_ sealed: [Data]) throws -> [Result<Secret, AgentSecretsError>] {
        try translated { try openManyWithKey(secretKey: secretKey.native, sealed: sealed) }.map(verdict)
    }
}
