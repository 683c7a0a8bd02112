//! `relay-bench`: load for a relay, and histories for `relay-history`. Results are JSON on stdout.
#![allow(clippy::print_stdout)] // Its output is what it is for.

use std::{
    fs::File,
    io::{self, BufWriter, stdin},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use relay_bench::{
    disk, first_sync, history,
    load::{Load, percentiles},
    polls,
    record::{Cast, Stage},
    request::Authority,
    sample, slow,
};
use serde_json::{Value, json};

/// Load for a relay: signed requests at a fixed rate, latencies from when each was due.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Signed appends, each client with a workspace and a connection of its own.
    Load(LoadArguments),
    /// How long an fdatasync takes in a folder.
    Disk {
        /// The folder.
        folder: PathBuf,
        /// For how many seconds.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
    },
    /// Many waiting requests at once: the relay's memory, and how soon all of them hear.
    Polls {
        #[command(flatten)]
        target: Target,
        /// How many.
        #[arg(long, default_value_t = 2_000)]
        count: usize,
        /// The relay's process.
        #[arg(long)]
        process: u32,
    },
    /// Fills a log, says `ready`, waits for a line on stdin, then fetches and folds it.
    FirstSync {
        #[command(flatten)]
        target: Target,
        /// How long the log is.
        #[arg(long, default_value_t = 60_000)]
        entries: u64,
    },
    /// Founds a workspace; prints its ids, a key that may sign, and the next commit.
    Sample {
        #[command(flatten)]
        target: Target,
    },
    /// Connections that dribble, byte by byte.
    Slow {
        #[command(flatten)]
        target: Target,
        /// How many.
        #[arg(long, default_value_t = 2_000)]
        count: usize,
        /// For how long.
        #[arg(long, default_value_t = 30.0)]
        seconds: f64,
    },
    /// Writers, readers and watchers who note what they see. Lines on stdin: `outage begins`,
    /// `outage ends`, `stop`; the end of stdin stops too.
    Record(RecordArguments),
}

/// Which relay.
#[derive(Args)]
struct Target {
    /// Its address; several for relays over one database.
    #[arg(long = "relay", value_name = "IP:PORT", required = true)]
    relays: Vec<SocketAddr>,
    /// What signatures name, where that is not the address.
    #[arg(long)]
    authority: Option<String>,
}

impl Target {
    fn first(&self) -> SocketAddr {
        // The command line has at least one.
        self.relays.first().copied().unwrap_or(([127, 0, 0, 1], 8787).into())
    }

    fn authority(&self) -> Authority {
        Authority(self.authority.clone().unwrap_or_else(|| self.first().to_string()))
    }
}

#[derive(Args)]
struct LoadArguments {
    #[command(flatten)]
    target: Target,
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Appends a second of all together, at fixed times; without it each client sends as soon as its
    /// last append is acknowledged.
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Sealed bytes of each append.
    #[arg(long, default_value_t = 512)]
    size: usize,
    /// Most appends a second that are signed in advance.
    #[arg(long, default_value_t = 12_000)]
    ceiling: usize,
    /// Folder on the disk of the relay's database; fdatasync is measured there before and after.
    #[arg(long)]
    disk: Option<PathBuf>,
}

#[derive(Args)]
struct RecordArguments {
    #[command(flatten)]
    target: Target,
    #[arg(long, default_value_t = 4)]
    workspaces: u64,
    /// Writers of all workspaces together.
    #[arg(long, default_value_t = 16)]
    writers: u64,
    /// Readers of each workspace, and as many watchers.
    #[arg(long, default_value_t = 1)]
    readers: u64,
    /// Where the history goes.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> io::Result<()> {
    match Arguments::parse().command {
        Command::Load(arguments) => load(&arguments),
        Command::Disk { folder, seconds } => {
            let latencies = disk::fdatasync(&folder, Duration::from_secs_f64(seconds))?;
            say(&percentiles(&latencies))
        }
        Command::Polls { target, count, process } => {
            say(&polls::run(target.first(), &target.authority(), count, process)?)
        }
        Command::FirstSync { target, entries } => {
            let ready = || println!("ready");
            say(&first_sync::run(target.first(), &target.authority(), entries, ready)?)
        }
        Command::Sample { target } => say(&sample::run(target.first(), &target.authority())?),
        Command::Slow { target, count, seconds } => {
            say(&slow::run(target.first(), count, Duration::from_secs_f64(seconds))?)
        }
        Command::Record(arguments) => record(&arguments),
    }
}

fn say(result: &Value) -> io::Result<()> {
    println!("{result}");
    Ok(())
}

fn load(arguments: &LoadArguments) -> io::Result<()> {
    let load = Load {
        relays: arguments.target.relays.clone(),
        authority: arguments.target.authority(),
        clients: arguments.clients,
        rate: arguments.rate,
        time: Duration::from_secs_f64(arguments.seconds),
        warm_up: Duration::from_secs_f64(arguments.warm_up),
        size: arguments.size,
        ceiling: arguments.ceiling,
    };
    let mut disk = disk_of(arguments)?;
    let outcome = load.run()?;
    if let (Some(before), Some(after)) = (&mut disk, disk_of(arguments)?) {
        before.add(after).map_err(io::Error::other)?;
    }
    let per_second = outcome.acknowledged as f64 / arguments.seconds;
    let sync = disk.map(|disk| disk.value_at_quantile(0.5) as f64 / 1e6);
    let limit = sync.map(|sync| arguments.clients as f64 / sync);
    let result = json!({
        "clients": arguments.clients,
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "appends_per_second": per_second,
        "answers": outcome.answers,
        "without_retry_after": outcome.without_retry_after,
        "ran_dry": outcome.ran_dry,
        "from_due_ms": percentiles(&outcome.from_due),
        "from_sent_ms": percentiles(&outcome.from_sent),
        "fdatasync_ms": sync.map(|sync| sync * 1e3),
        "clients_by_fdatasync": limit,
        "ratio": limit.map(|limit| per_second / limit),
    });
    say(&result)
}

fn disk_of(arguments: &LoadArguments) -> io::Result<Option<hdrhistogram::Histogram<u64>>> {
    let measure = |folder: &PathBuf| disk::fdatasync(folder, Duration::from_secs(1));
    arguments.disk.as_ref().map(measure).transpose()
}

fn record(arguments: &RecordArguments) -> io::Result<()> {
    let stage = Stage::new(Cast {
        relays: arguments.target.relays.clone(),
        authority: arguments.target.authority(),
        workspaces: arguments.workspaces,
        writers: arguments.writers,
        readers: arguments.readers,
    });
    let mut out = BufWriter::new(File::create(&arguments.out)?);
    let events = std::thread::scope(|scope| {
        scope.spawn(|| listen(&stage));
        let events = stage.play(|| println!("everybody is there"));
        if events.is_err() {
            // Who listens to stdin would wait for its end.
            std::process::exit(report(&events));
        }
        events
    })?;
    history::write(&events, &mut out)
}

fn report(events: &io::Result<Vec<history::Event>>) -> i32 {
    let error = events.as_ref().err().map(ToString::to_string).unwrap_or_default();
    println!("{}", json!({ "error": error }));
    1
}

/// What the one who makes the faults says.
fn listen(stage: &Stage) {
    for line in stdin().lines().map_while(Result::ok) {
        match line.as_str() {
            "outage begins" => stage.outage(true),
            "outage ends" => stage.outage(false),
            _ => break,
        }
    }
    stage.stop();
}
