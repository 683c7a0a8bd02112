//! Arithmetic modulo p = 2^255 - 19, eight elements at a time, in five limbs of 51 bits.
//!
//! A [`Tight`] element is a factor: its limbs are below 2^52. A [`Loose`] one is a sum of products and must
//! be carried before it is multiplied. A *biased* one had 1024 p added, so that another can be taken from it
//! limb by limb. The bounds are not argued here: a test runs this very source over intervals.

use super::vector::{
    Limb, Mask, Vector, add, and, from_lanes, is_zero as is_zero_vector, limb, madd_high, madd_low,
    or, select as select_vector, shl, shr, splat, sub as sub_vectors, times_19, to_lanes, word,
    zero,
};
use core::array::from_fn;

/// Limbs below 2^52.
#[derive(Clone, Copy)]
pub(crate) struct Tight(pub(crate) [Vector; 5]);
/// Limbs below 2^61.
#[derive(Clone, Copy)]
pub(crate) struct Loose(pub(crate) [Vector; 5]);

const M51: u64 = (1 << 51) - 1;
/// 1024 p in limbs: this one, then four of the next.
const BIAS_0: u64 = 1024 * (M51 - 18);
const BIAS: u64 = 1024 * M51;

lanes! {
    /// The same small number in every lane.
    #[inline]
    pub(crate) fn small(x: u64) -> Tight {
        Tight([splat(x), zero(), zero(), zero(), zero()])
    }

    /// The same element in every lane, from its limbs.
    #[inline]
    pub(crate) fn constant(limbs: [u64; 5]) -> Tight {
        Tight(from_fn(|i| splat(limbs[i])))
    }

    /// A factor seen as a sum.
    #[inline]
    pub(crate) fn loose(a: &Tight) -> Loose {
        Loose(a.0)
    }

    /// One carry through all limbs: the first four come out below 2^51, so that they may be doubled.
    #[inline]
    pub(crate) fn carry(a: &Loose) -> Tight {
        let (mask, mut a) = (splat(M51), a.0);
        let top = shr::<51>(a[4]);
        a[4] = and(a[4], mask);
        a[0] = madd_low(a[0], top, splat(19));
        for i in 0..4 {
            let up = shr::<51>(a[i]);
            a[i] = and(a[i], mask);
            a[i + 1] = add(a[i + 1], up);
        }
        Tight(a)
    }

    /// Carries of all limbs at once: shorter, but what comes out may not be squared.
    #[inline]
    pub(crate) fn carry_at_once(a: &Loose) -> Tight {
        let mask = splat(M51);
        let up: [Vector; 5] = from_fn(|i| shr::<51>(a.0[i]));
        let rest: [Vector; 5] = from_fn(|i| and(a.0[i], mask));
        Tight(from_fn(|i| match i {
            0 => madd_low(rest[0], up[4], splat(19)),
            i => add(rest[i], up[i - 1]),
        }))
    }

    /// `a` + `b`.
    #[inline]
    pub(crate) fn sum(a: &Loose, b: &Loose) -> Loose {
        Loose(from_fn(|i| add(a.0[i], b.0[i])))
    }

    /// `a` + 1024 p.
    #[inline]
    pub(crate) fn biased(a: &Loose) -> Loose {
        Loose(from_fn(|i| add(a.0[i], splat(if i == 0 { BIAS_0 } else { BIAS }))))
    }

    /// `a` - `b` of a biased `a`; what comes out is not biased any more.
    #[inline]
    pub(crate) fn difference(a: &Loose, b: &Loose) -> Loose {
        Loose(from_fn(|i| sub_vectors(a.0[i], b.0[i])))
    }

    /// Folds the ten columns of a product, given low halves at place i and high halves, which weigh twice as
    /// much (2^52 = 2 * 2^51), at place i + 1.
    #[inline]
    fn fold(low: [Vector; 10]) -> Loose {
        Loose(from_fn(|i| add(low[i], times_19(low[i + 5]))))
    }

    /// `a b`, and `first` + 51-bit columns of `others` on top.
    #[inline]
    fn product_onto(a: &Tight, b: &Tight, first: Vector, others: Vector) -> Loose {
        let (a, b) = (&a.0, &b.0);
        let mut high: [Vector; 9] = from_fn(|i| if i < 4 { others } else { zero() });
        for i in 0..5 {
            for j in 0..5 {
                high[i + j] = madd_high(high[i + j], a[i], b[j]);
            }
        }
        let mut low: [Vector; 10] =
            from_fn(|i| if i == 0 { first } else { add(high[i - 1], high[i - 1]) });
        for i in 0..5 {
            for j in 0..5 {
                low[i + j] = madd_low(low[i + j], a[i], b[j]);
            }
        }
        fold(low)
    }

    /// `a b`.
    #[inline]
    pub(crate) fn product(a: &Tight, b: &Tight) -> Loose {
        product_onto(a, b, zero(), zero())
    }

    /// `a b` + 1024 p.
    #[inline]
    pub(crate) fn product_biased(a: &Tight, b: &Tight) -> Loose {
        product_onto(a, b, splat(BIAS_0), splat(BIAS / 2))
    }

    /// `a`², and a bias as in a product. Needs what [`carry`] gives: limbs are doubled first.
    #[inline]
    fn square_onto(a: &Tight, first: Vector, others: Vector) -> Loose {
        let a = &a.0;
        let twice: [Vector; 4] = from_fn(|i| add(a[i], a[i]));
        let mut high: [Vector; 9] = from_fn(|i| if i < 4 { others } else { zero() });
        for i in 0..5 {
            high[2 * i] = madd_high(high[2 * i], a[i], a[i]);
            for j in i + 1..5 {
                high[i + j] = madd_high(high[i + j], twice[i], a[j]);
            }
        }
        let mut low: [Vector; 10] =
            from_fn(|i| if i == 0 { first } else { add(high[i - 1], high[i - 1]) });
        for i in 0..5 {
            low[2 * i] = madd_low(low[2 * i], a[i], a[i]);
            for j in i + 1..5 {
                low[i + j] = madd_low(low[i + j], twice[i], a[j]);
            }
        }
        fold(low)
    }

    /// `a`².
    #[inline]
    pub(crate) fn square(a: &Tight) -> Loose {
        square_onto(a, zero(), zero())
    }

    /// `a`² + 1024 p.
    #[inline]
    pub(crate) fn square_biased(a: &Tight) -> Loose {
        square_onto(a, splat(BIAS_0), splat(BIAS / 2))
    }

    /// `a` + 121665 `e`, the ladder's constant.
    #[inline]
    pub(crate) fn plus_121665(a: &Loose, e: &Tight) -> Loose {
        let c = splat(121_665);
        let high: [Vector; 5] = from_fn(|i| madd_high(zero(), e.0[i], c));
        Loose(from_fn(|i| {
            let carried = match i {
                0 => madd_low(a.0[0], high[4], splat(38)),
                i => add(a.0[i], add(high[i - 1], high[i - 1])),
            };
            madd_low(carried, e.0[i], c)
        }))
    }

    /// `a b`, carried.
    #[inline]
    pub(crate) fn mul(a: &Tight, b: &Tight) -> Tight {
        carry(&product(a, b))
    }

    /// `a` + `b`, carried.
    #[inline]
    pub(crate) fn plus(a: &Tight, b: &Tight) -> Tight {
        carry(&sum(&loose(a), &loose(b)))
    }

    /// `a` - `b`, carried.
    #[inline]
    pub(crate) fn minus(a: &Tight, b: &Tight) -> Tight {
        carry(&difference(&biased(&loose(a)), &loose(b)))
    }

    /// `b` in the lanes of the mask, `a` in the others.
    #[inline]
    pub(crate) fn select(mask: Mask, a: &Tight, b: &Tight) -> Tight {
        Tight(from_fn(|i| select_vector(mask, a.0[i], b.0[i])))
    }

    /// As [`select`], of sums.
    #[inline]
    pub(crate) fn select_loose(mask: Mask, a: &Loose, b: &Loose) -> Loose {
        Loose(from_fn(|i| select_vector(mask, a.0[i], b.0[i])))
    }

    /// The element below p, its limbs below 2^51.
    #[inline]
    pub(crate) fn reduced(a: &Tight) -> Tight {
        let (mask, mut a) = (splat(M51), carry(&loose(a)).0);
        // 1 where the value is p or more: then 2^255 is carried out of value + 19.
        let mut over = shr::<51>(add(a[0], splat(19)));
        for limb in &a[1..] {
            over = shr::<51>(add(*limb, over));
        }
        a[0] = madd_low(a[0], over, splat(19));
        for i in 0..4 {
            let up = shr::<51>(a[i]);
            a[i] = and(a[i], mask);
            a[i + 1] = add(a[i + 1], up);
        }
        a[4] = and(a[4], mask);
        Tight(a)
    }

    /// Lanes whose element is 0.
    #[inline]
    pub(crate) fn is_zero(a: &Tight) -> Mask {
        let [a, b, c, d, e] = reduced(a).0;
        is_zero_vector(or(or(or(a, b), or(c, d)), e))
    }

    /// `a` squared `n` times.
    #[inline(never)]
    fn squared(a: &Tight, n: usize) -> Tight {
        let mut a = *a;
        for _ in 0..n {
            a = carry(&square(&a));
        }
        a
    }

    /// (`a`^(2^250 - 1), `a`^11), the chain of exponents that everybody uses for this prime.
    fn powers(a: &Tight) -> (Tight, Tight) {
        let a2 = squared(a, 1);
        let a9 = mul(a, &squared(&a2, 2));
        let a11 = mul(&a2, &a9);
        let ones5 = mul(&squared(&a11, 1), &a9);
        let ones10 = mul(&squared(&ones5, 5), &ones5);
        let ones20 = mul(&squared(&ones10, 10), &ones10);
        let ones40 = mul(&squared(&ones20, 20), &ones20);
        let ones50 = mul(&squared(&ones40, 10), &ones10);
        let ones100 = mul(&squared(&ones50, 50), &ones50);
        let ones200 = mul(&squared(&ones100, 100), &ones100);
        (mul(&squared(&ones200, 50), &ones50), a11)
    }

    /// 1 / `a`, and 0 of 0.
    pub(crate) fn inverse(a: &Tight) -> Tight {
        let (ones250, a11) = powers(a);
        mul(&squared(&ones250, 5), &a11)
    }

    /// `a`^((p - 5) / 8), from which square roots are made.
    pub(crate) fn root_power(a: &Tight) -> Tight {
        mul(&squared(&powers(a).0, 2), a)
    }

    /// Divides each numerator by its denominator, with one inversion for all; 0 where the denominator is 0.
    /// `products` is room of the same length.
    pub(crate) fn divide(numerators: &mut [Tight], denominators: &mut [Tight], products: &mut [Tight]) {
        let (one, none) = (small(1), small(0));
        let mut all = one;
        for i in 0..denominators.len() {
            let zero = is_zero(&denominators[i]);
            denominators[i] = select(zero, &denominators[i], &one);
            numerators[i] = select(zero, &numerators[i], &none);
            products[i] = all;
            all = mul(&all, &denominators[i]);
        }
        let mut inverse = inverse(&all);
        for i in (0..denominators.len()).rev() {
            numerators[i] = mul(&numerators[i], &mul(&inverse, &products[i]));
            inverse = mul(&inverse, &denominators[i]);
        }
    }

    /// Four 64-bit words a lane, as the element that they are modulo p; the top bit counts for nothing.
    #[inline]
    pub(crate) fn unpack(w: &[Vector; 4]) -> Tight {
        let mask = splat(M51);
        Tight([
            and(w[0], mask),
            and(or(shr::<51>(w[0]), shl::<13>(w[1])), mask),
            and(or(shr::<38>(w[1]), shl::<26>(w[2])), mask),
            and(or(shr::<25>(w[2]), shl::<39>(w[3])), mask),
            and(shr::<12>(w[3]), mask),
        ])
    }

    /// The one encoding of an element, four 64-bit words a lane.
    #[inline]
    pub(crate) fn pack(a: &Tight) -> [Vector; 4] {
        let a = reduced(a).0;
        [
            or(a[0], shl::<51>(a[1])),
            or(shr::<13>(a[1]), shl::<38>(a[2])),
            or(shr::<26>(a[2]), shl::<25>(a[3])),
            or(shr::<39>(a[3]), shl::<12>(a[4])),
        ]
    }

    /// Up to eight times 32 bytes as words; the lanes that are left over get zeros.
    #[inline]
    pub(crate) fn load(rows: &[[u8; 32]]) -> [Vector; 4] {
        from_fn(|part| {
            let mut lanes: [Limb; 8] = [limb(0); 8];
            for (lane, row) in lanes.iter_mut().zip(rows) {
                *lane = limb(part_of(row, part));
            }
            from_lanes(lanes)
        })
    }

    /// The same 32 bytes in every lane.
    #[inline]
    pub(crate) fn load_one(row: &[u8; 32]) -> [Vector; 4] {
        from_fn(|part| from_lanes([limb(part_of(row, part)); 8]))
    }

    /// Words as up to eight times 32 bytes.
    #[inline]
    pub(crate) fn store(words: &[Vector; 4], rows: &mut [[u8; 32]]) {
        for (part, words) in words.iter().enumerate() {
            let lanes = to_lanes(*words);
            for (row, lane) in rows.iter_mut().zip(lanes) {
                row[8 * part..8 * part + 8].copy_from_slice(&word(lane).to_le_bytes());
            }
        }
    }

    #[inline]
    fn part_of(row: &[u8; 32], part: usize) -> u64 {
        row.as_chunks::<8>().0.get(part).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}
