internal import AgentSecretsNative

/// The stable number and word of an error. Numbers are never used for something else; a newer library may bring more.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: Int32

    /// The code of a number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The stable word, such as `relay_unreachable`.
    public var word: String { describeCode(code: rawValue)?.word ?? "code_\(rawValue)" }

    /// As ``word``.
    public var description: String { word }

    /// An argument has a form that the call does not take.
    public static let invalidArgument = ErrorCode(rawValue: 1)
    /// A state that the library holds to be impossible.
    public static let `internal` = ErrorCode(rawValue: 2)
    /// Another operation of the same machine is under way.
    public static let busy = ErrorCode(rawValue: 3)
    /// The machine was closed in the middle.
    public static let closed = ErrorCode(rawValue: 4)
    /// This build lacks the feature that the call needs.
    public static let unsupported = ErrorCode(rawValue: 5)
    /// A call broke down in the middle; its handle can only be freed.
    public static let poisoned = ErrorCode(rawValue: 6)
    /// The vault holds no identity yet.
    public static let noIdentity = ErrorCode(rawValue: 101)
    /// The recipient string is damaged or of another kind.
    public static let malformedRecipient = ErrorCode(rawValue: 102)
    /// The identity string is damaged or of another kind.
    public static let malformedIdentity = ErrorCode(rawValue: 103)
    /// A public key that gives no security: low order or not canonical.
    public static let weakKey = ErrorCode(rawValue: 104)
    /// The recovery words are not 24 words of the list with a right checksum.
    public static let malformedWords = ErrorCode(rawValue: 105)
    /// The invitation code is damaged, cut off or of another kind.
    public static let malformedInvitation = ErrorCode(rawValue: 110)
    /// The invitation's time is over.
    public static let invitationExpired = ErrorCode(rawValue: 111)
    /// The invitation has admitted somebody already.
    public static let invitationUsed = ErrorCode(rawValue: 112)
    /// The workspace does not know the invitation, or it was withdrawn.
    public static let invitationUnknown = ErrorCode(rawValue: 113)
    /// A log entry is not in canonical form.
    public static let malformedEntry = ErrorCode(rawValue: 201)
    /// A signature does not fit what it stands under.
    public static let badSignature = ErrorCode(rawValue: 202)
    /// A log entry does what its author may not do.
    public static let refusedEntry = ErrorCode(rawValue: 203)
    /// An entry does not follow the one before it.
    public static let brokenChain = ErrorCode(rawValue: 204)
    /// The relay serves a head older than the one this device has seen.
    public static let rollback = ErrorCode(rawValue: 205)
    /// The relay serves another history than the one this device has seen.
    public static let fork = ErrorCode(rawValue: 206)
    /// The relay hides something that it acknowledged.
    public static let withheld = ErrorCode(rawValue: 207)
    /// Nothing here says how far the log must reach.
    public static let unpinned = ErrorCode(rawValue: 208)
    /// Nobody else has been heard of for longer than the policy allows.
    public static let stale = ErrorCode(rawValue: 209)
    /// A sealed box cannot be opened with this key.
    public static let openFailed = ErrorCode(rawValue: 301)
    /// What was delivered is not what the log commits to.
    public static let commitmentMismatch = ErrorCode(rawValue: 302)
    /// A parcel's inside contradicts the entry that carries it.
    public static let parcelMismatch = ErrorCode(rawValue: 303)
    /// The relay does not hand over a delivery that the log lists.
    public static let deliveryWithheld = ErrorCode(rawValue: 304)
    /// A delivery of a signed entry cannot be read; its author has to send it again.
    public static let unreadable = ErrorCode(rawValue: 305)
    /// The workspace key that was handed over is not the one that the log commits to.
    public static let grantMismatch = ErrorCode(rawValue: 306)
    /// Two live secrets of one environment have the same name; the later one is not loaded.
    public static let duplicateName = ErrorCode(rawValue: 307)
    /// The value already left this device for a member who has been removed.
    public static let sentToRemoved = ErrorCode(rawValue: 308)
    /// This session has no OS keychain.
    public static let noKeychain = ErrorCode(rawValue: 401)
    /// The OS keychain is locked.
    public static let keychainLocked = ErrorCode(rawValue: 402)
    /// The OS keychain does not answer in time.
    public static let keychainTimeout = ErrorCode(rawValue: 403)
    /// The key or passphrase does not open this vault.
    public static let wrongVaultKey = ErrorCode(rawValue: 404)
    /// A vault file is truncated or was changed.
    public static let vaultDamaged = ErrorCode(rawValue: 405)
    /// The vault was written by a newer version of this library.
    public static let vaultNewer = ErrorCode(rawValue: 406)
    /// The vault here is of another kind than the one asked for.
    public static let vaultKindMismatch = ErrorCode(rawValue: 407)
    /// Another process is writing this vault.
    public static let vaultBusy = ErrorCode(rawValue: 408)
    /// The disk is full; the vault is as it was.
    public static let vaultFull = ErrorCode(rawValue: 409)
    /// The vault's folder cannot be read or written.
    public static let vaultIo = ErrorCode(rawValue: 410)
    /// The vault's key or passphrase file is missing, readable by others or of the wrong size.
    public static let vaultKeyFile = ErrorCode(rawValue: 411)
    /// The vault was opened before fork(); the child must open its own.
    public static let vaultForked = ErrorCode(rawValue: 412)
    /// The OS keychain refused the call.
    public static let keychainFailed = ErrorCode(rawValue: 413)
    /// No connection to the relay.
    public static let relayUnreachable = ErrorCode(rawValue: 501)
    /// The relay did not answer in time.
    public static let relayTimeout = ErrorCode(rawValue: 502)
    /// What answered is not a relay: HTML, half a body, or JSON of another shape.
    public static let relayMalformed = ErrorCode(rawValue: 503)
    /// The relay reports an error of its own.
    public static let relayError = ErrorCode(rawValue: 504)
    /// The relay's answer is larger than any right answer can be.
    public static let relayTooLarge = ErrorCode(rawValue: 505)
    /// The relay refuses the request.
    public static let relayRefused = ErrorCode(rawValue: 506)
    /// Too many requests for now.
    public static let rateLimited = ErrorCode(rawValue: 507)
    /// The relay is overloaded for now.
    public static let relayOverloaded = ErrorCode(rawValue: 508)
    /// This device's clock is off by more than five minutes, and the correction did not help.
    public static let clockSkew = ErrorCode(rawValue: 509)
    /// The workspace is local: it has no relay yet.
    public static let noRelay = ErrorCode(rawValue: 510)
    /// Others committed first too many times in a row.
    public static let contended = ErrorCode(rawValue: 511)
    /// The relay's disk is full; nothing was stored.
    public static let relayStorageFull = ErrorCode(rawValue: 512)
    /// This device is not (yet) a member of the workspace.
    public static let notAdmitted = ErrorCode(rawValue: 601)
    /// This member's role does not allow it.
    public static let forbidden = ErrorCode(rawValue: 602)
    /// It lies outside of this member's scope.
    public static let outOfScope = ErrorCode(rawValue: 603)
    /// No member has this label, fingerprint or id.
    public static let unknownMember = ErrorCode(rawValue: 604)
    /// More than one member fits.
    public static let ambiguousMember = ErrorCode(rawValue: 605)
    /// This identity is or was a member; its keys are not admitted again.
    public static let alreadyMember = ErrorCode(rawValue: 606)
    /// No workspace here: no project file, and none was named.
    public static let noWorkspace = ErrorCode(rawValue: 701)
    /// The project file here belongs to another workspace.
    public static let workspaceMismatch = ErrorCode(rawValue: 702)
    /// There is a workspace here already.
    public static let workspaceExists = ErrorCode(rawValue: 703)
    /// The workspace has no environment of this name.
    public static let unknownEnvironment = ErrorCode(rawValue: 704)
    /// The workspace has an environment of this name.
    public static let environmentExists = ErrorCode(rawValue: 705)
    /// The project file `.agentsecrets.toml` cannot be read.
    public static let projectFile = ErrorCode(rawValue: 706)
    /// The workspace is connected to a relay already.
    public static let alreadyPublished = ErrorCode(rawValue: 707)
    /// A name is letters, digits and underscores and does not begin with a digit.
    public static let invalidName = ErrorCode(rawValue: 801)
    /// A value has at most 65,536 bytes.
    public static let valueTooLarge = ErrorCode(rawValue: 802)
    /// The environment has no secret of this name.
    public static let unknownSecret = ErrorCode(rawValue: 803)
    /// The secret was changed here and by somebody else.
    public static let conflict = ErrorCode(rawValue: 804)
    /// This vault does not hold that version's value.
    public static let versionNotHeld = ErrorCode(rawValue: 805)
    /// Secrets that the program requires are not there.
    public static let missingSecrets = ErrorCode(rawValue: 806)
    /// A value cannot be an environment variable: it holds a zero byte.
    public static let notAnEnvironmentValue = ErrorCode(rawValue: 807)
    /// A line of the .env file cannot be read.
    public static let dotenvSyntax = ErrorCode(rawValue: 808)
    /// This vault holds no values of that environment yet.
    public static let noSnapshot = ErrorCode(rawValue: 809)
    /// The secret may be used and not read.
    public static let readForbidden = ErrorCode(rawValue: 901)
    /// The secret's policy does not allow this use.
    public static let useForbidden = ErrorCode(rawValue: 902)
    /// A narrower handle was asked to allow more than the one it comes from.
    public static let leaseWider = ErrorCode(rawValue: 903)
    /// The handle's time is over or its uses are spent.
    public static let leaseOver = ErrorCode(rawValue: 904)
    /// The request's address, header or body has a form that could be read in two ways.
    public static let invalidRequest = ErrorCode(rawValue: 905)
    /// The host's name leads to an address that is not public, and the policy names none.
    public static let addressForbidden = ErrorCode(rawValue: 906)
    /// The answer sends the request to another host.
    public static let redirectRefused = ErrorCode(rawValue: 907)
    /// No connection to the host.
    public static let upstreamUnreachable = ErrorCode(rawValue: 908)
    /// The host did not answer in time.
    public static let upstreamTimeout = ErrorCode(rawValue: 909)
    /// What answered does not speak HTTP, or broke off.
    public static let upstreamMalformed = ErrorCode(rawValue: 910)
    /// The answer is longer than the policy allows.
    public static let answerTooLarge = ErrorCode(rawValue: 911)
    /// The answer is encoded in a way that cannot be searched for the secret.
    public static let answerUnreadable = ErrorCode(rawValue: 912)
    /// The secret's bytes cannot stand at that place of a request.
    public static let notInjectable = ErrorCode(rawValue: 913)
    /// A secret's policy is not in its one form.
    public static let malformedPolicy = ErrorCode(rawValue: 914)
    /// A value is too short to be found in a text without false alarms.
    public static let secretTooShort = ErrorCode(rawValue: 921)
    /// The record of calls was changed, cut off or put in another order.
    public static let callRecordBroken = ErrorCode(rawValue: 931)
    /// No broker answers here.
    public static let brokerUnreachable = ErrorCode(rawValue: 932)
    /// The broker knows no such lease.
    public static let leaseUnknown = ErrorCode(rawValue: 933)
}
