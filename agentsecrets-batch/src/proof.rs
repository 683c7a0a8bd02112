//! The source of `lanes/` over the model and over intervals: for tests, in nothing that is shipped.

#![allow(missing_docs, clippy::duplicate_mod)] // The same files on purpose.

macro_rules! lanes {
    ($($item:tt)*) => { $($item)* };
}

pub mod bounds;
pub mod model;
