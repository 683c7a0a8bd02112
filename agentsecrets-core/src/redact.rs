//! Takes values of secrets out of texts: responses, logs, what goes into a model's context.
//!
//! ```
//! use agentsecrets_core::{name::SecretName, redact::Redactor};
//!
//! let name = SecretName::parse("API_KEY")?;
//! let redactor = Redactor::new([(&name, b"not-a-real-key".as_slice())])?;
//! let echo = br#"{"sent": "bm90LWEtcmVhbC1rZXk=", "again": "not\u002da-real-key"}"#;
//! assert_eq!(redactor.redact(echo), br#"{"sent": "[redacted API_KEY]", "again": "[redacted API_KEY]"}"#);
//! # Ok::<(), agentsecrets_core::Error>(())
//! ```
//!
//! A value is found as it is; percent-encoded, as of a form too; in JSON's, JavaScript's and
//! HTML's escapes, any character escaped or not; in hexadecimal of either case; in base64 of
//! either alphabet, padded or not, with anything around it; in all of these where lines were broken
//! at a width; and in the pairs of escapes that programs make (JSON in JSON, HTML in JSON and the
//! other way, percent in percent, JSON in a form, wrapped lines in JSON). Of a value over 255 bytes
//! each piece of about that size counts by itself, so that what was cut off is found as well.
//! White space around a value does not count.
//!
//! **Short values.** Under `SHORTEST` (5) bytes there is no redactor: four characters of base64
//! are 24 bits, which chance finds once in 16 MB of an image. From 5 to 7 bytes a value counts only
//! where no letter, digit or underscore touches it ("hello" in "hello!", not in "othello"), in
//! hexadecimal and base64 everywhere: its six digits are 36 bits, once in 64 GB. From 8 bytes on
//! it counts everywhere: of random letters and digits that is once in 2^47 bytes or rarer.
//!
//! **Limits.** Whoever may transform the value at will gets it past any redactor: upside down, in
//! another alphabet, a letter a line. What a secret's policy says of hosts is the control;
//! redaction is behind it, for echoes. Redact before you cut: half a value is not found.

use std::sync::Arc;

use crate::{
    error::{Error, ErrorCode, Result},
    name::SecretName,
};

mod automaton;
mod body;
mod escape;
mod lane;
mod pattern;
mod stream;
#[cfg(test)]
mod tests;

use automaton::Automaton;
pub use body::{Body, Coding};
use escape::Escape::{self, Form, Html, Json, Percent, Wrapped};
use lane::Lane;
use pattern::{Pattern, patterns};
pub use stream::Stream;

/// Shortest value that can be taken out of a text, in bytes, white space around it not counted.
pub const SHORTEST: usize = 5;

/// The readings of a text, beside the plain one: which escapes are undone, the outer first.
const READINGS: &[&[Escape]] = &[
    &[Percent],
    &[Form],
    &[Json],
    &[Html],
    &[Wrapped],
    &[Json, Json],
    &[Json, Html],
    &[Json, Wrapped],
    &[Html, Json],
    &[Form, Json],
    &[Percent, Percent],
];

/// What to look for, and what to put in its place. The values are wiped on drop.
pub struct Redactor {
    plan: Arc<Plan>,
}

/// What every stream of one redactor shares.
struct Plan {
    automaton: Automaton,
    /// `[redacted NAME]` of each secret.
    masks: Vec<Box<[u8]>>,
    /// Bytes with which an occurrence or an escape begins.
    hot: [bool; 256],
    /// Bytes with which an escape begins.
    wakes: [bool; 256],
    /// Base64 digits that may hold the first bits of a value.
    leads: [bool; 256],
}

impl Redactor {
    /// Looks for these values, under these names. Of one value under two names, the first is used.
    ///
    /// # Errors
    /// `secret_too_short`, with the names: a value of under `SHORTEST` bytes.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a SecretName, &'a [u8])>) -> Result<Self> {
        let (names, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let short = names.iter().zip(&values).filter(|(_, value)| !Self::covers(value));
        let short: Vec<&str> = short.map(|(name, _)| name.as_str()).collect();
        if !short.is_empty() {
            let names = short.join(", ");
            let cause = format!("too short to be found in a text without false alarms: {names}");
            return Err(Error::new(ErrorCode::SecretTooShort, cause));
        }
        Ok(Self { plan: Arc::new(Plan::new(&names, &values)) })
    }

    /// Whether a value is long enough to be looked for.
    pub fn covers(value: &[u8]) -> bool {
        value.trim_ascii().len() >= SHORTEST
    }

    /// A whole text with `[redacted NAME]` in the place of every occurrence.
    pub fn redact(&self, text: &[u8]) -> Vec<u8> {
        let mut stream = self.stream();
        let mut out = stream.push(text);
        out.append(&mut stream.finish());
        out
    }

    /// As [`redact`](Self::redact), for text.
    pub fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes())).into_owned()
    }

    /// Takes a text in pieces.
    pub fn stream(&self) -> Stream {
        Stream::new(Arc::clone(&self.plan))
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.plan.masks.len()).finish_non_exhaustive()
    }
}

impl Plan {
    fn new(names: &[&SecretName], values: &[&[u8]]) -> Self {
        let of = |(at, value): (usize, &&[u8])| patterns(at as u32, value.trim_ascii());
        let patterns: Vec<Pattern> = values.iter().enumerate().flat_map(of).collect();
        let automaton = Automaton::new(&patterns);
        let escapes = READINGS.concat();
        let wakes = table(|byte| escapes.iter().any(|escape| escape.begins(byte)));
        let hot = table(|byte| wakes[byte as usize] || automaton.starts(byte));
        let leads: Vec<_> = patterns.iter().filter_map(|pattern| pattern.rule.lead).collect();
        let leads = table(|byte| leads.iter().any(|lead| lead.fits(byte)));
        let mask = |name: &&SecretName| format!("[redacted {name}]").into_bytes().into();
        Self { automaton, masks: names.iter().map(mask).collect(), hot, wakes, leads }
    }

    fn lanes(&self) -> Vec<Lane> {
        READINGS.iter().map(|escapes| Lane::new(escapes)).collect()
    }
}

fn table(holds: impl Fn(u8) -> bool) -> [bool; 256] {
    std::array::from_fn(|byte| holds(byte as u8))
}
