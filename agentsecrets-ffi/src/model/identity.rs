//! Identities, and sealed boxes to and from them.

use std::sync::Arc;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::fresh_identity,
    crypto::Entropy,
    fingerprint::Fingerprint,
    identity::{Identity as CoreIdentity, IdentityString, Kind, Recipient},
    sealed_box,
    secret::SecretBytes,
};

/// Private half and public half of a device, agent or job.
#[derive(Debug)]
pub struct Identity(pub(super) Arc<CoreIdentity>);

/// The kind of a word.
///
/// # Errors
/// `invalid_argument`.
pub fn kind(word: &str) -> Result<Kind> {
    Kind::parse(word).ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgument, "a kind is human, agent, ci or recovery")
    })
}

impl Identity {
    /// A fresh one.
    ///
    /// # Errors
    /// `internal` where the system gives no random bytes.
    pub fn generate(kind: Kind) -> Result<Self> {
        Ok(Self(Arc::new(fresh_identity(kind)?)))
    }

    /// From its identity string.
    ///
    /// # Errors
    /// `malformed_identity`.
    pub fn parse(string: &str) -> Result<Self> {
        let (identity, _) = IdentityString::parse(string)?.into_identity();
        Ok(Self(Arc::new(identity)))
    }

    pub(super) fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// Its identity string, which is secret.
    pub fn string(&self) -> SecretBytes {
        IdentityString::new(&self.0, None).expose()
    }

    /// Its recipient string.
    pub fn recipient(&self) -> String {
        self.0.recipient().to_string()
    }

    /// Its fingerprint.
    pub fn fingerprint(&self) -> String {
        Fingerprint::of(&self.0.id()).to_string()
    }

    /// Opens a box.
    ///
    /// # Errors
    /// `open_failed`.
    pub fn open(&self, sealed: &[u8]) -> Result<SecretBytes> {
        self.0.open(sealed)
    }

    /// Opens many boxes; a verdict for each.
    pub fn open_many(&self, sealed: &[&[u8]]) -> Vec<Result<SecretBytes>> {
        self.0.open_many(sealed)
    }
}

/// Seals a message to a recipient string.
///
/// # Errors
/// `malformed_recipient`; `internal` where the system gives no random bytes.
pub fn seal(recipient: &str, message: &[u8]) -> Result<Vec<u8>> {
    let recipient = Recipient::parse(recipient)?;
    Ok(sealed_box::seal(recipient.box_key(), message, &mut entropy()?))
}

/// Seals many messages to one recipient string.
///
/// # Errors
/// As [`seal`].
pub fn seal_many(recipient: &str, messages: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
    let recipient = Recipient::parse(recipient)?;
    let to: Vec<_> = messages.iter().map(|message| (recipient.box_key(), *message)).collect();
    sealed_box::seal_many(&to, &mut entropy()?).into_iter().collect()
}

fn entropy() -> Result<Entropy> {
    agentsecrets_core::client::entropy().map(Entropy::new)
}
