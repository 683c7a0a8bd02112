//! A relay as a process, a signing client over a plain socket, and logs to send to it.
#![allow(dead_code, unreachable_pub)] // Every test file uses its own part.
#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

pub mod client;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod team;

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A relay process; killed on drop.
pub struct Relay {
    child: Child,
    pub address: SocketAddr,
    pub admin: Option<SocketAddr>,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Relay {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_relay-reference")), data, more)
    }

    /// The same with its system calls written to a file.
    pub fn start_traced(data: &Path, calls: &str, trace: &Path) -> Self {
        let mut strace = Command::new("strace");
        // -D: the tracer is no parent, so signals reach the relay.
        strace.args(["-D", "-f", "-s", "40", "-e", &format!("trace={calls}"), "-o"]).arg(trace);
        strace.arg(env!("CARGO_BIN_EXE_relay-reference"));
        Self::spawn(strace, data, &[])
    }

    /// The same with the sync calls from number `from` on failing.
    pub fn start_with_failing_syncs(data: &Path, from: u32) -> Self {
        let mut strace = Command::new("strace");
        let inject = format!("inject=fsync,fdatasync:error=EIO:when={from}+");
        strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"]);
        strace.arg(inject).arg(env!("CARGO_BIN_EXE_relay-reference"));
        Self::spawn(strace, data, &[])
    }

    /// Over a PostgreSQL database.
    pub fn over(url: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relay-reference"));
        command.args(["--database", url]);
        Self::listening(command, more)
    }

    fn spawn(mut command: Command, data: &Path, more: &[&str]) -> Self {
        command.arg("--data").arg(data);
        Self::listening(command, more)
    }

    fn listening(mut command: Command, more: &[&str]) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(if more.is_empty() { Stdio::piped() } else { Stdio::null() })
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = said(&lines.next().unwrap().unwrap(), "listening on http://");
        let mut relay = Self { child, address, admin: None, lines };
        if more.contains(&"--admin") {
            let line = relay.lines.next().unwrap().unwrap();
            relay.admin = Some(said(&line, "admin on http://"));
        }
        relay
    }

    /// Stops it and returns what it wrote to stderr; only of one that was started without options.
    pub fn stderr(mut self) -> String {
        self.signal("-TERM");
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// The exit code, within the time that a stop may take.
    pub fn exit_code(&mut self) -> Option<i32> {
        for _ in 0..110 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the relay does not stop");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(line: &str, before: &str) -> SocketAddr {
    line.strip_prefix(before).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
}
