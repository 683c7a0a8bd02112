//! Eight 64-bit lanes, sixteen 32-bit lanes: the instructions themselves.
//!
//! Every function carries `#[target_feature]`. Without it a wrapper is not inlined into its callers, and
//! one that stays a call in the ladder's loop makes it ten times slower; `check.py` looks for that.

#![allow(unsafe_code)] // One of the crate's three places; see lib.rs.

use core::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_cmplt_epu64_mask,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_blend_epi64,
    _mm512_maskz_permutex2var_epi64, _mm512_mullo_epi64, _mm512_or_si512,
    _mm512_permutex2var_epi32, _mm512_permutex2var_epi64, _mm512_rol_epi32, _mm512_ror_epi64,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setr_epi32, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_sllv_epi64, _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_sub_epi64,
    _mm512_test_epi64_mask, _mm512_testn_epi64_mask, _mm512_xor_si512,
};

/// Eight lanes of 64 bits.
pub(crate) type Vector = __m512i;
/// A bit for each lane.
pub(crate) type Mask = u8;
/// What one lane holds.
pub(crate) type Limb = u64;
/// Sixteen lanes of 32 bits.
pub(crate) type Words = __m512i;

lanes! {
    #[inline]
    pub(crate) fn splat(x: u64) -> Vector { _mm512_set1_epi64(x.cast_signed()) }
    #[inline]
    pub(crate) fn zero() -> Vector { _mm512_setzero_si512() }
    #[inline]
    pub(crate) fn from_lanes(lanes: [Limb; 8]) -> Vector {
        // SAFETY: both are 64 bytes of which every bit pattern is valid.
        unsafe { core::mem::transmute(lanes) }
    }
    #[inline]
    pub(crate) fn to_lanes(v: Vector) -> [Limb; 8] {
        // SAFETY: as above.
        unsafe { core::mem::transmute(v) }
    }
    /// A word from outside as a limb.
    #[inline]
    pub(crate) fn limb(word: u64) -> Limb { word }
    /// A limb as a word for outside.
    #[inline]
    pub(crate) fn word(limb: Limb) -> u64 { limb }
    /// Never past 2^64.
    #[inline]
    pub(crate) fn add(a: Vector, b: Vector) -> Vector { _mm512_add_epi64(a, b) }
    /// Modulo 2^64.
    #[inline]
    pub(crate) fn add_wrapping(a: Vector, b: Vector) -> Vector { _mm512_add_epi64(a, b) }
    /// Never below 0.
    #[inline]
    pub(crate) fn sub(a: Vector, b: Vector) -> Vector { _mm512_sub_epi64(a, b) }
    /// Modulo 2^64.
    #[inline]
    pub(crate) fn sub_wrapping(a: Vector, b: Vector) -> Vector { _mm512_sub_epi64(a, b) }
    #[inline]
    pub(crate) fn and(a: Vector, b: Vector) -> Vector { _mm512_and_si512(a, b) }
    #[inline]
    pub(crate) fn or(a: Vector, b: Vector) -> Vector { _mm512_or_si512(a, b) }
    #[inline]
    pub(crate) fn xor(a: Vector, b: Vector) -> Vector { _mm512_xor_si512(a, b) }
    #[inline]
    pub(crate) fn shr<const N: u32>(a: Vector) -> Vector { _mm512_srli_epi64::<N>(a) }
    #[inline]
    pub(crate) fn shl<const N: u32>(a: Vector) -> Vector { _mm512_slli_epi64::<N>(a) }
    #[inline]
    pub(crate) fn shr_by(a: Vector, n: u64) -> Vector { _mm512_srlv_epi64(a, splat(n)) }
    #[inline]
    pub(crate) fn shl_by(a: Vector, n: u64) -> Vector { _mm512_sllv_epi64(a, splat(n)) }
    #[inline]
    pub(crate) fn ror<const N: i32>(a: Vector) -> Vector { _mm512_ror_epi64::<N>(a) }
    /// `sum` + the low 52 bits of `a b`; factors below 2^52.
    #[inline]
    pub(crate) fn madd_low(sum: Vector, a: Vector, b: Vector) -> Vector { _mm512_madd52lo_epu64(sum, a, b) }
    /// `sum` + `a b` / 2^52; factors below 2^52.
    #[inline]
    pub(crate) fn madd_high(sum: Vector, a: Vector, b: Vector) -> Vector { _mm512_madd52hi_epu64(sum, a, b) }
    /// 19 `a`, never past 2^64.
    #[inline]
    pub(crate) fn times_19(a: Vector) -> Vector { _mm512_mullo_epi64(a, splat(19)) }
    /// Lanes in which `a & b` is not 0.
    #[inline]
    pub(crate) fn test(a: Vector, b: Vector) -> Mask { _mm512_test_epi64_mask(a, b) }
    /// Lanes that are 0.
    #[inline]
    pub(crate) fn is_zero(a: Vector) -> Mask { _mm512_testn_epi64_mask(a, a) }
    /// Lanes in which `a` < `b`.
    #[inline]
    pub(crate) fn less(a: Vector, b: Vector) -> Mask { _mm512_cmplt_epu64_mask(a, b) }
    /// `b` in the lanes of the mask, `a` in the others.
    #[inline]
    pub(crate) fn select(mask: Mask, a: Vector, b: Vector) -> Vector { _mm512_mask_blend_epi64(mask, a, b) }
    /// Of each lane the entry with its index below 32, and 0 in lanes that are not present. All entries are
    /// in registers: no address depends on an index.
    #[inline]
    pub(crate) fn look_up(row: &[Limb; 32], index: Vector, present: Mask) -> Vector {
        // SAFETY: 256 bytes as four times 64 bytes, of which every bit pattern is valid.
        let [a, b, c, d]: [Vector; 4] = unsafe { core::mem::transmute_copy(row) };
        let upper = test(index, splat(16)) & present;
        let low = _mm512_maskz_permutex2var_epi64(present, a, index, b);
        select(upper, low, _mm512_permutex2var_epi64(c, index, d))
    }
    /// Overwrites for good.
    pub(crate) fn wipe(vectors: &mut [Vector]) {
        for vector in vectors {
            // SAFETY: a reference may be written through.
            unsafe { core::ptr::write_volatile(vector, zero()) };
        }
    }
    #[inline]
    pub(crate) fn words(lanes: [u32; 16]) -> Words {
        // SAFETY: both are 64 bytes of which every bit pattern is valid.
        unsafe { core::mem::transmute(lanes) }
    }
    #[inline]
    pub(crate) fn word_lanes(v: Words) -> [u32; 16] {
        // SAFETY: as above.
        unsafe { core::mem::transmute(v) }
    }
    #[inline]
    pub(crate) fn splat_word(x: u32) -> Words { _mm512_set1_epi32(x.cast_signed()) }
    #[inline]
    pub(crate) fn add_words(a: Words, b: Words) -> Words { _mm512_add_epi32(a, b) }
    #[inline]
    pub(crate) fn xor_words(a: Words, b: Words) -> Words { _mm512_xor_si512(a, b) }
    #[inline]
    pub(crate) fn rol_words<const N: i32>(a: Words) -> Words { _mm512_rol_epi32::<N>(a) }
    /// The lower halves of `a`'s lanes, then of `b`'s.
    #[inline]
    pub(crate) fn lower_halves(a: Vector, b: Vector) -> Words {
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        _mm512_permutex2var_epi32(a, even, b)
    }
    /// The first eight lanes of `a` and of `b` in turns.
    #[inline]
    pub(crate) fn interleave_first(a: Words, b: Words) -> Words {
        let index = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        _mm512_permutex2var_epi32(a, index, b)
    }
    /// The last eight.
    #[inline]
    pub(crate) fn interleave_last(a: Words, b: Words) -> Words {
        let index = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        _mm512_permutex2var_epi32(a, index, b)
    }
    /// What may be known of a secret from here on.
    #[inline]
    pub(crate) fn verdict(x: u16) -> u16 { x }
}
