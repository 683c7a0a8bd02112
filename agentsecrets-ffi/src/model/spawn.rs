//! Commands that get chosen secrets in their environment, and nothing else of ours.

use std::{
    process::{Child as Process, Command},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use agentsecrets_core::{Error, ErrorCode, Result, secret::SecretBytes};

use super::Secrets;

/// Ours alone: a child has no use for the keys to everything.
const KEPT_FROM_CHILD: [&str; 6] = [
    "AGENTSECRETS_IDENTITY",
    "AGENTSECRETS_VAULT",
    "AGENTSECRETS_VAULT_KEY_FILE",
    "AGENTSECRETS_VAULT_PASSPHRASE_FILE",
    "AGENTSECRETS_HOME",
    "CREDENTIALS_DIRECTORY",
];
/// How often somebody who waits looks.
const LOOK: Duration = Duration::from_millis(5);

/// A command that was started. Dropped, it runs on.
#[derive(Debug)]
pub struct Child(Mutex<Process>);

/// Starts a command with chosen names in its environment; its streams are this process's own. The
/// command can read what it gets: of what may only be used it gets nothing, unless the policy says so.
///
/// # Errors
/// `invalid_argument` for no command and for one that does not start; `unknown_secret`,
/// `read_forbidden`, `not_an_environment_value`.
pub fn spawn(secrets: &Secrets, command: &[&str], only: &[&str]) -> Result<Child> {
    let (program, arguments) = command.split_first().ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgument, "spawn takes a command and its arguments")
    })?;
    let mut child = Command::new(program);
    child.args(arguments);
    KEPT_FROM_CHILD.iter().for_each(|name| {
        child.env_remove(name);
    });
    for name in only {
        child.env(name, variable(name, secrets.core.variable(name)?)?);
    }
    let started = child.spawn().map_err(|error| {
        let cause = format!("the command does not start: {}", error.kind());
        Error::new(ErrorCode::InvalidArgument, cause)
    })?;
    Ok(Child(Mutex::new(started)))
}

#[cfg(unix)]
fn variable<'a>(name: &str, value: &'a SecretBytes) -> Result<&'a std::ffi::OsStr> {
    match value.expose().contains(&0) {
        true => Err(unfit(name)),
        false => Ok(std::os::unix::ffi::OsStrExt::from_bytes(value.expose())),
    }
}

#[cfg(not(unix))]
fn variable<'a>(name: &str, value: &'a SecretBytes) -> Result<&'a std::ffi::OsStr> {
    let text = std::str::from_utf8(value.expose()).ok().filter(|text| !text.contains('\0'));
    text.map(std::ffi::OsStr::new).ok_or_else(|| unfit(name))
}

fn unfit(name: &str) -> Error {
    let cause = format!("the value of {name} cannot be an environment variable");
    Error::new(ErrorCode::NotAnEnvironmentValue, cause)
}

impl Child {
    fn process(&self) -> std::sync::MutexGuard<'_, Process> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.process().id()
    }

    /// Waits up to `wait` for its end; its exit code, 128 and the signal's number for one that was
    /// killed, or nothing where it runs on.
    ///
    /// # Errors
    /// `internal` where the system does not say.
    pub fn wait(&self, wait: Duration) -> Result<Option<i32>> {
        let until = Instant::now().checked_add(wait);
        loop {
            let ended = self.process().try_wait().map_err(|_| unknown())?;
            if let Some(status) = ended {
                return Ok(Some(code(status)));
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
            thread::sleep(LOOK.min(wait));
        }
    }

    /// Ends it at once; one that has ended is fine.
    ///
    /// # Errors
    /// `internal` where the system refuses.
    pub fn kill(&self) -> Result<()> {
        self.process().kill().map_err(|_| unknown())
    }
}

fn unknown() -> Error {
    Error::new(ErrorCode::Internal, "the system says nothing of the command")
}

#[cfg(unix)]
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}
