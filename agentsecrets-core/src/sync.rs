//! The engine: operations on a workspace as machines that hand out steps and take answers.
//!
//! A machine does no input or output and reads no clock. It hands out one step at a time, in order;
//! whatever a request depends on has been stored before that request is handed out. Operations are
//! written as straight-line `async` functions; no runtime drives them, only `Machine::step`.

#[allow(dead_code)] // Used by the operations, which come next.
mod io;

pub use io::{Answer, Failure, Machine, Next, Step, StepId};
