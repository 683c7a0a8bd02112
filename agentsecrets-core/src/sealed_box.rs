//! Anonymous public-key encryption to one recipient: libsodium's `crypto_box_seal`, byte for byte.
//!
//! A sealed box proves nothing about its sender; a parcel counts by the signed entry over it.

use crate::{
    crypto::{BoxPublicKey, BoxSecretKey, Entropy},
    error::{Error, ErrorCode, Result},
    secret::SecretBytes,
};

pub use crate::crypto::{Backend, Prepared, SEAL_OVERHEAD};

/// Seals `message` (any length) to a public key; the box is 48 bytes longer.
pub fn seal(to: &BoxPublicKey, message: &[u8], entropy: &mut Entropy) -> Vec<u8> {
    Backend::best().seal(to, message, entropy)
}

/// Opens a box sealed to `key`.
///
/// # Errors
/// `open_failed`, one reason for every failure, and no data.
pub fn open(key: &BoxSecretKey, sealed: &[u8]) -> Result<SecretBytes> {
    Backend::best().open(key, sealed).ok_or_else(refused)
}

/// Seals each message to its recipient; the same order comes back.
///
/// A verdict each, so that the signature holds for back ends that refuse a single box.
pub fn seal_many(
    messages: &[(&BoxPublicKey, &[u8])],
    entropy: &mut Entropy,
) -> Vec<Result<Vec<u8>>> {
    Backend::best().seal_many(messages, entropy).into_iter().map(Ok).collect()
}

/// Opens each box with one key; a bad box spoils no other.
pub fn open_many(key: &BoxSecretKey, sealed: &[&[u8]]) -> Vec<Result<SecretBytes>> {
    let opened = Backend::best().open_many(key, sealed).into_iter();
    opened.map(|plain| plain.ok_or_else(refused)).collect()
}

fn refused() -> Error {
    Error::new(ErrorCode::OpenFailed, "a sealed box does not open with this key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Key;

    #[test]
    fn every_flipped_bit_of_a_box_is_refused() {
        let (key, mut entropy) = (BoxSecretKey::new(Key::new([1; 32])), Entropy::new([2; 32]));
        let sealed = seal(&key.public_key(), b"fake value", &mut entropy);
        assert_eq!(sealed.len(), 10 + SEAL_OVERHEAD);
        assert_eq!(open(&key, &sealed).unwrap().expose(), b"fake value");
        for bit in 0..sealed.len() * 8 {
            let mut other = sealed.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&key, &other).unwrap_err().code(), ErrorCode::OpenFailed, "bit {bit}");
        }
        assert!((0..sealed.len()).all(|length| open(&key, &sealed[..length]).is_err()));
    }

    #[test]
    fn a_batch_gives_a_verdict_for_each_box() {
        let (key, mut entropy) = (BoxSecretKey::new(Key::new([1; 32])), Entropy::new([2; 32]));
        let public = key.public_key();
        let boxes = seal_many(&[(&public, b"one"), (&public, b"two")], &mut entropy);
        let mut boxes: Vec<Vec<u8>> = boxes.into_iter().map(Result::unwrap).collect();
        boxes[0][40] ^= 1;
        let opened = open_many(&key, &boxes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert!(opened[0].is_err());
        assert_eq!(opened[1].as_ref().unwrap().expose(), b"two");
    }

    #[test]
    fn low_order_and_non_canonical_keys_are_no_keys() {
        let mut prime = [0xff; 32];
        (prime[0], prime[31]) = (0xed, 0x7f);
        let mut one = [0; 32];
        one[0] = 1;
        let mut high_bit = BoxSecretKey::new(Key::new([1; 32])).public_key().as_bytes().to_owned();
        high_bit[31] |= 0x80;
        for bytes in [[0; 32], one, prime, [0xff; 32], high_bit] {
            assert_eq!(BoxPublicKey::parse(bytes).unwrap_err().code(), ErrorCode::WeakKey);
        }
    }
}
