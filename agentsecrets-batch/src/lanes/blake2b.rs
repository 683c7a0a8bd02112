//! The nonces of sealed boxes: BLAKE2b (RFC 7693) of 64 bytes to 24, eight at a time.

use super::vector::{Vector, add_wrapping, ror, splat, xor, zero};
use core::array::from_fn;

const IV: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// Which word of the message each half of a round's eight mixings takes.
const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

lanes! {
    /// Mixes two words of the message into four of the state.
    #[inline]
    fn mix(v: &mut [Vector; 16], [a, b, c, d]: [usize; 4], x: Vector, y: Vector) {
        v[a] = add_wrapping(add_wrapping(v[a], v[b]), x);
        v[d] = ror::<32>(xor(v[d], v[a]));
        v[c] = add_wrapping(v[c], v[d]);
        v[b] = ror::<24>(xor(v[b], v[c]));
        v[a] = add_wrapping(add_wrapping(v[a], v[b]), y);
        v[d] = ror::<16>(xor(v[d], v[a]));
        v[c] = add_wrapping(v[c], v[d]);
        v[b] = ror::<63>(xor(v[b], v[c]));
    }

    /// The first 24 bytes' words of each lane's `a` followed by its `b`.
    pub(crate) fn nonces(a: &[Vector; 4], b: &[Vector; 4]) -> [Vector; 3] {
        let mut m = [zero(); 16];
        m[..4].copy_from_slice(a);
        m[4..8].copy_from_slice(b);
        let mut v: [Vector; 16] = from_fn(|i| splat(IV[i % 8]));
        // Digest of 24 bytes, no key; then the length so far, and the mark of the last block.
        v[0] = splat(IV[0] ^ 0x0101_0000 ^ 24);
        let start = [v[0], v[1], v[2]];
        v[12] = splat(IV[4] ^ 64);
        v[14] = splat(!IV[6]);
        // Columns, then diagonals. Written out, so that the state stays in registers.
        for round in 0..12 {
            let s = &SIGMA[round % 10];
            mix(&mut v, [0, 4, 8, 12], m[s[0]], m[s[1]]);
            mix(&mut v, [1, 5, 9, 13], m[s[2]], m[s[3]]);
            mix(&mut v, [2, 6, 10, 14], m[s[4]], m[s[5]]);
            mix(&mut v, [3, 7, 11, 15], m[s[6]], m[s[7]]);
            mix(&mut v, [0, 5, 10, 15], m[s[8]], m[s[9]]);
            mix(&mut v, [1, 6, 11, 12], m[s[10]], m[s[11]]);
            mix(&mut v, [2, 7, 8, 13], m[s[12]], m[s[13]]);
            mix(&mut v, [3, 4, 9, 14], m[s[14]], m[s[15]]);
        }
        [
            xor(start[0], xor(v[0], v[8])),
            xor(start[1], xor(v[1], v[9])),
            xor(start[2], xor(v[2], v[10])),
        ]
    }
}
