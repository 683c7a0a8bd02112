//! The addon of `agentsecrets-core` for JavaScript: converts, calls the object model, converts. Arguments are
//! checked before, in `lib/*.js`: an error of napi's own would show the argument.

// The macros register nothing in a test build, which therefore uses nothing; its tests are JavaScript's.
#![cfg_attr(test, allow(dead_code, unused_imports))]

mod agents;
mod boxes;
mod client;
mod config;
mod errors;
mod governance;
mod handle;
mod identity;
mod machine;
mod people;
mod secrets;
mod watch;
mod work;
