//! Eight 64-bit lanes, sixteen 32-bit lanes: what the instructions do, in plain arithmetic for every machine.
//!
//! Written without a branch or an address that depends on a lane, so that valgrind can watch secrets here,
//! which it cannot in AVX-512 code.

use core::{array::from_fn, hint::black_box};

pub(crate) type Vector = [u64; 8];
pub(crate) type Mask = u8;
pub(crate) type Limb = u64;
pub(crate) type Words = [u32; 16];

const M52: u64 = (1 << 52) - 1;

fn product(a: u64, b: u64) -> u128 {
    u128::from(a & M52) * u128::from(b & M52)
}

/// 1 where `x` is not 0.
fn nonzero(x: u64) -> u64 {
    (x | x.wrapping_neg()) >> 63
}

fn mask(bit: impl Fn(usize) -> u64) -> Mask {
    (0..8).fold(0, |mask, lane| mask | (bit(lane) as u8) << lane)
}

lanes! {
    pub(crate) fn splat(x: u64) -> Vector { [x; 8] }
    pub(crate) fn zero() -> Vector { [0; 8] }
    pub(crate) fn from_lanes(lanes: [Limb; 8]) -> Vector { lanes }
    pub(crate) fn to_lanes(v: Vector) -> [Limb; 8] { v }
    pub(crate) fn limb(word: u64) -> Limb { word }
    pub(crate) fn word(limb: Limb) -> u64 { limb }
    pub(crate) fn add(a: Vector, b: Vector) -> Vector { add_wrapping(a, b) }
    pub(crate) fn add_wrapping(a: Vector, b: Vector) -> Vector { from_fn(|i| a[i].wrapping_add(b[i])) }
    pub(crate) fn sub(a: Vector, b: Vector) -> Vector { sub_wrapping(a, b) }
    pub(crate) fn sub_wrapping(a: Vector, b: Vector) -> Vector { from_fn(|i| a[i].wrapping_sub(b[i])) }
    pub(crate) fn and(a: Vector, b: Vector) -> Vector { from_fn(|i| a[i] & b[i]) }
    pub(crate) fn or(a: Vector, b: Vector) -> Vector { from_fn(|i| a[i] | b[i]) }
    pub(crate) fn xor(a: Vector, b: Vector) -> Vector { from_fn(|i| a[i] ^ b[i]) }
    pub(crate) fn shr<const N: u32>(a: Vector) -> Vector { a.map(|x| x >> N) }
    pub(crate) fn shl<const N: u32>(a: Vector) -> Vector { a.map(|x| x << N) }
    pub(crate) fn shr_by(a: Vector, n: u64) -> Vector { a.map(|x| x >> n) }
    pub(crate) fn shl_by(a: Vector, n: u64) -> Vector { a.map(|x| x << n) }
    pub(crate) fn ror<const N: i32>(a: Vector) -> Vector { a.map(|x| x.rotate_right(N.unsigned_abs())) }
    pub(crate) fn madd_low(sum: Vector, a: Vector, b: Vector) -> Vector {
        from_fn(|i| sum[i].wrapping_add(product(a[i], b[i]) as u64 & M52))
    }
    pub(crate) fn madd_high(sum: Vector, a: Vector, b: Vector) -> Vector {
        from_fn(|i| sum[i].wrapping_add((product(a[i], b[i]) >> 52) as u64))
    }
    pub(crate) fn times_19(a: Vector) -> Vector { a.map(|x| x.wrapping_mul(19)) }
    pub(crate) fn test(a: Vector, b: Vector) -> Mask { mask(|i| nonzero(a[i] & b[i])) }
    pub(crate) fn is_zero(a: Vector) -> Mask { !test(a, a) }
    pub(crate) fn less(a: Vector, b: Vector) -> Mask {
        mask(|i| (u128::from(a[i]).wrapping_sub(u128::from(b[i])) >> 64) as u64 & 1)
    }
    pub(crate) fn select(mask: Mask, a: Vector, b: Vector) -> Vector {
        // Hidden from the compiler, which would make a table of what a mask may be.
        from_fn(|i| a[i] ^ ((a[i] ^ b[i]) & black_box(u64::from(mask >> i & 1)).wrapping_neg()))
    }
    /// Reads every entry for every lane.
    pub(crate) fn look_up(row: &[Limb; 32], index: Vector, present: Mask) -> Vector {
        let found = index.map(|index| {
            (0..32).zip(row).fold(0, |found, (place, entry)| {
                found | entry & black_box(nonzero((index & 31) ^ place)).wrapping_sub(1)
            })
        });
        select(present, zero(), found)
    }
    pub(crate) fn wipe(vectors: &mut [Vector]) { vectors.iter_mut().for_each(zeroize::Zeroize::zeroize); }
    pub(crate) fn words(lanes: [u32; 16]) -> Words { lanes }
    pub(crate) fn word_lanes(v: Words) -> [u32; 16] { v }
    pub(crate) fn splat_word(x: u32) -> Words { [x; 16] }
    pub(crate) fn add_words(a: Words, b: Words) -> Words { from_fn(|i| a[i].wrapping_add(b[i])) }
    pub(crate) fn xor_words(a: Words, b: Words) -> Words { from_fn(|i| a[i] ^ b[i]) }
    pub(crate) fn rol_words<const N: i32>(a: Words) -> Words { a.map(|x| x.rotate_left(N.unsigned_abs())) }
    pub(crate) fn lower_halves(a: Vector, b: Vector) -> Words {
        from_fn(|i| if i < 8 { a[i] } else { b[i - 8] } as u32)
    }
    pub(crate) fn interleave_first(a: Words, b: Words) -> Words {
        from_fn(|i| if i % 2 == 0 { a[i / 2] } else { b[i / 2] })
    }
    pub(crate) fn interleave_last(a: Words, b: Words) -> Words {
        from_fn(|i| if i % 2 == 0 { a[8 + i / 2] } else { b[8 + i / 2] })
    }
    /// What may be known of a secret from here on; valgrind is told so.
    pub(crate) fn verdict(x: u16) -> u16 { crate::proof::published(x) }
}
