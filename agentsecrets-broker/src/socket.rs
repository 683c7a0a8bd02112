//!
//! One JSON object a line. The first line is `{"token": TOKEN}`; each further one is an `Ask`. Every
//! line is answered by `{"ok": ...}` or `{"error": {"code", "message", "hint", "retryable"}}`.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use agentsecrets_core::{Error, ErrorCode, Result};
use serde_json::{Value, json};

use crate::{
    lease::Lease,
    service::{Service, about},
    wire::{Ask, MAX_LINE, error_of, failure, invalid},
};

/// Most connections at a time.
const MOST_CONNECTIONS: usize = 64;
/// How long a connection may take to say who it is.
const GREETING: Duration = Duration::from_secs(10);

/// The broker's end. The socket is removed on drop.
pub struct Listener {
    path: PathBuf,
    listener: UnixListener,
    service: Arc<Service>,
    peer: Option<u32>,
}

impl Listener {
    /// A socket for this user alone, mode 0600; with `peer` for that user as well, whom the kernel names.
    ///
    /// # Errors
    /// `busy` where another broker serves it; `invalid_argument` where it cannot be made; `unsupported`
    /// for a `peer` on systems that do not tell who is at the other end.
    pub fn bind(path: &Path, service: Arc<Service>, peer: Option<u32>) -> Result<Self> {
        if peer.is_some() && !cfg!(target_os = "linux") {
            let cause = "this system does not tell who is at the other end of a socket";
            return Err(Error::new(ErrorCode::Unsupported, cause));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(Error::new(ErrorCode::Busy, "another broker serves this socket"));
        }
        let stale = fs::symlink_metadata(path);
        if stale.is_ok_and(|found| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type())) {
            fs::remove_file(path).map_err(|error| not_made(&error))?;
        }
        let listener = UnixListener::bind(path).map_err(|error| not_made(&error))?;
        let mode = if peer.is_some() { 0o666 } else { 0o600 };
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, mode).map_err(|error| not_made(&error))?;
        Ok(Self { path: path.to_owned(), listener, service, peer })
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// `closed` where the socket breaks.
    pub fn serve(&self) -> Result<()> {
        let open = Arc::new(AtomicUsize::new(0));
        loop {
            let (stream, _) = self.listener.accept().map_err(|_| {
                Error::new(ErrorCode::Closed, "the broker's socket does not take connections")
            })?;
            if !self.admits(&stream) || open.load(Ordering::Acquire) >= MOST_CONNECTIONS {
                continue;
            }
            let (service, open) = (Arc::clone(&self.service), Arc::clone(&open));
            open.fetch_add(1, Ordering::AcqRel);
            thread::spawn(move || {
                // Who hangs up in the middle wants to hear nothing more.
                let _ = converse(&stream, &service);
                open.fetch_sub(1, Ordering::AcqRel);
            });
        }
    }

    /// Whether the kernel says that this user, or the one named, is at the other end.
    #[cfg(target_os = "linux")]
    fn admits(&self, stream: &UnixStream) -> bool {
        let Ok(peer) = rustix::net::sockopt::socket_peercred(stream) else { return false };
        peer.uid == rustix::process::geteuid() || Some(peer.uid.as_raw()) == self.peer
    }

    #[cfg(not(target_os = "linux"))]
    fn admits(&self, _: &UnixStream) -> bool {
        self.peer.is_none()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn converse(stream: &UnixStream, service: &Service) -> std::io::Result<()> {
    stream.set_read_timeout(Some(GREETING))?;
    let mut lines = BufReader::new(stream);
    let lease = read_line(&mut lines).and_then(|line| greet(&line.unwrap_or_default(), service));
    let lease = match lease {
        Ok(lease) => lease,
        Err(error) => return say(stream, &shown(Err(error))),
    };
    say(stream, &shown(Ok(about(&lease))))?;
    stream.set_read_timeout(None)?;
    loop {
        let line = match read_line(&mut lines) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) => return say(stream, &shown(Err(error))),
        };
        let answer = ask_of(&line).and_then(|ask| service.answer(&lease, ask));
        say(stream, &shown(answer))?;
    }
}

fn greet(line: &str, service: &Service) -> Result<Arc<Lease>> {
    let greeting: Value = serde_json::from_str(line).unwrap_or_default();
    service.lease_of(greeting["token"].as_str().unwrap_or_default())
}

fn ask_of(line: &str) -> Result<Ask> {
    // The parser's own words may repeat what was sent.
    serde_json::from_str(line).map_err(|_| invalid("a line is no question that the broker knows"))
}

fn shown(result: Result<Value>) -> Value {
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": failure(&error) }),
    }
}

fn say(mut stream: &UnixStream, value: &Value) -> std::io::Result<()> {
    stream.write_all(format!("{value}\n").as_bytes())
}

/// The next line, if there is one; never more than the limit is read.
fn read_line(lines: &mut impl BufRead) -> Result<Option<String>> {
    let mut line = String::new();
    let limit = MAX_LINE as u64;
    match lines.take(limit).read_line(&mut line) {
        Ok(0) => Ok(None),
        Ok(_) if line.ends_with('\n') => Ok(Some(line)),
        Ok(length) if length as u64 == limit => Err(invalid("a line has at most 16 MiB")),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(invalid("a line is UTF-8")),
        Err(_) => Ok(None),
    }
}

fn not_made(error: &std::io::Error) -> Error {
    let cause = format!("the broker's socket cannot be made: {}", error.kind());
    Error::new(ErrorCode::InvalidArgument, cause).with_hint("agentsecrets broker --socket PATH")
}

/// An agent's end.
pub struct Connection {
    lines: BufReader<UnixStream>,
    lease: Value,
}

impl Connection {
    /// Says the token to the broker at a socket.
    ///
    /// # Errors
    /// `broker_unreachable`; `lease_unknown`.
    pub fn open(path: &Path, token: &str) -> Result<Self> {
        let stream = UnixStream::connect(path).map_err(|_| unreachable())?;
        let mut this = Self { lines: BufReader::new(stream), lease: Value::Null };
        this.lease = this.exchange(&json!({ "token": token }))?;
        Ok(this)
    }

    /// What the broker says of the lease.
    pub fn lease(&self) -> &Value {
        &self.lease
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The broker's; `broker_unreachable` where it hangs up.
    pub fn ask(&mut self, ask: &Ask) -> Result<Value> {
        let ask = serde_json::to_value(ask).map_err(|_| invalid("a question has no JSON"))?;
        self.exchange(&ask)
    }

    fn exchange(&mut self, question: &Value) -> Result<Value> {
        say(self.lines.get_ref(), question).map_err(|_| unreachable())?;
        let line = read_line(&mut self.lines)?.ok_or_else(unreachable)?;
        let mut answer: Value = serde_json::from_str(&line).map_err(|_| unreachable())?;
        match answer.get("error") {
            Some(failure) => Err(error_of(failure)),
            None => Ok(answer["ok"].take()),
        }
    }
}

fn unreachable() -> Error {
    Error::new(ErrorCode::BrokerUnreachable, "no broker answers at this socket")
}
