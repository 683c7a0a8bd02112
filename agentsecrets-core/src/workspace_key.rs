//! The workspace key, for names and labels only: its generations, labels under it, and the grant.
//!
//! Spec: `spec/parcel.md`.

use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::Zeroizing;

use crate::{
    crypto::{self, BoxPublicKey, Entropy, label},
    encoding::{
        Commitment, EnvironmentId, Header, MemberId, SecretId, WorkspaceId, encode, parse, tag,
    },
    error::{Error, ErrorCode, Result},
    identity::{Identity, Recipient},
    secret::Key,
    weakened,
};

/// Labels are padded to multiples of this many bytes before encryption.
const LABEL_BLOCK: usize = 64;
/// Longest label in bytes; names and tags of a secret fit.
pub const MAX_LABEL: usize = 1024;

/// What people may call a workspace, a member or an environment: it goes on command lines and
/// terminals.
///
/// # Errors
/// `invalid_argument` for an empty text, over 128 bytes, or control characters.
pub fn check_label(text: &str) -> Result<()> {
    if (1..=128).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidArgument,
        "a label has 1 to 128 bytes and no control characters",
    ))
}

/// What a label names; part of its associated data, so that labels cannot be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Subject {
    /// The workspace itself.
    Workspace,
    /// A member.
    Member(MemberId),
    /// An environment.
    Environment(EnvironmentId),
    /// A secret: its name and tags.
    Secret(EnvironmentId, SecretId),
}

/// A label as the log and the relay see it: 24 bytes nonce, padded ciphertext, 16 bytes tag.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SealedLabel {
    /// Generation of the workspace key that encrypts it.
    pub generation: u32,
    /// Nonce, ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

#[derive(BorshSerialize)]
struct LabelData {
    header: Header<{ tag::LABEL }>,
    workspace: WorkspaceId,
    generation: u32,
    subject: Subject,
}

/// All generations of the workspace key that a member holds, oldest first. Wiped on drop.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct WorkspaceKey {
    generations: Vec<Key>,
}

impl WorkspaceKey {
    /// A fresh key: generation 0.
    pub fn generate(entropy: &mut Entropy) -> Self {
        Self { generations: vec![entropy.key()] }
    }

    /// The same key with a fresh generation on top.
    #[must_use]
    pub fn with_next_generation(&self, entropy: &mut Entropy) -> Self {
        let mut next = self.expose_copy();
        next.generations.push(entropy.key());
        next
    }

    /// Number of the newest generation.
    pub fn generation(&self) -> u32 {
        (self.generations.len() as u32).saturating_sub(1)
    }

    /// Commitments of all generations, oldest first.
    pub fn commitments(&self) -> Vec<Commitment> {
        self.generations
            .iter()
            .enumerate()
            .map(|(number, key)| commitment(number as u32, key))
            .collect()
    }

    /// The generations that a history commits to, where it commits to the first of them at least.
    pub(crate) fn known_to(mut self, commitments: &[Commitment]) -> Option<Self> {
        let own = self.commitments();
        let same = own.iter().zip(commitments).take_while(|(own, told)| own == told).count();
        self.generations.truncate(same);
        (same > 0).then_some(self)
    }

    /// Encrypts a label under the newest generation. In Genesis `workspace` is zero.
    pub fn seal_label(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        text: &[u8],
        entropy: &mut Entropy,
    ) -> SealedLabel {
        let generation = self.generation();
        let data = encode(&LabelData { header: Header, workspace, generation, subject });
        let newest =
            if weakened::skips(30) { self.generations.first() } else { self.generations.last() };
        let ciphertext = match newest {
            Some(key) => crypto::encrypt(&label_key(key), entropy.bytes(), &data, &pad(text)),
            None => Vec::new(),
        };
        SealedLabel { generation, ciphertext }
    }

