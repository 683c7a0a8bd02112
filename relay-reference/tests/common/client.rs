//! Requests over a plain socket, one connection each, signed or deliberately not quite.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use agentsecrets_core::{crypto::SigningKey, message::Method, request_signature::sign};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub authority: String,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
    pub created: u64,
    pub headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// The code of an error, which has to have the one form of errors.
    pub fn code(&self) -> String {
        assert!(self.has_header("content-type: application/problem+json"), "{}", self.head);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        for field in ["type", "title", "detail"] {
            assert!(problem[field].is_string(), "{problem}");
        }
        problem["code"].as_str().unwrap().to_owned()
    }

    pub fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code() == code
    }

    pub fn has_header(&self, line: &str) -> bool {
        self.head.lines().any(|found| found.eq_ignore_ascii_case(line))
    }
}

impl Request {
    pub fn new(relay: SocketAddr, method: Method, target: &str, body: Vec<u8>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            authority: relay.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            created: relay_reference::now(),
            headers: Vec::new(),
        }
    }

    pub fn signed(mut self, key: &SigningKey) -> Self {
        let Self { method, authority, path, query, body, created, .. } = &self;
        let headers = sign(key, *method, authority, path, query, body, *created, nonce());
        self.headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self
    }

    pub fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method.as_str(), self.target());
        head += &format!("host: {}\r\ncontent-length: {}\r\n", self.authority, self.body.len());
        head += "connection: close\r\n";
        self.headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        head + "\r\n"
    }

    pub fn send(&self, relay: SocketAddr) -> Answer {
        self.try_send(relay).unwrap()
    }

    /// Fails where the relay is gone.
    pub fn try_send(&self, relay: SocketAddr) -> std::io::Result<Answer> {
        raw(relay, &[self.head().as_bytes(), &self.body].concat())
    }
}

/// Sends bytes and reads to the end.
pub fn raw(relay: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(relay)?;
    stream.set_read_timeout(Some(Duration::from_secs(40)))?;
    // A relay that refuses a body early closes while it is still being written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        read?;
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Answer { status, head, body: answer[end + 4..].to_vec() })
}

fn nonce() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    (u128::from(count) << 64 | u128::from(std::process::id())).to_le_bytes()
}
