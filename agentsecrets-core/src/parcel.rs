//! What one sealed box of a push holds, and the commitments that every recipient checks.
//!
//! Spec: `spec/parcel.md`.

use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::Zeroizing;

use crate::{
    crypto::{self, Entropy, label},
    encoding::{
        self, BatchId, Commitment, EnvironmentId, Header, MemberId, SecretId, WorkspaceId, encode,
        tag,
    },
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
    weakened,
};

/// Longest value in bytes.
pub const MAX_VALUE: usize = 64 << 10;
/// Longest policy of a secret in bytes.
pub const MAX_POLICY: usize = 4 << 10;
/// A parcel's content before padding is at most this long.
pub const MAX_PARCEL: usize = 1 << 20;
/// Longest sealed box: the largest bucket and the box's overhead.
pub const MAX_SEALED: usize = MAX_PARCEL + crypto::SEAL_OVERHEAD;
const SMALLEST_BUCKET: usize = 256;

/// A salt of a commitment: random, fresh for each version.
pub type Salt = [u8; 32];

/// One secret's version inside a parcel, with everything that its commitments open with.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct ParcelItem {
    /// The secret.
    pub secret: SecretId,
    /// Its version.
    pub version: u64,
    /// Its name.
    pub name: SecretName,
    /// Salt of the name's commitment.
    pub name_salt: Salt,
    /// Its policy for use without reading; empty for none.
    pub policy: Vec<u8>,
    /// Salt of the policy's commitment.
    pub policy_salt: Salt,
    /// Salt of the version's commitment.
    pub salt: Salt,
    /// The value.
    pub value: SecretBytes,
}

impl ParcelItem {
    /// The version's commitment: to place, name, policy and value.
    pub fn commitment(&self, workspace: WorkspaceId, environment: EnvironmentId) -> Commitment {
        let content = Zeroizing::new(encode(&Committed {
            header: Header,
            workspace,
            environment,
            secret: self.secret,
            version: self.version,
            name: self.name.as_str(),
            policy: &self.policy,
            value: self.value.expose(),
        }));
        Commitment(crypto::commit(label::ITEM_COMMITMENT, &self.salt, &content))
    }

    /// The commitment to its name.
    pub fn name_commitment(&self) -> Commitment {
        Commitment(crypto::commit(
            label::NAME_COMMITMENT,
            &self.name_salt,
            self.name.as_str().as_bytes(),
        ))
    }

    /// The commitment to its policy.
    pub fn policy_commitment(&self) -> Commitment {
        Commitment(crypto::commit(label::POLICY_COMMITMENT, &self.policy_salt, &self.policy))
    }

    /// A copy for another recipient's parcel, on purpose greppable.
    pub fn expose_copy(&self) -> Self {
        Self {
            secret: self.secret,
            version: self.version,
            name: self.name.clone(),
            name_salt: self.name_salt,
            policy: self.policy.clone(),
            policy_salt: self.policy_salt,
            salt: self.salt,
            value: SecretBytes::copy_of(self.value.expose()),
        }
    }
}

impl std::fmt::Debug for ParcelItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            secret,
            version,
            name: _,
            name_salt: _,
            policy: _,
            policy_salt: _,
            salt: _,
            value: _,
        } = self;
        f.debug_struct("ParcelItem")
            .field("secret", secret)
            .field("version", version)
            .finish_non_exhaustive()
    }
}

#[derive(BorshSerialize)]
struct Committed<'a> {
    header: Header<{ tag::COMMITMENT }>,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    secret: SecretId,
    version: u64,
    name: &'a str,
    policy: &'a [u8],
    value: &'a [u8],
}

/// Where a parcel belongs: what must be the same inside the box and in the entry that carries it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Envelope {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The push or share.
    pub batch: BatchId,
    /// Author of the carrying entry.
    pub author: MemberId,
    /// Whom it is for.
    pub recipient: MemberId,
    /// The environment.
    pub environment: EnvironmentId,
}

