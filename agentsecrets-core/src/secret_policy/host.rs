//! Hosts in their one form: what a rule names and what a request asks for are compared byte by byte.

use std::{fmt, net::IpAddr};

use borsh::{BorshDeserialize, BorshSerialize, io};

use crate::encoding::invalid;

/// How a request travels.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Scheme {
    /// Over TLS.
    Https,
    /// In clear, where a policy says so.
    Http,
}

impl Scheme {
    /// The word in front of `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The port of an address that names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// A host: a name in lower-case ASCII, or an address in the form that the standard library writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Host(String);

impl Host {
    /// A host as it stands in a URL: IPv6 in brackets. Case is folded; names in other scripts must
    /// be written `xn--`, and what only looks like an address (`127.1`, `0x7f.0.0.1`) is none.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[') {
            let ip: std::net::Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
            return Some(Self(ip.to_string()));
        }
        let name = text.to_ascii_lowercase();
        let labels: Vec<&str> = name.split('.').collect();
        let last = labels.last()?;
        if last.starts_with(|c: char| c.is_ascii_digit()) {
            let ip: std::net::Ipv4Addr = name.parse().ok()?;
            return (ip.to_string() == name).then_some(Self(name));
        }
        let fine = name.len() <= 253 && labels.iter().all(|label| is_label(label));
        fine.then_some(Self(name))
    }

    /// The text, IPv6 without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, where the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

fn is_label(label: &str) -> bool {
    let byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let edges = !label.starts_with('-') && !label.ends_with('-');
    !label.is_empty() && label.len() <= 63 && edges && label.bytes().all(byte)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.contains(':') {
            true => write!(f, "[{}]", self.0),
            false => f.write_str(&self.0),
        }
    }
}

impl BorshDeserialize for Host {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        let shown = if text.contains(':') { format!("[{text}]") } else { text.clone() };
        let host = Self::parse(&shown).filter(|host| host.0 == text);
        host.ok_or_else(|| invalid("not a host"))
    }
}
