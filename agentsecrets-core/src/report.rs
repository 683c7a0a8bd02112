//! What people and tools ask of a workspace, as plain rows: the same for the command and for every
//! binding. Serialized, each keeps to its schema in `docs/schemas`. Values of secrets are in none.
//!
//! Rows are made of a [`View`](crate::sync::View) and of what the vault holds; nothing is fetched.

mod changes;
mod exposed;
mod people;
mod trail;
mod when;

pub use changes::{
    Change, DriftReport, SecretRow, VersionRow, against_log, between, history, secrets,
};
pub use exposed::{ExposureRow, exposure, exposure_of, outstanding};
pub use people::{
    EnvironmentRow, InvitationRow, MemberRow, TeamRow, environments, invitations, members,
    scope_words, team,
};
pub use trail::{AuditRow, audit};
pub use when::When;
