//! What strangers can send to a device, and the law that each answer of ours has to keep.
//!
//! Each target is a plain function of the bytes; `fuzz_targets/` hands them over, and
//! `tests/replay.rs` runs every kept input again with the compiler that everybody has.

mod answers;
mod apply;
mod boxes;
mod entries;
mod input;
mod machine;
mod model;
mod people;
mod policies;
mod problems;
mod redactor;
mod relay;
mod small;
#[path = "../../tests/story/mod.rs"]
mod story;
mod texts;
mod vaults;

/// Real values as inputs to begin with, one list a target.
pub mod seeds;

pub use answers::answers;
pub use apply::apply;
pub use boxes::{sealed_box, verdict};
pub use entries::{entry, parcel};
pub use machine::machine;
pub use people::{identity, invitation};
pub use policies::secret_policy;
pub use problems::problem;
pub use redactor::redactor;
pub use small::grants_acks;
pub use texts::{dotenv, project_file};
pub use vaults::vault_file;

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 16] = [
    ("identity", identity),
    ("invitation", invitation),
    ("entry", entry),
    ("parcel", parcel),
    ("grants_acks", grants_acks),
    ("dotenv", dotenv),
    ("project_file", project_file),
    ("vault_file", vault_file),
    ("answers", answers),
    ("problem", problem),
    ("machine", machine),
    ("sealed_box", sealed_box),
    ("verdict", verdict),
    ("apply", apply),
    ("redactor", redactor),
    ("secret_policy", secret_policy),
];
