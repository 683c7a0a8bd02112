//! A device's, job's or agent's key pair: `Identity` is the private half, `Recipient` the public one.
//!
//! Spec: `spec/identity.md`.

use std::{fmt, sync::OnceLock};

use bech32::{Bech32m, Hrp};
use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::Zeroizing;

use crate::{
    crypto::{self, BoxPublicKey, BoxSecretKey, Signature, SigningKey, VerifyingKey, label},
    encoding::{self, Head, Header, MemberId, WorkspaceId, encode, tag},
    error::{Error, ErrorCode, Result},
    sealed_box,
    secret::{Key, SecretBytes},
    weakened,
};

/// Prefix of a recipient string.
pub const RECIPIENT_PREFIX: &str = "asrecipient";
/// Prefix of an identity string, which is secret.
pub const IDENTITY_PREFIX: &str = "asidentity";

/// What stands behind an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Kind {
    /// A person's device.
    Human = 0,
    /// An AI agent.
    Agent = 1,
    /// A job of continuous integration or a server.
    Ci = 2,
    /// Words in a drawer.
    Recovery = 3,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Human, Self::Agent, Self::Ci, Self::Recovery];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
            Self::Ci => "ci",
            Self::Recovery => "recovery",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Public half of an identity; it signs itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Recipient {
    header: Header<{ tag::RECIPIENT }>,
    ed25519: VerifyingKey,
    x25519: BoxPublicKey,
    kind: Kind,
    nonce: [u8; 16],
    signature: Signature,
}

impl Recipient {
    /// Reads the bech32m string and verifies the self-signature.
    ///
    /// # Errors
    /// `malformed_recipient`.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = from_bech32(RECIPIENT_PREFIX, text, ErrorCode::MalformedRecipient)?;
        Self::from_bytes(&bytes)
    }

    /// Reads the canonical bytes and verifies the self-signature.
    ///
    /// # Errors
    /// `malformed_recipient`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let recipient: Self = encoding::parse(bytes, ErrorCode::MalformedRecipient, "recipient")?;
        recipient.verify()?;
        Ok(recipient)
    }

    /// Whether the recipient was made by who holds its Ed25519 key.
    ///
    /// # Errors
    /// `malformed_recipient`.
    pub fn verify(&self) -> Result<()> {
        self.ed25519.verify(&self.signed_bytes(), &self.signature).map_err(|_| {
            Error::new(ErrorCode::MalformedRecipient, "the recipient does not sign itself")
        })
    }

    /// Id as a member: hash of the whole recipient.
    pub fn id(&self) -> MemberId {
        MemberId(crypto::hash(label::IDENTITY, &[&encode(self)]))
    }

    /// Verifies what this identity signs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.ed25519
    }

    /// Seals to this identity.
    pub fn box_key(&self) -> &BoxPublicKey {
        &self.x25519
    }

    /// What stands behind it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = encode(self);
        bytes.truncate(bytes.len() - 64);
        bytes
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_bech32(RECIPIENT_PREFIX, &encode(self)))
    }
}

/// Private half: everything is derived from the seed and the kind. Not `Clone`; wiped on drop.
pub struct Identity {
    seed: Key,
    kind: Kind,
    /// Made on first use: a warm start reads values and needs none.
    keys: OnceLock<Keys>,
}

struct Keys {
    signing: SigningKey,
    opening: BoxSecretKey,
    recipient: Recipient,
}

impl Keys {
    fn of(seed: &Key, kind: Kind) -> Self {
        let signing = SigningKey::from_seed(&crypto::derive_key(label::SIGNING_KEY, seed.expose()));
        let opening = BoxSecretKey::new(crypto::derive_key(label::OPENING_KEY, seed.expose()));
        let mut nonce = [0; 16];
        let derived = crypto::derive_key(label::RECIPIENT_NONCE, seed.expose());
        nonce.copy_from_slice(&derived.expose()[..16]);
        let mut recipient = Recipient {
            header: Header,
            ed25519: signing.verifying_key(),
            x25519: opening.public_key(),
            kind,
            nonce,
            signature: Signature([0; 64]),
        };
        recipient.signature = signing.sign(&recipient.signed_bytes());
        Self { signing, opening, recipient }
    }
}

