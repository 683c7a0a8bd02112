/// Which workspace this is and how far it is known; what is not known is nil.
public struct Status: Sendable, Codable, Equatable {
    /// 64 hexadecimal digits.
    public let workspace: String
    /// Its name.
    public let name: String?
    /// Address; nil for a local one.
    public let relay: String?
    /// Label of the configured environment.
    public let environment: String
    /// `SEQ:HEX`.
    public let head: String?
    /// Whether an invitation was answered and nobody has admitted this device yet.
    public let joining: Bool
}

/// What a sync did.
public struct Synced: Sendable, Codable, Equatable {
    /// Labels of whom it admitted.
    public let admitted: [String]
    /// Labels of whom it handed values to.
    public let sharedWith: [String]
    /// Word for how fresh the head is.
    public let freshness: String
    /// Each environment in scope.
    public let pulled: [Pulled]
}

/// What a sync did in one environment.
public struct Pulled: Sendable, Codable, Equatable {
    /// Label.
    public let environment: String
    /// Names with another value.
    public let updated: [String]
    /// Names that are gone.
    public let deleted: [String]
    /// Word of the code where it could not be pulled; it is as it was then.
    public let error: String?
}

/// A member.
public struct MemberRow: Sendable, Codable, Equatable {
    /// Label.
    public let label: String
    /// Hexadecimal digits.
    public let id: String
    /// Fingerprint.
    public let fingerprint: String
    /// `human`, `agent`, `ci` or `recovery`.
    public let kind: String
    /// Role.
    public let role: String
    /// What the member may read.
    public let scope: [String]
    /// How the member was admitted.
    public let how: String
    /// Label of who did it.
    public let admittedBy: String
    /// Number of the entry.
    public let since: UInt64
    /// Whether the membership lasts.
    public let active: Bool
    /// Whether it is this device.
    public let me: Bool
}

/// An open invitation.
public struct InvitationRow: Sendable, Codable, Equatable {
    /// Hexadecimal digits.
    public let id: String
    /// Role.
    public let role: String
    /// What the newcomer may read.
    public let scope: [String]
    /// Label of who made it.
    public let author: String
    /// Time, or `never`.
    public let expires: String
}

/// An environment.
public struct EnvironmentRow: Sendable, Codable, Equatable {
    /// Label.
    public let name: String
    /// Hexadecimal digits.
    public let id: String
    /// How many secrets.
    public let secrets: Int
    /// Whether this device may read it.
    public let inScope: Bool
    /// Whether it takes no more pushes.
    public let archived: Bool
}

/// A secret, without its value.
public struct SecretRow: Sendable, Codable, Equatable {
    /// Name.
    public let name: String
    /// Counter.
    public let version: UInt64
    /// Label.
    public let environment: String
    /// Time.
    public let updatedAt: String
    /// Label of who wrote it.
    public let author: String
}

/// What differs.
public struct DriftReport: Sendable, Codable, Equatable {
    /// Label; of two environments, both.
    public let environment: String
    /// Whether nothing differs.
    public let inSync: Bool
    /// What does.
    public let changes: [DriftChange]
}

/// One name that differs.
public struct DriftChange: Sendable, Codable, Equatable {
    /// Name.
    public let name: String
    /// Word for how.
    public let state: String
}

/// A version of a secret, without its value.
public struct VersionRow: Sendable, Codable, Equatable {
    /// Counter.
    public let version: UInt64
    /// Time.
    public let time: String
    /// Label of who wrote it.
    public let author: String
    /// `put`, `delete`, `given_up` or `not_pushed`.
    public let operation: String
    /// Whether this vault holds its value.
    public let held: Bool
    /// Whether it is the newest.
    public let live: Bool
}

/// One entry of the log.
public struct AuditRow: Sendable, Codable, Equatable {
    /// Number.
    public let seq: UInt64
    /// Time, as its author claims it.
    public let time: String
    /// Label.
    public let author: String
    /// Word for what it does.
    public let kind: String
    /// Label, where it is about one.
    public let environment: String?
    /// Names of secrets.
    public let names: [String]
    /// Labels of who could read them.
    public let recipients: [String]
}

/// A secret that others could read.
public struct ExposureRow: Sendable, Codable, Equatable {
    /// Label.
    public let environment: String
    /// Name.
    public let name: String
    /// Counters.
    public let versions: [UInt64]
    /// Whether the newest of them is the live one.
    public let live: Bool
    /// Whether the value itself has to be changed where it is valid.
    public let needsRotation: Bool
    /// Labels of who could read it and may not now; empty in a listing of one member.
    public let readers: [String]
}

/// How far a member is.
public struct TeamRow: Sendable, Codable, Equatable {
    /// Label.
    public let member: String
    /// Number of the newest entry that the member signed to have seen.
    public let seq: UInt64?
    /// How many entries behind.
    public let behind: UInt64?
    /// Time.
    public let seenAt: String?
    /// How many deliveries the member misses.
    public let missing: UInt64
}

/// The owner's policy.
public struct Policy: Sendable, Codable, Equatable {
    /// Seconds after which a head is stale.
    public let freshSeconds: UInt64
    /// What that does.
    public let stale: Workspace.Staleness
}

/// What a fold of an exported log found.
public struct Verified: Sendable, Codable, Equatable {
    /// 64 hexadecimal digits.
    public let workspace: String
    /// How many entries.
    public let entries: Int
    /// `SEQ:HEX`.
    public let head: String
    /// How many memberships last.
    public let members: Int
}
