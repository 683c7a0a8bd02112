//! HSalsa20 and Salsa20 (Bernstein, "Extending the Salsa20 nonce"), sixteen at a time.

use super::vector::{
    Words, add_words, interleave_first, interleave_last, rol_words, splat_word, word_lanes, words,
    xor_words,
};
use core::array::from_fn;

/// "expand 32-byte k".
const CONSTANT: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

lanes! {
    /// The state before the rounds, of a key and four words of nonce and counter.
    #[inline]
    fn state(key: &[Words; 8], input: &[Words; 4]) -> [Words; 16] {
        let (k, constant) = (key, CONSTANT.map(|word| splat_word(word)));
        [
            constant[0], k[0], k[1], k[2],
            k[3], constant[1], input[0], input[1],
            input[2], input[3], constant[2], k[4],
            k[5], k[6], k[7], constant[3],
        ]
    }

    #[inline]
    fn quarter(x: &mut [Words; 16], [a, b, c, d]: [usize; 4]) {
        x[b] = xor_words(x[b], rol_words::<7>(add_words(x[a], x[d])));
        x[c] = xor_words(x[c], rol_words::<9>(add_words(x[b], x[a])));
        x[d] = xor_words(x[d], rol_words::<13>(add_words(x[c], x[b])));
        x[a] = xor_words(x[a], rol_words::<18>(add_words(x[d], x[c])));
    }

    /// Columns, then rows, ten times. Written out, so that the state stays in registers.
    #[inline]
    fn rounds(x: &mut [Words; 16]) {
        for _ in 0..10 {
            quarter(x, [0, 4, 8, 12]);
            quarter(x, [5, 9, 13, 1]);
            quarter(x, [10, 14, 2, 6]);
            quarter(x, [15, 3, 7, 11]);
            quarter(x, [0, 1, 2, 3]);
            quarter(x, [5, 6, 7, 4]);
            quarter(x, [10, 11, 8, 9]);
            quarter(x, [15, 12, 13, 14]);
        }
    }

    /// Each lane's new key from its key and 16 bytes.
    pub(crate) fn hsalsa(key: &[Words; 8], input: &[Words; 4]) -> [Words; 8] {
        let mut x = state(key, input);
        rounds(&mut x);
        [x[0], x[5], x[10], x[15], x[6], x[7], x[8], x[9]]
    }

    /// One block of key stream of every lane, a lane after the other.
    pub(crate) fn blocks(key: &[Words; 8], input: &[Words; 4]) -> [Words; 16] {
        let start = state(key, input);
        let mut x = start;
        rounds(&mut x);
        for (x, start) in x.iter_mut().zip(start) {
            *x = add_words(*x, start);
        }
        transposed(x)
    }

    /// Word i of lane j becomes word j of lane i: four times the halves of all are interleaved, which turns the
    /// eight bits of a word's place by four.
    #[inline]
    fn transposed(mut x: [Words; 16]) -> [Words; 16] {
        for _ in 0..4 {
            let from = x;
            for i in 0..8 {
                x[2 * i] = interleave_first(from[i], from[i + 8]);
                x[2 * i + 1] = interleave_last(from[i], from[i + 8]);
            }
        }
        x
    }

    /// Sixteen blocks of one key stream from the counter on.
    pub(crate) fn stream(key: [u32; 8], nonce: [u32; 2], counter: u64) -> [Words; 16] {
        let key: [Words; 8] = from_fn(|i| splat_word(key[i]));
        let counters: [u64; 16] = from_fn(|i| counter + i as u64);
        let input = [
            splat_word(nonce[0]),
            splat_word(nonce[1]),
            words(counters.map(|counter| counter as u32)),
            words(counters.map(|counter| (counter >> 32) as u32)),
        ];
        blocks(&key, &input)
    }

    /// A block's bytes.
    #[inline]
    pub(crate) fn bytes(block: Words) -> [u8; 64] {
        let mut bytes = [0; 64];
        for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(word_lanes(block)) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }
}
