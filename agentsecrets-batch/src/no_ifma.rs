//! Processors of another kind: the same interface, and nobody gets in.

use crate::{Bytes32, Recipients};

/// Proof that this processor has AVX-512 IFMA: there is none.
#[derive(Clone, Copy, Debug)]
pub enum Ifma {}

/// The multiples of one public key: there are none.
#[derive(Debug)]
pub enum Table {}

impl Ifma {
    /// None.
    pub fn detect() -> Option<Self> {
        None
    }

    /// Never called.
    pub fn table(self, _: &Bytes32) -> Option<Table> {
        match self {}
    }

    /// Never called.
    pub fn public_keys(self, _: &[Bytes32], _: &mut [Bytes32]) {
        match self {}
    }

    /// Never called.
    pub fn shared_secrets(self, _: &[Bytes32], _: &[Bytes32], _: &mut [Bytes32]) {
        match self {}
    }

    /// Never called.
    pub fn shared_secrets_with(self, _: &Table, _: &[Bytes32], _: &mut [Bytes32]) {
        match self {}
    }

    /// Never called.
    pub fn seal(self, _: Recipients<'_>, _: &[Bytes32], _: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        match self {}
    }

    /// Never called.
    pub fn open(self, _: &Bytes32, _: &Bytes32, _: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        match self {}
    }
}
