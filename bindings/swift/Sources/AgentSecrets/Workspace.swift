internal import AgentSecretsNative

/// A team's workspace: who is in it, and its log. Scopes are lists of `ENV` or `ENV:NAME,NAME`; an empty one is everything.
public struct Workspace: Sendable {
    let native: NativeClient

    init(_ native: NativeClient) {
        self.native = native
    }

    /// What a member may do.
    public enum Role: String, Sendable, Codable {
        /// Everything, also policy and other owners.
        case owner
        /// Members and environments.
        case admin
        /// Values.
        case writer
        /// Reads alone.
        case reader
    }

    /// Why a membership ends.
    public enum Reason: String, Sendable {
        /// The person left.
        case departed
        /// The device is lost.
        case lostDevice = "lost-device"
        /// The device is in other hands.
        case compromised
        /// The device is no longer used.
        case retired
    }

    /// What a head that is older than the policy allows does.
    public enum Staleness: String, Sendable, Codable {
        /// It is reported.
        case warns
        /// Nothing is pushed.
        case blocksPush = "blocks-push"
        /// Nothing is pushed or pulled.
        case blocksBoth = "blocks-both"
    }

    /// 64 hexadecimal digits.
    ///
    /// - Throws: ``AgentSecretsError/noWorkspace(_:)``.
    public var id: String {
        get throws { try translated { try native.workspace() } }
    }

    /// Name, relay, environment and head, as they are known here.
    public func status() async throws -> Status {
        try rows(try await blocking { [native] in try native.status() })
    }

    /// Publishes a local workspace.
    ///
    /// - Throws: `already_published`, those of the relay.
    public func connect(relay: String) async throws {
        try await blocking { [native] in try native.connect(relay: relay) }
    }

    /// A code for one newcomer, secret until it is used. `expires` is in milliseconds since 1970; none is never.
    ///
    /// - Throws: ``AgentSecretsError/forbidden(_:)``, those of the relay.
    public func invite(_ role: Role = .reader, scope: [String] = [], expires: UInt64? = nil) async throws -> Secret {
        Secret(
            try await blocking { [native] in
                try native.invite(role: role.rawValue, scope: scope.joined(separator: " "), expires: expires ?? 0)
            })
    }

    /// Open invitations.
    public func invitations() async throws -> [InvitationRow] {
        try rows(try await blocking { [native] in try native.invitations() })
    }

    /// Withdraws the open invitation whose id begins so.
    ///
    /// - Throws: ``AgentSecretsError/invitation(_:)`` where none does, or more than one.
    public func uninvite(_ id: String) async throws {
        try await blocking { [native] in try native.uninvite(id: id) }
    }

    /// Admits whoever answered an invitation made here; how many.
    @discardableResult
    public func admit() async throws -> Int {
        Int(try await blocking { [native] in try native.admit() })
    }

    /// Admits a recipient whose string came out of band; the label.
    @discardableResult
    public func admitRecipient(
        _ recipient: String, label: String, role: Role = .reader, scope: [String] = []
    ) async throws -> String {
        try await blocking { [native] in
            try native.admitRecipient(
                recipient: recipient, role: role.rawValue, scope: scope.joined(separator: " "), label: label)
        }
    }

    /// Members.
    public func members() async throws -> [MemberRow] {
        try rows(try await blocking { [native] in try native.members() })
    }

    /// Ends the memberships of a member's person, or of this one device.
    ///
    /// - Throws: `unknown_member`, ``AgentSecretsError/forbidden(_:)``.
    public func remove(
        _ member: String, reason: Reason = .departed, device: Bool = false, rekey: Bool = true
    ) async throws {
        try await blocking { [native] in
            try native.remove(member: member, reason: reason.rawValue, device: device, rekey: rekey)
        }
    }

    /// Ends this device's own membership; what its vault holds, it still holds.
    public func leave() async throws {
        try await blocking { [native] in try native.leave() }
    }

