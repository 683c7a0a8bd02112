//! Requests to a relay and its answers, as plain data: whoever has a socket carries them.

use std::time::Duration;

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Stores, idempotent.
    Put,
    /// Commits, idempotent by content.
    Post,
}

impl Method {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
        }
    }
}

/// A request, signed and complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// The relay's address, `http://host[:port]` or `https://host[:port]`.
    pub relay: String,
    /// Path and query; begins with `/v1/`.
    pub target: String,
    /// Headers beyond those that every HTTP client writes.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or sealed bytes; empty for `Get`.
    pub body: Vec<u8>,
    /// How long the relay may hold the answer; zero but for a long poll.
    pub wait: Duration,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Body, as it came.
    pub body: Vec<u8>,
    /// The wait that the relay asked for.
    pub retry_after: Option<Duration>,
}
