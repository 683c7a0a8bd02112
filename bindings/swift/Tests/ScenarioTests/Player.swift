import AgentSecrets
import Foundation

/// Plays the lines of one scenario; the language of the lines is in `conformance/scenarios/README.md`.
struct Player {
    private(set) var differences: [String] = []
    private var identity: Identity?
    private var machine: Machine?
    private var message = ""
    private var number = 0

    init(_ transcript: String) throws {
        for line in transcript.split(separator: "\n") {
            number += 1
            try play(String(line))
        }
    }

    private mutating func play(_ line: String) throws {
        if line.hasPrefix("#") { return }
        let sides = line.components(separatedBy: " = ")
        var words = sides[0].split(separator: " ").map(String.init)
        let verb = words.removeFirst()
        switch (verb, sides.count) {
        case ("identity", 1): identity = try Identity(parsing: Secret(words[0]))
        case ("message", 1): compare(hex(message.utf8), words[0])
        case (_, 2): compare(act(verb, words), sides[1])
        default: differences.append("\(number): no line of a scenario")
        }
    }

    private mutating func compare(_ here: String, _ there: String) {
        if here != there { differences.append("\(number): here \(here.prefix(200)) there \(there.prefix(200))") }
    }

    /// What comes of a line: 0 and what there is to show, or the error's number.
    private mutating func act(_ verb: String, _ words: [String]) -> String {
        do {
            return try done(verb, words)
        } catch let error as AgentSecretsError {
            message = error.failure.message
            return String(error.code.rawValue)
        } catch {
            return "another error"
        }
    }

    private mutating func done(_ verb: String, _ words: [String]) throws -> String {
        if verb == "start" {
            machine = nil
            machine = try begin(words)
            return "0"
        }
        guard let machine else { return "no machine" }
        switch verb {
        case "next": return shown(try machine.next(now: whole(words[0])))
        case "loaded": try machine.loaded(whole(words[0]), words[1] == "none" ? nil : Secret(bytes: bytes(words[1])))
        case "stored": try machine.stored(whole(words[0]))
        case "answered": try machine.answered(whole(words[0]), response(words))
        case "failed": try machine.failed(whole(words[0]), ErrorCode(rawValue: Int32(words[1]) ?? 0))
        case "close": machine.close()
        case "finish": return "0 " + (try shown(machine.outcome()))
        default: return "no such verb"
        }
        return "0"
    }

    private func begin(_ words: [String]) throws -> Machine? {
        guard let identity else { return nil }
        let start = Start(identity, now: whole(words[1]), entropy: Secret(bytes: bytes(words[2])))
        let texts = words.dropFirst(3).map { String(decoding: bytes($0), as: UTF8.self) }
        switch words[0] {
        case "create": return try .create(start, name: texts[0], label: texts[1], relay: texts[2])
        case "sync": return try .sync(start, workspace: texts[0])
        case "push": return try .push(start, workspace: texts[0], environment: texts[1])
        case "load": return try .load(start, workspace: texts[0], environment: texts[1])
        case "set":
            let value = Secret(bytes: bytes(words[6]))
            return try .set(start, workspace: texts[0], environment: texts[1], name: texts[2], value: value)
        default: return nil
        }
    }

    private func response(_ words: [String]) -> Response {
        let wait = Int(words[2]) ?? -1
        return Response(
            status: UInt16(words[1]) ?? 0, body: Data(bytes(words[3])),
            retryAfter: wait < 0 ? nil : .milliseconds(wait))
    }

    private func shown(_ step: Step) -> String {
        switch step {
        case .load(let number, let key): "LOAD \(number) \(key)"
        case .store(let number, let key, let bytes): "STORE \(number) \(key) \(bytes.withRevealedBytes(hex))"
        case .remove(let number, let key): "REMOVE \(number) \(key)"
        case .send(let number, let request): shown(number, request)
        case .wait: "WAIT"
        case .sleep(let until): "SLEEP \(until)"
        case .done: "DONE"
        }
    }

    private func shown(_ number: UInt64, _ request: Request) -> String {
        let headers = request.headers.map { "\($0.name): \($0.value)\n" }.joined()
        return "SEND \(number) \(request.method) \(request.url) \(hex(headers.utf8)) \(hex(request.body))"
    }

    private func shown(_ outcome: Outcome) throws -> String {
        switch outcome {
        case .nothing: return "nothing"
        case .text(let text): return "text \(hex(text.utf8))"
        case .secret: return "secret"
        case .secrets(let secrets):
            let values = try secrets.names.map { "\($0) \(try secrets[$0].withRevealedBytes(hex))" }
            return (["secrets \(secrets.count)"] + values).joined(separator: " ")
        }
    }
}

private func whole(_ word: String) -> UInt64 { UInt64(word) ?? 0 }

private func hex(_ bytes: some Sequence<UInt8>) -> String {
    let shown = bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }
    return shown.isEmpty ? "-" : shown.joined()
}

private func bytes(_ word: String) -> [UInt8] {
    if word == "-" { return [] }
    let digits = Array(word.utf8).map { UInt8($0 <= 57 ? $0 - 48 : $0 - 87) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
