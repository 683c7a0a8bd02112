//! The six places of a request where a secret may stand.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize, io};

use crate::encoding::invalid;

/// Longest name of a header, parameter or field, in bytes.
const MAX_NAME: usize = 128;

/// Name of a header in lower case, of those that a caller may set at all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct HeaderName(String);

impl HeaderName {
    /// A name; `None` for what is no token and for headers that steer the connection or stand in for
    /// method, path or host, and so would lead past a policy.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.to_ascii_lowercase();
        (is_token(&name) && !STEERING.contains(&name.as_str()) && !is_hop(&name))
            .then_some(Self(name))
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Headers that the transport writes, or that make some servers see another request than was checked.
const STEERING: [&str; 18] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
];

fn is_hop(name: &str) -> bool {
    name.starts_with("proxy-") || name.starts_with("x-forwarded-")
}

fn is_token(text: &str) -> bool {
    let byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(byte)
}

/// Where in a request a secret stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Place {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: Basic …`: password of a user, or without one the user, with an empty password.
    Basic(Option<Text>),
    /// A header of its own, after a word where there is one: `Authorization: Bot SECRET`.
    Header(HeaderName, Option<Text>),
    /// A parameter of the query.
    Query(Text),
    /// A field of a JSON object, by its JSON pointer (RFC 6901).
    Json(Text),
    /// A field of a form.
    Form(Text),
}

impl Place {
    /// From its text: `bearer`, `basic`, `basic:USER`, `header:NAME`, `header:NAME:WORD`,
    /// `query:NAME`, `json:/POINTER`, `form:NAME`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        let place = match (kind, rest) {
            ("bearer", None) => Self::Bearer,
            ("basic", None) => Self::Basic(None),
            ("basic", Some(user)) => Self::Basic(Some(Text::parse(user)?)),
            ("header", Some(rest)) => match rest.split_once(':') {
                Some((name, word)) => {
                    Self::Header(HeaderName::parse(name)?, Some(Text::parse(word)?))
                }
                None => Self::Header(HeaderName::parse(rest)?, None),
            },
            ("query", Some(name)) => Self::Query(Text::parse(name)?),
            ("json", Some(pointer)) => Self::Json(Text::parse(pointer)?),
            ("form", Some(name)) => Self::Form(Text::parse(name)?),
            _ => return None,
        };
        place.is_sound().then_some(place)
    }

    /// What its form alone does not say; a policy's bytes may hold any.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Bearer | Self::Basic(None) | Self::Header(_, None) => true,
            Self::Basic(Some(user)) => !user.0.contains(':'),
            Self::Header(_, Some(word)) => is_token(&word.0),
            Self::Query(name) | Self::Form(name) => !name.0.is_empty(),
            Self::Json(pointer) => pointer.0.len() > 1 && pointer.0.starts_with('/'),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer => f.write_str("bearer"),
            Self::Basic(None) => f.write_str("basic"),
            Self::Basic(Some(user)) => write!(f, "basic:{}", user.0),
            Self::Header(name, None) => write!(f, "header:{}", name.0),
            Self::Header(name, Some(word)) => write!(f, "header:{}:{}", name.0, word.0),
            Self::Query(name) => write!(f, "query:{}", name.0),
            Self::Json(pointer) => write!(f, "json:{}", pointer.0),
            Self::Form(name) => write!(f, "form:{}", name.0),
        }
    }
}

/// Visible ASCII, at most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Text(String);

impl Text {
    fn parse(text: &str) -> Option<Self> {
        let fits = text.len() <= MAX_NAME && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl BorshDeserialize for Text {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        Self::parse(&text).ok_or_else(|| invalid("not visible ASCII"))
    }
}

impl BorshDeserialize for HeaderName {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        let name = Self::parse(&text).filter(|name| name.0 == text);
        name.ok_or_else(|| invalid("not a header that may carry a secret"))
    }
}
