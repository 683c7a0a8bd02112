//! What one secret may be used for: set by admins, committed to in the log, carried in parcels.
//!
//! Spec: `spec/secret-policy.md`. The empty text of a parcel is no policy: readable, as ever.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    encoding::{self, Header, encode, tag},
    error::{Error, ErrorCode, Result},
    identity::Kind,
    parcel::MAX_POLICY,
};

mod host;
mod json;
mod path;
mod place;

pub use host::{Host, Scheme};
pub use path::PathPattern;
pub(crate) use path::is_segment;
pub use place::{HeaderName, Place, Text};

/// Most rules of one policy.
pub const MAX_RULES: usize = 16;
/// Largest answer that a policy may let through, in bytes.
pub const MAX_RESPONSE: u32 = 64 << 20;
/// The limit of a rule that names none.
pub const DEFAULT_RESPONSE: u32 = 4 << 20;

/// Whether whoever holds the secret may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Access {
    /// It is handed to the program.
    Readable,
    /// It is used on the program's behalf.
    UseOnly,
}

/// A method of HTTP that a rule may allow.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
}

impl Method {
    /// All methods; `CONNECT` and `TRACE` carry secrets to where no rule can follow.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// The method of a word, in capitals as on the wire.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

/// One place on the network where a secret may go, and how.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rule {
    /// Over TLS or, where it says so, without.
    pub scheme: Scheme,
    /// The one host.
    pub host: Host,
    /// The one port.
    pub port: u16,
    /// Whether the host's name may lead to an address that is not public. An address in `host`
    /// names itself.
    pub private: bool,
    /// Sorted, at least one.
    pub methods: Vec<Method>,
    /// Sorted, at least one.
    pub paths: Vec<PathPattern>,
    /// Where in a request the secret may stand; sorted, at least one.
    pub places: Vec<Place>,
    /// Longest answer in bytes, after decoding.
    pub response_limit: u32,
}

/// A secret's policy. `encode(parse(x)) == x`; at most [`MAX_POLICY`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SecretPolicy {
    header: Header<{ tag::SECRET_POLICY }>,
    /// Whether it may be read.
    pub access: Access,
    /// Whether messages may be signed with it (HMAC).
    pub sign: bool,
    /// Whether a command that the library starts may get it, and so read it.
    pub environment: bool,
    /// Where requests may carry it.
    pub rules: Vec<Rule>,
}

impl SecretPolicy {
    /// A policy that is known to have its one form.
    ///
    /// # Errors
    /// `malformed_policy`: too many rules, an empty or unsorted list, a place where no secret can
    /// stand, no port, a limit of zero or over 64 MiB, more than 4 KiB in all.
    pub fn new(access: Access, sign: bool, environment: bool, rules: Vec<Rule>) -> Result<Self> {
        let policy = Self { header: Header, access, sign, environment, rules };
        policy.check()?;
        Ok(policy)
    }

    /// What a parcel carries; `None` for the empty text, which is no policy.
    ///
    /// # Errors
    /// `malformed_policy` for any other form than the canonical.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() > MAX_POLICY {
            return Err(malformed("a policy has at most 4 KiB"));
        }
        let policy: Self = encoding::parse(bytes, ErrorCode::MalformedPolicy, "policy")?;
        policy.check()?;
        Ok(Some(policy))
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    fn check(&self) -> Result<()> {
        if self.rules.len() > MAX_RULES {
            return Err(malformed("a policy has at most 16 rules"));
        }
        self.rules.iter().try_for_each(Rule::check)?;
        match encode(self).len() <= MAX_POLICY {
            true => Ok(()),
            false => Err(malformed("a policy has at most 4 KiB")),
        }
    }
}

impl Rule {
    fn check(&self) -> Result<()> {
        let lists = [sorted(&self.methods), sorted(&self.paths), sorted(&self.places)];
        if lists.contains(&false) {
            return Err(malformed(
                "a rule names methods, paths and places, each once and in order",
            ));
        }
        if !self.places.iter().all(Place::is_sound) {
            return Err(malformed("a rule has a place where no secret can stand"));
        }
        if self.port == 0 || self.response_limit == 0 || self.response_limit > MAX_RESPONSE {
            return Err(malformed("a rule has a port, and a limit of 1 byte to 64 MiB"));
        }
        Ok(())
    }
}

fn sorted<T: Ord>(list: &[T]) -> bool {
    !list.is_empty() && list.is_sorted_by(|a, b| a < b)
}

/// Whether an identity may read a secret: the policy's word, and without a policy everybody but agents.
pub fn may_read(policy: Option<&SecretPolicy>, kind: Kind) -> bool {
    match policy {
        Some(policy) => policy.access == Access::Readable,
        None => kind != Kind::Agent,
    }
}

pub(crate) fn malformed(why: &'static str) -> Error {
    Error::new(ErrorCode::MalformedPolicy, why)
}