    /// Begins the next generation of the workspace key.
    public func rekey() async throws {
        try await blocking { [native] in try native.rekey() }
    }

    /// Gives a member another role.
    public func setRole(of member: String, to role: Role) async throws {
        try await blocking { [native] in try native.setRole(member: member, role: role.rawValue) }
    }

    /// Gives a member another scope.
    public func setScope(of member: String, to scope: [String]) async throws {
        try await blocking { [native] in
            try native.setScope(member: member, scope: scope.joined(separator: " "))
        }
    }

    /// The 60 digits that both devices must show.
    public func safetyNumber(with member: String) async throws -> String {
        try await blocking { [native] in try native.safetyNumber(member: member) }
    }

    /// Records that the safety number was compared.
    public func confirm(_ member: String) async throws {
        try await blocking { [native] in try native.confirm(member: member) }
    }

    /// Who is how many entries behind, as each member last signed it; asks the relay.
    public func team() async throws -> [TeamRow] {
        try rows(try await blocking { [native] in try native.team() })
    }

    /// Environments.
    public func environments() async throws -> [EnvironmentRow] {
        try rows(try await blocking { [native] in try native.environments() })
    }

    /// A new environment.
    public func createEnvironment(_ label: String) async throws {
        try await blocking { [native] in try native.createEnvironment(label: label) }
    }

    /// Another label.
    public func renameEnvironment(_ label: String, to other: String) async throws {
        try await blocking { [native] in try native.renameEnvironment(label: label, to: other) }
    }

    /// The environment takes no more pushes.
    public func archiveEnvironment(_ label: String) async throws {
        try await blocking { [native] in try native.archiveEnvironment(label: label) }
    }

    /// The owner's policy.
    public func policy() async throws -> Policy {
        try rows(try await blocking { [native] in try native.policy() })
    }

    /// After how long without news a head is stale, in whole seconds, and what that does.
    public func setPolicy(fresh: Duration, stale: Staleness) async throws {
        let seconds = try milliseconds(fresh) / 1000
        try await blocking { [native] in try native.setPolicy(freshSeconds: seconds, stale: stale.rawValue) }
    }

    /// The log as the trail of who could read what, since when.
    public func audit() async throws -> [AuditRow] {
        try rows(try await blocking { [native] in try native.audit() })
    }

    /// Who could read what and needs rotation; of one member, or of all.
    public func exposure(of member: String? = nil) async throws -> [ExposureRow] {
        try rows(try await blocking { [native] in try native.exposure(member: member ?? "") })
    }

    /// The newest entry known here, as `SEQ:HEX`.
    public func head() async throws -> String {
        try await blocking { [native] in try native.head() }
    }

    /// Eight words for the head, to compare by voice.
    public func headWords() async throws -> String {
        try await blocking { [native] in try native.headWords() }
    }

    /// Follows the log alone, waiting up to `wait`; whether there was news.
    public func follow(wait: Duration = .zero) async throws -> Bool {
        let time = try milliseconds(wait)
        return try await blocking { [native] in try native.follow(waitMs: time) }
    }

    /// The log as a text that ``verify(log:head:)`` reads on any machine; it holds no value.
    public func export() async throws -> String {
        try await blocking { [native] in try native.export() }
    }

    /// Brings back to a restored relay what it lost; how many entries.
    public func repush() async throws -> Int {
        Int(try await blocking { [native] in try native.repush() })
    }

    /// Leaves this history for the relay's, if that contains a confirmed head.
    public func adopt(head: String) async throws {
        try await blocking { [native] in try native.adopt(head: head) }
    }

    /// Folds an exported log entry by entry; needs no secret. With a head, the log must reach exactly that far.
    ///
    /// - Throws: ``AgentSecretsError/history(_:)``, ``AgentSecretsError/invalidArgument(_:)``.
    public static func verify(log: String, head: String? = nil) throws -> Verified {
        try rows(try translated { try AgentSecretsNative.verify(log: log, head: head ?? "") })
    }
}
