//! JSON shapes of the relay's interface; bytes travel as base64url without padding.
//!
//! Spec: `spec/relay.md`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::encoding::{EntryHash, Head, MemberId, SealedHash, WorkspaceId, from_base64, to_base64};

/// Bytes as base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_base64(&text).map(Bytes).ok_or_else(|| D::Error::custom("not canonical base64url"))
    }
}

macro_rules! hex_serde {
    ($($name:ident)*) => {
        $(impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $name::from_hex(&text).ok_or_else(|| D::Error::custom("not an id in hexadecimal"))
            }
        })*
    };
}
hex_serde!(WorkspaceId EntryHash MemberId SealedHash);

/// A head: `{"seq": 7, "hash": HEX}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireHead {
    /// Number of the entry.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
}

impl From<Head> for WireHead {
    fn from(head: Head) -> Self {
        Self { seq: head.seq, hash: head.hash }
    }
}

/// Body of a commit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Entries in order.
    pub entries: Vec<Bytes>,
    /// Sealed parts, each of one entry and one recipient.
    pub deliveries: Vec<Delivery>,
    /// Places of entries whose sealed parts nobody has any more, in a repush.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<u32>,
}

/// One sealed part.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Place of the entry in this commit, from 0.
    pub entry: u32,
    /// Place among the recipient's parts, from 0.
    pub part: u32,
    /// For whom.
    pub recipient: MemberId,
    /// The sealed bytes; or they were uploaded before, under `hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<Bytes>,
    /// Hash of sealed bytes that are not inline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<SealedHash>,
}

/// Answer to a commit.
#[derive(Debug, Serialize, Deserialize)]
pub struct Committed {
    /// The head after the commit.
    pub head: WireHead,
}

/// A page of the log.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogPage {
    /// Entries in order.
    pub entries: Vec<Bytes>,
    /// The head that the relay has.
    pub head: WireHead,
    /// Whether there are more.
    pub more: bool,
}

/// A page of one's own deliveries.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliveriesPage {
    /// In log order.
    pub deliveries: Vec<Received>,
    /// Whether there are more.
    pub more: bool,
}

/// What one entry delivered to the asking member.
#[derive(Debug, Serialize, Deserialize)]
pub struct Received {
    /// Number of the entry.
    pub seq: u64,
    /// Sealed parts; `null` for one that the relay has no more.
    pub parts: Vec<Option<Bytes>>,
    /// Hashes of all parts.
    pub hashes: Vec<SealedHash>,
    /// Siblings from the leaf up to the root, in hexadecimal.
    pub path: Vec<SealedHash>,
}

/// Body of a reply to an invitation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The reply in canonical form.
    pub reply: Bytes,
}

/// Body of a new ack.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAck {
    /// The ack with its signature.
    pub ack: Bytes,
}

/// Newest ack of each member.
#[derive(Debug, Serialize, Deserialize)]
pub struct Acks {
    /// Acks with their signatures.
    pub acks: Vec<Bytes>,
}

/// An error's body, `application/problem+json`.
#[derive(Debug, Default, Deserialize)]
pub struct Problem {
    /// Stable word.
    #[serde(default)]
    pub code: String,
    /// The relay's time in seconds, with `clock_skew`.
    #[serde(default)]
    pub server_time: Option<u64>,
}