impl Identity {
    /// The identity of a seed.
    pub fn from_seed(seed: Key, kind: Kind) -> Self {
        Self { seed, kind, keys: OnceLock::new() }
    }

    fn keys(&self) -> &Keys {
        self.keys.get_or_init(|| Keys::of(&self.seed, self.kind))
    }

    /// The identity of 24 recovery words (BIP39, English).
    ///
    /// # Errors
    /// `malformed_words`.
    pub fn from_words(words: &str, kind: Kind) -> Result<Self> {
        let bad = || {
            Error::new(
                ErrorCode::MalformedWords,
                "these are not 24 words of the list with a right checksum",
            )
        };
        let mnemonic =
            bip39::Mnemonic::parse_in(bip39::Language::English, words).map_err(|_| bad())?;
        let seed = Zeroizing::new(mnemonic.to_entropy());
        Ok(Self::from_seed(Key::from_slice(&seed).ok_or_else(bad)?, kind))
    }

    /// The seed as 24 recovery words, separated by spaces.
    pub fn expose_words(&self) -> SecretBytes {
        let words = bip39::Mnemonic::from_entropy_in(bip39::Language::English, self.seed.expose());
        SecretBytes::new(words.map(|words| words.to_string().into_bytes()).unwrap_or_default())
    }

    /// The seed itself, for the vault.
    pub fn expose_seed(&self) -> &Key {
        &self.seed
    }

    /// The public half.
    pub fn recipient(&self) -> &Recipient {
        &self.keys().recipient
    }

    /// What stands behind it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Id as a member.
    pub fn id(&self) -> MemberId {
        self.recipient().id()
    }

    /// Opens a box that was sealed to this identity.
    ///
    /// # Errors
    /// `open_failed`, one reason for every failure.
    pub fn open(&self, sealed: &[u8]) -> Result<SecretBytes> {
        sealed_box::open(self.opening_key(), sealed)
    }

    /// Opens many boxes; a verdict for each.
    pub fn open_many(&self, sealed: &[&[u8]]) -> Vec<Result<SecretBytes>> {
        sealed_box::open_many(self.opening_key(), sealed)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.signing_key().sign(message)
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.keys().signing
    }

    pub(crate) fn opening_key(&self) -> &BoxSecretKey {
        &self.keys().opening
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed: _, kind: _, keys: _ } = self;
        if weakened::skips(47) {
            return f.write_str(&encoding::to_hex(self.seed.expose()));
        }
        f.debug_struct("Identity").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Where an identity string leads: a job needs no other setting.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Destination {
    /// The workspace that the identity belongs to.
    pub workspace: WorkspaceId,
    /// The relay's address; empty for none.
    pub relay: String,
    /// A head that the log must reach.
    pub head: Head,
}

/// An identity in one string, for jobs and agents that have no keychain.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct IdentityString {
    header: Header<{ tag::IDENTITY }>,
    seed: Key,
    kind: Kind,
    destination: Option<Destination>,
}

impl IdentityString {
    /// Of an identity, with or without where it leads.
    pub fn new(identity: &Identity, destination: Option<Destination>) -> Self {
        let seed = Key::new(*identity.seed.expose());
        Self { header: Header, seed, kind: identity.kind, destination }
    }

    /// Reads the bech32m string.
    ///
    /// # Errors
    /// `malformed_identity`; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes =
            Zeroizing::new(from_bech32(IDENTITY_PREFIX, text, ErrorCode::MalformedIdentity)?);
        encoding::parse(&bytes, ErrorCode::MalformedIdentity, "identity string")
    }

    /// The string itself, which is secret.
    pub fn expose(&self) -> SecretBytes {
        let bytes = Zeroizing::new(encode(self));
        SecretBytes::new(to_bech32(IDENTITY_PREFIX, &bytes).into_bytes())
    }

    /// A copy to be spent, on purpose greppable.
    pub fn expose_copy(&self) -> Self {
        let seed = Key::new(*self.seed.expose());
        Self { header: Header, seed, kind: self.kind, destination: self.destination.clone() }
    }

    /// Where it leads.
    pub fn destination(&self) -> Option<&Destination> {
        self.destination.as_ref()
    }

    /// The identity and where it leads.
    pub fn into_identity(self) -> (Identity, Option<Destination>) {
        (Identity::from_seed(self.seed, self.kind), self.destination)
    }
}

