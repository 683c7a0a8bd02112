//! The `agentsecrets` command, built on the public interface of `agentsecrets-core` alone.
//!
//! Results go to stdout, notes to stderr; no secret is taken from the command line.

mod args;
mod commands;
mod context;
mod output;
mod progress;
mod time;

use std::process::ExitCode;

use clap::Parser;

/// What is freed is wiped first: also what libraries beneath copied and let go. `tools/at-rest` found a value without it.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    agentsecrets_broker::protect_memory();
    let args = args::Args::parse();
    let json = args.json;
    match commands::dispatch(args) {
        Ok(code) => code,
        Err(error) => output::fail(&error, json),
    }
}
