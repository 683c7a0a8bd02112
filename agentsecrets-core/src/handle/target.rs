//! The address of a request, read strictly: what two programs could understand differently is refused.

use crate::{
    error::{Error, ErrorCode, Result},
    secret_policy::{Host, Scheme, is_segment},
};

/// Longest address in bytes.
const MAX_URL: usize = 8 << 10;

/// Where a request goes, in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    scheme: Scheme,
    host: Host,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Target {
    /// `https://HOST[:PORT]/PATH[?QUERY]` in visible ASCII: no user, no fragment, no dots that climb, no
    /// escaped separators, no empty segment but a last one, escapes in capitals and only where they must be.
    ///
    /// # Errors
    /// `invalid_request`. The address is not repeated: a careless caller may have put a secret in it.
    pub fn parse(url: &str) -> Result<Self> {
        if url.len() > MAX_URL || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refuse(
                "a URL is visible ASCII of at most 8 KiB; other scripts are `xn--` or `%XX`",
            ));
        }
        if url.contains(['\\', '#', '"', '<', '>', '^', '`', '{', '|', '}']) {
            return Err(refuse("a URL holds no backslash, fragment, quote, bracket or brace"));
        }
        let (scheme, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err(refuse("a URL begins with https:// or http://, in lower case"));
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = authority_of(authority, scheme)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        check_path(path)?;
        check_query(query.as_deref().unwrap_or_default())?;
        Ok(Self { scheme, host, port, path: path.to_owned(), query })
    }

    /// Over TLS or not.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, the scheme's own where the address names none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path, from its `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Whether another address is at the same place: scheme, host and port.
    pub fn same_origin(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }
}

fn authority_of(text: &str, scheme: Scheme) -> Result<(Host, u16)> {
    if text.contains('@') {
        return Err(refuse("a URL names no user"));
    }
    // The colon behind an IPv6 address's bracket, or the only one.
    let split = match text.rfind(']') {
        Some(end) => text[end..].find(':').map(|at| end + at),
        None => text.find(':'),
    };
    let (host, port) = match split {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let host = Host::parse(host).ok_or_else(|| {
        refuse("a host is a name in ASCII without a dot at its end, or a plain address")
    })?;
    let port = match port {
        Some(digits) => port_of(digits).ok_or_else(|| refuse("a port is 1 to 65535"))?,
        None => scheme.default_port(),
    };
    Ok((host, port))
}

fn port_of(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

fn check_path(path: &str) -> Result<()> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if (segment.is_empty() && !last) || !is_segment(segment) {
            return Err(refuse(
                "a path has no `..`, no empty segment, no `;`, and `%XX` in capitals only for what has no plain form",
            ));
        }
    }
    Ok(())
}

fn check_query(query: &str) -> Result<()> {
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        let digits = byte != b'%'
            || [bytes.next(), bytes.next()]
                .iter()
                .flatten()
                .filter(|b| b.is_ascii_hexdigit())
                .count()
                == 2;
        if !digits {
            return Err(refuse("a `%` in a query begins two hexadecimal digits"));
        }
    }
    Ok(())
}

pub(super) fn refuse(why: &'static str) -> Error {
    Error::new(ErrorCode::InvalidRequest, why)
}
