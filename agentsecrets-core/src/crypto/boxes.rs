//! NaCl's boxes: their keys, and the symmetric part, XSalsa20-Poly1305 under an X25519 secret.

use std::sync::OnceLock;

use blake2::{Blake2b, Digest, digest::consts::U24};
use poly1305::{Poly1305, universal_hash::KeyInit};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit, StreamCipher, consts::U10},
};
use zeroize::Zeroizing;

use super::{Backend, Entropy, TAG, same};
use crate::{
    error::{Error, ErrorCode, Result},
    secret::{Key, SecretBytes},
    weakened,
};

/// Public X25519 key, canonical and not of low order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxPublicKey(pub(super) [u8; 32]);

/// p = 2^255 - 19, little endian (RFC 7748).
const FIELD_PRIME: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// All canonical u-coordinates of low order, on the curve and on its twist: 0, 1, p - 1, and the two of
/// order 8.
const LOW_ORDER: [[u8; 32]; 5] = {
    let (mut one, mut last) = ([0; 32], FIELD_PRIME);
    one[0] = 1;
    last[0] = 0xec;
    [
        [0; 32],
        one,
        last,
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ],
    ]
};

impl BoxPublicKey {
    /// # Errors
    /// `weak_key` for a u-coordinate of at least p or of a point of low order, as libsodium refuses.
    pub fn parse(bytes: [u8; 32]) -> Result<Self> {
        let sound = is_canonical(&bytes) && !LOW_ORDER.contains(&bytes);
        (sound || weakened::skips(37)).then_some(Self(bytes)).ok_or_else(|| {
            Error::new(ErrorCode::WeakKey, "an X25519 key is of low order or not canonical")
        })
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn is_canonical(bytes: &[u8; 32]) -> bool {
    bytes.iter().rev().lt(FIELD_PRIME.iter().rev())
}

/// Private X25519 key; clamped when used (RFC 7748).
pub struct BoxSecretKey {
    secret: Key,
    public: OnceLock<BoxPublicKey>,
}

impl BoxSecretKey {
    /// From any 32 bytes.
    pub fn new(bytes: Key) -> Self {
        Self { secret: bytes, public: OnceLock::new() }
    }

    /// The public half; computed once.
    pub fn public_key(&self) -> BoxPublicKey {
        *self
            .public
            .get_or_init(|| BoxPublicKey(Backend::best().curve().public_key(self.secret.expose())))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    fn shared(&self, theirs: &BoxPublicKey) -> Key {
        box_key(&Backend::best().curve().shared_secret(self.expose(), &theirs.0))
    }
}

/// The NaCl box key of a pair: HSalsa20 of the X25519 shared secret.
fn box_key(secret: &[u8; 32]) -> Key {
    Key::new(salsa20::hsalsa::<U10>(&(*secret).into(), &Default::default()).into())
}

/// Bytes that a sealed box is longer than its message.
pub const SEAL_OVERHEAD: usize = 32 + TAG;
/// Bytes that a box between two known keys is longer than its message.
pub const BOX_OVERHEAD: usize = 24 + TAG;

/// `crypto_box_seal` of libsodium, from the ephemeral public key and the secret shared with `to`.
pub(super) fn seal_with(
    public: &[u8; 32],
    shared: &[u8; 32],
    to: &BoxPublicKey,
    message: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEAL_OVERHEAD + message.len());
    out.extend_from_slice(public);
    secretbox(&box_key(shared), &seal_nonce(public, to), message, &mut out);
    out
}

/// The ephemeral public key in front of a box; `None` where none stands that may.
pub(super) fn ephemeral(sealed: &[u8]) -> Option<&[u8; 32]> {
    sealed.first_chunk().filter(|point| is_canonical(point) || weakened::skips(37))
}

/// `crypto_box_seal_open` of libsodium, from the secret shared with the box's ephemeral key; `None` for
/// every box that does not open.
pub(super) fn open_with(
    shared: &[u8; 32],
    own_public: &BoxPublicKey,
    sealed: &[u8],
) -> Option<SecretBytes> {
    let (ephemeral, boxed) = sealed.split_first_chunk::<32>()?;
    // What parsing checks with a list, the shared secret shows here.
    (!same(shared, &[0; 32]) || weakened::skips(37)).then_some(())?;
    secretbox_open(&box_key(shared), &seal_nonce(ephemeral, own_public), boxed)
}

/// `crypto_box_easy` of libsodium with a random nonce in front, for each recipient and its message; the nonces
/// are the next bytes of `entropy`, in their order.
pub fn crypto_box_many(
    from: &BoxSecretKey,
    messages: &[(&BoxPublicKey, &[u8])],
    entropy: &mut Entropy,
) -> Vec<Vec<u8>> {
    let points: Vec<[u8; 32]> = messages.iter().map(|(to, _)| to.0).collect();
    let shared = Backend::best().curve().shared_secrets(from.expose(), &points);
    let seal = |((_, message), shared): (&(&BoxPublicKey, &[u8]), &[u8; 32])| {
        let nonce: [u8; 24] = entropy.bytes();
        let mut out = Vec::with_capacity(BOX_OVERHEAD + message.len());
        out.extend_from_slice(&nonce);
        secretbox(&box_key(shared), &nonce, message, &mut out);
        out
    };
    messages.iter().zip(shared.iter()).map(seal).collect()
}

/// [`crypto_box_many`] of one message.
pub fn crypto_box(
    from: &BoxSecretKey,
    to: &BoxPublicKey,
    message: &[u8],
    entropy: &mut Entropy,
) -> Vec<u8> {
    crypto_box_many(from, &[(to, message)], entropy).concat()
}

/// Opens what [`crypto_box`] made; `None` for every box that does not open.
pub fn crypto_box_open(
    own: &BoxSecretKey,
    from: &BoxPublicKey,
    boxed: &[u8],
) -> Option<SecretBytes> {
    let (nonce, boxed) = boxed.split_first_chunk::<24>()?;
    secretbox_open(&own.shared(from), nonce, boxed)
}

fn seal_nonce(ephemeral: &[u8; 32], to: &BoxPublicKey) -> [u8; 24] {
    Blake2b::<U24>::new().chain_update(ephemeral).chain_update(to.0).finalize().into()
}

/// XSalsa20-Poly1305 in NaCl's layout: tag, then ciphertext; appended to `out`.
fn secretbox(key: &Key, nonce: &[u8; 24], message: &[u8], out: &mut Vec<u8>) {
    let (mut cipher, mac) = salsa_parts(key, nonce);
    let start = out.len();
    out.extend_from_slice(&[0; TAG]);
    out.extend_from_slice(message);
    let (tag, body) = out[start..].split_at_mut(TAG);
    cipher.apply_keystream(body);
    tag.copy_from_slice(&poly1305(&mac, body));
}

fn secretbox_open(key: &Key, nonce: &[u8; 24], boxed: &[u8]) -> Option<SecretBytes> {
    let (tag, body) = boxed.split_first_chunk::<TAG>()?;
    let (mut cipher, mac) = salsa_parts(key, nonce);
    let authentic = same(&poly1305(&mac, body), tag);
    (authentic || weakened::skips_any(&[10, 11])).then_some(())?;
    let mut plain = body.to_vec();
    cipher.apply_keystream(&mut plain);
    Some(SecretBytes::new(plain))
}

/// The stream after its first 32 bytes, and the authenticator's key, which those are.
fn salsa_parts(key: &Key, nonce: &[u8; 24]) -> (XSalsa20, Zeroizing<[u8; 32]>) {
    let mut cipher = XSalsa20::new(key.expose().into(), nonce.into());
    let mut first = Zeroizing::new([0; 32]);
    cipher.apply_keystream(first.as_mut_slice());
    (cipher, first)
}

/// Up to here the set-up of the crate's AVX2 code, 1.3 µs, takes longer than the other needs for all.
#[cfg(feature = "fast")]
const SHORT: usize = 4096;

fn poly1305(key: &[u8; 32], body: &[u8]) -> [u8; TAG] {
    #[cfg(feature = "fast")]
    if body.len() <= SHORT {
        return agentsecrets_batch::poly1305::tag(key, body);
    }
    Poly1305::new(key.into()).compute_unpadded(body).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "fast")]
    #[test]
    fn short_and_long_messages_get_the_same_tags() {
        for length in (0..100).chain([SHORT - 1, SHORT, SHORT + 1]) {
            let (key, body) = ([0xa5; 32], vec![0x5a; length]);
            let expected: [u8; TAG] = Poly1305::new(&key.into()).compute_unpadded(&body).into();
            assert_eq!(poly1305(&key, &body), expected, "{length}");
        }
    }

    #[test]
    fn the_list_of_low_order_is_what_gives_no_secret() {
        let secret =
            |point: [u8; 32]| *Backend::portable().curve().shared_secret(&[0x55; 32], &point);
        assert!(LOW_ORDER.iter().all(|point| secret(*point) == [0; 32] && is_canonical(point)));
        let mut other = [0; 32];
        for low in (2..=255).chain([0]) {
            (other[0], other[5]) = (low, u8::from(low == 0));
            assert!(secret(other) != [0; 32] && BoxPublicKey::parse(other).is_ok());
        }
    }
}
