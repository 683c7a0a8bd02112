use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use agentsecrets_core::{
    Error, ErrorCode, Result, name::SecretName, redact::Redactor, secret::SecretBytes,
};
use serde_json::{Value, json};

use crate::wire::text_or_base64;

/// Variables that no child gets: it has no use for the keys to everything.
pub const KEPT_FROM_CHILD: [&str; 8] = [
    "AGENTSECRETS_IDENTITY",
    "AGENTSECRETS_VAULT",
    "AGENTSECRETS_VAULT_KEY_FILE",
    "AGENTSECRETS_VAULT_PASSPHRASE_FILE",
    "AGENTSECRETS_HOME",
    "AGENTSECRETS_BROKER",
    "AGENTSECRETS_BROKER_TOKEN",
    "CREDENTIALS_DIRECTORY",
];

/// Longest output that is handed on, of each stream, after redaction.
const MOST_OUTPUT: usize = 1 << 20;
/// Longest time for a command.
const LONGEST: Duration = Duration::from_secs(3600);

/// Runs a command with secrets among its variables; gives its output without them.
pub(crate) fn run(
    command: &[String],
    variables: &[(&SecretName, &SecretBytes)],
    redactor: &Redactor,
    timeout: Duration,
) -> Result<Value> {
    let mut child = prepared(command, variables)?.spawn().map_err(|error| not_started(&error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let over = AtomicBool::new(false);
    let (status, (out, found_out), (err, found_err)) = thread::scope(|scope| {
        let out = scope.spawn(|| drain(stdout, redactor));
        let err = scope.spawn(|| drain(stderr, redactor));
        let status = wait(&mut child, timeout.min(LONGEST), &over);
        let nothing = || (Vec::new(), 0);
        (status, out.join().unwrap_or_else(|_| nothing()), err.join().unwrap_or_else(|_| nothing()))
    });
    let mut shown = json!({
        "exit_code": status?, "timed_out": over.into_inner(), "redactions": found_out + found_err,
    });
    for (field, bytes) in [("stdout", &out), ("stderr", &err)] {
        let (field, value) = text_or_base64(field, bytes);
        shown[field] = value;
    }
    Ok(shown)
}

fn prepared(command: &[String], variables: &[(&SecretName, &SecretBytes)]) -> Result<Command> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "a command has a program"))?;
    let mut child = Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in KEPT_FROM_CHILD {
        child.env_remove(name);
    }
    for (name, value) in variables {
        let text = std::str::from_utf8(value.expose()).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| {
            let cause = format!("the value of {name} cannot be an environment variable");
            Error::new(ErrorCode::NotAnEnvironmentValue, cause)
        })?;
        child.env(name.as_str(), text);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut child, 0);
    Ok(child)
}

/// Redacts first and cuts afterwards: what is dropped was searched as well.
fn drain(stream: Option<impl Read>, redactor: &Redactor) -> (Vec<u8>, usize) {
    let (mut redacting, mut out, mut buffer) = (redactor.stream(), Vec::new(), [0; 16 << 10]);
    let mut keep = |piece: Vec<u8>| {
        let room = MOST_OUTPUT - out.len();
        out.extend(piece.into_iter().take(room));
    };
    if let Some(mut stream) = stream {
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            keep(redacting.push(&buffer[..length]));
        }
    }
    keep(redacting.finish());
    (out, redacting.found())
}

fn wait(child: &mut Child, timeout: Duration, over: &AtomicBool) -> Result<Option<i32>> {
    let end = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                over.store(true, Ordering::Release);
                end_group(child);
                return Ok(child.wait().ok().and_then(|status| status.code()));
            }
            Err(error) => {
                end_group(child);
                return Err(not_started(&error));
            }
        }
    }
}

/// Ends the command with what it started.
fn end_group(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

fn not_started(error: &std::io::Error) -> Error {
    let cause = format!("the command does not start: {}", error.kind());
    Error::new(ErrorCode::InvalidArgument, cause).with_hint("agentsecrets mcp --command PROGRAM")
}
