//! HSalsa20 and Salsa20 (Bernstein, "Extending the Salsa20 nonce"), sixteen at a time.

use super::vector::{Words, add_words, rol_words, splat_word, word_lanes, words, xor_words};
use core::array::from_fn;

/// "expand 32-byte k".
const CONSTANT: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The words that each quarter of a double round works on: columns, then rows.
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [5, 9, 13, 1],
    [10, 14, 2, 6],
    [15, 3, 7, 11],
    [0, 1, 2, 3],
    [5, 6, 7, 4],
    [10, 11, 8, 9],
    [15, 12, 13, 14],
];

lanes! {
    /// The state before the rounds, of a key and four words of nonce and counter.
    #[inline]
    fn state(key: &[Words; 8], input: &[Words; 4]) -> [Words; 16] {
        from_fn(|i| match i {
            0 | 5 | 10 | 15 => splat_word(CONSTANT[i / 5]),
            1..5 => key[i - 1],
            6..10 => input[i - 6],
            _ => key[i - 7],
        })
    }

    #[inline]
    fn rounds(x: &mut [Words; 16]) {
        for _ in 0..10 {
            for [a, b, c, d] in QUARTERS {
                x[b] = xor_words(x[b], rol_words::<7>(add_words(x[a], x[d])));
                x[c] = xor_words(x[c], rol_words::<9>(add_words(x[b], x[a])));
                x[d] = xor_words(x[d], rol_words::<13>(add_words(x[c], x[b])));
                x[a] = xor_words(x[a], rol_words::<18>(add_words(x[d], x[c])));
            }
        }
    }

    /// Each lane's new key from its key and 16 bytes.
    pub(crate) fn hsalsa(key: &[Words; 8], input: &[Words; 4]) -> [Words; 8] {
        let mut x = state(key, input);
        rounds(&mut x);
        [x[0], x[5], x[10], x[15], x[6], x[7], x[8], x[9]]
    }

    /// One block of key stream of every lane.
    pub(crate) fn blocks(key: &[Words; 8], input: &[Words; 4], out: &mut [[u8; 64]; 16]) {
        let start = state(key, input);
        let mut x = start;
        rounds(&mut x);
        for (place, (word, start)) in x.into_iter().zip(start).enumerate() {
            for (block, word) in out.iter_mut().zip(word_lanes(add_words(word, start))) {
                block[4 * place..4 * place + 4].copy_from_slice(&word.to_le_bytes());
            }
        }
    }

    /// Sixteen blocks of one key stream from the counter on.
    pub(crate) fn stream(key: [u32; 8], nonce: [u32; 2], counter: u64, out: &mut [[u8; 64]; 16]) {
        let key: [Words; 8] = from_fn(|i| splat_word(key[i]));
        let counters: [u64; 16] = from_fn(|i| counter + i as u64);
        let input = [
            splat_word(nonce[0]),
            splat_word(nonce[1]),
            words(counters.map(|counter| counter as u32)),
            words(counters.map(|counter| (counter >> 32) as u32)),
        ];
        blocks(&key, &input, out);
    }
}
