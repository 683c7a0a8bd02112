//! Points of the twisted Edwards curve -x² + y² = 1 + d x² y², which is Curve25519 in other coordinates.
//!
//! Extended coordinates: x = X/Z, y = Y/Z, x y = T/Z (Hisil, Wong, Carter, Dawson, 2008).

use super::{
    field::{
        Loose, Tight, biased, carry, carry_at_once, constant, difference, is_zero, loose, minus,
        mul, plus, product, product_biased, root_power, select, select_loose, small, square, sum,
    },
    vector::Mask,
};

/// d = -121665/121666, in limbs.
const D: [u64; 5] =
    [0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff];
/// The square root of -1, in limbs.
const ROOT_OF_MINUS_1: [u64; 5] =
    [0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d];

/// Y and Z are biased.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: Loose,
    pub(crate) y: Loose,
    pub(crate) z: Loose,
    pub(crate) t: Tight,
}

/// A point of a table, with Z = 1: y + x, y - x, 2 d x y.
#[derive(Clone, Copy)]
pub(crate) struct TablePoint {
    pub(crate) y_plus_x: Tight,
    pub(crate) y_minus_x: Tight,
    pub(crate) xy2d: Tight,
}

/// A point that is added again and again: Y + X, Y - X, 2 d T, 2 Z.
#[derive(Clone, Copy)]
pub(crate) struct Addend {
    y_plus_x: Tight,
    y_minus_x: Tight,
    t2d: Tight,
    z2: Tight,
}

lanes! {
    /// 2 d.
    #[inline]
    pub(crate) fn d2() -> Tight {
        plus(&constant(D), &constant(D))
    }

    /// The neutral element.
    #[inline]
    pub(crate) fn identity() -> Point {
        let (none, one) = (small(0), loose(&small(1)));
        Point { x: loose(&none), y: biased(&one), z: biased(&one), t: none }
    }

    #[inline]
    fn close(e: &Loose, f: &Loose, g: &Loose, h: &Loose) -> Point {
        let (e, f) = (carry_at_once(e), carry_at_once(f));
        let (g, h) = (carry_at_once(g), carry_at_once(h));
        Point {
            x: product(&e, &f),
            y: product_biased(&g, &h),
            z: product_biased(&f, &g),
            t: carry_at_once(&product(&e, &h)),
        }
    }

    /// `p` + `n`, or `p` - `n` in the lanes of the mask.
    #[inline]
    pub(crate) fn add_table_point(p: &Point, n: &TablePoint, negative: Mask) -> Point {
        let y_plus_x = select(negative, &n.y_plus_x, &n.y_minus_x);
        let y_minus_x = select(negative, &n.y_minus_x, &n.y_plus_x);
        let a = product(&carry_at_once(&difference(&p.y, &p.x)), &y_minus_x);
        let b = product_biased(&carry_at_once(&sum(&p.y, &p.x)), &y_plus_x);
        let c = product(&p.t, &n.xy2d);
        let d = sum(&p.z, &p.z);
        let (less, more) = (difference(&d, &c), sum(&d, &c));
        close(
            &difference(&b, &a),
            &select_loose(negative, &less, &more),
            &select_loose(negative, &more, &less),
            &sum(&b, &a),
        )
    }

    /// `p` in the form in which it is added to others.
    #[inline]
    pub(crate) fn addend(p: &Point) -> Addend {
        Addend {
            y_plus_x: carry_at_once(&sum(&p.y, &p.x)),
            y_minus_x: carry_at_once(&difference(&p.y, &p.x)),
            t2d: carry_at_once(&product(&p.t, &d2())),
            z2: carry_at_once(&sum(&p.z, &p.z)),
        }
    }

    /// `p` + `n`, whatever they are.
    #[inline]
    pub(crate) fn add_points(p: &Point, n: &Addend) -> Point {
        let a = product(&carry_at_once(&difference(&p.y, &p.x)), &n.y_minus_x);
        let b = product_biased(&carry_at_once(&sum(&p.y, &p.x)), &n.y_plus_x);
        let c = product(&p.t, &n.t2d);
        let d = product_biased(&carry_at_once(&p.z), &n.z2);
        close(&difference(&b, &a), &difference(&d, &c), &sum(&d, &c), &sum(&b, &a))
    }

    /// 2 `p`.
    #[inline]
    pub(crate) fn double(p: &Point) -> Point {
        let (x, y, z) = (carry(&p.x), carry(&p.y), carry(&p.z));
        let (a, b, c) = (square(&x), square(&y), square(&z));
        let both = sum(&a, &b);
        let e = difference(&biased(&square(&carry(&sum(&p.x, &p.y)))), &both);
        let g = difference(&biased(&b), &a);
        let f = difference(&biased(&sum(&c, &c)), &loose(&carry_at_once(&g)));
        close(&e, &f, &g, &both)
    }

    /// A point with the u-coordinate, and the lanes that have none: those on the twist, and u = -1.
    ///
    /// y = (u - 1) / (u + 1), x from the curve's equation; its sign does not matter, as only u goes out again.
    pub(crate) fn from_u(u: &Tight) -> (Point, Mask) {
        let (y, z) = (minus(u, &small(1)), plus(u, &small(1)));
        let (y2, z2) = (carry(&square(&y)), carry(&square(&z)));
        let (above, below) = (minus(&y2, &z2), plus(&mul(&constant(D), &y2), &z2));
        let below3 = mul(&carry(&square(&below)), &below);
        let below7 = mul(&carry(&square(&below3)), &below);
        let root = mul(&mul(&above, &below3), &root_power(&mul(&above, &below7)));
        let again = mul(&below, &carry(&square(&root)));
        let (right, opposite) = (is_zero(&minus(&again, &above)), is_zero(&plus(&again, &above)));
        let turned = mul(&root, &constant(ROOT_OF_MINUS_1));
        let root = select(opposite & !right, &root, &turned);
        let none = !(right | opposite) | is_zero(&z);
        let point = Point {
            x: product(&root, &z),
            y: biased(&loose(&y)),
            z: biased(&loose(&z)),
            t: mul(&root, &y),
        };
        (point, none)
    }
}
