internal import AgentSecretsNative

extension Secrets {
    /// Changes of the environment as they arrive, with the values as they are then:
    ///
    ///     for try await change in secrets.changes {
    ///         pool.reconnect(try change.secrets["DATABASE_URL"])
    ///     }
    ///
    /// The loop ends where its task is cancelled. A relay that is away for a while is no error.
    public var changes: Changes { Changes(secrets: self) }
}

/// What changed: names, and the values of now.
public struct Change: Sendable, CustomStringConvertible {
    /// Names with another value than before, or a new one.
    public let updated: Set<String>
    /// Names that are gone.
    public let deleted: Set<String>
    /// The values as they are now.
    public let secrets: Secrets

    /// Names alone.
    public var description: String { "Change(updated: \(updated.sorted()), deleted: \(deleted.sorted()))" }
}

/// Changes of an environment, whoever pulls them into the vault.
public struct Changes: AsyncSequence, Sendable {
    /// What a loop gets.
    public typealias Element = Change

    let secrets: Secrets

    /// Begins to wait. Throws those errors of vault and log that another try does not change.
    public func makeAsyncIterator() -> Iterator {
        Iterator(last: secrets)
    }

    /// One who waits.
    public struct Iterator: AsyncIteratorProtocol {
        private var last: Secrets
        private var opened: (client: NativeClient, watch: NativeWatch)?

        fileprivate init(last: Secrets) {
            self.last = last
        }

        /// The next change; nothing once the task is cancelled. A wait under way ends within a second.
        public mutating func next() async throws -> Change? {
            do {
                while !Task.isCancelled {
                    if let change = try await turn() { return change }
                }
            } catch is CancellationError {
            }
            return nil
        }

        /// One wait. The watch opens before the values are read again, so that no change falls between.
        private mutating func turn() async throws -> Change? {
            let (origin, environment) = (last.origin, last.origin.environment)
            if let (client, watch) = opened {
                guard try await blocking({ try watch.next(waitMs: 1000) }) != nil else { return nil }
                return try await replace(client, environment)
            }
            let (client, watch) = try await blocking {
                let client = try origin.open()
                return (client, try client.watch(environment: environment))
            }
            opened = (client, watch)
            return try await replace(client, environment)
        }

        private mutating func replace(_ client: NativeClient, _ environment: String) async throws -> Change? {
            let before = last
            let change = try await blocking {
                try Change(from: before, to: Secrets(try client.secrets(environment: environment), before.origin))
            }
            last = change.secrets
            return change.updated.isEmpty && change.deleted.isEmpty ? nil : change
        }
    }
}

extension Secrets.Origin {
    fileprivate var environment: String {
        switch self {
        case .loaded(let environment, _), .client(_, let environment): environment
        case .given: ""
        }
    }

    fileprivate func open() throws -> NativeClient {
        switch self {
        case .loaded(_, let config): try NativeClient.open(config: config?.native)
        case .client(let client, _): client
        case .given: throw AgentSecretsError(.unsupported, "values given by hand do not change")
        }
    }
}

extension Change {
    fileprivate init(from old: Secrets, to new: Secrets) throws {
        let (before, now) = (Set(old.names), Set(new.names))
        let other = try now.filter { name in
            guard before.contains(name) else { return true }
            return try new[name] != old[name]
        }
        self.init(updated: other, deleted: before.subtracting(now), secrets: new)
    }
}
