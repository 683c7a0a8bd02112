import AgentSecrets
import AgentSecretsTesting
import AgentSecretsURLSession
import Foundation
import Testing

/// A device whose vault and transport are the test's own.
private struct Device {
    let identity: Identity
    let vault = MemoryVault()
    let transport = URLSessionTransport()
    var workspace = ""

    init() throws {
        identity = try Identity(generating: .human)
    }

    var start: Start { Start(identity) }

    func run(_ machine: Machine, by transport: (any Transport)? = nil) async throws -> Outcome {
        try await machine.run(vault: vault, transport: Carried(inner: transport ?? self.transport))
    }

    func set(_ name: String, _ value: String) async throws {
        let environment = "development"
        _ = try await run(.set(start, workspace: workspace, environment: environment, name: name, value: Secret(value)))
        _ = try await run(.push(start, workspace: workspace, environment: environment))
    }

    func values() async throws -> [String: Secret] {
        guard case .secrets(let secrets) = try await run(.load(start, workspace: workspace, environment: "development"))
        else { return [:] }
        return Dictionary(uniqueKeysWithValues: try secrets.names.map { ($0, try secrets[$0]) })
    }
}

private struct Carried: Transport {
    let inner: any Transport
    func send(_ request: Request) async throws -> Response { try await inner.send(request) }
}

/// Cancels the task that sends, at one of its requests, before or after the relay answers.
private actor Cancelling: Transport {
    private let inner = URLSessionTransport()
    private let at: Int, answered: Bool
    private(set) var sent: [String] = []
    private var task: Task<Outcome, any Error>?

    init(at: Int, answered: Bool) {
        (self.at, self.answered) = (at, answered)
    }

    func cancels(_ task: Task<Outcome, any Error>) { self.task = task }

    func send(_ request: Request) async throws -> Response {
        sent.append(request.method)
        guard sent.count - 1 == at else { return try await inner.send(request) }
        let answer = answered ? try await inner.send(request) : nil
        while task == nil { try await Task.sleep(for: .milliseconds(1)) }
        task?.cancel()
        if let answer { return answer }
        return try await inner.send(request)
    }
}

/// A founder with a pushed value, and a writer who has joined and pulled it.
private func team(_ relay: MemoryRelay) async throws -> (founder: Device, writer: Device) {
    var (founder, writer) = (try Device(), try Device())
    guard
        case .text(let id) = try await founder.run(
            .create(founder.start, name: "acme", label: "laptop", relay: relay.url))
    else { throw AgentSecretsError(.internal, "no id") }
    founder.workspace = id
    writer.workspace = id
    try await founder.set("URL", "fake-1")
    guard case .secret(let code) = try await founder.run(.invite(founder.start, workspace: id, role: .writer))
    else { throw AgentSecretsError(.internal, "no code") }
    _ = try await writer.run(.join(writer.start, code: code, label: "phone"))
    guard case .text("1") = try await founder.run(.admit(founder.start, workspace: id))
    else { throw AgentSecretsError(.internal, "nobody admitted") }
    _ = try await writer.run(.sync(writer.start, workspace: id))
    return (founder, writer)
}

@Suite(.serialized) struct Machines {
    @Test func twoHostsWithTheirOwnStoreAndURLSessionShare() async throws {
        let relay = try MemoryRelay()
        let (founder, writer) = try await team(relay)
        #expect(try await writer.values() == ["URL": Secret("fake-1")])
        try await writer.set("URL", "fake-2")
        _ = try await founder.run(.sync(founder.start, workspace: founder.workspace))
        #expect(try await founder.values() == ["URL": Secret("fake-2")])
        let gone = try Machine.delete(
            founder.start, workspace: founder.workspace, environment: "development", name: "URL")
        _ = try await founder.run(gone)
        #expect(try await founder.values() == [:])
    }

