// A small HTTP server on Foundation alone, which loads its secrets at start and answers who brings the token.
//
//     server        prints the address that it listens on; needs API_TOKEN
import AgentSecrets
import Foundation

#if canImport(Glibc)
import Glibc
let stream = Int32(SOCK_STREAM.rawValue)
#else
import Darwin
let stream = SOCK_STREAM
#endif

/// Requests of one connection after another.
struct Server {
    let listening: Int32
    let token: Secret

    init(token: Secret) throws {
        self.token = token
        listening = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(listening, plain, size) == 0 && listen(listening, 16) == 0 && getsockname(listening, plain, &size) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        print("http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
        fflush(nil)
    }

    func serve() {
        while true {
            let connection = accept(listening, nil, nil)
            if connection < 0 { return }
            answer(FileHandle(fileDescriptor: connection, closeOnDealloc: true))
        }
    }

    private func answer(_ connection: FileHandle) {
        let lines = String(decoding: connection.availableData, as: UTF8.self).components(separatedBy: "\r\n")
        let brought = lines.first { $0.hasPrefix("Authorization: Bearer ") }?.dropFirst(22) ?? ""
        // Equality of secrets takes the same time wherever they differ.
        let status = Secret(String(brought)) == token ? "200 OK" : "401 Unauthorized"
        let head = "HTTP/1.1 \(status)\r\nContent-Length: \(status.utf8.count)\r\nConnection: close\r\n\r\n"
        try? connection.write(contentsOf: Data((head + status).utf8))
    }
}

@main enum Main {
    static func main() async {
        do {
            let secrets = try await Secrets.load(require: ["API_TOKEN"])
            try Server(token: try secrets["API_TOKEN"]).serve()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }
}
