//! Values of an environment as text for other programs: `.env`, JSON, shell. [`import`] reads them back.
//!
//! [`import`]: crate::import

use std::str::FromStr;

use zeroize::Zeroizing;

use crate::{
    dotenv,
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
};

mod json;

/// A text form of names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `NAME=value`, as [`dotenv`] reads and writes it: text without zero bytes.
    Dotenv,
    /// `{"NAME": "text"}`, and `{"NAME": {"base64": "…"}}` for bytes that are not UTF-8: any value.
    Json,
    /// `export NAME='value'`, for `eval` in any POSIX shell: bytes without zero bytes.
    Shell,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Dotenv, Self::Json, Self::Shell];

    /// From its word.
    ///
    /// # Errors
    /// `invalid_argument` for any other word.
    pub fn parse(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument, "a format is dotenv, json or shell")
        })
    }

    /// Its word: `dotenv`, `json` or `shell`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dotenv => "dotenv",
            Self::Json => "json",
            Self::Shell => "shell",
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Self::parse(word)
    }
}

/// Writes the entries: JSON sorted by name, the others in the given order.
///
/// # Errors
/// By the secret's name: `not_an_environment_value` for a zero byte in dotenv and shell;
/// `invalid_argument` for a value that is not UTF-8 in dotenv.
pub fn write(format: Format, entries: &[(&SecretName, &SecretBytes)]) -> Result<SecretBytes> {
    match format {
        Format::Dotenv => dotenv::write(entries.iter().copied()),
        Format::Json => json::write(entries),
        Format::Shell => write_shell(entries),
    }
}

const QUOTE_IN_QUOTES: &[u8] = br"'\''";

fn write_shell(entries: &[(&SecretName, &SecretBytes)]) -> Result<SecretBytes> {
    let room = |(name, value): &(&SecretName, &SecretBytes)| {
        name.as_str().len() + QUOTE_IN_QUOTES.len() * value.len() + "export =''\n".len()
    };
    // Room for the worst case, so that no reallocation leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(entries.iter().map(room).sum()));
    for (name, value) in entries {
        write_line(name, value.expose(), &mut text)?;
    }
    Ok(SecretBytes::new(std::mem::take(&mut *text)))
}

/// Between single quotes a shell reads every byte as itself, but for the quote.
fn write_line(name: &SecretName, value: &[u8], text: &mut Vec<u8>) -> Result<()> {
    if value.contains(&0) {
        let cause = format!("the value of {name} holds a zero byte");
        return Err(Error::new(ErrorCode::NotAnEnvironmentValue, cause));
    }
    text.extend_from_slice(b"export ");
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b"='");
    for byte in value {
        let one = std::slice::from_ref(byte);
        text.extend_from_slice(if *byte == b'\'' { QUOTE_IN_QUOTES } else { one });
    }
    text.extend_from_slice(b"'\n");
    Ok(())
}
