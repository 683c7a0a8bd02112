import Foundation
package import AgentSecretsNative

/// One secret value: shown to nobody who does not ask by name.
///
/// The bytes stay where the library keeps them, in memory that is wiped when the last holder lets go of it: this object,
/// and the ``Secrets`` that it came from. Text, debug text and mirror of a secret are redacted; the compiler warns
/// where one is put into a string.
public final class Secret: Sendable {
    package let native: NativeSecret

    package init(_ native: NativeSecret) {
        self.native = native
    }

    /// A copy of a text, as UTF-8.
    public convenience init(_ text: String) {
        var text = text
        self.init(text.withUTF8 { copied(UnsafeRawBufferPointer($0)) })
    }

    /// A copy of bytes.
    public convenience init(bytes: some Sequence<UInt8>) {
        let all = Array(bytes)
        self.init(all.withUnsafeBytes(copied))
    }

    /// A copy of borrowed bytes.
    public convenience init(bytes: UnsafeRawBufferPointer) {
        self.init(copied(bytes))
    }

    /// The value as text, for the time of the call.
    ///
    /// Swift frees the text after the call and does not wipe it; ``withRevealedBytes(_:)`` makes no copy.
    ///
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` where the value is not UTF-8, and whatever `body` throws.
    public func withRevealed<Result>(_ body: (String) throws -> Result) throws -> Result {
        try body(withRevealedBytes { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw AgentSecretsError(.invalidArgument, "the value is not UTF-8: use withRevealedBytes")
            }
            return text
        })
    }

    /// The value where the library keeps it, without a copy. The buffer must not be used after the call.
    public func withRevealedBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(native) {
            let start = UnsafeRawPointer(bitPattern: UInt(native.address()))
            return try body(UnsafeRawBufferPointer(start: start, count: count))
        }
    }

    /// How many bytes the value has; this is not treated as secret.
    public var count: Int { Int(native.count()) }

    /// Whether the value has no bytes.
    public var isEmpty: Bool { count == 0 }
}

extension Secret: Equatable {
    /// In a time that depends on the lengths alone.
    public static func == (one: Secret, other: Secret) -> Bool {
        one.native.equals(other: other.native)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same for every secret.
    public var description: String { "Secret(<redacted>)" }

    /// The same for every secret.
    public var debugDescription: String { description }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

extension DefaultStringInterpolation {
    /// The redacted description, with a warning: a secret is not text.
    @available(*, deprecated, message: "a Secret is not text: call withRevealed where the value is used")
    public mutating func appendInterpolation(_ secret: Secret) { appendLiteral(secret.description) }
}

extension String {
    /// The text of bytes, nothing where they are not UTF-8.
    fileprivate init?(validating bytes: UnsafeRawBufferPointer, as _: UTF8.Type) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            self = ""
            return
        }
        guard let text = String(bytes: UnsafeRawBufferPointer(start: start, count: bytes.count), encoding: .utf8) else {
            return nil
        }
        self = text
    }
}

/// A native copy of bytes, by way of Data that owns nothing.
private func copied(_ bytes: UnsafeRawBufferPointer) -> NativeSecret {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return NativeSecret.copy(bytes: Data()) }
    let borrowed = UnsafeMutableRawPointer(mutating: start)
    return NativeSecret.copy(bytes: Data(bytesNoCopy: borrowed, count: bytes.count, deallocator: .none))
}
