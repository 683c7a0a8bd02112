import Foundation
internal import AgentSecretsNative

/// A secret that may be used and not read, where its policy says so: what agents and their tools get.
///
/// In the program's own process it stops accidents, not code that looks into memory: for that, the value belongs into another
/// process (`agentsecrets broker`). Any task may use it.
public final class Handle: Sendable {
    private let native: NativeHandle

    fileprivate init(_ native: NativeHandle) {
        self.native = native
    }

    /// Name of the secret.
    public var name: String { native.name() }

    /// Its policy; none where it has none.
    public var policy: SecretPolicy? {
        get throws { try about().policy }
    }

    /// When it ends; none for never.
    public var until: Date? {
        get throws { try about().until.map { Date(timeIntervalSince1970: Double($0) / 1000) } }
    }

    /// Uses that are left; none for any number.
    public var usesLeft: Int? {
        get throws { try about().usesLeft.map(Int.init(clamping:)) }
    }

    private func about() throws -> About {
        try parsed(try translated { try native.about() })
    }

    /// A handle is not read.
    ///
    /// - Throws: ``AgentSecretsError/readForbidden(_:)``, always.
    public func reveal() throws -> Never {
        try translated { try native.reveal() }
        throw AgentSecretsError(.readForbidden, "a handle may be used and not read")
    }

    /// Sends a request with the secret in it, and waits for the whole answer. Whatever the status, it is an answer; a redirect
    /// is not followed. One use, also where it fails on the way.
    ///
    /// Cancelling the task ends the waiting at once. The request may arrive nevertheless.
    ///
    /// - Parameters:
    ///   - headers: by name; the secret's own is none of them
    ///   - place: where the secret stands; needed where the policy allows several places
    ///   - timeout: for the whole answer; two minutes unless given
    /// - Throws: before anything is sent ``AgentSecretsError/useForbidden(_:)``, ``AgentSecretsError/leaseOver(_:)``,
    ///   ``AgentSecretsError/invalidArgument(_:)``; then ``AgentSecretsError/upstream(_:)``, and
    ///   ``AgentSecretsError/useForbidden(_:)`` where the answer leads to another host; `CancellationError`.
    public func request(
        _ method: SecretPolicy.Method, _ url: String, headers: [String: String] = [:], body: Data = Data(),
        place: SecretPolicy.Place? = nil, timeout: Duration? = nil
    ) async throws -> Answer {
        let asking = NativeAsking(
            method: method.rawValue, url: url, headers: headers.map { NativeHeader(name: $0.key, value: $0.value) },
            body: body, place: place?.rawValue ?? "", timeoutMs: try timeout.map(milliseconds))
        return Answer(try await abandonable { [native] in try native.request(asking: asking) })
    }

    /// As the other `request`, with a value as JSON for its body.
    ///
    /// - Throws: as the other `request`; ``AgentSecretsError/invalidArgument(_:)`` for a value that JSON does not have.
    public func request(
        _ method: SecretPolicy.Method, _ url: String, headers: [String: String] = [:], json: some Encodable,
        place: SecretPolicy.Place? = nil, timeout: Duration? = nil
    ) async throws -> Answer {
        guard let body = try? JSONEncoder().encode(json) else {
            throw AgentSecretsError(.invalidArgument, "the body cannot be written as JSON")
        }
        var headers = headers
        if !headers.keys.contains(where: { $0.lowercased() == "content-type" }) {
            headers["content-type"] = "application/json"
        }
        return try await request(method, url, headers: headers, body: body, place: place, timeout: timeout)
    }

    /// A handle that allows less, for whoever needs less; its uses count against this one too. Needs no network.
    ///
    /// - Parameters:
    ///   - paths: patterns, as in a rule of a policy
    ///   - ttl: from now
    ///   - uses: from 1 on
    /// - Throws: ``AgentSecretsError/leaseWider(_:)`` where it would allow more in any respect;
    ///   ``AgentSecretsError/leaseOver(_:)``; ``AgentSecretsError/invalidArgument(_:)``.
    public func attenuate(
        methods: [SecretPolicy.Method]? = nil, paths: [String]? = nil, ttl: Duration? = nil, uses: Int? = nil
    ) throws -> Handle {
        let time = try ttl.map(milliseconds)
        let count = try uses.map { count in
            guard let count = UInt64(exactly: count) else {
                throw AgentSecretsError(.invalidArgument, "uses is a number from 1 on")
            }
            return count
        }
        return Handle(
            try translated {
                try native.attenuate(methods: methods?.map(\.rawValue), paths: paths, ttlMs: time, uses: count)
            })
    }

    /// HMAC-SHA256 of a message, as webhooks are signed. One use.
    ///
    /// - Throws: ``AgentSecretsError/useForbidden(_:)``, ``AgentSecretsError/leaseOver(_:)``.
    public func sign(_ message: Data) throws -> Signature {
        Signature(bytes: try translated { try native.sign(message: message) })
    }

    /// HMAC-SHA256 of a text, as UTF-8.
    ///
    /// - Throws: as the other `sign`.
    public func sign(_ message: String) throws -> Signature {
        try sign(Data(message.utf8))
    }
}

extension Secrets {
    /// A secret to be used and not read, whether it may be read or not.
    ///
    /// - Throws: ``AgentSecretsError/unknownSecret(_:)``; `malformed_policy` where its policy is of a newer kind.
    public func handle(_ name: String) throws -> Handle {
        Handle(try translated { try native.handle(name: name) })
    }
}

extension Handle: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Name alone.
    public var description: String { "Handle(\(name), may be used, redacted)" }
    /// Name alone.
    public var debugDescription: String { description }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// A message's authentication code.
public struct Signature: Sendable {
    /// 32 bytes.
    public let bytes: Data

    /// 64 hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The bytes in base64.
    public var base64: String { bytes.base64EncodedString() }
}

/// What a handle says of itself.
private struct About: Decodable {
    let usesLeft: UInt64?
    let until: UInt64?
    let policy: SecretPolicy?

    enum CodingKeys: String, CodingKey {
        case usesLeft = "uses_left"
        case until, policy
    }
}