    @Test func aSyncThatIsCancelledAnywhereLeavesTheVaultAsItWas() async throws {
        let relay = try MemoryRelay()
        let (founder, writer) = try await team(relay)
        var cancelled = 0
        for answered in [false, true] {
            for place in 0... {
                try await founder.set("URL", "fake-\(answered)-\(place)")
                let before = await writer.vault.contents()
                let values = try await writer.values()
                let transport = Cancelling(at: place, answered: answered)
                let task = Task {
                    try await writer.run(.sync(writer.start, workspace: writer.workspace), by: transport)
                }
                await transport.cancels(task)
                let result = await task.result
                let sent = await transport.sent
                guard case .failure(let error) = result else {
                    if sent.count <= place { break }
                    // Cancelled at a write that the relay took: then it is done, here too.
                    #expect(sent.last != "GET" && answered)
                    #expect(try await writer.values() == ["URL": Secret("fake-\(answered)-\(place)")])
                    continue
                }
                #expect(error is CancellationError)
                // Reads alone until then: not a byte of the vault is another. After a write, its values are old or new as a whole.
                if sent.allSatisfy({ $0 == "GET" }) {
                    #expect(await writer.vault.contents() == before, "request \(place) of \(sent)")
                    cancelled += 1
                } else {
                    let now = try await writer.values()
                    #expect(now == values || now == ["URL": Secret("fake-\(answered)-\(place)")])
                }
                _ = try await writer.run(.sync(writer.start, workspace: writer.workspace))
                #expect(try await writer.values() == ["URL": Secret("fake-\(answered)-\(place)")])
            }
        }
        #expect(cancelled >= 3, "\(cancelled)")
    }

    @Test func cancellingEndsARequestUnderWay() async throws {
        let relay = try MemoryRelay()
        let (founder, _) = try await team(relay)
        relay.stop()
        let before = await founder.vault.contents()
        let task = Task {
            try await founder.run(.sync(founder.start, workspace: founder.workspace), by: Endless())
        }
        try await Task.sleep(for: .milliseconds(100))
        let began = ContinuousClock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ContinuousClock.now - began < .seconds(2))
        #expect(await founder.vault.contents() == before)
    }

    @Test func aRelayThatIsAwayIsAnErrorOfItsCode() async throws {
        let relay = try MemoryRelay()
        let (founder, _) = try await team(relay)
        relay.stop()
        do {
            _ = try await founder.run(.sync(founder.start, workspace: founder.workspace))
            Issue.record("no error")
        } catch let error as AgentSecretsError {
            #expect(error.code == .relayUnreachable && error.failure.retryable)
        }
    }

    @Test func nothingIsSentBeforeWhatItDependsOnIsStored() async throws {
        let relay = try MemoryRelay()
        let vault = Flaky()
        let transport = Watching(vault)
        for _ in 0..<4 {
            let machine = try Machine.create(
                Start(try Identity(generating: .human)), name: "acme", label: "laptop", relay: relay.url)
            _ = try? await machine.run(vault: vault, transport: transport)
        }
        #expect(await vault.failures == 2)
        #expect(await vault.stored > 0)
        #expect(await transport.early == 0)
    }

    @Test func aVaultThatFailsIsAnErrorOfItsCode() async throws {
        let identity = try Identity(generating: .human)
        let machine = try Machine.create(Start(identity), name: "acme", label: "laptop")
        do {
            try await machine.run(vault: Full(), transport: Endless())
            Issue.record("no error")
        } catch let error as AgentSecretsError {
            #expect(error.code == .vaultFull)
        }
    }
}

/// Fails to store for a while.
private actor Flaky: Vault {
    private let inner = MemoryVault()
    private(set) var failures = 0, stored = 0

    func load(_ key: String) async throws -> Secret? { await inner.load(key) }
    func store(_ key: String, _ bytes: Secret) async throws {
        if failures < 2 {
            failures += 1
            throw AgentSecretsError(.vaultFull, "no room")
        }
        stored += 1
        await inner.store(key, bytes)
    }
    func remove(_ key: String) async throws { await inner.remove(key) }
}

/// Notes what the vault held when something was sent.
private actor Watching: Transport {
    private let inner = URLSessionTransport()
    private let vault: Flaky
    private(set) var early = 0

    init(_ vault: Flaky) { self.vault = vault }

    func send(_ request: Request) async throws -> Response {
        if await vault.stored == 0 { early += 1 }
        return try await inner.send(request)
    }
}

private struct Endless: Transport {
    func send(_ request: Request) async throws -> Response {
        try await Task.sleep(for: .seconds(60))
        throw AgentSecretsError(.relayTimeout, "nobody answers")
    }
}

private struct Full: Vault {
    func load(_ key: String) async throws -> Secret? { nil }
    func store(_ key: String, _ bytes: Secret) async throws { throw AgentSecretsError(.vaultFull, "no room") }
    func remove(_ key: String) async throws {}
}
