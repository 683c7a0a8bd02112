//! The C interface of `agentsecrets-core`. Thin so far: versions and error codes; handles follow.

/// What every binding shares, without `unsafe`.
pub mod model;

/// The C functions.
#[allow(unsafe_code)]
pub mod capi;
