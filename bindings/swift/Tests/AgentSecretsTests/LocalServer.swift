import Foundation

#if canImport(Glibc)
import Glibc
private let stream = Int32(SOCK_STREAM.rawValue)
#else
import Darwin
private let stream = SOCK_STREAM
#endif

/// What a server was asked: head and body, as they came.
struct Asked: Sendable {
    let text: String

    var target: String { text.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    var body: String { text.range(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }

    func header(_ name: String) -> String {
        let line = text.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
        return line.map { String($0.dropFirst(name.count + 2)) } ?? ""
    }
}

/// A server on this machine that answers as a test says, in pieces, and keeps what it was asked.
final class LocalServer: Sendable {
    typealias Answering = @Sendable (Asked) -> AnySequence<String>

    let port: UInt16
    private let listening: Int32
    private let kept = Kept()

    init(_ answering: @escaping Answering) throws {
        let listening = socket(AF_INET, stream, 0)
        var address = sockaddr_in(), size = socklen_t(MemoryLayout<sockaddr_in>.size)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(listening, plain, size) == 0 && listen(listening, 64) == 0 && getsockname(listening, plain, &size) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        (self.listening, port) = (listening, UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [kept] in
            while true {
                let connection = accept(listening, nil, nil)
                if connection < 0 { break }
                Thread.detachNewThread { answer(connection, kept, answering) }
            }
            close(listening)
        }
    }

    /// One answer to everything.
    convenience init(_ text: String = answered("ok")) throws {
        try self.init { _ in AnySequence([text]) }
    }

    /// What came is the body of the answer, and stands in a header too.
    static func echo(_ written: @escaping @Sendable (String) -> String = { $0 }) throws -> LocalServer {
        try LocalServer { asked in
            let came = asked.header("authorization")
            return AnySequence([answered(written(came), headers: "X-Echo: \(came)\r\n")])
        }
    }

    deinit {
        shutdown(listening, Int32(SHUT_RDWR))
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var heard: [Asked] { kept.all }
}

/// An answer in HTTP.
func answered(_ body: String, status: String = "200 OK", headers: String = "") -> String {
    "HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
}

private func answer(_ connection: Int32, _ kept: Kept, _ answering: LocalServer.Answering) {
    defer { close(connection) }
    guard let asked = read(from: connection) else { return }
    kept.keep(asked)
    for piece in answering(asked) {
        let bytes = Array(piece.utf8)
        if send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) != bytes.count { return }
    }
}

private func read(from connection: Int32) -> Asked? {
    var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = recv(connection, &buffer, buffer.count, 0)
        if count <= 0 { return nil }
        bytes += buffer[..<count]
        let asked = Asked(text: String(decoding: bytes, as: UTF8.self))
        guard asked.text.contains("\r\n\r\n") else { continue }
        if asked.body.utf8.count >= Int(asked.header("content-length")) ?? 0 { return asked }
    }
}

/// What came, in its order; any thread may look.
private final class Kept: @unchecked Sendable {
    private let lock = NSLock()
    private var asked: [Asked] = []

    func keep(_ one: Asked) { lock.withLock { asked.append(one) } }
    var all: [Asked] { lock.withLock { asked } }
}