    /// Decrypts a label; `None` where the generation is not held or a bit differs.
    pub fn open_label(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        sealed: &SealedLabel,
    ) -> Option<Vec<u8>> {
        let key = self.generations.get(sealed.generation as usize)?;
        let data = encode(&LabelData {
            header: Header,
            workspace,
            generation: sealed.generation,
            subject,
        });
        let plain = crypto::decrypt(&label_key(key), &data, &sealed.ciphertext)?;
        unpad(plain.expose()).map(<[u8]>::to_vec)
    }

    /// A copy for the vault or for another member, on purpose greppable.
    pub fn expose_copy(&self) -> Self {
        Self { generations: self.generations.iter().map(|key| Key::new(*key.expose())).collect() }
    }
}

impl std::fmt::Debug for WorkspaceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkspaceKey(generations 0..={}, [redacted])", self.generation())
    }
}

fn commitment(number: u32, key: &Key) -> Commitment {
    Commitment(crypto::hash(
        label::WORKSPACE_KEY_COMMITMENT,
        &[&number.to_le_bytes(), key.expose()],
    ))
}

fn label_key(key: &Key) -> Key {
    crypto::derive_key(label::LABEL_KEY, key.expose())
}

/// Length as u16, the text, zeros up to a multiple of 64.
pub(crate) fn pad(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let text = &text[..text.len().min(MAX_LABEL)];
    let size = (2 + text.len()).next_multiple_of(LABEL_BLOCK);
    let mut padded = Zeroizing::new(Vec::with_capacity(size));
    padded.extend_from_slice(&(text.len() as u16).to_le_bytes());
    padded.extend_from_slice(text);
    padded.resize(size, 0);
    padded
}

pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<2>()?;
    let (text, zeros) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    let tight = padded.len() == (2 + text.len()).next_multiple_of(LABEL_BLOCK);
    (tight && zeros.iter().all(|byte| *byte == 0)).then_some(text)
}

/// The workspace key on its way from the admitting member to the admitted one.
#[derive(BorshSerialize, BorshDeserialize)]
struct Grant {
    header: Header<{ tag::GRANT }>,
    workspace: WorkspaceId,
    from: MemberId,
    to: MemberId,
    key: WorkspaceKey,
}

/// Wraps all generations for each recipient by static Diffie-Hellman (`crypto_box`), in their order.
pub fn wrap_many(
    from: &Identity,
    recipients: &[&Recipient],
    workspace: WorkspaceId,
    key: &WorkspaceKey,
    entropy: &mut Entropy,
) -> Vec<Vec<u8>> {
    let grant = |to: &&Recipient| {
        let (from, to, key) = (from.id(), to.id(), key.expose_copy());
        Zeroizing::new(encode(&Grant { header: Header, workspace, from, to, key }))
    };
    let grants: Vec<Zeroizing<Vec<u8>>> = recipients.iter().map(grant).collect();
    let messages: Vec<(&BoxPublicKey, &[u8])> = recipients
        .iter()
        .zip(&grants)
        .map(|(to, grant)| (to.box_key(), grant.as_slice()))
        .collect();
    crypto::crypto_box_many(from.opening_key(), &messages, entropy)
}

/// [`wrap_many`] for one recipient.
pub fn wrap(
    from: &Identity,
    to: &Recipient,
    workspace: WorkspaceId,
    key: &WorkspaceKey,
    entropy: &mut Entropy,
) -> Vec<u8> {
    wrap_many(from, &[to], workspace, key, entropy).concat()
}

