//! One entry: who did what, after which entry, signed.

use borsh::{BorshDeserialize, BorshSerialize};

use super::membership::{How, Role, Scope};
use crate::{
    crypto::{self, Signature, VerifyingKey, label},
    encoding::{
        self, BatchId, Commitment, DeliveriesRoot, EntryHash, EnvironmentId, Head, Header,
        MemberId, PersonId, SealedHash, SecretId, WorkspaceId, encode, tag,
    },
    error::{Error, ErrorCode, Result},
    identity::{Identity, Recipient},
    policy::Policy,
    workspace_key::SealedLabel,
};

/// Longest entry with its signature, in bytes.
pub const MAX_ENTRY: usize = 1 << 20;
const SIGNATURE: usize = 64;

/// What an entry says; the signature covers its canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    header: Header<{ tag::ENTRY }>,
    /// The workspace; zero in Genesis.
    pub workspace: WorkspaceId,
    /// Number, from 0.
    pub seq: u64,
    /// Hash of the entry before; zero in Genesis.
    pub prev: EntryHash,
    /// Milliseconds since 1970 by the author's clock: a claim, which the fold ignores.
    pub time: u64,
    /// Who signs.
    pub author: MemberId,
    /// What is done.
    pub body: Body,
}

impl Entry {
    /// The entry that follows `head`.
    pub fn after(
        workspace: WorkspaceId,
        head: Head,
        time: u64,
        author: MemberId,
        body: Body,
    ) -> Self {
        Self { header: Header, workspace, seq: head.seq + 1, prev: head.hash, time, author, body }
    }

    /// The first entry of a log.
    pub fn genesis(time: u64, author: MemberId, genesis: Genesis) -> Self {
        let (workspace, prev) = (WorkspaceId::ZERO, EntryHash::ZERO);
        Self { header: Header, workspace, seq: 0, prev, time, author, body: Body::Genesis(genesis) }
    }

    /// Signs it.
    ///
    /// # Errors
    /// `malformed_entry` for an entry over 1 MiB.
    pub fn sign(self, identity: &Identity) -> Result<SignedEntry> {
        let mut bytes = encode(&self);
        let signature = identity.sign(&bytes);
        bytes.extend_from_slice(&signature.0);
        SignedEntry::parse(&bytes)
    }
}

/// Everything that can be done; the number of a kind is its place here and never changes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Body {
    /// Begins the log.
    Genesis(Genesis) = 0,
    /// Makes, renames or archives an environment.
    Environment(Environment) = 1,
    /// Offers membership to whoever holds a token.
    Invite(Invite) = 2,
    /// Withdraws an invitation.
    Uninvite(Uninvite) = 3,
    /// Makes an identity a member.
    Admit(Box<Admit>) = 4,
    /// Gives a member another role or scope.
    Change(Change) = 5,
    /// Ends memberships: authorship and receipt, at once.
    Remove(Remove) = 6,
    /// Ends the author's own membership.
    Leave = 7,
    /// Begins the next generation of the workspace key.
    Rekey(Rekey) = 8,
    /// New versions of secrets.
    Push(Push) = 9,
    /// Versions sealed to members who had none of them.
    Share(Share) = 10,
    /// A new policy.
    Policy(Policy) = 11,
}

impl Body {
    /// The word for the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "genesis",
            Self::Environment(_) => "environment",
            Self::Invite(_) => "invite",
            Self::Uninvite(_) => "uninvite",
            Self::Admit(_) => "admit",
            Self::Change(_) => "change",
            Self::Remove(_) => "remove",
            Self::Leave => "leave",
            Self::Rekey(_) => "rekey",
            Self::Push(_) => "push",
            Self::Share(_) => "share",
            Self::Policy(_) => "policy",
        }
    }

    /// Whether it lists sealed bytes for anybody.
    pub fn delivers(&self) -> bool {
        match self {
            Self::Push(Push { root, .. })
            | Self::Share(Share { root, .. })
            | Self::Rekey(Rekey { root, .. }) => *root != DeliveriesRoot::ZERO,
            Self::Admit(admit) => admit.grant.is_some(),
            Self::Change(change) => change.grant.is_some(),
            _ => false,
        }
    }
}

/// Body of Genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The founder, who becomes owner of everything.
    pub founder: Recipient,
    /// The founder's person.
    pub person: PersonId,
    /// The first policy.
    pub policy: Policy,
    /// Commitment to generation 0 of the workspace key.
    pub key_commitment: Commitment,
    /// The workspace's name.
    pub name: SealedLabel,
    /// The founder's label.
    pub label: SealedLabel,
}

/// What happens to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Action {
    /// It begins.
    Create,
    /// It gets another label.
    Rename,
    /// It takes no more pushes.
    Archive,
}

/// Body of Environment.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Environment {
    /// The environment.
    pub id: EnvironmentId,
    /// What happens to it.
    pub action: Action,
    /// Its label from now on.
    pub label: SealedLabel,
}

/// Body of Invite.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Invite {
    /// Public key of the token.
    pub key: VerifyingKey,
    /// Highest role that it gives.
    pub role: Role,
    /// Widest scope that it gives.
    pub scope: Scope,
    /// Milliseconds since 1970 after which admins no longer use it; 0 is never.
    pub expires: u64,
}

/// Body of Uninvite.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Uninvite {
    /// The Invite entry.
    pub invite: EntryHash,
}

