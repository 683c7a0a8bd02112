//! What comes back: bounded, without the secret in any form, and never from another host.

use std::{
    fmt,
    io::{self, Read},
};

use super::{outbound::Incoming, target::Target};
use crate::{
    error::{Error, ErrorCode, Result},
    redact::{Body, Redactor},
};

/// Headers that are kept back: cookies are keys of their own, and the others were true of the body
/// before it was decoded and searched.
const KEPT_BACK: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A whole answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, without cookies and without what says how the body travelled.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// How often the secret was taken out of headers and body.
    pub redactions: u64,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers: _, body, redactions } = self;
        f.debug_struct("Answer")
            .field("status", status)
            .field("length", &body.len())
            .field("redactions", redactions)
            .finish_non_exhaustive()
    }
}

/// An answer whose body is still to be read.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers, as in [`Answer`].
    pub headers: Vec<(String, String)>,
    incoming: Option<Box<dyn Read + Send>>,
    body: Body,
    redacted: u64,
}

impl Reply {
    pub(super) fn new(
        incoming: Incoming,
        target: &Target,
        limit: u32,
        redactor: &Redactor,
    ) -> Result<Self> {
        let Incoming { status, headers, body } = incoming;
        if (300..400).contains(&status) {
            check_redirect(&headers, target)?;
        }
        let coding = coding(&headers)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let decoded = Body::new(redactor, &coding, limit)?;
        let (headers, redacted) = clean(headers, redactor);
        Ok(Self { status, headers, incoming: Some(body), body: decoded, redacted })
    }

    /// The next piece of the body, decoded and searched; `None` at its end. A piece may be empty.
    ///
    /// # Errors
    /// `answer_too_large`, `answer_unreadable`, `upstream_timeout`, `upstream_malformed`. What was
    /// handed out before stays free of the secret.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(incoming) = &mut self.incoming else { return Ok(None) };
        let mut piece = vec![0; 16 << 10];
        match incoming.read(&mut piece).map_err(|error| broken(&error))? {
            0 => {
                self.incoming = None;
                self.body.finish().map(Some)
            }
            length => self.body.push(&piece[..length]).map(Some),
        }
    }

    /// How often the secret was taken out so far.
    pub fn redactions(&self) -> u64 {
        self.redacted + self.body.found() as u64
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// Those of [`next_piece`](Self::next_piece).
    pub fn into_answer(mut self) -> Result<Answer> {
        let mut body = Vec::new();
        while let Some(piece) = self.next_piece()? {
            body.extend_from_slice(&piece);
        }
        let redactions = self.redactions();
        Ok(Answer { status: self.status, headers: self.headers, body, redactions })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

fn texts<'a>(headers: &'a [(String, Vec<u8>)], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let of_name = headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
    of_name.map(|(_, value)| value.as_slice())
}

/// Several headers of content codings are one list.
fn coding(headers: &[(String, Vec<u8>)]) -> Result<String> {
    let unreadable =
        |_| Error::new(ErrorCode::AnswerUnreadable, "the answer's content encoding is no text");
    let words: std::result::Result<Vec<&str>, _> =
        texts(headers, "content-encoding").map(std::str::from_utf8).collect();
    words.map(|words| words.join(",")).map_err(unreadable)
}

/// No redirect is followed; one to another place is an error, so that nobody follows it by hand
/// without noticing. Its address is not repeated: it may hold the secret.
fn check_redirect(headers: &[(String, Vec<u8>)], target: &Target) -> Result<()> {
    let stays = |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| stays_at(text, target));
    match texts(headers, "location").all(stays) {
        true => Ok(()),
        false => {
            let cause = format!("{} sends the request to another place", target.host());
            Err(Error::new(ErrorCode::RedirectRefused, cause))
        }
    }
}

fn stays_at(location: &str, target: &Target) -> bool {
    let folded = location.to_ascii_lowercase();
    if folded.starts_with("https://") || folded.starts_with("http://") {
        return Target::parse(location).is_ok_and(|other| other.same_origin(target));
    }
    // What is left of a `//host`, a backslash that browsers read as a slash, and any other scheme.
    let before_path = location.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = location.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    plain && !location.starts_with("//") && !before_path.contains(':')
}

fn clean(headers: Vec<(String, Vec<u8>)>, redactor: &Redactor) -> (Vec<(String, String)>, u64) {
    let mut redacted = 0;
    let mut clean = |bytes: &[u8]| {
        let mut stream = redactor.stream();
        let mut text = stream.push(bytes);
        text.append(&mut stream.finish());
        redacted += stream.found() as u64;
        String::from_utf8_lossy(&text).into_owned()
    };
    let shown = headers
        .into_iter()
        .filter(|(name, _)| !KEPT_BACK.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| (clean(name.as_bytes()), clean(&value)))
        .collect();
    (shown, redacted)
}

fn broken(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut => {
            Error::new(ErrorCode::UpstreamTimeout, "the host does not finish its answer in time")
        }
        _ => Error::new(
            ErrorCode::UpstreamMalformed,
            "the host breaks off in the middle of its answer",
        ),
    }
}
