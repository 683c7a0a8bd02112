/// Where a ``Machine`` keeps things, durably. What it is handed is secret and in clear: a vault that writes to disk
/// encrypts first.
///
/// Throw an ``AgentSecretsError`` to report a failure as what it is, such as ``ErrorCode/vaultIo``.
public protocol Vault: Sendable {
    /// What is stored under a key, or nil.
    func load(_ key: String) async throws -> Secret?
    /// Stores, durably before it returns.
    func store(_ key: String, _ bytes: Secret) async throws
    /// Removes what is stored, if anything.
    func remove(_ key: String) async throws
}

/// A vault that forgets everything with its last reference.
public actor MemoryVault: Vault {
    private var stored: [String: Secret] = [:]

    /// An empty one.
    public init() {}

    /// What is stored under a key, or nil.
    public func load(_ key: String) -> Secret? { stored[key] }
    /// Stores.
    public func store(_ key: String, _ bytes: Secret) { stored[key] = bytes }
    /// Removes.
    public func remove(_ key: String) { stored[key] = nil }
    /// Everything, by key.
    public func contents() -> [String: Secret] { stored }
}

/// Holds writes back while the operation only reads from the relay, so that one that is cancelled leaves the vault as it was.
///
/// Before anything is sent that changes the relay, and at the end, what was held back is written in its order: a write that
/// a later message depends on is durable before that message leaves.
struct HeldBack {
    private let vault: any Vault
    private var writes: [(key: String, bytes: Secret?)] = []
    private var now: [String: Secret?] = [:]

    init(_ vault: any Vault) {
        self.vault = vault
    }

    func load(_ key: String) async throws -> Secret? {
        if let held = now[key] { return held }
        return try await vault.load(key)
    }

    mutating func write(_ key: String, _ bytes: Secret?) {
        writes.append((key, bytes))
        now[key] = .some(bytes)
    }

    /// In a task of its own: cancelling in the middle would leave half of it. What could not be written stays held back, so
    /// that nothing which depends on it is ever sent without it.
    mutating func flush() async throws {
        let (vault, pending) = (vault, writes)
        let (written, failure) = await Task { await writeAll(pending, to: vault) }.value
        writes.removeFirst(written)
        if writes.isEmpty { now = [:] }
        if let failure { throw failure }
    }
}

/// Writes in order; how many, and why not more.
private func writeAll(_ pending: [(key: String, bytes: Secret?)], to vault: any Vault) async -> (Int, (any Error)?) {
    for (place, (key, bytes)) in pending.enumerated() {
        do {
            if let bytes { try await vault.store(key, bytes) } else { try await vault.remove(key) }
        } catch {
            return (place, error)
        }
    }
    return (pending.count, nil)
}
