//! `relay-reference`: reads its arguments, says where it listens, serves until it is told to stop.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use relay_reference::{Config, app, config::USAGE, report::report_now, server::Server};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return done(say(USAGE));
    }
    match Config::parse(arguments) {
        Ok(config) => done(run(&config)),
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
    say(&format!("listening on http://{}\n", server.address()?))?;
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
