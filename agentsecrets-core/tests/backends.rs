//! All back ends of sealed boxes give the same bytes and the same verdicts; only their speed tells them apart.

#![allow(clippy::unwrap_used)]

use agentsecrets_core::{
    crypto::{BoxPublicKey, BoxSecretKey, Entropy},
    encoding::from_hex,
    sealed_box::{Backend, seal_many},
    secret::Key,
};

fn key(byte: u8) -> BoxSecretKey {
    BoxSecretKey::new(Key::new([byte; 32]))
}

fn messages(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|place| vec![place as u8; place * 37 % 700]).collect()
}

/// Recipients: mostly the first, so that a table pays in large batches, and every tenth another one.
fn addressed<'a>(
    keys: &'a [BoxPublicKey],
    messages: &'a [Vec<u8>],
) -> Vec<(&'a BoxPublicKey, &'a [u8])> {
    let to =
        |place: usize| &keys[if place.is_multiple_of(10) { place / 10 % keys.len() } else { 0 }];
    messages.iter().enumerate().map(|(place, message)| (to(place), message.as_slice())).collect()
}

#[test]
fn the_portable_back_end_is_always_there_and_last() {
    let names: Vec<&str> = Backend::all().map(Backend::name).collect();
    println!("back ends here: {}", names.join(", "));
    assert_eq!(names.last(), Some(&"dalek"));
    let known = ["avx512ifma", "graviola", "dalek"];
    let order: Vec<_> =
        names.iter().map(|name| known.iter().position(|known| known == name)).collect();
    assert!(order.is_sorted() && !order.contains(&None), "fastest first: {names:?}");
    if !cfg!(feature = "fast") {
        assert_eq!(names, ["dalek"]);
    }
}

#[test]
fn all_back_ends_seal_the_same_bytes() {
    let keys: Vec<BoxPublicKey> = (1..20).map(|byte| key(byte).public_key()).collect();
    for count in [0, 1, 2, 3, 8, 15, 16, 17, 63, 100, 256, 300, 700] {
        let messages = messages(count);
        let messages = addressed(&keys, &messages);
        let mut entropy = Entropy::new([7; 32]);
        let expected: Vec<Vec<u8>> = messages
            .iter()
            .map(|(to, message)| Backend::portable().seal(to, message, &mut entropy))
            .collect();
        let next: [u8; 32] = entropy.bytes();
        for backend in Backend::all() {
            let mut entropy = Entropy::new([7; 32]);
            assert!(backend.seal_many(&messages, &mut entropy) == expected, "{backend:?} {count}");
            assert_eq!(entropy.bytes(), next, "{backend:?} draws as others do");
            let mut entropy = Entropy::new([7; 32]);
            let single: Vec<Vec<u8>> = messages
                .iter()
                .map(|(to, message)| backend.seal(to, message, &mut entropy))
                .collect();
            assert!(single == expected, "{backend:?} one by one");
        }
        let mut entropy = Entropy::new([7; 32]);
        let best: Vec<Vec<u8>> =
            seal_many(&messages, &mut entropy).into_iter().map(Result::unwrap).collect();
        assert!(best == expected);
    }
}

#[test]
fn a_prepared_recipient_gets_the_same_bytes() {
    for to in (1..9).map(|byte| key(byte).public_key()) {
        let messages = messages(70);
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let addressed: Vec<_> = messages.iter().map(|message| (&to, *message)).collect();
        let expected = Backend::portable().seal_many(&addressed, &mut Entropy::new([8; 32]));
        for backend in Backend::all() {
            let prepared = backend.prepare(&to);
            assert!(prepared.seal_many(&messages, &mut Entropy::new([8; 32])) == expected);
        }
    }
}

/// Points on the curve's twist have no table; X25519 is defined on them all the same.
#[test]
fn keys_on_the_twist_are_sealed_to_by_all_back_ends_alike() {
    let mut twists = 0;
    for byte in 2..40 {
        let mut bytes = [byte; 32];
        bytes[31] &= 0x7f;
        let to = BoxPublicKey::parse(bytes).unwrap();
        let messages = vec![(&to, &b"fake value"[..]); 200];
        let expected = Backend::portable().seal_many(&messages, &mut Entropy::new([8; 32]));
        for backend in Backend::all() {
            let sealed = backend.seal_many(&messages, &mut Entropy::new([8; 32]));
            assert!(sealed == expected, "{backend:?} {byte}");
        }
        twists +=
            usize::from(format!("{:?}", Backend::portable().prepare(&to)).contains("table: false"));
    }
    assert!(twists > 5, "{twists} of 38 keys were on the twist");
}

#[test]
fn all_back_ends_open_and_refuse_the_same_boxes() {
    let own = key(1);
    let messages = messages(120);
    let to = own.public_key();
    let addressed: Vec<_> = messages.iter().map(|message| (&to, message.as_slice())).collect();
    let mut sealed = Backend::portable().seal_many(&addressed, &mut Entropy::new([9; 32]));
    let mut good = vec![false; sealed.len()];
    for (place, sealed) in sealed.iter_mut().enumerate() {
        match place % 9 {
            0 => sealed[0] ^= 1,
            1 => sealed[33] ^= 0x80,
            2 => sealed[..32].fill(0),
            // The same point in a second form.
            3 => sealed[31] |= 0x80,
            4 => sealed.truncate(place % 48),
            5 if sealed.len() > 48 => *sealed.last_mut().unwrap() ^= 1,
            _ => good[place] = true,
        }
    }
    let boxes: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();
    for backend in Backend::all() {
        for count in [0, 1, 2, 7, 8, 9, 16, 17, 100, 120] {
            let opened = backend.open_many(&own, &boxes[..count]);
            assert_eq!(opened.len(), count);
            for (place, opened) in opened.iter().enumerate() {
                let expected = good[place].then_some(messages[place].as_slice());
                assert_eq!(
                    opened.as_ref().map(|plain| plain.expose()),
                    expected,
                    "{backend:?} {place}"
                );
                let single = backend.open(&own, boxes[place]);
                assert_eq!(
                    single.as_ref().map(|plain| plain.expose()),
                    expected,
                    "{backend:?} {place}"
                );
            }
        }
    }
}

#[test]
fn all_back_ends_open_what_libsodium_sealed() {
    #[derive(serde::Deserialize)]
    struct Vector {
        secret: String,
        message: String,
        sealed: String,
    }
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../testkit/boxes.json")).unwrap();
    for vector in &vectors {
        let own = BoxSecretKey::new(Key::from_slice(&from_hex(&vector.secret).unwrap()).unwrap());
        let (message, sealed) =
            (from_hex(&vector.message).unwrap(), from_hex(&vector.sealed).unwrap());
        for backend in Backend::all() {
            for copies in [1, 2, 20] {
                let opened = backend.open_many(&own, &vec![sealed.as_slice(); copies]);
                assert!(opened.iter().all(|plain| plain.as_ref().unwrap().expose() == message));
            }
        }
    }
}
