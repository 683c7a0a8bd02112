// Searches this process's memory for a value, and breaks down while one is held: the search must find it while it is held and
// not after, and nothing of the crash log may show it.
//
//     canary memory      prints "held N, after M"
//     canary crash       ends by a fatal error, with a value in hand
import AgentSecrets
import AgentSecretsTesting
import Foundation

let length = 48
/// The value is kept changed, so that the program's own copy is none.
let changed = (0..<length).map { _ in UInt8.random(in: 0...255) }

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
            if got > 0, at + UInt(got) <= own.lowerBound || at >= own.upperBound { found += places(in: page.prefix(got)) }
        }
    }
    for place in page.indices { page[place] = 0 }
    return found
}

func places(in bytes: Slice<UnsafeMutableRawBufferPointer>) -> Int {
    var found = 0
    let first = changed[0] ^ 0xA5, last = bytes.count - length
    guard last >= 0, let start = bytes.base.baseAddress else { return 0 }
    let all = UnsafeRawBufferPointer(start: start, count: bytes.count)
    for at in 0...last where all[at] == first {
        if (1..<length).allSatisfy({ all[at + $0] == changed[$0] ^ 0xA5 }) { found += 1 }
    }
    return found
}

/// Through everything: set, push, a relay, pull, seal, unseal, read where it is.
func work() async throws -> Secret {
    let relay = try MemoryRelay()
    let founder = try await Client.member(of: relay, label: "laptop")
    try await founder.set("URL", to: withValue { Secret(bytes: $0) })
    try await founder.push()
    let writer = try await Client.member(of: relay, label: "phone", founder: founder)
    let identity = try Identity(generating: .ci)
    let secret = try await writer.secrets()["URL"]
    let opened = try identity.unseal(SealedBox.seal(secret, to: identity.recipient))
    guard opened == secret, "\([secret])".contains("redacted") else { throw AgentSecretsError(.internal, "another value") }
    return secret
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
    let found: Any? = secret
    fatalError("holding \(secrets), \(String(describing: found)), \(String(reflecting: [secret]))")
}

if CommandLine.arguments.last == "crash" { try await crash() } else { try await memory() }
