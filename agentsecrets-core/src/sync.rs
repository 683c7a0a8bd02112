//! The engine: operations on a workspace as machines that hand out steps and take answers.
//!
//! A machine does no input or output and reads no clock. It hands out one step at a time, in order;
//! whatever a request depends on has been stored before that request is handed out. Operations are
//! written as straight-line `async` functions; no runtime drives them, only `Machine::step`.

mod acks;
mod admit;
mod adopt;
mod batch;
mod branch;
mod deliver;
mod follow;
mod found;
mod grant;
mod io;
mod join;
mod manage;
mod membership;
mod names;
mod pull;
mod push;
mod relay;
mod replica;
mod repush;
mod secret_policy;
mod session;
mod share;
mod view;

pub use acks::{Seen, confirm, team};
pub use admit::{Admitted, Newcomer, admit, admit_replies};
pub use adopt::{Adopted, adopt};
pub use branch::{LeftHistory, left};
pub use found::{FIRST_ENVIRONMENTS, attach, connect, create};
pub use io::{Answer, Failure, Machine, Next, Step, StepId};
pub use join::{Offer, invite, join};
pub use manage::{Management, change, manage};
pub use membership::{Removal, change_member, leave, rekey, remove};
pub use pull::{Clashes, PullReport, Pulled, pull};
pub use push::{Insist, Pushed, push};
pub use replica::keys;
pub use repush::{Repushed, repush};
pub use secret_policy::set_secret_policy;
pub use session::Start;
pub use view::{
    SyncReport, View, await_news, entries, follow_log, snapshot, snapshot_in, sync, view,
};
