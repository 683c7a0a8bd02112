//! Products with a point that stays the same, from a table of its multiples.
//!
//! A scalar is 42 signed digits of six bits and an unsigned rest, so that the product is a sum of 43 entries
//! and takes no doubling. A row of 32 entries is four registers: each lane takes its own by a permutation.

use super::{
    edwards::{
        Point, TablePoint, add_points, add_table_point, addend, d2, double, from_u, identity,
    },
    field::{
        Tight, biased, carry, difference, divide, load_one, loose, minus, mul, plus, reduced,
        small, sum, unpack,
    },
    vector::{
        Limb, Mask, Vector, add_wrapping, and, from_lanes, is_zero, less, look_up, or,
        select as select_vector, shl_by, shr_by, splat, sub_wrapping, to_lanes, zero,
    },
};
use core::array::from_fn;

/// Digits of a scalar, and bits of each.
const WINDOWS: usize = 43;
const BITS: usize = 6;
/// Multiples of one power of 64: 1 to 32 times.
const ENTRIES: usize = 32;

/// Of one window: the limbs of y + x, y - x and 2 d x y, each of all entries.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Window([[Limb; ENTRIES]; 15]);

/// The multiples of one point; 165 KB. Of a public key, so nothing in it is secret.
pub(crate) struct Table(Box<[Window]>);

/// 32 * 64^j summed over the signed digits: added to a scalar it makes every digit unsigned.
const OFFSET: [u64; 4] = {
    let (mut words, mut j) = ([0; 4], 0);
    while j + 1 < WINDOWS {
        let bit = BITS * j + BITS - 1;
        words[bit / 64] |= 1 << (bit % 64);
        j += 1;
    }
    words
};

