//! Sealed boxes of one batch: NaCl's layout, ephemeral public key, tag, ciphertext.

use super::{
    blake2b::nonces,
    field::{load, load_one, store},
    salsa::{blocks, bytes, hsalsa, stream},
    table::Table,
    vector::{Vector, Words, lower_halves, shr, splat_word, to_lanes, verdict, wipe, word_lanes},
    x25519::{Quotients, Scalars, forget, multiply_each, multiply_table, settle},
};
use crate::poly1305::tag;

/// Bytes in front of a box's ciphertext.
const FRONT: usize = 48;
/// Blocks of key stream that sixteen boxes make together; the rest of a longer one it makes alone.
const TOGETHER: usize = 8;

/// Who boxes are sealed to.
#[derive(Clone, Copy)]
pub(crate) enum Recipients<'a> {
    /// One for each message.
    Each(&'a [[u8; 32]]),
    /// The same for all, by its table.
    Table(&'a [u8; 32], &'a Table),
}

/// What sixteen boxes are encrypted with. It lives on the stack, which is wiped after each part of a batch.
struct Keys {
    key: [Words; 8],
    nonce: [Words; 2],
    /// Authenticator's key, and 32 bytes of key stream.
    first: [[u8; 64]; 16],
}

lanes! {
    /// Seals each message with its ephemeral secret; none to a point of low order.
    pub(crate) fn seal(
        base: &Table,
        to: Recipients<'_>,
        ephemeral: &[[u8; 32]],
        messages: &[&[u8]],
    ) -> Vec<Option<Vec<u8>>> {
        let groups = messages.len().div_ceil(8);
        let mut quotients = Quotients::with_capacity(2 * groups);
        multiply_table(&mut quotients, base, ephemeral);
        match to {
            Recipients::Each(to) => multiply_each(&mut quotients, Scalars::Each(ephemeral), to),
            Recipients::Table(_, table) => multiply_table(&mut quotients, table, ephemeral),
        }
        let mut points = settle(&mut quotients);
        forget(&mut quotients);
        let (publics, shared) = points.split_at(groups);
        let mut sealed = Vec::with_capacity(messages.len());
        for (place, messages) in messages.chunks(16).enumerate() {
            let recipient = |group: usize| match to {
                Recipients::Each(to) => load(to.chunks(8).nth(group).unwrap_or_default()),
                Recipients::Table(to, _) => load_one(to),
            };
            let (publics, shared) = (pair(publics, place), pair(shared, place));
            let nonce = [
                nonces(&publics[0], &recipient(2 * place)),
                nonces(&publics[1], &recipient(2 * place + 1)),
            ];
            seal_sixteen(&publics, &shared, &nonce, messages, &mut sealed);
        }
        points.iter_mut().for_each(|words| wipe(words));
        sealed
    }

    /// Opens each box; none for one that is too short, forged, or from a point of low order.
    pub(crate) fn open(secret: &[u8; 32], public: &[u8; 32], sealed: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let ephemeral: Vec<[u8; 32]> =
            sealed.iter().map(|sealed| sealed.first_chunk().copied().unwrap_or_default()).collect();
        let mut quotients = Quotients::with_capacity(sealed.len().div_ceil(8));
        multiply_each(&mut quotients, Scalars::One(secret), &ephemeral);
        let mut shared = settle(&mut quotients);
        forget(&mut quotients);
        let own = load_one(public);
        let mut opened = Vec::with_capacity(sealed.len());
        for (place, (sealed, ephemeral)) in sealed.chunks(16).zip(ephemeral.chunks(16)).enumerate() {
            let (first, second) = ephemeral.split_at(ephemeral.len().min(8));
            let nonce = [nonces(&load(first), &own), nonces(&load(second), &own)];
            open_sixteen(&pair(&shared, place), &nonce, sealed, &mut opened);
        }
        shared.iter_mut().for_each(|words| wipe(words));
        opened
    }

    /// Groups 2 `place` and the next; the last may stand alone.
    #[inline]
    fn pair(groups: &[[Vector; 4]], place: usize) -> [[Vector; 4]; 2] {
        let last = groups.len() - 1;
        [groups[2 * place], groups[last.min(2 * place + 1)]]
    }

    /// 64-bit words of twice eight lanes as two 32-bit words of sixteen.
    #[inline]
    fn halves(first: Vector, second: Vector) -> (Words, Words) {
        (lower_halves(first, second), lower_halves(shr::<32>(first), shr::<32>(second)))
    }

    fn keys(shared: &[[Vector; 4]; 2], nonce: &[[Vector; 3]; 2]) -> Keys {
        let none = splat_word(0);
        let (mut secret, mut words) = ([none; 8], [none; 6]);
        for i in 0..4 {
            (secret[2 * i], secret[2 * i + 1]) = halves(shared[0][i], shared[1][i]);
        }
        for i in 0..3 {
            (words[2 * i], words[2 * i + 1]) = halves(nonce[0][i], nonce[1][i]);
        }
        let nonce = words;
        let box_key = hsalsa(&secret, &[none; 4]);
        let key = hsalsa(&box_key, &[nonce[0], nonce[1], nonce[2], nonce[3]]);
        let first = blocks(&key, &[nonce[4], nonce[5], none, none]);
        Keys { key, nonce: [nonce[4], nonce[5]], first: first.map(|block| bytes(block)) }
    }

    fn seal_sixteen(
        publics: &[[Vector; 4]; 2],
        shared: &[[Vector; 4]; 2],
        nonce: &[[Vector; 3]; 2],
        messages: &[&[u8]],
        sealed: &mut Vec<Option<Vec<u8>>>,
    ) {
        let (keys, zero) = (keys(shared, nonce), verdict(zeros(shared)));
        let mut rows = [[0; 32]; 16];
        let (first, second) = rows.split_at_mut(8);
        store(&publics[0], first);
        store(&publics[1], second);
        let mut boxes: Vec<Vec<u8>> =
            messages.iter().zip(rows).map(|(message, public)| layout(&public, message)).collect();
        let mut bodies: Vec<&mut [u8]> = boxes.iter_mut().map(|sealed| &mut sealed[FRONT..]).collect();
        encrypt(&keys, &mut bodies);
        for (lane, mut one) in boxes.into_iter().enumerate() {
            let (front, body) = one.split_at_mut(FRONT);
            front[32..].copy_from_slice(&tag(authenticator(&keys, lane), body));
            sealed.push((zero >> lane & 1 == 0).then_some(one));
        }
    }

    fn open_sixteen(
        shared: &[[Vector; 4]; 2],
        nonce: &[[Vector; 3]; 2],
        sealed: &[&[u8]],
        opened: &mut Vec<Option<Vec<u8>>>,
    ) {
        let (keys, zero) = (keys(shared, nonce), verdict(zeros(shared)));
        let mut bodies: Vec<Option<Vec<u8>>> = sealed
            .iter()
            .enumerate()
            .map(|(lane, sealed)| {
                let (front, body) = sealed.split_at_checked(FRONT)?;
                let expected = tag(authenticator(&keys, lane), body);
                let differ = verdict(difference(&expected, &front[32..]));
                let good = differ == 0 && zero >> lane & 1 == 0;
                good.then(|| body.to_vec())
            })
            .collect();
        let mut plain: Vec<&mut [u8]> =
            bodies.iter_mut().map(|body| body.as_mut().map_or(&mut [][..], |body| body)).collect();
        encrypt(&keys, &mut plain);
        opened.append(&mut bodies);
    }

    /// Lanes whose shared secret is 0: the other point was of low order.
    #[inline]
    fn zeros(shared: &[[Vector; 4]; 2]) -> u16 {
        let of = |words: &[Vector; 4]| {
            let lanes = words.map(|word| to_lanes(word));
            (0..8).fold(0_u16, |mask, lane| {
                let any = lanes.iter().fold(0, |any, word| any | word[lane]);
                mask | u16::from(any == 0) << lane
            })
        };
        of(&shared[0]) | of(&shared[1]) << 8
    }

    /// Adds the key stream to each lane's bytes.
    fn encrypt(keys: &Keys, bodies: &mut [&mut [u8]]) {
        let longest = bodies.iter().map(|body| body.len()).max().unwrap_or(0);
        for (body, first) in bodies.iter_mut().zip(&keys.first) {
            add_stream(body, &first[32..]);
        }
        for counter in 1..=TOGETHER {
            let done = 64 * counter - 32;
            if done >= longest {
                return;
            }
            let counter = splat_word(counter as u32);
            let input = [keys.nonce[0], keys.nonce[1], counter, splat_word(0)];
            for (body, block) in bodies.iter_mut().zip(blocks(&keys.key, &input)) {
                add_stream(body.get_mut(done..).unwrap_or_default(), &bytes(block));
            }
        }
        let (key, nonce) = (keys.key.map(|word| word_lanes(word)), keys.nonce.map(|word| word_lanes(word)));
        for (lane, body) in bodies.iter_mut().enumerate() {
            let (key, nonce) = (key.map(|word| word[lane]), nonce.map(|word| word[lane]));
            let rest = body.get_mut(64 * TOGETHER + 32..).unwrap_or_default();
            for (place, part) in rest.chunks_mut(1024).enumerate() {
                let blocks = stream(key, nonce, (TOGETHER + 1 + 16 * place) as u64);
                for (part, block) in part.chunks_mut(64).zip(blocks) {
                    add_stream(part, &bytes(block));
                }
            }
        }
    }

    /// Adds as much of the stream as there are bytes.
    #[inline]
    fn add_stream(bytes: &mut [u8], stream: &[u8]) {
        let (words, rest) = bytes.as_chunks_mut::<8>();
        let stream = stream.as_chunks::<8>().0;
        for (word, stream) in words.iter_mut().zip(stream) {
            *word = (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes(*stream)).to_ne_bytes();
        }
        let last = stream.get(words.len()).into_iter().flatten();
        rest.iter_mut().zip(last).for_each(|(byte, stream)| *byte ^= stream);
    }
}

fn layout(public: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(FRONT + message.len());
    sealed.extend_from_slice(public);
    sealed.extend_from_slice(&[0; FRONT - 32]);
    sealed.extend_from_slice(message);
    sealed
}

fn authenticator(keys: &Keys, lane: usize) -> &[u8; 32] {
    keys.first[lane].first_chunk().unwrap_or(&[0; 32])
}

/// Not 0 where tags differ, in a time that depends on nothing.
fn difference(a: &[u8; 16], b: &[u8]) -> u16 {
    a.iter().zip(b).fold(0, |differ, (a, b)| differ | u16::from(a ^ b))
}
