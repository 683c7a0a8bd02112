import AgentSecrets
import AgentSecretsTesting
import Foundation

/// Plays the lines of one scenario of handles; their language is in `conformance/handles/README.md`.
struct HandlePlayer {
    private(set) var differences: [String] = []
    /// Lines with a word for which Swift's types have no value; the model has to refuse it too.
    private(set) var unwritable = 0
    private let client: Client
    private let port: String
    private var secrets: Secrets?
    private var handles: [Handle] = []
    private var message: String? = ""
    private var number = 0

    init(_ transcript: String, port: String) async throws {
        client = try await Client.member(of: nil, label: "laptop")
        self.port = port
        for line in transcript.replacingOccurrences(of: "{port}", with: port).split(separator: "\n") {
            number += 1
            if !line.hasPrefix("#") { try await play(String(line)) }
        }
    }

    private mutating func play(_ line: String) async throws {
        if line.hasPrefix("message ") {
            if let message { compare(word(Data(message.utf8)), String(line.dropFirst(8))) }
            return
        }
        let sides = line.components(separatedBy: " = "), words = sides[0].split(separator: " ").map(String.init)
        do {
            let got = try await done(words[0], Array(words.dropFirst()), sides[1])
            compare((["0"] + got).joined(separator: " "), sides[1])
        } catch let error as AgentSecretsError {
            message = error.failure.message
            compare(String(error.code.rawValue), sides[1])
        } catch is Unwritable {
            message = nil
            unwritable += 1
            if sides[1].hasPrefix("0") { differences.append("\(number): Swift has no value for what the model takes") }
        }
    }

    private mutating func compare(_ here: String, _ there: String) {
        if here != there { differences.append("\(number): here \(here.prefix(300)) there \(there.prefix(300))") }
    }

    private mutating func done(_ verb: String, _ words: [String], _ there: String) async throws -> [String] {
        switch verb {
        case "secret":
            try await client.set(words[0], to: Secret(bytes: bytes(words[1])))
            try await client.push()
        case "policy": try await client.setSecretPolicy(of: words[0], to: try policy(words[1]))
        case "shown": return try shown(await client.secretPolicy(of: words[0]), there)
        case "load": secrets = try await client.secrets()
        case "read": return [try taken()[words[0]].withRevealedBytes { word(Data($0)) }]
        case "handle": handles = [try taken().handle(words[0])]
        case "narrow": handles.append(try used().attenuate(
            methods: try list(words[0])?.map(method), paths: list(words[1]), ttl: Int(words[2]).map { .milliseconds($0) },
            uses: Int(words[3])))
        case "wider": handles.removeLast()
        case "left": return [try used().usesLeft.map(String.init) ?? "-"]
        case "reveal": try used().reveal()
        case "sign": return [try used().sign(bytes(words[0])).hex]
        case "request": return try await request(words)
        case "redact": return [try redacted(words.map(bytes))]
        case "spawn":
            return [String(try await taken().spawn(words.dropFirst().map(text), only: list(words[0]) ?? []).wait())]
        default: return ["no such verb"]
        }
        return []
    }

    private func taken() throws -> Secrets {
        guard let secrets else { throw AgentSecretsError(.internal, "nothing is loaded") }
        return secrets
    }

    private func used() throws -> Handle {
        guard let handle = handles.last else { throw AgentSecretsError(.internal, "there is no handle") }
        return handle
    }

    private func request(_ words: [String]) async throws -> [String] {
        let target = text(words[1]), url = target.hasPrefix("/") ? "http://127.0.0.1:\(port)\(target)" : target
        let header = text(words[3]), colon = header.firstIndex(of: ":")
        let headers = colon.map { [String(header[..<$0]): String(header[header.index(after: $0)...])] } ?? [:]
        let place = words[2] == "-" ? nil : SecretPolicy.Place(rawValue: text(words[2]))
        let answer = try await used().request(
            try method(words[0]), url, headers: headers, body: bytes(words[4]), place: place)
        let echo = Data((answer.header("x-echo") ?? "").utf8)
        guard answer.header("set-cookie") == nil else { return ["a cookie came back"] }
        return ["\(answer.status)", "\(answer.redactions)", word(echo), word(answer.body)]
    }

    /// In pieces and as a whole it is the same.
    private func redacted(_ pieces: [Data]) throws -> String {
        let redactor = try Redactor(taken()), stream = redactor.stream()
        let shown = pieces.reduce(Data()) { $0 + stream.push($1) } + stream.finish()
        return redactor.redact(pieces.reduce(Data(), +)) == shown ? word(shown) : "pieces differ from the whole"
    }

    /// The word that is expected where both are the same JSON, in any order of names.
    private func shown(_ policy: SecretPolicy?, _ there: String) throws -> [String] {
        let expected = there.split(separator: " ").last.map { text(String($0)) } ?? ""
        let here = policy == nil ? "null" : String(decoding: try JSONEncoder().encode(policy), as: UTF8.self)
        return try sorted(here) == sorted(expected) ? [word(Data(expected.utf8))] : [word(Data(here.utf8))]
    }
}

/// Swift's types have no value for a word.
private struct Unwritable: Error {}

private func method(_ word: String) throws -> SecretPolicy.Method {
    guard let method = SecretPolicy.Method(rawValue: word) else { throw Unwritable() }
    return method
}

private func policy(_ word: String) throws -> SecretPolicy? {
    if text(word) == "null" { return nil }
    guard let policy = try? JSONDecoder().decode(SecretPolicy.self, from: bytes(word)) else { throw Unwritable() }
    return policy
}

private func sorted(_ json: String) throws -> Data {
    let value = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
    return try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
}

/// Bytes of a word: `%XX` is a byte, `-` nothing.
private func bytes(_ word: String) -> Data {
    if word == "-" { return Data() }
    var found = Data(), left = Array(word.utf8)[...]
    while let byte = left.popFirst() {
        let digits = byte == 37 ? String(decoding: left.prefix(2), as: UTF8.self) : ""
        if byte == 37 { left = left.dropFirst(2) }
        found.append(byte == 37 ? UInt8(digits, radix: 16) ?? 0 : byte)
    }
    return found
}

private func text(_ word: String) -> String { String(decoding: bytes(word), as: UTF8.self) }

private func list(_ word: String) -> [String]? {
    word == "-" ? nil : text(word).split(separator: ",").map(String.init)
}

private func word(_ bytes: Data) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let word = bytes.flatMap { byte in
        (33...126).contains(byte) && byte != 37 ? [byte] : [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    let shown = String(decoding: word, as: UTF8.self)
    return shown == "-" ? "%2D" : shown.isEmpty ? "-" : shown
}
