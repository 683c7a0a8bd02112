//! Bytes that must not spread: wiped on drop, redacted in text, revealed by one greppable call.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret's value or any other bytes that must be wiped. Not `Clone`; compare with [`ct_eq`].
///
/// [`ct_eq`]: SecretBytes::ct_eq
#[derive(ZeroizeOnDrop)]
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// Takes the bytes over; a spare capacity of the vector is wiped, not leaked.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let exact = Self(bytes.as_slice().into());
        bytes.zeroize();
        exact
    }

    /// A copy of borrowed bytes.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves. Every reveal in this crate goes through a method of this name.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes; it is not treated as secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Equality in a time that depends on the lengths alone.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("SecretBytes([redacted])")
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl borsh::BorshSerialize for SecretBytes {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        self.0.serialize(writer)
    }
}

impl borsh::BorshDeserialize for SecretBytes {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        Vec::<u8>::deserialize_reader(reader).map(Self::new)
    }
}

/// A 32-byte symmetric or private key. Boxed, so that a move leaves no copy behind.
#[derive(ZeroizeOnDrop)]
pub struct Key(Box<[u8; 32]>);

impl Key {
    /// Takes the bytes over and wipes the argument.
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self(Box::new(bytes));
        bytes.zeroize();
        key
    }

    /// A key from exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self(Box::new([0; 32]));
        (bytes.len() == 32).then(|| key.0.copy_from_slice(bytes))?;
        Some(key)
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Equality in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("Key([redacted])")
    }
}

impl borsh::BorshSerialize for Key {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        writer.write_all(self.0.as_slice())
    }
}

impl borsh::BorshDeserialize for Key {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let mut key = Self(Box::new([0; 32]));
        reader.read_exact(key.0.as_mut_slice())?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_not_impl_any!(SecretBytes: Clone, Copy, PartialEq, std::fmt::Display, serde::Serialize);
    static_assertions::assert_not_impl_any!(Key: Clone, Copy, PartialEq, std::fmt::Display, serde::Serialize);

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", SecretBytes::copy_of(b"hunter2")), "SecretBytes([redacted])");
        assert_eq!(format!("{:?}", Key::new([7; 32])), "Key([redacted])");
    }

    #[test]
    fn comparison_is_by_content() {
        let secret = SecretBytes::copy_of(b"hunter2");
        assert!(secret.ct_eq(b"hunter2"));
        assert!(!secret.ct_eq(b"hunter3"));
        assert!(!secret.ct_eq(b"hunter"));
    }

    #[test]
    fn a_length_is_the_one_of_the_bytes() {
        let (full, empty) = (SecretBytes::copy_of(b"hunter2"), SecretBytes::new(Vec::new()));
        assert_eq!((full.len(), full.is_empty()), (7, false));
        assert_eq!((empty.len(), empty.is_empty()), (0, true));
        let mut spare = Vec::with_capacity(64);
        spare.extend_from_slice(b"hunter2");
        assert_eq!(SecretBytes::from(spare).expose(), b"hunter2");
    }

    #[test]
    fn a_key_has_exactly_thirty_two_bytes() {
        let key = Key::from_slice(&[7; 32]).unwrap();
        assert!(key.ct_eq(&Key::new([7; 32])) && !key.ct_eq(&Key::new([8; 32])));
        assert_eq!(key.expose(), &[7; 32]);
        assert!([0, 31, 33].iter().all(|length| Key::from_slice(&vec![7; *length]).is_none()));
    }
}
