//! What carries a request with a secret to its host. The handle decides where; the carrier obeys.

use std::{
    fmt,
    io::Read,
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result},
    secret_policy::{Host, Method, Scheme},
};

/// A request as it leaves, with the secret in it.
pub struct Outgoing<'a> {
    /// The method.
    pub method: Method,
    /// Over TLS or in clear.
    pub scheme: Scheme,
    /// The host: for its certificate and the `Host` header.
    pub host: &'a Host,
    /// The port.
    pub port: u16,
    /// Where the host is. A carrier connects to one of these and looks nothing up again.
    pub addresses: &'a [SocketAddr],
    /// Path and query.
    pub target: &'a str,
    /// Headers beside `Host` and those of the body's length.
    pub headers: &'a [(String, Zeroizing<String>)],
    /// The body; `None` for none.
    pub body: Option<&'a [u8]>,
    /// Longest wait for the whole answer; `None` leaves it to the carrier.
    pub timeout: Option<Duration>,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            scheme,
            host,
            port,
            addresses,
            target: _,
            headers: _,
            body: _,
            timeout: _,
        } = self;
        f.debug_struct("Outgoing")
            .field("method", method)
            .field("scheme", scheme)
            .field("host", host)
            .field("port", port)
            .field("addresses", addresses)
            .finish_non_exhaustive()
    }
}

/// An answer as it comes in: nothing of it is believed.
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// Headers in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body as it was sent, still encoded. A wait that is over is `TimedOut`.
    pub body: Box<dyn Read + Send>,
}

/// Finds the addresses of a name.
pub trait Resolver: Send + Sync {
    /// All addresses, with the port.
    ///
    /// # Errors
    /// `upstream_unreachable`, `upstream_timeout`.
    fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>>;
}

/// Carries requests with secrets.
pub trait Outbound: Resolver {
    /// Blocks until the answer's head is there. Follows no redirect, repeats nothing, uses no proxy, keeps no
    /// cookies, decodes no body, and connects to `addresses` alone.
    ///
    /// # Errors
    /// `upstream_unreachable`, `upstream_timeout`, `upstream_malformed`; texts name the host and nothing of
    /// the request beside.
    fn send(&self, outgoing: &Outgoing<'_>) -> Result<Incoming>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let found = (host, port).to_socket_addrs();
        found.map(Iterator::collect).map_err(|_| {
            Error::new(ErrorCode::UpstreamUnreachable, format!("{host} has no address"))
        })
    }
}
