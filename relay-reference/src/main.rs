//! `relay-reference`: reads its arguments, says where it listens, serves until it is told to stop.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use relay_reference::{
    Config, app,
    command::Command,
    config::USAGE,
    database::Database,
    maintain::{self, Failure},
    report::report_now,
    server::Server,
};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return done(say(USAGE));
    }
    match Command::parse(arguments) {
        Ok(Command::Serve(config)) => done(run(&config)),
        Ok(command) => done(maintained(command).map_err(io::Error::other)),
        Err(problem) => {
            report_now(&format!("{problem}\n\n{USAGE}"));
            ExitCode::from(2)
        }
    }
}

fn done(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report_now(&format!("relay-reference: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// An operator's command; its answer goes to stdout.
fn maintained(command: Command) -> Result<(), Failure> {
    let text = match command {
        Command::Backup(data, to) => maintain::backup::backup(&data, &to)?.to_string(),
        Command::Verify(database) => return verified(&database),
        Command::Export(database, to) => {
            let out = io::BufWriter::new(new_file(&to)?);
            format!("{} lines", maintain::export::export(&*database.open_archive(false)?, out)?)
        }
        Command::Import(database, from) => {
            let lines = io::BufReader::new(File::open(from)?);
            format!("{} lines", maintain::import::import(&*database.open_archive(true)?, lines)?)
        }
        Command::Prune(database) => {
            let dropped = maintain::prune::prune(&*database.open_archive(false)?)?;
            format!("{dropped} sealed parts dropped")
        }
        Command::Serve(_) => return Ok(()),
    };
    Ok(say(&format!("{text}\n"))?)
}

/// Fails where something is wrong, after saying what.
fn verified(database: &Database) -> Result<(), Failure> {
    let report = match database {
        Database::Folder(folder) => maintain::backup::check(folder)?,
        other => maintain::verify::verify(&*other.open_archive(false)?)?,
    };
    say(&format!("{report}\n"))?;
    match report.wrong.is_empty() {
        true => Ok(()),
        false => Err(Failure::new("the database is not whole")),
    }
}

/// For its owner alone: it holds who works with whom.
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn run(config: &Config) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(app::WORKERS + 16)
        .build()?;
    let result = runtime.block_on(serve(config));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(config: &Config) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::bind(config).await?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    say(&format!("listening on {scheme}://{}\n", server.address()?))?;
    if let Some(address) = server.admin_address()? {
        say(&format!("admin on http://{address}\n"))?;
    }
    server
        .serve(std::future::poll_fn(move |context| {
            match (terminate.poll_recv(context), interrupt.poll_recv(context)) {
                (std::task::Poll::Pending, std::task::Poll::Pending) => std::task::Poll::Pending,
                _ => std::task::Poll::Ready(()),
            }
        }))
        .await;
    Ok(())
}

/// Writes at once: who started the relay waits for the line.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
