//! Errors: the library's, with everything that a caller looks at.

use std::{fmt, time::Duration};

use agentsecrets::model::{self, Error, ErrorCode};

/// What a call came to that did not succeed.
#[derive(Debug, uniffi::Error)]
pub enum NativeError {
    /// Number of the code, cause in words, the command that helps, and when to try again.
    Failed {
        /// The code.
        code: i32,
        /// The cause; holds no value.
        reason: String,
        /// The command that helps.
        hint: String,
        /// Whether the same call may succeed later.
        retryable: bool,
        /// When, where it is known.
        retry_after_ms: Option<u64>,
    },
}

impl fmt::Display for NativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Failed { reason, .. } = self;
        f.write_str(reason)
    }
}

impl std::error::Error for NativeError {}

impl From<Error> for NativeError {
    fn from(error: Error) -> Self {
        Self::Failed {
            code: error.code() as i32,
            reason: error.message().to_owned(),
            hint: error.hint().to_owned(),
            retryable: error.retryable(),
            retry_after_ms: error.retry_after().map(milliseconds),
        }
    }
}

/// As the model's, for Swift.
pub type Result<T> = std::result::Result<T, NativeError>;

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `invalid_argument`.
pub(crate) fn invalid(why: &'static str) -> NativeError {
    Error::new(ErrorCode::InvalidArgument, why).into()
}

/// What a code means.
#[derive(uniffi::Record)]
pub struct NativeCode {
    /// The stable word.
    pub word: String,
    /// The command that helps.
    pub hint: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// What a number means; nothing for one that was never given out.
#[uniffi::export]
pub fn describe_code(code: i32) -> Option<NativeCode> {
    model::describe(code).map(|described| NativeCode {
        word: described.word.to_string_lossy().into_owned(),
        hint: described.hint.to_string_lossy().into_owned(),
        retryable: described.retryable,
    })
}
