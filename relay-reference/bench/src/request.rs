//! Requests, signed and complete: the bytes that go over a connection.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use agentsecrets_core::{crypto::SigningKey, message::Method, request_signature::sign};

/// Where commits go.
pub const SYNC: &str = "/v1/workspaces/sync";

/// Whom requests are for: the authority that signatures name.
#[derive(Clone, Debug)]
pub struct Authority(pub String);

impl Authority {
    /// A signed request; it is good for five minutes and counts once.
    pub fn request(&self, key: &SigningKey, method: Method, target: &str, body: &[u8]) -> Vec<u8> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = sign(key, method, &self.0, path, query, body, now(), nonce());
        let mut request = format!("{} {target} HTTP/1.1\r\nhost: {}\r\n", method.as_str(), self.0);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n", body.len());
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        request
    }

    /// A request for a page of a log.
    pub fn get(&self, key: &SigningKey, target: &str) -> Vec<u8> {
        self.request(key, Method::Get, target, b"")
    }

    /// A commit.
    pub fn commit(&self, key: &SigningKey, body: &[u8]) -> Vec<u8> {
        self.request(key, Method::Post, SYNC, body)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Random for the process, counted within it.
fn nonce() -> [u8; 16] {
    static RUN: LazyLock<u64> = LazyLock::new(random);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Relaxed);
    (u128::from(*RUN) << 64 | u128::from(count)).to_le_bytes()
}

/// A random number; 0 where the system has none, which no test depends on.
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