lanes! {
    /// The table of a u-coordinate; none where the curve has no such point.
    pub(crate) fn table(u: &[u8; 32]) -> Option<Table> {
        let (point, none) = from_u(&unpack(&load_one(u)));
        (none & 1 == 0).then(|| table_of(&point))
    }

    /// The table of a point on the curve.
    pub(crate) fn table_of(point: &Point) -> Table {
        let groups = WINDOWS.div_ceil(8);
        let mut points = multiples(&powers_of_64(point));
        let mut inverses = vec![small(1); points.len()];
        let mut z: Vec<Tight> = points.iter().map(|point| carry(&point.z)).collect();
        let mut products = inverses.clone();
        divide(&mut inverses, &mut z, &mut products);
        let empty = Window([[limb_zero(); ENTRIES]; 15]);
        let mut windows = vec![empty; 8 * groups];
        for (place, (point, inverse)) in points.drain(..).zip(inverses).enumerate() {
            let (group, entry) = (place / ENTRIES, place % ENTRIES);
            let limbs = table_limbs(&point, &inverse);
            for (row, limb) in limbs.into_iter().enumerate() {
                for (lane, limb) in to_lanes(limb).into_iter().enumerate() {
                    windows[8 * group + lane].0[row][entry] = limb;
                }
            }
        }
        windows.truncate(WINDOWS);
        Table(windows.into_boxed_slice())
    }

    #[inline]
    fn limb_zero() -> Limb { to_lanes(zero())[0] }

    /// The point times 64^j, a lane for each window, in groups of eight.
    fn powers_of_64(point: &Point) -> Vec<Point> {
        let groups = WINDOWS.div_ceil(8);
        let mut limbs = vec![[[limb_zero(); 8]; 20]; groups];
        let mut point = *point;
        for window in 0..8 * groups {
            let all = [carry(&point.x), carry(&point.y), carry(&point.z), point.t];
            for (place, vector) in all.iter().flat_map(|element| element.0).enumerate() {
                limbs[window / 8][place][window % 8] = to_lanes(vector)[0];
            }
            for _ in 0..BITS {
                point = double(&point);
            }
        }
        limbs.iter().map(|limbs| point_of_limbs(limbs)).collect()
    }

    fn point_of_limbs(limbs: &[[Limb; 8]; 20]) -> Point {
        let [x, y, z, t]: [Tight; 4] =
            from_fn(|c| Tight(from_fn(|limb| from_lanes(limbs[5 * c + limb]))));
        Point { x: loose(&x), y: biased(&loose(&y)), z: biased(&loose(&z)), t }
    }

    /// 1 to 32 times each point.
    fn multiples(points: &[Point]) -> Vec<Point> {
        let mut all = Vec::with_capacity(ENTRIES * points.len());
        for point in points {
            let (addend, mut multiple) = (addend(point), *point);
            for _ in 0..ENTRIES {
                all.push(multiple);
                multiple = add_points(&multiple, &addend);
            }
        }
        all
    }

    fn table_limbs(point: &Point, inverse_z: &Tight) -> [Vector; 15] {
        let x = mul(&carry(&point.x), inverse_z);
        let y = mul(&carry(&point.y), inverse_z);
        let xy2d = mul(&mul(&x, &y), &d2());
        let parts = [reduced(&plus(&y, &x)), reduced(&minus(&y, &x)), reduced(&xy2d)];
        from_fn(|row| parts[row / 5].0[row % 5])
    }

    /// The scalar plus [`OFFSET`]: it fits, as a clamped scalar is below 2^255.
    #[inline]
    fn recoded(k: &[Vector; 4]) -> [Vector; 4] {
        let (mut sums, mut carried): ([Vector; 4], Mask) = (*k, 0);
        for i in 0..4 {
            let sum = add_wrapping(k[i], splat(OFFSET[i]));
            let over = less(sum, k[i]);
            let next = add_wrapping(sum, splat(1));
            let over_next = less(next, sum) & carried;
            sums[i] = select_vector(carried, sum, next);
            carried = over | over_next;
        }
        sums
    }

    /// Digit `j`: its absolute value, and the lanes in which it is negative.
    #[inline]
    fn digit(recoded: &[Vector; 4], j: usize) -> (Vector, Mask) {
        let (word, bit) = (BITS * j / 64, (BITS * j % 64) as u64);
        let mut bits = shr_by(recoded[word], bit);
        if bit > 58 && word < 3 {
            bits = or(bits, shl_by(recoded[word + 1], 64 - bit));
        }
        let digit = and(bits, splat(63));
        if j + 1 == WINDOWS {
            return (digit, 0);
        }
        let negative = less(digit, splat(32));
        let (above, below) = (sub_wrapping(digit, splat(32)), sub_wrapping(splat(32), digit));
        (select_vector(negative, above, below), negative)
    }

    /// The entry of each lane's digit; the neutral element where the digit is 0.
    #[inline]
    fn entry(window: &Window, digit: Vector) -> TablePoint {
        let (present, index) = (!is_zero(digit), sub_wrapping(digit, splat(1)));
        let element = |first: usize| {
            Tight(from_fn(|limb| look_up(&window.0[first + limb], index, present)))
        };
        let one = small(1);
        TablePoint {
            y_plus_x: first_limb(&element(0), present, &one),
            y_minus_x: first_limb(&element(5), present, &one),
            xy2d: element(10),
        }
    }

    #[inline]
    fn first_limb(a: &Tight, present: Mask, one: &Tight) -> Tight {
        let mut a = *a;
        a.0[0] = select_vector(present, one.0[0], a.0[0]);
        a
    }

    /// (numerator, denominator) of the u-coordinate of each clamped scalar times the table's point.
    #[inline(never)]
    pub(crate) fn multiply(table: &Table, k: &[Vector; 4]) -> (Tight, Tight) {
        let (k, mut product) = (recoded(k), identity());
        for (j, window) in table.0.iter().enumerate() {
            let (digit, negative) = digit(&k, j);
            product = add_table_point(&product, &entry(window, digit), negative);
        }
        // u = (1 + y) / (1 - y).
        (carry(&sum(&product.z, &product.y)), carry(&difference(&product.z, &loose(&carry(&product.y)))))
    }
}
