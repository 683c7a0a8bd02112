//! Over intervals. Each function panics where a limb could leave its bounds, whatever the input.

#[path = "../lanes/edwards.rs"]
mod edwards;
#[path = "../lanes/field.rs"]
mod field;
#[path = "../lanes/ladder.rs"]
mod ladder;
#[path = "../lanes/table.rs"]
#[allow(dead_code)] // Which points have a table, intervals cannot say.
mod table;
#[path = "../vector/interval.rs"]
mod vector;
#[path = "../lanes/x25519.rs"]
#[allow(dead_code)] // Boxes are not opened here.
mod x25519;

/// Every scalar times every point, by the ladder, with the inversion and the encoding of a whole part.
pub fn ladder() {
    let rows = [[0; 32]; crate::PART];
    let mut out = rows;
    x25519::x25519(x25519::Scalars::Each(&rows), &rows, &mut out);
}

/// Every scalar times the table of every point, from its u-coordinate on.
pub fn edwards() {
    let rows = [[0; 32]; crate::PART];
    let mut out = rows;
    // Whether the curve has the point, the intervals cannot say.
    let (point, _) = edwards::from_u(&field::unpack(&field::load_one(&[0; 32])));
    x25519::x25519_table(&table::table_of(&point), &rows, &mut out);
}

/// What `ladder` and `edwards` would say to a wrong source: the same functions on factors out of bounds.
pub fn too_large(limb: u64) {
    let element = field::constant([limb; 5]);
    field::product(&element, &element);
}
