//! `relay-history FILE...`: checks histories that `relay-bench record` wrote. Exit code 1 where a
//! law is broken.
#![allow(clippy::print_stdout)] // Its output is what it is for.

use std::{fs::File, io, io::BufReader, path::PathBuf, process::ExitCode};

use clap::Parser;
use relay_bench::{check::check, history};

/// Checks histories of a relay: nothing acknowledged is lost, nothing refused is there, one order.
#[derive(Parser)]
struct Arguments {
    /// Histories, one event a line.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Acknowledged entries that all files together have to hold, so that the verdict says something.
    #[arg(long, default_value_t = 1)]
    least: usize,
}

fn main() -> io::Result<ExitCode> {
    let Arguments { files, least } = Arguments::parse();
    let (mut acknowledged, mut broken) = (0, 0);
    for file in &files {
        let events = history::read(BufReader::new(File::open(file)?))?;
        let (counts, violations) = check(&events);
        violations.iter().for_each(|violation| println!("BROKEN  {violation}"));
        println!(
            "{}: {} workspaces, {} entries acknowledged, {} refused, {} unknown of which {} are \
             there, {} reads, {} watchers: {} violations",
            file.display(),
            counts.workspaces,
            counts.acknowledged,
            counts.refused,
            counts.unknown,
            counts.unknown_there,
            counts.reads,
            counts.watchers,
            violations.len()
        );
        acknowledged += counts.acknowledged;
        broken += violations.len();
    }
    if acknowledged < least {
        println!("BROKEN  {acknowledged} acknowledged entries are fewer than {least}");
    }
    Ok(ExitCode::from(u8::from(broken > 0 || acknowledged < least)))
}
