import Foundation
internal import AgentSecretsNative

/// An operation with a store and a way to the relay of your own: nothing here opens a file or a socket.
///
///     let machine = try Machine.sync(Start(identity), workspace: id)
///     try await machine.run(vault: vault, transport: transport)
///
/// ``run(vault:transport:)`` drives it; or ask ``next(now:)`` for each step, do it and reply.
public final class Machine: Sendable {
    let native: NativeMachine

    private init(_ native: NativeMachine) {
        self.native = native
    }

    private static func begin(_ make: () throws -> NativeMachine) throws -> Machine {
        Machine(try translated(make))
    }

    /// Begins a workspace, local without a relay; the outcome is its id as ``Outcome/text(_:)``.
    public static func create(_ start: Start, name: String, label: String, relay: String? = nil) throws -> Machine {
        try begin { try .create(start: start.native, name: name, label: label, relay: relay ?? "") }
    }

    /// A code for one newcomer; the outcome is ``Outcome/secret(_:)``. `expires` in milliseconds since 1970.
    public static func invite(
        _ start: Start, workspace: String, role: Workspace.Role = .reader, scope: [String] = [], expires: UInt64? = nil
    ) throws -> Machine {
        let scope = scope.joined(separator: " ")
        return try begin {
            try .invite(
                start: start.native, workspace: workspace, role: role.rawValue, scope: scope, expires: expires ?? 0)
        }
    }

    /// Answers an invitation; the outcome is the workspace's id as ``Outcome/text(_:)``.
    public static func join(_ start: Start, code: Secret, label: String) throws -> Machine {
        try begin { try .join(start: start.native, code: code.native, label: label) }
    }

    /// Admits whoever answered an invitation made here; the outcome is how many, as ``Outcome/text(_:)``.
    public static func admit(_ start: Start, workspace: String) throws -> Machine {
        try begin { try .admit(start: start.native, workspace: workspace) }
    }

    /// Follows, pulls, admits, shares.
    public static func sync(_ start: Start, workspace: String) throws -> Machine {
        try begin { try .sync(start: start.native, workspace: workspace) }
    }

    /// Sets a value in the store, to be pushed.
    public static func set(
        _ start: Start, workspace: String, environment: String, name: String, value: Secret
    ) throws -> Machine {
        try begin {
            try .set(
                start: start.native, workspace: workspace, environment: environment, name: name, value: value.native)
        }
    }

    /// Deletes a value in the store, to be pushed.
    public static func delete(_ start: Start, workspace: String, environment: String, name: String) throws -> Machine {
        try begin { try .delete(start: start.native, workspace: workspace, environment: environment, name: name) }
    }

    /// Pushes what was set.
    public static func push(_ start: Start, workspace: String, environment: String) throws -> Machine {
        try begin { try .push(start: start.native, workspace: workspace, environment: environment) }
    }

    /// Reads the values of an environment from the store; the outcome is ``Outcome/secrets(_:)``.
    public static func load(_ start: Start, workspace: String, environment: String) throws -> Machine {
        try begin { try .load(start: start.native, workspace: workspace, environment: environment) }
    }

    /// What to do now.
    ///
    /// - Parameter now: milliseconds since 1970
    public func next(now: UInt64) throws -> Step {
        Step(try translated { try native.next(now: now) })
    }

    /// Replies to ``Step/load(step:key:)``: the bytes, or nil.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for a step that is not under way, ``AgentSecretsError/closed(_:)``
    ///   after the end; the operation does not notice.
    public func loaded(_ step: UInt64, _ bytes: Secret?) throws {
        try translated { try native.loaded(step: step, bytes: bytes?.native) }
    }

    /// Replies to ``Step/store(step:key:bytes:)`` and ``Step/remove(step:key:)``, after it is durable.
    public func stored(_ step: UInt64) throws {
        try translated { try native.stored(step: step) }
    }

    /// Replies to ``Step/send(step:request:)``.
    public func answered(_ step: UInt64, _ response: Response) throws {
        let wait = try response.retryAfter.map(milliseconds)
        try translated {
            try native.answered(step: step, status: response.status, retryAfterMs: wait, body: response.body)
        }
    }

    /// The step failed; the operation decides whether it tries again.
    public func failed(_ step: UInt64, _ code: ErrorCode) throws {
        try translated { try native.failed(step: step, code: code.rawValue) }
    }

    /// Gives the operation up. What was stored stays; what was sent may have arrived.
    public func close() {
        native.giveUp()
    }

    /// The outcome, once, after ``Step/done``.
    ///
    /// - Throws: the operation's error; ``AgentSecretsError/closed(_:)`` where it was taken; `busy` before the end.
    public func outcome() throws -> Outcome {
        Outcome(try translated { try native.outcome() })
    }
}

/// Who acts, when, and with which randomness.
public struct Start: Sendable {
    let native: NativeStart

    /// Now, with the system's randomness.
    public init(_ identity: Identity) {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<4).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
        self.init(identity, now: .now, entropy: Secret(bytes: bytes))
    }

    /// At a time in milliseconds since 1970, with 32 bytes that nobody can guess and that are used once.
    public init(_ identity: Identity, now: UInt64, entropy: Secret) {
        native = NativeStart(identity: identity.native, now: now, entropy: entropy.native)
    }
}

/// What the host is to do.
public enum Step: Sendable {
    /// Read what is stored under a key.
    case load(step: UInt64, key: String)
    /// Store bytes, durably.
    case store(step: UInt64, key: String, bytes: Secret)
    /// Remove what is stored under a key.
    case remove(step: UInt64, key: String)
    /// Carry a request to the relay.
    case send(step: UInt64, request: Request)
    /// Reply to the step that is under way first.
    case wait
    /// Ask again at this time, in milliseconds since 1970.
    case sleep(until: UInt64)
    /// Take the outcome.
    case done

    init(_ task: NativeTask) {
        self =
            switch task {
            case .load(let step, let key): .load(step: step, key: key)
            case .store(let step, let key, let bytes): .store(step: step, key: key, bytes: Secret(bytes))
            case .remove(let step, let key): .remove(step: step, key: key)
            case .send(let step, let request): .send(step: step, request: Request(request))
            case .wait: .wait
            case .sleep(let until): .sleep(until: until)
            case .done: .done
            }
    }
}

/// What an operation came to.
public enum Outcome: Sendable {
    /// Nothing to hand over.
    case nothing
    /// A text, such as the id of a new workspace.
    case text(String)
    /// A secret text: an invitation.
    case secret(Secret)
    /// Values.
    case secrets(Secrets)

    init(_ outcome: NativeOutcome) {
        self =
            switch outcome {
            case .nothing: .nothing
            case .text(let text): .text(text)
            case .hidden(let secret): .secret(Secret(secret))
            case .values(let secrets): .secrets(Secrets(secrets, .given))
            }
    }
}

extension Request {
    init(_ native: NativeRequest) {
        self.init(
            method: native.method, url: native.url, headers: native.headers.map { ($0.name, $0.value) },
            body: native.body, wait: .milliseconds(native.waitMs))
    }
}

extension UInt64 {
    /// Milliseconds since 1970.
    static var now: UInt64 { UInt64(Date().timeIntervalSince1970 * 1000) }
}
