//! Values taken out of logs, of what goes into a model's context, of anything.

use std::sync::{Mutex, PoisonError};

use agentsecrets_core::{
    Result,
    name::SecretName,
    redact::{Redactor as CoreRedactor, Stream},
};

use super::Secrets;

/// Takes values out of texts, in every form in which programs echo them. Any thread may use it.
#[derive(Debug)]
pub struct Redactor(CoreRedactor);

/// A text that comes in pieces.
pub struct Redaction(Mutex<Stream>);

impl Redactor {
    /// Looks for these values, and puts `[redacted NAME]` in their places.
    ///
    /// # Errors
    /// `invalid_name`; `secret_too_short`, with the names, for values of under five bytes.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self> {
        let values = values.into_iter().map(|(name, value)| Ok((SecretName::parse(name)?, value)));
        let values: Vec<_> = values.collect::<Result<_>>()?;
        CoreRedactor::new(values.iter().map(|(name, value)| (name, *value))).map(Self)
    }

    /// A whole text without the values.
    pub fn redact(&self, text: &[u8]) -> Vec<u8> {
        self.0.redact(text)
    }

    /// For a text that comes in pieces.
    pub fn stream(&self) -> Redaction {
        Redaction(Mutex::new(self.0.stream()))
    }
}

impl Redaction {
    /// Takes the next piece; gives what is ready.
    pub fn push(&self, piece: &[u8]) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece)
    }

    /// Gives the rest; another text may follow.
    pub fn finish(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finish()
    }
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redaction")
    }
}

impl Secrets {
    /// A redactor of everything here, also of what may only be used. Values of under five bytes
    /// (`true`, `3000`) are left out: they would be found everywhere.
    ///
    /// # Errors
    /// None that callers could cause.
    pub fn redactor(&self) -> Result<Redactor> {
        let covered = |(_, value): &(&SecretName, &[u8])| CoreRedactor::covers(value);
        CoreRedactor::new(self.core.expose_all().filter(covered)).map(Redactor)
    }
}
