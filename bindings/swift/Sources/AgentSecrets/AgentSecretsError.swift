import Foundation
internal import AgentSecretsNative

/// Why a call did not succeed: one case for each situation that callers tell apart. Each has the stable
/// ``code``, the cause and the command that helps; no text holds the value of a secret.
public enum AgentSecretsError: Error, Sendable, Equatable {
    /// An argument has a form that the call does not take; the argument is not repeated.
    case invalidArgument(Failure)
    /// The operation was closed before.
    case closed(Failure)
    /// The vault holds no identity yet.
    case noIdentity(Failure)
    /// No workspace here, and none was named.
    case noWorkspace(Failure)
    /// The invitation is damaged, used, withdrawn or expired.
    case invitation(Failure)
    /// The relay serves a history that cannot be true: a rollback, a fork, a refused entry, something withheld.
    case history(Failure)
    /// A sealed box cannot be opened, or its inside is not what was signed.
    case openFailed(Failure)
    /// The vault cannot be read or written.
    case vault(Failure)
    /// The OS keychain is missing, locked or does not answer.
    case keychain(Failure)
    /// The relay cannot be used for now, or refuses.
    case relay(Failure)
    /// No connection, or no answer in time.
    case relayUnreachable(Failure)
    /// This device is not (yet) a member.
    case notAdmitted(Failure)
    /// This member's role or scope does not allow it.
    case forbidden(Failure)
    /// The environment has no secret of this name.
    case unknownSecret(Failure)
    /// Required secrets are missing; all their names.
    case missingSecrets(names: [String], Failure)
    /// The secret was changed here and by somebody else.
    case conflict(Failure)
    /// The secret may be used and not read.
    case readForbidden(Failure)
    /// The secret's policy does not allow this use.
    case useForbidden(Failure)
    /// A narrower handle was asked to allow more than the one it comes from.
    case leaseWider(Failure)
    /// The handle's time is over or its uses are spent.
    case leaseOver(Failure)
    /// The host of a request cannot be reached, or its answer cannot be handed out.
    case upstream(Failure)
    /// Everything else, by its code.
    case other(Failure)

    /// What every error says.
    public struct Failure: Sendable, Equatable {
        /// The stable code.
        public let code: ErrorCode
        /// The cause, in lower-case words.
        public let message: String
        /// The command that helps in most cases.
        public let hint: String
        /// Whether the same call may succeed later with nothing else changed.
        public let retryable: Bool
        /// When to try again, where it is known.
        public let retryAfter: Duration?
    }

    /// An error of a code, as a transport or a vault of your own reports it.
    ///
    /// - Parameters:
    ///   - code: what fits, such as ``ErrorCode/relayTimeout`` or ``ErrorCode/vaultIo``
    ///   - message: the cause; must not hold a value
    public init(_ code: ErrorCode, _ message: String) {
        let known = describeCode(code: code.rawValue)
        let hint = known?.hint ?? "", retryable = known?.retryable ?? false
        self = .of(Failure(code: code, message: message, hint: hint, retryable: retryable, retryAfter: nil))
    }

    /// What the error says.
    public var failure: Failure {
        switch self {
        case .invalidArgument(let failure), .closed(let failure), .noIdentity(let failure), .noWorkspace(let failure),
            .invitation(let failure), .history(let failure), .openFailed(let failure), .vault(let failure),
            .keychain(let failure), .relay(let failure), .relayUnreachable(let failure), .notAdmitted(let failure),
            .forbidden(let failure), .unknownSecret(let failure), .missingSecrets(_, let failure),
            .conflict(let failure), .readForbidden(let failure), .useForbidden(let failure), .leaseWider(let failure),
            .leaseOver(let failure), .upstream(let failure), .other(let failure):
            failure
        }
    }

    /// The stable code.
    public var code: ErrorCode { failure.code }
    /// The command that helps in most cases.
    public var hint: String { failure.hint }

