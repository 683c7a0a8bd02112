//! A request as its caller writes it: without the secret.

use std::{fmt, time::Duration};

use super::target::{Target, refuse};
use crate::{
    error::Result,
    secret_policy::{HeaderName, Method, Place, Rule},
};

/// Longest body in bytes.
const MAX_BODY: usize = 32 << 20;
/// Most headers, and longest value of one.
const MAX_HEADERS: usize = 64;
const MAX_VALUE: usize = 8 << 10;

/// A request to be sent with a secret in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    method: Method,
    target: Target,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
    place: Option<Place>,
    timeout: Option<Duration>,
}

impl Request {
    /// A method in capitals and an address; see [`Target::parse`].
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn new(method: &str, url: &str) -> Result<Self> {
        let method = Method::parse(method)
            .ok_or_else(|| refuse("a method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"))?;
        let target = Target::parse(url)?;
        Ok(Self {
            method,
            target,
            headers: Vec::new(),
            body: Vec::new(),
            place: None,
            timeout: None,
        })
    }

    /// The same with a header.
    ///
    /// # Errors
    /// `invalid_request` for a header that is there already, one that the transport writes itself, one that makes
    /// servers see another method, path or host, and for values with anything but visible ASCII, blanks and tabs.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let name = HeaderName::parse(name).ok_or_else(|| {
            refuse("a header's name is no token, or steers the connection or the request")
        })?;
        if self.headers.iter().any(|(other, _)| *other == name) {
            return Err(refuse("a header stands in a request once"));
        }
        if !is_value(value) || self.headers.len() == MAX_HEADERS {
            return Err(refuse(
                "a header's value is visible ASCII in one line of at most 8 KiB; at most 64 headers",
            ));
        }
        self.headers.push((name, value.to_owned()));
        Ok(self)
    }

    /// The same with a body.
    ///
    /// # Errors
    /// `invalid_request` for more than 32 MiB, and with `GET` or `HEAD`.
    pub fn body(mut self, body: Vec<u8>) -> Result<Self> {
        if body.len() > MAX_BODY {
            return Err(refuse("a body has at most 32 MiB"));
        }
        if matches!(self.method, Method::Get | Method::Head) && !body.is_empty() {
            return Err(refuse("GET and HEAD have no body"));
        }
        self.body = body;
        Ok(self)
    }

    /// The same with the place where the secret shall stand, where the policy names several.
    ///
    /// # Errors
    /// `invalid_request` for a text that is no place.
    pub fn place(mut self, place: &str) -> Result<Self> {
        let parsed = Place::parse(place);
        self.place = Some(parsed.ok_or_else(|| {
            refuse("a place is bearer, basic[:USER], header:NAME[:WORD], query:NAME, json:/POINTER or form:NAME")
        })?);
        Ok(self)
    }

    /// The same with another bound for the whole answer than the carrier's own.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where it goes.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its headers.
    pub fn headers(&self) -> &[(HeaderName, String)] {
        &self.headers
    }

    /// Its body.
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }

    /// The bound for the whole answer, where the caller names one.
    pub fn patience(&self) -> Option<Duration> {
        self.timeout
    }

    /// The first fitting rule and the place in it: the one that the request names, or its only one.
    pub(super) fn choose<'a>(
        &self,
        rules: &[&'a Rule],
    ) -> std::result::Result<(&'a Rule, &'a Place), &'static str> {
        let named = |place: &&Place| self.place.as_ref().is_none_or(|wanted| wanted == *place);
        let found = rules
            .iter()
            .flat_map(|rule| rule.places.iter().filter(named).map(|place| (*rule, place)));
        let mut found: Vec<_> = found.collect();
        found.dedup_by(|a, b| a.1 == b.1);
        match found.as_slice() {
            [] => Err("the policy allows no such place in the request"),
            [(rule, place)] => Ok((rule, place)),
            [(rule, place), ..] if self.place.is_some() => Ok((rule, place)),
            _ => Err("the policy allows several places: name one"),
        }
    }
}

fn is_value(value: &str) -> bool {
    let fits = value.bytes().all(|b| b.is_ascii_graphic() || b == b' ' || b == b'\t');
    fits && value.len() <= MAX_VALUE && value.trim() == value
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, target, headers: _, body: _, place, timeout: _ } = self;
        f.debug_struct("Request")
            .field("method", method)
            .field("host", target.host())
            .field("path", &target.path())
            .field("place", place)
            .finish_non_exhaustive()
    }
}