/// Unwraps a grant and compares its inside with the envelope and with the log's commitments.
///
/// # Errors
/// `grant_mismatch`.
pub fn unwrap(
    own: &Identity,
    from: (&MemberId, &BoxPublicKey),
    workspace: WorkspaceId,
    commitments: &[Commitment],
    boxed: &[u8],
) -> Result<WorkspaceKey> {
    let bad = |why: &'static str| Error::new(ErrorCode::GrantMismatch, why);
    let bytes = crypto::crypto_box_open(own.opening_key(), from.1, boxed)
        .ok_or_else(|| bad("the grant does not open with the admitting member's key"))?;
    let grant: Grant = parse(bytes.expose(), ErrorCode::GrantMismatch, "grant")?;
    if (grant.workspace, &grant.from, grant.to) != (workspace, from.0, own.id()) {
        return Err(bad("the grant names other members or another workspace inside than outside"));
    }
    let held = grant.key.commitments();
    let committed = !held.is_empty() && commitments.starts_with(&held);
    if !committed && !weakened::skips(34) {
        return Err(bad("the grant holds another workspace key than the log commits to"));
    }
    Ok(grant.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Kind;

    const WORKSPACE: WorkspaceId = WorkspaceId([1; 32]);

    fn identity(byte: u8) -> Identity {
        Identity::from_seed(Key::new([byte; 32]), Kind::Human)
    }

    #[test]
    fn a_key_is_known_to_a_history_that_commits_to_its_first_generation() {
        let key = || WorkspaceKey::generate(&mut Entropy::new([1; 32]));
        let (own, other) = (key().commitments(), Commitment([7; 32]));
        assert!(key().known_to(&[]).is_none() && key().known_to(&[other]).is_none());
        let known =
            |commitments: &[Commitment]| key().known_to(commitments).map(|key| key.generation());
        assert_eq!((known(&own), known(&[own[0], other])), (Some(0), Some(0)));
    }

    #[test]
    fn labels_cannot_be_swapped_and_their_length_shows_only_the_block() {
        let mut entropy = Entropy::new([1; 32]);
        let key = WorkspaceKey::generate(&mut entropy);
        let (one, two) = (
            Subject::Environment(EnvironmentId([1; 16])),
            Subject::Environment(EnvironmentId([2; 16])),
        );
        let sealed = key.seal_label(WORKSPACE, one, b"production", &mut entropy);
        assert_eq!(key.open_label(WORKSPACE, one, &sealed).unwrap(), b"production");
        assert!(key.open_label(WORKSPACE, two, &sealed).is_none());
        assert!(key.open_label(WorkspaceId([9; 32]), one, &sealed).is_none());
        let short = key.seal_label(WORKSPACE, one, b"", &mut entropy);
        assert_eq!(short.ciphertext.len(), sealed.ciphertext.len());
    }

    #[test]
    fn padding_is_checked() {
        for length in [0, 1, 61, 62, 63, 1024] {
            let text = vec![b'x'; length];
            let padded = pad(&text);
            assert_eq!(padded.len() % 64, 0);
            assert_eq!(unpad(&padded).unwrap(), text);
        }
        let mut other = pad(b"x").to_vec();
        other[40] = 1;
        assert!(unpad(&other).is_none());
        assert!(unpad(&[pad(b"x").as_slice(), &[0; 64]].concat()).is_none());
    }

    #[test]
    fn a_grant_counts_only_for_whom_and_what_it_names() {
        let (from, to, mut entropy) = (identity(1), identity(2), Entropy::new([3; 32]));
        let key = WorkspaceKey::generate(&mut entropy);
        let boxed = wrap(&from, to.recipient(), WORKSPACE, &key, &mut entropy);
        let (id, commitments) = (from.id(), key.commitments());
        let sender = (&id, from.recipient().box_key());
        assert!(
            unwrap(&to, sender, WORKSPACE, &commitments, &boxed).unwrap().commitments()
                == commitments
        );
        let mismatch =
            |result: Result<WorkspaceKey>| result.unwrap_err().code() == ErrorCode::GrantMismatch;
        assert!(mismatch(unwrap(&to, sender, WorkspaceId([9; 32]), &commitments, &boxed)));
        assert!(mismatch(unwrap(
            &to,
            (&to.id(), from.recipient().box_key()),
            WORKSPACE,
            &commitments,
            &boxed
        )));
        assert!(mismatch(unwrap(&identity(3), sender, WORKSPACE, &commitments, &boxed)));
        assert!(mismatch(unwrap(&to, sender, WORKSPACE, &[Commitment([0; 32])], &boxed)));
    }
}
