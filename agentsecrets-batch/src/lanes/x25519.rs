//! X25519 (RFC 7748) of any number of scalars and points: groups of eight, one inversion for all.

use super::{
    field::{Tight, divide, load, load_one, pack, store, unpack},
    ladder::{clamp, ladder},
    table::{Table, multiply},
    vector::{Vector, wipe},
};

/// Scalars of a batch: one for every point, or one for all.
#[derive(Clone, Copy)]
pub(crate) enum Scalars<'a> {
    /// One each.
    Each(&'a [[u8; 32]]),
    /// The same.
    One(&'a [u8; 32]),
}

/// Quotients that wait for the inversion; wiped.
pub(crate) struct Quotients {
    above: Vec<Tight>,
    below: Vec<Tight>,
    room: Vec<Tight>,
}

impl Quotients {
    pub(crate) fn with_capacity(groups: usize) -> Self {
        let empty = || Vec::with_capacity(groups);
        Self { above: empty(), below: empty(), room: empty() }
    }
}

lanes! {
    /// Wipes what secrets went through.
    pub(crate) fn forget(quotients: &mut Quotients) {
        for elements in [&mut quotients.above, &mut quotients.below, &mut quotients.room] {
            for element in elements.iter_mut() {
                wipe(&mut element.0);
            }
        }
    }

    #[inline]
    fn scalars(all: Scalars<'_>, first: usize, count: usize) -> [Vector; 4] {
        clamp(&match all {
            Scalars::Each(all) => load(&all[first..first + count]),
            Scalars::One(one) => load_one(one),
        })
    }

    fn push(quotients: &mut Quotients, (above, below): (Tight, Tight)) {
        quotients.above.push(above);
        quotients.below.push(below);
        quotients.room.push(above);
    }

    /// Each scalar times each point, by the ladder.
    pub(crate) fn multiply_each(quotients: &mut Quotients, all: Scalars<'_>, points: &[[u8; 32]]) {
        for (group, points) in points.chunks(8).enumerate() {
            let k = scalars(all, 8 * group, points.len());
            push(quotients, ladder(&k, &unpack(&load(points))));
        }
    }

    /// Each scalar times the point of a table.
    pub(crate) fn multiply_table(quotients: &mut Quotients, table: &Table, all: &[[u8; 32]]) {
        for (group, scalars_of_group) in all.chunks(8).enumerate() {
            let k = scalars(Scalars::Each(all), 8 * group, scalars_of_group.len());
            push(quotients, multiply(table, &k));
        }
    }

    /// The u-coordinates, in groups of eight, in the order in which they came.
    pub(crate) fn settle(quotients: &mut Quotients) -> Vec<[Vector; 4]> {
        let Quotients { above, below, room } = quotients;
        divide(above, below, room);
        above.iter().map(|u| pack(u)).collect()
    }

    /// Every scalar times every point, as bytes; all zeros for a point of low order.
    pub(crate) fn x25519(all: Scalars<'_>, points: &[[u8; 32]], out: &mut [[u8; 32]]) {
        let mut quotients = Quotients::with_capacity(points.len().div_ceil(8));
        multiply_each(&mut quotients, all, points);
        finish(quotients, out);
    }

    /// Every scalar times the table's point, as bytes.
    pub(crate) fn x25519_table(table: &Table, all: &[[u8; 32]], out: &mut [[u8; 32]]) {
        let mut quotients = Quotients::with_capacity(all.len().div_ceil(8));
        multiply_table(&mut quotients, table, all);
        finish(quotients, out);
    }

    fn finish(mut quotients: Quotients, out: &mut [[u8; 32]]) {
        let mut results = settle(&mut quotients);
        for (words, rows) in results.iter().zip(out.chunks_mut(8)) {
            store(words, rows);
        }
        forget(&mut quotients);
        results.iter_mut().for_each(|words| wipe(words));
    }
}
