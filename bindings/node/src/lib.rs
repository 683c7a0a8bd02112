//! The addon of `agentsecrets-core` for JavaScript: converts, calls the object model, converts. Arguments are
//! checked before, in `lib/*.js`: an error of napi's own would show the argument.

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
