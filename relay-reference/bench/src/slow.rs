//! Slow connections: each dribbles its request, byte by byte, and comes back when it is cut.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const EVERY: Duration = Duration::from_secs(1);
const ROUNDS: usize = 20;

/// What a slow client does not get done.
#[derive(Clone, Copy)]
enum Kind {
    /// Sends a header, a byte a second.
    Header,
    /// Sends a body, a byte a second.
    Body,
    /// Says nothing.
    Silent,
}

struct Slow {
    kind: Kind,
    stream: Option<TcpStream>,
}

/// Keeps `count` slow connections open for a time.
///
/// # Errors
/// None: refused connections are counted and tried again.
pub fn run(relay: SocketAddr, count: usize, time: Duration) -> io::Result<Value> {
    let kinds = [Kind::Header, Kind::Body, Kind::Silent];
    let slow = (0..count).map(|number| Slow { kind: kinds[number % kinds.len()], stream: None });
    let mut slow: Vec<_> = slow.collect();
    let (start, mut connected, mut open) = (Instant::now(), 0_usize, 0_usize);
    let mut turn = 0;
    while start.elapsed() < time {
        // In slices, so that they do not all speak at the same moment.
        let slice = (turn % ROUNDS) * count / ROUNDS..(turn % ROUNDS + 1) * count / ROUNDS;
        for one in &mut slow[slice] {
            connected += usize::from(one.go_on(relay));
        }
        turn += 1;
        if turn % ROUNDS == 0 {
            open = open.max(slow.iter().filter(|one| one.stream.is_some()).count());
        }
        let next = EVERY * turn as u32 / ROUNDS as u32;
        std::thread::sleep(next.saturating_sub(start.elapsed()));
    }
    Ok(json!({ "slow": count, "open_at_most": open, "connected": connected }))
}

impl Slow {
    /// The next byte, or a new connection; whether it is a new one.
    fn go_on(&mut self, relay: SocketAddr) -> bool {
        if self.stream.as_mut().is_some_and(|stream| dribble(stream, self.kind)) {
            return false;
        }
        self.stream = begin(relay, self.kind).ok();
        self.stream.is_some()
    }
}

fn begin(relay: SocketAddr, kind: Kind) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&relay, Duration::from_millis(200))?;
    stream.set_nonblocking(true)?;
    match kind {
        Kind::Header => stream.write_all(b"GET /v1/info HTTP/1.1\r\nhost: a\r\nx: ")?,
        Kind::Body => {
            let head =
                b"POST /v1/workspaces/sync HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n{";
            stream.write_all(head)?;
        }
        Kind::Silent => {}
    }
    Ok(stream)
}

/// Whether the connection still stands.
fn dribble(stream: &mut TcpStream, kind: Kind) -> bool {
    let sent = match kind {
        Kind::Silent => true,
        Kind::Header | Kind::Body => stream.write_all(b"a").is_ok(),
    };
    let waits = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    sent && stream.read(&mut [0; 512]).as_ref().is_err_and(waits)
}
