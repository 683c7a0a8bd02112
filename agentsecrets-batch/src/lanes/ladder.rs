//! The Montgomery ladder (RFC 7748, section 5): eight scalars times eight points.

use super::{
    field::{
        Loose, Tight, biased, carry, carry_at_once, difference, loose, plus_121665, product,
        product_biased, select, select_loose, small, square, square_biased, sum,
    },
    vector::{Mask, Vector, and, or, splat, test},
};

lanes! {
    /// Clamps scalars: a multiple of 8 with bit 254 set.
    #[inline]
    pub(crate) fn clamp(k: &[Vector; 4]) -> [Vector; 4] {
        [and(k[0], splat(!7)), k[1], k[2], or(and(k[3], splat(!(1 << 63))), splat(1 << 62))]
    }

    /// (x, z) of the product of each clamped scalar with the point of u-coordinate `u`; z may be 0.
    ///
    /// Instead of swapping the two points before and after a step, as is usual, only the one to be doubled is
    /// selected: the addition gives the same whichever comes first. Bit 254 is always set and the last three
    /// never are, so the first step and those three double and add nothing.
    #[inline(never)]
    pub(crate) fn ladder(k: &[Vector; 4], u: &Tight) -> (Tight, Tight) {
        let one = loose(&small(1));
        // Both x stay biased throughout.
        let (mut x3, mut z3): (Loose, Loose) = (biased(&loose(u)), one);
        let (mut x2, mut z2) = doubled(&x3, &z3);
        let mut before: Mask = 0xff;
        for bit in (3..254_u32).rev() {
            let now = test(k[bit as usize / 64], splat(1 << (bit % 64)));
            let turn = before ^ now;
            before = now;
            let (a, b, c, d) = (plus(&x2, &z2), minus(&x2, &z2), plus(&x3, &z3), minus(&x3, &z3));
            let (first, second) = (select(turn, &a, &c), select(turn, &b, &d));
            let (da, cb) = (product_biased(&d, &a), product(&c, &b));
            let (plus2, minus2) = (square_biased(&first), square(&second));
            x3 = square_biased(&carry(&sum(&da, &cb)));
            z3 = product(u, &carry_at_once(&square(&carry(&difference(&da, &cb)))));
            // Written out, as in `doubled`: a call here costs a twentieth of the whole.
            x2 = product_biased(&carry_at_once(&plus2), &carry_at_once(&minus2));
            let e = carry_at_once(&difference(&plus2, &minus2));
            z2 = product(&e, &carry_at_once(&plus_121665(&plus2, &e)));
        }
        let (x, z) = (select_loose(before, &x2, &x3), select_loose(before, &z2, &z3));
        let (x, z) = doubled(&x, &z);
        let (x, z) = doubled(&x, &z);
        let (x, z) = doubled(&x, &z);
        (carry(&x), carry(&z))
    }

    #[inline]
    fn plus(x: &Loose, z: &Loose) -> Tight {
        carry(&sum(x, z))
    }

    #[inline]
    fn minus(x: &Loose, z: &Loose) -> Tight {
        carry(&difference(x, z))
    }

    /// Twice the point; x stays biased.
    #[inline(never)]
    fn doubled(x: &Loose, z: &Loose) -> (Loose, Loose) {
        let (plus2, minus2) = (square_biased(&plus(x, z)), square(&minus(x, z)));
        let e = carry_at_once(&difference(&plus2, &minus2));
        let x = product_biased(&carry_at_once(&plus2), &carry_at_once(&minus2));
        (x, product(&e, &carry_at_once(&plus_121665(&plus2, &e))))
    }
}
