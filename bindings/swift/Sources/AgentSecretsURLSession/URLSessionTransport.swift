public import AgentSecrets
import Foundation
#if canImport(FoundationNetworking)
public import FoundationNetworking
#else
public import Foundation
#endif

/// The way to the relay by a `URLSession`: proxies, certificates and background rules are the session's. Follows no redirect;
/// cancelling the task cancels the request.
public struct URLSessionTransport: Transport {
    private let session: URLSession
    private let patience: TimeInterval

    /// By a session; `timeout` is for one request, beside the time for which a relay may hold its answer back.
    public init(_ session: URLSession = .shared, timeout: Duration = .seconds(30)) {
        self.session = session
        patience = timeout.seconds
    }

    /// Carries a request.
    ///
    /// - Throws: ``AgentSecretsError/relayUnreachable(_:)``, `CancellationError`.
    public func send(_ request: Request) async throws -> Response {
        try Task.checkCancellation()
        guard let url = URL(string: request.url) else {
            throw AgentSecretsError(.invalidArgument, "the relay's address is no URL")
        }
        var sent = URLRequest(
            url: url, cachePolicy: .reloadIgnoringLocalAndRemoteCacheData,
            timeoutInterval: patience + request.wait.seconds)
        sent.httpMethod = request.method
        sent.httpShouldHandleCookies = false
        if request.method != "GET" { sent.httpBody = request.body }
        for (name, value) in request.headers { sent.setValue(value, forHTTPHeaderField: name) }
        return try await answer(to: sent)
    }

    private func answer(to request: URLRequest) async throws -> Response {
        do {
            let (body, answer) = try await session.data(for: request, delegate: NoRedirect())
            guard let answer = answer as? HTTPURLResponse, let status = UInt16(exactly: answer.statusCode) else {
                throw AgentSecretsError(.relayMalformed, "what answered speaks no HTTP")
            }
            let wait = answer.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init)
            return Response(status: status, body: body, retryAfter: wait.map { .seconds(max(0, min($0, 86400))) })
        } catch let error as URLError {
            switch error.code {
            case .cancelled: throw CancellationError()
            case .timedOut: throw AgentSecretsError(.relayTimeout, "no answer in time")
            default: throw AgentSecretsError(.relayUnreachable, "no connection: URLError \(error.code.rawValue)")
            }
        }
    }
}

/// A redirect is an answer like another: the signature is for the address that was asked.
private final class NoRedirect: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _: URLSession, task: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse, newRequest _: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}

extension Duration {
    fileprivate var seconds: TimeInterval {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
