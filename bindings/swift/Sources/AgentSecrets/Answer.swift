import Foundation
internal import AgentSecretsNative

/// What a request brought back, without the secret in any form.
public struct Answer: Sendable {
    /// HTTP status.
    public let status: UInt16
    /// Headers in their order, names in lower case, without cookies.
    public let headers: [(name: String, value: String)]
    /// Body, decoded.
    public let body: Data
    /// How often the secret was taken out of headers and body.
    public let redactions: Int

    init(_ native: NativeAnswer) {
        status = native.status
        headers = native.headers.map { ($0.name, $0.value) }
        body = native.body
        redactions = Int(clamping: native.redactions)
    }

    /// Whether the status is 2xx.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// The body as UTF-8; what is none is replaced.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Values of a header, joined by commas; none where it is not there.
    public func header(_ name: String) -> String? {
        let values = headers.filter { $0.name == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The body, out of JSON.
    ///
    /// - Throws: `DecodingError`.
    public func json<Value: Decodable>(as type: Value.Type = Value.self, by decoder: JSONDecoder = JSONDecoder()) throws
        -> Value
    {
        try decoder.decode(type, from: body)
    }
}

extension Answer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Numbers alone: an answer may hold what is secret in its own right.
    public var description: String { "Answer(\(status), \(body.count) bytes, \(redactions) redactions)" }
    /// Numbers alone.
    public var debugDescription: String { description }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