/// Body of Admit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Admit {
    /// The new member.
    pub recipient: Recipient,
    /// Whose device it is.
    pub person: PersonId,
    /// Its role.
    pub role: Role,
    /// Its scope.
    pub scope: Scope,
    /// Why its key is believed.
    pub how: How,
    /// By the invitation's token; exactly where `how` is an invitation.
    pub proof: Option<Signature>,
    /// By an older device, where the person has one already.
    pub person_proof: Option<(MemberId, Signature)>,
    /// Hash of the grant; exactly where the scope is not blind.
    pub grant: Option<SealedHash>,
    /// Its label.
    pub label: SealedLabel,
}

/// Body of Change.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Change {
    /// The member.
    pub member: MemberId,
    /// Its role from now on.
    pub role: Role,
    /// Its scope from now on.
    pub scope: Scope,
    /// Hash of the grant; exactly where a blind member becomes one that is not.
    pub grant: Option<SealedHash>,
}

/// Who is removed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Removed {
    /// All devices of persons, sorted.
    Persons(Vec<PersonId>),
    /// Single members, sorted.
    Members(Vec<MemberId>),
}

/// Why somebody is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Reason {
    /// The person has left.
    Departed,
    /// The device is lost.
    LostDevice,
    /// The key is, or may be, in other hands.
    Compromised,
    /// The job or agent is no longer needed.
    Retired,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::Departed, Self::LostDevice, Self::Compromised, Self::Retired];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Departed => "departed",
            Self::LostDevice => "lost-device",
            Self::Compromised => "compromised",
            Self::Retired => "retired",
        }
    }

    /// The reason of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Body of Remove.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Remove {
    /// Who.
    pub who: Removed,
    /// Why.
    pub reason: Reason,
}

/// Body of Rekey.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rekey {
    /// Number of the generation: the one before, plus 1.
    pub generation: u32,
    /// Commitment to it.
    pub commitment: Commitment,
    /// Over the grants to every active member who is not blind.
    pub root: DeliveriesRoot,
}

/// A version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct VersionRef {
    /// The secret.
    pub secret: SecretId,
    /// Its version, from 1.
    pub version: u64,
}

/// A sealed version that left a device without its entry being accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Stray {
    /// To whom.
    pub member: MemberId,
    /// Environment of the secret.
    pub environment: EnvironmentId,
    /// The version that was meant.
    pub version: VersionRef,
}

/// Body of Push.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Push {
    /// Names this push inside its parcels.
    pub batch: BatchId,
    /// The environment.
    pub environment: EnvironmentId,
    /// New versions, at most one of each secret.
    pub items: Vec<Item>,
    /// What left the device before, without success.
    pub strays: Vec<Stray>,
    /// Over what each recipient gets.
    pub root: DeliveriesRoot,
}

/// A new version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Item {
    /// The secret.
    pub secret: SecretId,
    /// The version before, plus 1.
    pub version: u64,
    /// A value or its end.
    pub operation: Operation,
    /// Exactly where this item creates the secret.
    pub create: Option<Create>,
    /// Salted commitment to a new policy for use without reading; admins only.
    pub policy: Option<Commitment>,
    /// Versions whose values were tested to be other ones.
    pub differs_from: Vec<VersionRef>,
}

/// What an item does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Operation {
    /// Sets the value that the commitment is to.
    Put(Commitment),
    /// Ends the secret.
    Delete,
}

/// What creates a secret.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Create {
    /// Salted commitment to the name.
    pub name_commitment: Commitment,
    /// The name and tags, under the workspace key.
    pub name: SealedLabel,
}

/// Body of Share.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// Names this share inside its parcels.
    pub batch: BatchId,
    /// The environment.
    pub environment: EnvironmentId,
    /// What is sealed, sorted.
    pub versions: Vec<VersionRef>,
    /// To whom, sorted.
    pub recipients: Vec<MemberId>,
    /// Pairs of versions that a holder of both found to differ.
    pub differs: Vec<(VersionRef, VersionRef)>,
    /// What left the device before, without success.
    pub strays: Vec<Stray>,
    /// Over what each recipient gets.
    pub root: DeliveriesRoot,
}

/// An entry with its signature, in the bytes that came in. Parsing checks the form alone; the
/// signature is verified by the fold, which knows the author's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEntry {
    bytes: Vec<u8>,
    entry: Entry,
    signature: Signature,
    hash: EntryHash,
}

impl SignedEntry {
    /// # Errors
    /// `malformed_entry` for more than 1 MiB, trailing bytes or any other form than the canonical.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |why: &'static str| Error::new(ErrorCode::MalformedEntry, why);
        if bytes.len() > MAX_ENTRY {
            return Err(bad("an entry has at most 1 MiB"));
        }
        let (body, signature) =
            bytes.split_last_chunk::<SIGNATURE>().ok_or_else(|| bad("an entry is cut off"))?;
        let entry = encoding::parse(body, ErrorCode::MalformedEntry, "entry")?;
        let hash = EntryHash(crypto::hash(label::ENTRY_HASH, &[bytes]));
        Ok(Self { bytes: bytes.to_vec(), entry, signature: Signature(*signature), hash })
    }

    /// The received bytes, signature included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Its hash, over bytes and signature.
    pub fn hash(&self) -> EntryHash {
        self.hash
    }

    /// The head when this is the newest entry.
    pub fn head(&self) -> Head {
        Head { seq: self.entry.seq, hash: self.hash }
    }

    /// Verifies the signature over the received bytes.
    ///
    /// # Errors
    /// `bad_signature`.
    pub fn verify(&self, key: &VerifyingKey) -> Result<()> {
        let body = self.bytes.len() - SIGNATURE;
        key.verify(&self.bytes[..body], &self.signature)
    }
}

#[cfg(test)]
mod tests;
