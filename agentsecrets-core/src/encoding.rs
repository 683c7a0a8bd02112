//! Canonical binary encoding (borsh), the header that everything signed begins with, ids, text forms.
//!
//! Spec: `spec/encoding.md`.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize, io};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

use crate::{
    error::{Error, ErrorCode, Result},
    weakened,
};

/// The version of every structure.
pub const VERSION: u8 = 1;
/// The suite of algorithms: Curve25519, XSalsa20/XChaCha20-Poly1305, BLAKE3. 2 is reserved.
pub const SUITE: u8 = 1;

/// The types of structures, third byte of each; a number has one use for ever.
pub mod tag {
    /// Public half of an identity.
    pub const RECIPIENT: u8 = 1;
    /// Signed log entry.
    pub const ENTRY: u8 = 2;
    /// Invitee's proof that it holds an invitation's token.
    pub const INVITATION_PROOF: u8 = 3;
    /// A person's older device vouching for a newer one.
    pub const PERSON_PROOF: u8 = 4;
    /// Signed "I have seen this head".
    pub const ACK: u8 = 5;
    /// What one sealed box of a push holds.
    pub const PARCEL: u8 = 6;
    /// Workspace key handed from one member to another.
    pub const GRANT: u8 = 7;
    /// Input of a value's commitment.
    pub const COMMITMENT: u8 = 8;
    /// Associated data of an encrypted label.
    pub const LABEL: u8 = 9;
    /// Invitation code.
    pub const INVITATION: u8 = 10;
    /// Identity string, for CI and agents.
    pub const IDENTITY: u8 = 11;
    /// Invitee's reply.
    pub const INVITATION_REPLY: u8 = 12;
    /// Vault file.
    pub const VAULT_FILE: u8 = 13;
    /// Leaf of a deliveries tree.
    pub const LEAF: u8 = 14;
    /// Associated data of an invitee's label.
    pub const REPLY_LABEL: u8 = 15;
    /// What one secret may be used for.
    pub const SECRET_POLICY: u8 = 16;
    /// One use of a secret.
    pub const CALL_RECORD: u8 = 17;
    /// What a vault remembers of a chain of calls.
    pub const CALL_PIN: u8 = 18;
    /// A member's signed word on how far its chain of calls reaches.
    pub const CALL_CHECKPOINT: u8 = 19;
}

/// The three bytes `version, suite, type`, checked when parsed; it takes no room in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header<const TAG: u8>;

impl<const TAG: u8> BorshSerialize for Header<TAG> {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&[VERSION, SUITE, if weakened::skips(39) { 0 } else { TAG }])
    }
}

impl<const TAG: u8> BorshDeserialize for Header<TAG> {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let mut bytes = [0; 3];
        reader.read_exact(&mut bytes)?;
        (bytes == [VERSION, SUITE, TAG] || weakened::skips_any(&[39, 40]))
            .then_some(Self)
            .ok_or_else(|| invalid("unknown version, suite or type"))
    }
}

pub(crate) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The canonical bytes of a structure.
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A Vec never refuses a write, and no encoded list comes near 2^32 elements.
    let _ = value.serialize(&mut bytes);
    bytes
}

/// Parses strictly: trailing bytes, unknown tags and lengths past the end are refused, and the
/// value's own encoding must be the very bytes that came in.
///
/// # Errors
/// `code` with the structure's name, whatever the reason.
pub fn parse<T: BorshDeserialize + BorshSerialize>(
    bytes: &[u8],
    code: ErrorCode,
    what: &'static str,
) -> Result<T> {
    T::try_from_slice(bytes)
        .ok()
        .filter(|value| same_encoding(value, bytes) || weakened::skips(40))
        .ok_or_else(|| Error::new(code, format!("the {what} is not in canonical form")))
}

fn same_encoding<T: BorshSerialize>(value: &T, bytes: &[u8]) -> bool {
    struct Compare<'a>(&'a [u8]);
    impl io::Write for Compare<'_> {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0 = self.0.strip_prefix(part).ok_or_else(|| invalid("another encoding"))?;
            Ok(part.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut rest = Compare(bytes);
    value.serialize(&mut rest).is_ok() && rest.0.is_empty()
}

/// Base64url without padding, as JSON on the wire carries bytes.
pub fn to_base64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The bytes of canonical base64url without padding.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// The bytes of hexadecimal text in either case.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// All bytes zero: "none".
            pub const ZERO: Self = Self([0; $len]);

            /// From hexadecimal text of exactly the right length.
            pub fn from_hex(text: &str) -> Option<Self> {
                from_hex(text)?.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

id!(/// A workspace: the hash of its Genesis entry, so that it certifies itself.
    WorkspaceId 32);
id!(/// A log entry's hash, over its bytes and its signature.
    EntryHash 32);
id!(/// A member: the hash of its recipient.
    MemberId 32);
id!(/// BLAKE3 of sealed bytes.
    SealedHash 32);
id!(/// A value's or key's commitment.
    Commitment 32);
id!(/// Root of a deliveries tree; zero where nobody receives.
    DeliveriesRoot 32);
id!(/// A person, who may have several devices; random.
    PersonId 16);
id!(/// An environment; random.
    EnvironmentId 16);
id!(/// A secret, for its whole life; random.
    SecretId 16);
id!(/// One push or share; random.
    BatchId 16);

/// The newest entry of a log: its number and its hash. Text form: `SEQ:HEX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Head {
    /// Number of the entry; Genesis is 0.
    pub seq: u64,
    /// Hash of the entry.
    pub hash: EntryHash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl Head {
    /// From the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.split_once(':')?;
        let head = Self { seq: seq.parse().ok()?, hash: EntryHash::from_hex(hash)? };
        (head.to_string() == text).then_some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(BorshSerialize, BorshDeserialize, Debug, PartialEq)]
    struct Sample {
        header: Header<{ tag::ACK }>,
        list: Vec<u16>,
    }

    fn read(bytes: &[u8]) -> Result<Sample> {
        parse(bytes, ErrorCode::MalformedEntry, "sample")
    }

    #[test]
    fn only_the_canonical_bytes_parse() {
        let sample = Sample { header: Header, list: vec![1, 2] };
        let bytes = encode(&sample);
        assert_eq!(bytes, [1, 1, 5, 2, 0, 0, 0, 1, 0, 2, 0]);
        assert_eq!(read(&bytes).unwrap(), sample);
        for position in 0..7 {
            let mut other = bytes.clone();
            other[position] ^= 0x40;
            assert!(read(&other).is_err(), "byte {position} changed");
        }
        assert!(read(&bytes[..10]).is_err());
        assert!(read(&[bytes.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn base64_has_one_form() {
        assert_eq!(from_base64("_-8").unwrap(), [0xff, 0xef]);
        for other in ["_-8=", "_-9", "/+8", "_-8\n", "_"] {
            assert!(from_base64(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn ids_read_back_what_they_show() {
        let id = SecretId([0xab; 16]);
        assert_eq!(SecretId::from_hex(&id.to_string()), Some(id));
        assert_eq!(SecretId::from_hex("ab"), None);
    }
}
