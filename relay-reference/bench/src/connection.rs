//! One connection that is kept: bytes out, an answer in. As little work as possible, since client
//! and relay share the machine.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const HEAD: usize = 16 << 10;

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u64>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A connection to a relay, made when it is needed.
pub struct Connection {
    relay: SocketAddr,
    patience: Duration,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// To a relay; an answer may take `patience`.
    pub fn new(relay: SocketAddr, patience: Duration) -> Self {
        Self { relay, patience, stream: None, buffer: Vec::new() }
    }

    /// Connects now, so that the first request does not have to.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.relay, self.patience)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(self.patience))?;
            stream.set_write_timeout(Some(self.patience))?;
            self.buffer.clear();
            self.stream = Some(stream);
        }
        self.stream.as_mut().ok_or_else(|| ErrorKind::NotConnected.into())
    }

    /// Another one to the same relay, not made yet.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.relay, self.patience)
    }

    /// Sends a request and waits for its answer; an error ends the connection.
    ///
    /// # Errors
    /// The connection ended, or nothing came in time.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let result = self.send(request).and_then(|()| self.receive());
        if result.is_err() {
            self.stream = None;
        }
        result
    }

    /// Sends a request alone.
    ///
    /// # Errors
    /// The connection ended.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.open()?.write_all(request)
    }

    /// Waits for an answer alone.
    ///
    /// # Errors
    /// The connection ended, or nothing came in time.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if self.buffer.len() > HEAD {
                return Err(ErrorKind::InvalidData.into());
            }
            self.more()?;
        };
        let head = Head::parse(self.buffer.get(..end).unwrap_or_default())?;
        while self.buffer.len() < end + head.length {
            self.more()?;
        }
        let body = self.buffer.get(end..end + head.length).unwrap_or_default().to_vec();
        self.buffer.drain(..end + head.length);
        if head.close {
            self.stream = None;
        }
        Ok(Answer { status: head.status, retry_after: head.retry_after, body })
    }

    fn more(&mut self) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(ErrorKind::NotConnected)?;
        let mut piece = [0; 32 << 10];
        match stream.read(&mut piece)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            length => {
                self.buffer.extend_from_slice(piece.get(..length).unwrap_or_default());
                Ok(())
            }
        }
    }
}

/// What matters of an answer's head.
struct Head {
    status: u16,
    length: usize,
    retry_after: Option<u64>,
    close: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData)?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(ErrorKind::InvalidData)?;
        let mut head = Self { status, length: 0, retry_after: None, close: false };
        for line in text.lines().skip(1) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = number(value)?,
                "retry-after" => head.retry_after = value.parse().ok(),
                "connection" => head.close = value.eq_ignore_ascii_case("close"),
                // A relay has no answer of unknown length.
                "transfer-encoding" => return Err(ErrorKind::InvalidData.into()),
                _ => {}
            }
        }
        Ok(head)
    }
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|_| ErrorKind::InvalidData.into())
}