    static func of(_ failure: Failure) -> Self {
        switch failure.code {
        case .invalidArgument, .malformedRecipient, .malformedIdentity, .weakKey, .malformedWords, .invalidName,
            .valueTooLarge, .notAnEnvironmentValue, .dotenvSyntax, .invalidRequest, .notInjectable, .malformedPolicy,
            .secretTooShort:
            .invalidArgument(failure)
        case .closed: .closed(failure)
        case .noIdentity: .noIdentity(failure)
        case .noWorkspace: .noWorkspace(failure)
        case .noKeychain, .keychainLocked, .keychainTimeout, .keychainFailed: .keychain(failure)
        case .relayUnreachable, .relayTimeout: .relayUnreachable(failure)
        case .notAdmitted: .notAdmitted(failure)
        case .forbidden, .outOfScope: .forbidden(failure)
        case .unknownSecret: .unknownSecret(failure)
        case .conflict: .conflict(failure)
        case .readForbidden: .readForbidden(failure)
        case .useForbidden, .addressForbidden, .redirectRefused: .useForbidden(failure)
        case .leaseWider: .leaseWider(failure)
        case .leaseOver: .leaseOver(failure)
        case .upstreamUnreachable, .upstreamTimeout, .upstreamMalformed, .answerTooLarge, .answerUnreadable:
            .upstream(failure)
        case .missingSecrets: .missingSecrets(names: names(in: failure.message), failure)
        default: ofBand(failure)
        }
    }

    private static func ofBand(_ failure: Failure) -> Self {
        switch failure.code.rawValue {
        case 110..<120: .invitation(failure)
        case 200..<300: .history(failure)
        case 300..<400: .openFailed(failure)
        case 400..<500: .vault(failure)
        case 500..<600: .relay(failure)
        default: .other(failure)
        }
    }

    private static func names(in message: String) -> [String] {
        guard let colon = message.range(of: ": "), let end = message.range(of: "; looked in", options: .backwards)
        else { return [] }
        return message[colon.upperBound..<end.lowerBound].components(separatedBy: ", ")
    }
}

extension AgentSecretsError: CustomStringConvertible, LocalizedError {
    /// Code, cause and the command that helps.
    public var description: String {
        let said = failure
        return said.hint.isEmpty
            ? "\(said.code.word): \(said.message)" : "\(said.code.word): \(said.message) (try: \(said.hint))"
    }

    /// As `description`.
    public var errorDescription: String? { description }
    /// The command that helps in most cases.
    public var recoverySuggestion: String? { hint }
}

/// Runs a call of the native half and gives its error this module's form. What is none of its errors is a defect, whose
/// text stays out: nobody can say what it holds.
package func translated<Result>(_ run: () throws -> Result) throws -> Result {
    do {
        return try run()
    } catch NativeError.Failed(let code, let cause, let hint, let retryable, let wait) {
        throw AgentSecretsError.of(
            .init(
                code: ErrorCode(rawValue: code), message: cause, hint: hint, retryable: retryable,
                retryAfter: wait.map { .milliseconds($0) }))
    } catch let error as AgentSecretsError {
        throw error
    } catch {
        throw AgentSecretsError(.internal, "the native half broke down")
    }
}

/// Runs a call that may block on a thread that is none of Swift's concurrency: it gives up before it begins where the task is
/// cancelled, and runs to its end once it has begun.
func blocking<Result: Sendable>(_ run: @escaping @Sendable () throws -> Result) async throws -> Result {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Swift.Result { try translated(run) })
        }
    }
}

/// As `blocking`, but whoever waits is let go at once where the task is cancelled; the call runs to its end unseen.
func abandonable<Result: Sendable>(_ run: @escaping @Sendable () throws -> Result) async throws -> Result {
    try Task.checkCancellation()
    let (results, waiting) = AsyncThrowingStream<Result, any Error>.makeStream()
    DispatchQueue.global().async {
        do {
            waiting.yield(try translated(run))
            waiting.finish()
        } catch {
            waiting.finish(throwing: error)
        }
    }
    for try await result in results { return result }
    throw CancellationError()
}
