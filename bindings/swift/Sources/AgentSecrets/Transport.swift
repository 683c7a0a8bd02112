import Foundation

/// The way to the relay, of your own: any HTTP client.
///
/// Throw an ``AgentSecretsError`` to report a failure as what it is; any other error counts as ``ErrorCode/relayUnreachable``
/// and ends the operation with itself. `CancellationError` gives the operation up.
public protocol Transport: Sendable {
    /// Carries a request as it is: the headers are signed. Follow no redirect.
    func send(_ request: Request) async throws -> Response
}

/// What to send.
public struct Request: Sendable {
    /// `GET`, `PUT` or `POST`.
    public let method: String
    /// The whole address.
    public let url: String
    /// Headers, in their order; beyond those that every client writes.
    public let headers: [(name: String, value: String)]
    /// JSON, or sealed bytes; empty for `GET`.
    public let body: Data
    /// For how long the relay may hold its answer back, beside the time of a usual request.
    public let wait: Duration
}

/// What came back, whatever its status.
public struct Response: Sendable {
    /// HTTP status.
    public let status: UInt16
    /// Body, as it came.
    public let body: Data
    /// Of the header `Retry-After`.
    public let retryAfter: Duration?

    /// What came back.
    public init(status: UInt16, body: Data, retryAfter: Duration? = nil) {
        (self.status, self.body, self.retryAfter) = (status, body, retryAfter)
    }
}
