public import Foundation
internal import AgentSecretsNative

/// Takes values out of texts in every form in which programs echo them: logs, a model's context, answers. In the place of each
/// stands `[redacted NAME]`. Any task may use it.
public final class Redactor: Sendable {
    private let native: NativeRedactor

    /// Of every value of an environment that has five bytes or more, also of what may only be used. Shorter ones (`true`,
    /// `3000`) would be found everywhere.
    ///
    /// - Throws: `internal`.
    public init(_ secrets: Secrets) throws {
        native = try translated { try secrets.native.redactor() }
    }

    /// Of these values, by name.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for what is no name, and with all names for values of under five
    ///   bytes.
    public init(_ values: [String: Secret]) throws {
        let named = values.map { NamedSecret(name: $0.key, value: $0.value.native) }
        native = try translated { try NativeRedactor.ofValues(values: named) }
    }

    /// A whole text without the values.
    public func redact(_ text: String) -> String {
        String(decoding: redact(Data(text.utf8)), as: UTF8.self)
    }

    /// Bytes without the values.
    public func redact(_ bytes: Data) -> Data {
        native.redact(text: bytes)
    }

    /// For a text that comes in pieces.
    public func stream() -> Redaction {
        Redaction(native.stream())
    }

    /// The pieces of a text as they come, without the values, also where one is cut by the end of a piece:
    ///
    ///     for try await piece in redactor.redacting(pieces) { log.write(piece) }
    public func redacting<Pieces: AsyncSequence>(_ pieces: Pieces) -> Redacted<Pieces> where Pieces.Element == Data {
        Redacted(pieces: pieces, redactor: self)
    }
}

/// A text that comes in pieces. Keeps back what may be the beginning of a value, until the next piece shows.
public final class Redaction: Sendable {
    private let native: NativeRedaction

    fileprivate init(_ native: NativeRedaction) {
        self.native = native
    }

    /// Takes the next piece; gives what is ready, which may be nothing.
    public func push(_ piece: Data) -> Data {
        native.push(piece: piece)
    }

    /// Gives the rest; another text may follow.
    public func finish() -> Data {
        native.finish()
    }
}

/// Pieces without the values.
public struct Redacted<Pieces: AsyncSequence>: AsyncSequence where Pieces.Element == Data {
    /// What a loop gets.
    public typealias Element = Data

    fileprivate let pieces: Pieces
    fileprivate let redactor: Redactor

    /// Begins a text. Throws what the pieces throw.
    public func makeAsyncIterator() -> Iterator {
        Iterator(pieces: pieces.makeAsyncIterator(), redaction: redactor.stream())
    }

    /// One who reads.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var pieces: Pieces.AsyncIterator
        fileprivate var redaction: Redaction?

        /// The next piece that is ready, never an empty one.
        public mutating func next() async throws -> Data? {
            while let redaction {
                let piece = try await pieces.next()
                let ready = piece.map(redaction.push) ?? redaction.finish()
                if piece == nil { self.redaction = nil }
                if !ready.isEmpty { return ready }
            }
            return nil
        }
    }
}

extension Redacted: Sendable where Pieces: Sendable {}

extension Redactor: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same for every redactor.
    public var description: String { "Redactor(values redacted)" }
    /// The same for every redactor.
    public var debugDescription: String { description }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

extension Redaction: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same for every text.
    public var description: String { "Redaction(values redacted)" }
    /// The same for every text.
    public var debugDescription: String { description }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
