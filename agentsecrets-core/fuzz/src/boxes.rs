//! Our sealed box and our verdict on signatures beside libsodium's.

use agentsecrets_core::{
    crypto::{BoxPublicKey, BoxSecretKey, Entropy, Signature, SigningKey, VerifyingKey},
    sealed_box,
    secret::Key,
};
use sodiumoxide::crypto::{
    box_::{PublicKey, SecretKey},
    sealedbox, sign,
};

use crate::input::Input;

/// Two ways into one box: what either seals the other opens, and both refuse the same.
pub fn sealed_box(data: &[u8]) {
    let mut input = Input(data);
    let mode = input.below(4);
    let seed: [u8; 32] = input.array();
    let key = BoxSecretKey::new(Key::new(seed));
    let public = *key.public_key().as_bytes();
    let theirs = (PublicKey(public), SecretKey(seed));
    match mode {
        0 => {
            let message = input.0;
            let sealed = sealed_box::seal(&key.public_key(), message, &mut Entropy::new(seed));
            assert_eq!(sealedbox::open(&sealed, &theirs.0, &theirs.1).as_deref(), Ok(message));
            let sealed = sealedbox::seal(message, &theirs.0);
            assert!(opened(&key, &sealed).is_some_and(|plain| plain == message));
        }
        1 => {
            let (place, bit) = (usize::from(input.short()), input.below(8));
            let mut sealed = sealed_box::seal(&key.public_key(), input.0, &mut Entropy::new(seed));
            let place = place % sealed.len();
            sealed[place] ^= 1 << bit;
            same_verdict(&key, &theirs, &sealed);
        }
        2 => same_verdict(&key, &theirs, input.0),
        _ => recipient(&seed),
    }
}

fn opened(key: &BoxSecretKey, sealed: &[u8]) -> Option<Vec<u8>> {
    let one = sealed_box::open(key, sealed).ok().map(|plain| plain.expose().to_vec());
    let many = sealed_box::open_many(key, &[sealed, sealed]);
    for other in many {
        assert_eq!(other.ok().map(|plain| plain.expose().to_vec()), one);
    }
    one
}

/// One difference is wanted: the ephemeral key has one form here, where libsodium reads several.
fn same_verdict(key: &BoxSecretKey, theirs: &(PublicKey, SecretKey), sealed: &[u8]) {
    let (ours, other) = (opened(key, sealed), sealedbox::open(sealed, &theirs.0, &theirs.1).ok());
    let canonical = sealed.first_chunk().is_some_and(|ephemeral| is_canonical(ephemeral));
    if canonical || other.is_none() {
        assert_eq!(ours, other);
    } else {
        assert!(ours.is_none() || ours == other);
    }
}

/// Below 2^255 - 19, without the top bit.
fn is_canonical(point: &[u8; 32]) -> bool {
    let high = point[31] & 0x80 == 0;
    let prime = point[1..31].iter().all(|byte| *byte == 0xff) && point[31] == 0x7f;
    high && !(prime && point[0] >= 0xed)
}

/// A recipient's key that libsodium refuses is refused here, and the other way round save for a
/// second form.
fn recipient(bytes: &[u8; 32]) {
    let ours = BoxPublicKey::parse(*bytes).is_ok();
    let theirs = sodiumoxide::crypto::scalarmult::scalarmult(
        &SCALAR,
        &sodiumoxide::crypto::scalarmult::GroupElement(*bytes),
    )
    .is_ok();
    assert_eq!(ours, theirs && is_canonical(bytes));
}

const SCALAR: sodiumoxide::crypto::scalarmult::Scalar =
    sodiumoxide::crypto::scalarmult::Scalar([8; 32]);

/// The encodings of points of low order, and of the identity's other form.
const LOW_ORDER: [[u8; 32]; 4] = [[0; 32], one(1, 0), one(0xec, 0x7f), one(1, 0x80)];

const fn one(first: u8, last: u8) -> [u8; 32] {
    let mut point = if first == 0xec { [0xff; 32] } else { [0; 32] };
    point[0] = first;
    point[31] = last;
    point
}

/// The order of the group, to add to a signature's half.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Key, signature and message, right at first and then changed, or made of anything.
pub fn verdict(data: &[u8]) {
    let mut input = Input(data);
    let signer = SigningKey::from_seed(&Key::new(input.array()));
    let (mut key, changes) = (*signer.verifying_key().as_bytes(), input.below(5));
    let mut places = [(0, 0); 4];
    places.iter_mut().for_each(|place| *place = (input.below(7), usize::from(input.byte())));
    let message = input.0.to_vec();
    let mut signature = signer.sign(&message).0;
    for (what, place) in &places[..changes.min(4)] {
        match what {
            0 => key[place % 32] ^= 1 << (place / 32),
            1 => signature[place % 64] ^= 1 << (place / 64),
            2 => key = LOW_ORDER[place % 4],
            3 => signature[..32].copy_from_slice(&LOW_ORDER[place % 4]),
            4 => add_order(&mut signature),
            5 => message.iter().zip(&mut signature).for_each(|(from, to)| *to = *from),
            _ => message.iter().zip(&mut key).for_each(|(from, to)| *to = *from),
        }
    }
    let ours = ours(key, &message, signature);
    let theirs = theirs(key, &message, &signature);
    // Strict on both sides: canonical halves, no point of low order, no cofactor.
    assert_eq!(ours, theirs);
    assert!(changes > 0 || ours);
}

fn add_order(signature: &mut [u8; 64]) {
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
}

fn ours(key: [u8; 32], message: &[u8], signature: [u8; 64]) -> bool {
    VerifyingKey::parse(key).is_ok_and(|key| key.verify(message, &Signature(signature)).is_ok())
}

fn theirs(key: [u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(signature) = sign::Signature::from_bytes(signature) else { return false };
    sign::verify_detached(&signature, message, &sign::PublicKey(key))
}