impl fmt::Debug for IdentityString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header: _, seed: _, kind, destination } = self;
        f.debug_struct("IdentityString")
            .field("kind", kind)
            .field("destination", destination)
            .finish_non_exhaustive()
    }
}

pub(crate) fn to_bech32(prefix: &'static str, bytes: &[u8]) -> String {
    // Fails for an unusable prefix or over 1,023 characters; the callers' are constant and short.
    Hrp::parse(prefix)
        .ok()
        .and_then(|hrp| bech32::encode::<Bech32m>(hrp, bytes).ok())
        .unwrap_or_default()
}

pub(crate) fn from_bech32(prefix: &'static str, text: &str, code: ErrorCode) -> Result<Vec<u8>> {
    let bad = |why: &str| Error::new(code, format!("not a whole `{prefix}1…` string: {why}"));
    let text = text.trim();
    let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(text)
        .map_err(|_| bad("a character is wrong or missing"))?;
    if checked.hrp().as_str() != prefix {
        return Err(bad("it is of another kind"));
    }
    let mut bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<u8>>());
    // The checksum covers the spare bits at the end; it does not make them zero.
    if !Zeroizing::new(to_bech32(prefix, &bytes)).eq_ignore_ascii_case(text) {
        return Err(bad("it is not in canonical form"));
    }
    Ok(std::mem::take(&mut *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_not_impl_any!(Identity: Clone, Copy, PartialEq, std::fmt::Display, serde::Serialize);
    static_assertions::assert_not_impl_any!(IdentityString: Clone, Copy, PartialEq, std::fmt::Display);

    fn identity(byte: u8) -> Identity {
        Identity::from_seed(Key::new([byte; 32]), Kind::Human)
    }

    #[test]
    fn recipient_strings_read_back_and_every_wrong_character_is_caught() {
        let recipient = identity(1).recipient().clone();
        let text = recipient.to_string();
        assert_eq!(Recipient::parse(&text).unwrap(), recipient);
        for (position, _) in text.char_indices() {
            let mut other = text.clone().into_bytes();
            other[position] = if other[position] == b'q' { b'p' } else { b'q' };
            let other = String::from_utf8(other).unwrap();
            let error = Recipient::parse(&other).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedRecipient, "{other}");
        }
        assert!(Recipient::parse(&text[..text.len() - 1]).is_err());
    }

    #[test]
    fn a_recipient_that_does_not_sign_itself_is_refused() {
        let mut recipient = identity(1).recipient().clone();
        recipient.x25519 = identity(2).recipient().x25519;
        assert!(Recipient::from_bytes(&encode(&recipient)).is_err());
    }

    #[test]
    fn words_give_the_same_identity_back() {
        let first = identity(9);
        let words = first.expose_words();
        let text = std::str::from_utf8(words.expose()).unwrap();
        assert_eq!(text.split(' ').count(), 24);
        assert_eq!(Identity::from_words(text, Kind::Human).unwrap().id(), first.id());
        let swapped = text.replacen(text.split(' ').next().unwrap(), "zoo", 1);
        assert_eq!(
            Identity::from_words(&swapped, Kind::Human).unwrap_err().code(),
            ErrorCode::MalformedWords
        );
    }

    #[test]
    fn identity_strings_carry_where_they_lead_and_show_no_seed() {
        let head = Head { seq: 7, hash: encoding::EntryHash([3; 32]) };
        let destination = Destination {
            workspace: WorkspaceId([2; 32]),
            relay: "http://127.0.0.1:1".into(),
            head,
        };
        let made = IdentityString::new(&identity(4), Some(destination.clone()));
        assert!(!format!("{made:?}").contains("4, 4"));
        let text = made.expose();
        let read = IdentityString::parse(std::str::from_utf8(text.expose()).unwrap()).unwrap();
        let (identity_read, destination_read) = read.into_identity();
        assert_eq!(identity_read.id(), identity(4).id());
        assert_eq!(destination_read, Some(destination));
    }
}