/// What one sealed box holds.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Parcel {
    header: Header<{ tag::PARCEL }>,
    /// Where it belongs.
    pub envelope: Envelope,
    /// The environment's label, for members who hold no workspace key.
    pub environment_label: String,
    /// The secrets.
    pub items: Vec<ParcelItem>,
}

impl Parcel {
    /// Reads a padded parcel strictly and compares it with the entry that carries it.
    ///
    /// # Errors
    /// `parcel_mismatch`.
    pub fn parse(padded: &[u8], expected: &Envelope) -> Result<Self> {
        let bad = |why: &'static str| Error::new(ErrorCode::ParcelMismatch, why);
        let content = unpad(padded).ok_or_else(|| bad("a parcel's padding is wrong"))?;
        let parcel: Self = encoding::parse(content, ErrorCode::ParcelMismatch, "parcel")?;
        let within =
            |item: &ParcelItem| item.value.len() <= MAX_VALUE && item.policy.len() <= MAX_POLICY;
        if !parcel.items.iter().all(within) {
            return Err(bad("a value or a policy in a parcel is over its limit"));
        }
        if parcel.envelope != *expected && !weakened::skips_any(&[5, 6]) {
            return Err(bad(
                "a parcel names another author, recipient or place inside than its entry does",
            ));
        }
        Ok(parcel)
    }
}

/// The padded parcels of one recipient, not yet sealed: items in order, filled greedily.
pub fn pack(
    envelope: &Envelope,
    environment_label: &str,
    items: &[&ParcelItem],
) -> Vec<Zeroizing<Vec<u8>>> {
    let mut parcels = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let count = fitting(envelope, environment_label, rest);
        parcels.push(pack_one(envelope, environment_label, &rest[..count]));
        rest = &rest[count..];
    }
    parcels
}

/// How many of the first items fit; at least one, whose limits guarantee that it does.
fn fitting(envelope: &Envelope, environment_label: &str, items: &[&ParcelItem]) -> usize {
    let mut size = 4 + 3 + encode(envelope).len() + 4 + environment_label.len() + 4;
    let fits = items.iter().take_while(|item| {
        size += item_size(item);
        size <= MAX_PARCEL
    });
    fits.count().max(1)
}

fn item_size(item: &ParcelItem) -> usize {
    16 + 8
        + 4
        + item.name.as_str().len()
        + 32
        + 4
        + item.policy.len()
        + 32
        + 32
        + 4
        + item.value.len()
}

#[derive(BorshSerialize)]
struct Content<'a> {
    header: Header<{ tag::PARCEL }>,
    envelope: &'a Envelope,
    environment_label: &'a str,
    items: &'a [&'a ParcelItem],
}

fn pack_one(
    envelope: &Envelope,
    environment_label: &str,
    items: &[&ParcelItem],
) -> Zeroizing<Vec<u8>> {
    let content =
        Zeroizing::new(encode(&Content { header: Header, envelope, environment_label, items }));
    let mut padded = Zeroizing::new(Vec::with_capacity(bucket(4 + content.len())));
    padded.extend_from_slice(&(content.len() as u32).to_le_bytes());
    padded.extend_from_slice(&content);
    let size = bucket(padded.len());
    padded.resize(size, 0);
    padded
}

/// The smallest 256·2^k that holds `size` bytes.
fn bucket(size: usize) -> usize {
    if weakened::skips(41) {
        return size;
    }
    size.max(SMALLEST_BUCKET).next_power_of_two()
}

fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    let (content, zeros) =
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let tight = padded.len() == bucket(4 + content.len());
    (tight && zeros.iter().all(|byte| *byte == 0)).then_some(content)
}

/// Fresh salts of one item: name, policy, version.
pub fn salt(entropy: &mut Entropy) -> Salt {
    entropy.bytes()
}

#[cfg(test)]
mod tests;
