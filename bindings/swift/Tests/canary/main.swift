// Searches this process's memory for a value, and breaks down while one is held: the search must find it while it is held and
// not after, and nothing of the crash log may show it.
//
//     canary memory      prints "held N, after M"
//     canary crash       ends by a fatal error, with a value in hand
//     canary echoes URL ATTEMPT...   asks a server that repeats the key, and prints what comes back
import AgentSecrets
import AgentSecretsTesting
import Foundation

let length = 48
/// The value, letters, is kept changed, so that the program's own copy is none.
let changed = (0..<length).map { _ in UInt8.random(in: 97...122) ^ 0xA5 }

/// The value, made where it is used; the buffer is overwritten after.
func withValue<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
    defer {
        for place in 0..<length { buffer[place] = 0 }
        buffer.deallocate()
    }
    for place in 0..<length { buffer[place] = changed[place] ^ 0xA5 }
    return try body(UnsafeRawBufferPointer(buffer))
}

/// How often the value stands in what can be written of this process's memory, but for the buffer of the search.
func search() -> Int {
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1 << 12)
    defer { page.deallocate() }
    let own = UInt(bitPattern: page.baseAddress)..<UInt(bitPattern: page.baseAddress) + UInt(page.count)
    let memory = open("/proc/self/mem", O_RDONLY)
    defer { close(memory) }
    var found = 0
    for line in (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8))?.split(separator: "\n") ?? [] {
        let words = line.split(separator: " "), ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard words[1].dropFirst().first == "w", ends.count == 2 else { continue }
        for at in stride(from: ends[0], to: ends[1], by: page.count - length) {
            let got = pread(memory, page.baseAddress, min(page.count, Int(ends[1] - at)), off_t(at))
            if got > 0 { found += places(in: page.prefix(got)).filter { !own.contains(at + UInt($0)) }.count }
        }
    }
    for place in page.indices { page[place] = 0 }
    return found
}

/// Where it stands.
func places(in bytes: Slice<UnsafeMutableRawBufferPointer>) -> [Int] {
    var found: [Int] = []
    let first = changed[0] ^ 0xA5, last = bytes.count - length
    guard last >= 0, let start = bytes.base.baseAddress else { return [] }
    let all = UnsafeRawBufferPointer(start: start, count: bytes.count)
    for at in 0...last where all[at] == first {
        if (1..<length).allSatisfy({ all[at + $0] == changed[$0] ^ 0xA5 }) { found.append(at) }
    }
    return found
}

/// Through everything: set, push, a relay, pull, seal, unseal, use without reading, redact, hand to a command, read where it is.
func work() async throws -> Secret {
    let relay = try MemoryRelay()
    let founder = try await Client.member(of: relay, label: "laptop")
    try await founder.set("URL", to: withValue { Secret(bytes: $0) })
    try await founder.set("KEY", to: withValue { Secret(bytes: $0) })
    try await founder.push()
    try await use(founder, at: relay)
    let writer = try await Client.member(of: relay, label: "phone", founder: founder)
    let identity = try Identity(generating: .ci)
    let secret = try await writer.secrets()["URL"]
    let opened = try identity.unseal(SealedBox.seal(secret, to: identity.recipient))
    guard opened == secret, "\([secret])".contains("redacted") else { throw AgentSecretsError(.internal, "another value") }
    return secret
}

/// Requests, a signature, a redactor and a command, of a key that may only be used.
func use(_ admin: Client, at relay: MemoryRelay) async throws {
    let port = UInt16(relay.url.split(separator: ":")[2])
    let rule = SecretPolicy.Rule(
        .http, host: "127.0.0.1", port: port, methods: [.get, .post], paths: ["/v1/**"],
        places: [.bearer, .basic, .query("key"), .json("/key")])
    try await admin.setSecretPolicy(of: "KEY", to: SecretPolicy(.useOnly, sign: true, environment: true, rules: [rule]))
    let secrets = try await admin.secrets(), handle = try secrets.handle("KEY")
    for place in rule.places {
        let url = relay.url + "/v1/nothing"
        let answer = place == .json("/key")
            ? try await handle.request(.post, url, json: ["a": 1], place: place)
            : try await handle.request(.get, url, place: place)
        guard answer.status == 404 else { throw AgentSecretsError(.internal, "the relay answers \(answer.status)") }
    }
    let redactor = try Redactor(secrets)
    guard try handle.sign("message").bytes.count == 32, redactor.redact("text") == "text",
        try await secrets.spawn(["sh", "-c", "exit ${#KEY}"], only: ["KEY"]).wait() == length
    else { throw AgentSecretsError(.internal, "another value") }
}

func memory() async throws {
    var kept: Secret? = try await work()
    let held = search()
    let length = kept?.count ?? 0
    kept = nil
    print("held \(held), after \(search()), of \(length) bytes")
}

func crash() async throws {
    let secret = Secret("canary-7f3a-not-to-be-shown"), secrets = Secrets.ofValues(["URL": secret])
    let found: Any? = secret, handle = try secrets.handle("URL"), redactor = try Redactor(secrets)
    fatalError("holding \(secrets), \(handle), \(redactor), \(String(describing: found)), \(String(reflecting: [secret]))")
}

/// What a handle makes of a server that repeats the key in each of these ways, one line of JSON for each.
func echoes(at url: String, _ attempts: [String]) async throws {
    let key = Secret(ProcessInfo.processInfo.environment["TEST_KEY"] ?? "")
    let rule = SecretPolicy.Rule(
        .http, host: "127.0.0.1", port: UInt16(url.split(separator: ":")[2]), methods: [.get], paths: ["/echo/*"],
        places: [.header("x-test-key")], responseLimit: 1 << 20)
    let handle = try Secrets.ofValues(["KEY": key], policies: ["KEY": SecretPolicy(.useOnly, rules: [rule])]).handle("KEY")
    for attempt in attempts {
        var line: [String: Any] = ["attempt": attempt]
        do {
            let answer = try await handle.request(.get, "\(url)/echo/\(attempt)")
            line["headers"] = answer.headers.map { [$0.name, $0.value] }
            line["body"] = answer.body.base64EncodedString()
            line["redactions"] = answer.redactions
        } catch let error as AgentSecretsError {
            line["error"] = ["code": error.code.word, "message": "\(error)"]
        }
        print(String(decoding: try JSONSerialization.data(withJSONObject: line), as: UTF8.self))
    }
}

switch CommandLine.arguments[1] {
case "crash": try await crash()
case "echoes": try await echoes(at: CommandLine.arguments[2], Array(CommandLine.arguments[3...]))
default: try await memory()
}
