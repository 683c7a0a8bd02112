//! Over `[u64; 8]`, on every machine.

use crate::Bytes32;

#[path = "../lanes/blake2b.rs"]
mod blake2b;
#[path = "../lanes/boxes.rs"]
mod boxes;
#[path = "../lanes/edwards.rs"]
mod edwards;
#[path = "../lanes/field.rs"]
mod field;
#[path = "../lanes/ladder.rs"]
mod ladder;
#[path = "../lanes/salsa.rs"]
mod salsa;
#[path = "../lanes/table.rs"]
mod table;
#[path = "../vector/model.rs"]
mod vector;
#[path = "../lanes/x25519.rs"]
mod x25519;

pub struct Table(Bytes32, table::Table);

pub fn table(point: &Bytes32) -> Option<Table> {
    table::table(point).map(|table| Table(*point, table))
}

pub fn shared_secrets(secrets: &[Bytes32], points: &[Bytes32], shared: &mut [Bytes32]) {
    x25519::x25519(x25519::Scalars::Each(secrets), points, shared);
}

pub fn shared_secrets_with(table: &Table, secrets: &[Bytes32], shared: &mut [Bytes32]) {
    x25519::x25519_table(&table.1, secrets, shared);
}

pub fn seal(
    base: &Table,
    to: &[Bytes32],
    ephemeral: &[Bytes32],
    messages: &[&[u8]],
) -> Vec<Option<Vec<u8>>> {
    boxes::seal(&base.1, boxes::Recipients::Each(to), ephemeral, messages)
}

pub fn seal_with(
    base: &Table,
    to: &Table,
    ephemeral: &[Bytes32],
    messages: &[&[u8]],
) -> Vec<Option<Vec<u8>>> {
    boxes::seal(&base.1, boxes::Recipients::Table(&to.0, &to.1), ephemeral, messages)
}

pub fn open(secret: &Bytes32, public: &Bytes32, sealed: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    boxes::open(secret, public, sealed)
}
