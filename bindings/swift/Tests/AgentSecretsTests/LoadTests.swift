import AgentSecrets
import Foundation
import Testing

/// A file vault of a test alone, with a local workspace of two values.
private func device() async throws -> (config: Config, folder: URL) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("agentsecrets-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let key = folder.appendingPathComponent("key")
    try Data((0..<32).map { _ in UInt8.random(in: 0...255) }).write(to: key)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key.path)
    func config(_ workspace: String?) throws -> Config {
        try Config(vault: "file", vaultKeyFile: key.path, home: folder.appendingPathComponent("vault").path, workspace: workspace)
    }
    let first = try config(nil)
    #expect(try await first.initialize(label: "laptop"))
    #expect(try await first.initialize(label: "laptop") == false)
    let client = try await Client.open(first)
    let workspace = try await client.create(name: "acme", label: "laptop")
    try await client.set("URL", to: "fake-1")
    try await client.set("TOKEN", to: "fake-2")
    try await client.push()
    return (try config(try workspace.id), folder)
}

@Suite struct Loading {
    @Test func loadsFromAFileVaultInBothWays() async throws {
        let (config, folder) = try await device()
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try await Secrets.load(require: ["URL"], offline: true, config: config)
        #expect(secrets.names == ["TOKEN", "URL"] && secrets.count == 2 && secrets.environment == "development")
        #expect(try secrets["URL"] == Secret("fake-1"))
        let now = try inThread { try Secrets.load(environment: "development", config: config) }
        #expect(try now["TOKEN"] == Secret("fake-2"))
    }

    @Test func oneErrorNamesAllThatIsMissing() async throws {
        let (config, folder) = try await device()
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            _ = try await Secrets.load(require: ["URL", "A", "B"], config: config)
            Issue.record("no error")
        } catch AgentSecretsError.missingSecrets(let names, let failure) {
            #expect(names == ["A", "B"] && failure.code == .missingSecrets)
        }
    }

    @Test func badArgumentsAreRefused() async throws {
        let config = try Config(vault: "memory")
        await #expect(throws: AgentSecretsError.self) { try await Secrets.load(require: ["A B"], config: config) }
        await #expect(throws: AgentSecretsError.self) { try await Secrets.load(maxAge: .seconds(-1), config: config) }
    }

    @Test func aCancelledTaskDoesNotBegin() async throws {
        let (config, folder) = try await device()
        defer { try? FileManager.default.removeItem(at: folder) }
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await Secrets.load(config: config)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

private func inThread<Value>(_ run: () throws -> Value) rethrows -> Value { try run() }
