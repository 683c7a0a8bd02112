internal import AgentSecretsNative

extension Secrets {
    /// Starts a command with chosen names in its environment, and nothing else of ours; its streams are this process's own. The
    /// command can read what it gets: of what may only be used it gets nothing, unless the policy says so.
    ///
    /// - Parameters:
    ///   - command: the program, found by `PATH`, and its arguments; no shell reads them
    ///   - only: names
    /// - Throws: ``AgentSecretsError/invalidArgument(_:)`` for no command, for one that does not start, and for a value that no
    ///   environment can hold; ``AgentSecretsError/unknownSecret(_:)``; ``AgentSecretsError/readForbidden(_:)``.
    @available(iOS, unavailable, message: "an app starts no commands there")
    public func spawn(_ command: [String], only: [String]) throws -> Child {
        Child(try translated { try native.spawn(command: command, only: only) })
    }
}

/// A command that was started. It runs on when nobody holds this. Any task may use it.
public final class Child: Sendable {
    private let native: NativeChild

    fileprivate init(_ native: NativeChild) {
        self.native = native
    }

    /// Number of the process.
    public var pid: Int32 { Int32(bitPattern: native.pid()) }

    /// Waits for its end; its exit code, 128 and the signal's number where it was killed. No thread waits with it, and where the
    /// task is cancelled, the command runs on.
    ///
    /// - Throws: `CancellationError`; `internal` where the system does not say.
    public func wait() async throws -> Int32 {
        while true {
            if let code = try ended() { return code }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits for its end for so long; nothing where it runs on.
    ///
    /// - Throws: as the other `wait`.
    public func wait(upTo time: Duration) async throws -> Int32? {
        let until = ContinuousClock.now + time
        while true {
            if let code = try ended() { return code }
            if ContinuousClock.now >= until { return nil }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func ended() throws -> Int32? {
        try translated { try native.wait(waitMs: 0) }
    }

    /// Ends it at once; one that has ended is fine.
    ///
    /// - Throws: `internal` where the system refuses.
    public func kill() throws {
        try translated { try native.kill() }
    }
}

extension Child: CustomStringConvertible {
    /// Number of the process; the command may hold what nobody is to see.
    public var description: String { "Child(\(pid))" }
}
