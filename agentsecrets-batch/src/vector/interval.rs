//! Of every lane only the least and the greatest value that it can have. What runs over these without a
//! panic stays in bounds for every input: no factor reaches 2^52, no sum 2^64, no difference falls below 0.
//!
//! A mask may be anything, so a selection gives what holds for both sides.

use core::ops::RangeInclusive;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Vector {
    low: u64,
    high: u64,
}
pub(crate) type Mask = u8;
pub(crate) type Limb = Vector;

fn within(range: RangeInclusive<u64>) -> Vector {
    Vector { low: *range.start(), high: *range.end() }
}

fn either(a: Vector, b: Vector) -> Vector {
    within(a.low.min(b.low)..=a.high.max(b.high))
}

/// All ones up to the highest bit.
fn ones(x: u64) -> u64 {
    u64::MAX.checked_shr(x.leading_zeros()).unwrap_or(0)
}

fn factors(a: Vector, b: Vector) -> (u128, u128) {
    assert!(a.high < 1 << 52 && b.high < 1 << 52, "a factor of 52 bits or more: {a:x?} {b:x?}");
    (u128::from(a.low) * u128::from(b.low), u128::from(a.high) * u128::from(b.high))
}

lanes! {
    pub(crate) fn splat(x: u64) -> Vector { within(x..=x) }
    pub(crate) fn zero() -> Vector { splat(0) }
    pub(crate) fn from_lanes(lanes: [Limb; 8]) -> Vector { lanes.into_iter().fold(lanes[0], either) }
    pub(crate) fn to_lanes(v: Vector) -> [Limb; 8] { [v; 8] }
    /// From outside comes anything.
    pub(crate) fn limb(_: u64) -> Limb { within(0..=u64::MAX) }
    pub(crate) fn word(_: Limb) -> u64 { 0 }
    pub(crate) fn add(a: Vector, b: Vector) -> Vector {
        within(a.low + b.low..=a.high.checked_add(b.high).expect("a sum below 2^64"))
    }
    pub(crate) fn add_wrapping(_: Vector, _: Vector) -> Vector { within(0..=u64::MAX) }
    pub(crate) fn sub(a: Vector, b: Vector) -> Vector {
        within(a.low.checked_sub(b.high).expect("a difference of at least 0")..=a.high - b.low)
    }
    pub(crate) fn sub_wrapping(_: Vector, _: Vector) -> Vector { within(0..=u64::MAX) }
    pub(crate) fn and(a: Vector, b: Vector) -> Vector {
        // A mask of ones changes nothing that lies below it.
        let whole = |x: Vector, mask: Vector| {
            mask.low == mask.high && (mask.low + 1).is_power_of_two() && x.high <= mask.low
        };
        if whole(a, b) { a } else if whole(b, a) { b } else { within(0..=a.high.min(b.high)) }
    }
    pub(crate) fn or(a: Vector, b: Vector) -> Vector { within(a.low.max(b.low)..=ones(a.high | b.high)) }
    pub(crate) fn shr<const N: u32>(a: Vector) -> Vector { within(a.low >> N..=a.high >> N) }
    pub(crate) fn shl<const N: u32>(a: Vector) -> Vector {
        let lost = a.high.leading_zeros() < N;
        if lost { within(0..=u64::MAX << N) } else { within(a.low << N..=a.high << N) }
    }
    pub(crate) fn shr_by(a: Vector, n: u64) -> Vector { within(a.low >> n..=a.high >> n) }
    pub(crate) fn shl_by(_: Vector, n: u64) -> Vector { within(0..=u64::MAX << n) }
    pub(crate) fn madd_low(sum: Vector, a: Vector, b: Vector) -> Vector {
        const M52: u128 = (1 << 52) - 1;
        let (least, most) = factors(a, b);
        let part = if most <= M52 { within(least as u64..=most as u64) } else { within(0..=M52 as u64) };
        add(sum, part)
    }
    pub(crate) fn madd_high(sum: Vector, a: Vector, b: Vector) -> Vector {
        let (least, most) = factors(a, b);
        add(sum, within((least >> 52) as u64..=(most >> 52) as u64))
    }
    pub(crate) fn times_19(a: Vector) -> Vector {
        within(a.low * 19..=a.high.checked_mul(19).expect("a product below 2^64"))
    }
    pub(crate) fn test(_: Vector, _: Vector) -> Mask { 0xff }
    pub(crate) fn is_zero(_: Vector) -> Mask { 0xff }
    pub(crate) fn less(_: Vector, _: Vector) -> Mask { 0xff }
    pub(crate) fn select(_: Mask, a: Vector, b: Vector) -> Vector { either(a, b) }
    pub(crate) fn look_up(row: &[Limb; 32], _: Vector, _: Mask) -> Vector {
        row.iter().copied().fold(zero(), either)
    }
    pub(crate) fn wipe(_: &mut [Vector]) {}
}
