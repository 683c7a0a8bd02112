extension Machine {
    /// Drives the operation to its end with a vault and a transport, and gives its outcome.
    ///
    /// Cancelling the task ends it where it waits: in a request, between requests, in a pause. What it had read until then is
    /// dropped, so a sync that is cancelled in the middle leaves the vault as it was; what it had already sent to change the
    /// relay may have arrived, and stands in the vault as under way.
    ///
    /// - Throws: the operation's error; `CancellationError`; an error of vault or transport that is no
    ///   ``AgentSecretsError``.
    @discardableResult
    public func run(vault: some Vault, transport: some Transport) async throws -> Outcome {
        defer { close() }
        var held = HeldBack(vault)
        do {
            while try await turn(&held, transport) {}
        } catch let error as CancellationError {
            throw error
        } catch {
            // What was verified before the failure is worth keeping; the failure is what the caller has to hear of.
            try? await held.flush()
            throw error
        }
        try await held.flush()
        return try outcome()
    }

    /// One step; whether there may be another.
    private func turn(_ held: inout HeldBack, _ transport: some Transport) async throws -> Bool {
        switch try next(now: .now) {
        case .done:
            return false
        case .wait:
            throw AgentSecretsError(.busy, "somebody else drives this operation too")
        case .sleep(let until):
            let now = UInt64.now
            try await Task.sleep(for: .milliseconds(until > now ? until - now : 0))
        case .load(let step, let key):
            if let bytes = try await attempt(step, .vaultIo, { try await held.load(key) }) { try loaded(step, bytes) }
        case .store(let step, let key, let bytes):
            held.write(key, bytes)
            try stored(step)
        case .remove(let step, let key):
            held.write(key, nil)
            try stored(step)
        case .send(let step, let request):
            try Task.checkCancellation()
            if request.method != "GET" {
                guard try await attempt(step, .vaultIo, { try await held.flush() }) != nil else { return true }
            }
            if let response = try await attempt(step, .relayUnreachable, { try await transport.send(request) }) {
                // What a write came to is always taken note of; what a read brought need not be.
                if request.method == "GET" { try Task.checkCancellation() }
                try answered(step, response)
            }
        }
        return true
    }

    /// What `run` gives; where it fails, the operation learns of it, and of an error of this module it may recover.
    private func attempt<Result>(
        _ step: UInt64, _ code: ErrorCode, _ run: () async throws -> Result
    ) async throws -> Result? {
        do {
            return try await run()
        } catch let error as AgentSecretsError {
            try failed(step, error.code)
            return nil
        } catch {
            if Task.isCancelled { throw CancellationError() }
            try failed(step, code)
            throw error
        }
    }
}
