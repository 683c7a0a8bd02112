//! What comes back: bounded, without the secret in any form, and never from another host.

use std::io::{self, Read};

use super::{outbound::Incoming, target::Target};
use crate::{
    error::{Error, ErrorCode, Result},
    secret::SecretBytes,
};

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers; cookies are left out, for they are keys of their own.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// How often the secret was taken out of headers and body.
    pub redactions: u64,
}

/// An answer whose body is still to be read.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers, as in [`Answer`].
    pub headers: Vec<(String, String)>,
    body: Box<dyn Read + Send>,
    limit: u64,
    read: u64,
}

impl Reply {
    pub(super) fn new(
        incoming: Incoming,
        target: &Target,
        limit: u32,
        value: &SecretBytes,
    ) -> Result<Self> {
        let _ = (target, value);
        let Incoming { status, headers: _, body } = incoming;
        Ok(Self { status, headers: Vec::new(), body, limit: u64::from(limit), read: 0 })
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// `answer_too_large`, `answer_unreadable`, `upstream_timeout`, `upstream_malformed`. What was
    /// handed out before stays free of the secret.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>> {
        let mut piece = vec![0; 16 << 10];
        let length = self.body.read(&mut piece).map_err(broken)?;
        self.read += length as u64;
        if self.read > self.limit {
            return Err(Error::new(
                ErrorCode::AnswerTooLarge,
                format!("the answer has more than {} bytes", self.limit),
            ));
        }
        piece.truncate(length);
        Ok((length > 0).then_some(piece))
    }

    /// How often the secret was taken out so far.
    pub fn redactions(&self) -> u64 {
        0
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

fn broken(error: io::Error) -> Error {
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
