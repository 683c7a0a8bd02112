//! Reads what other tools write: `.env`, JSON, YAML, CSV, and what SOPS, dotenvx and Infisical print.
//!
//! Whatever a form leaves open is refused with its line, never guessed: an import that guesses
//! changes a password in silence. What another tool has sealed is recognised and refused with the
//! command that opens it, so that a sealed text is never stored as if it were the value.

use std::{collections::BTreeSet, str::FromStr};

use crate::{
    dotenv,
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
};

mod csv;
mod json;
mod lines;
mod sealed;
mod yaml;

type Entries = Vec<(SecretName, SecretBytes)>;

/// A form in which secrets come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `NAME=value`, as [`dotenv`] reads it.
    Dotenv,
    /// One object of values, as `secrets export`, SOPS and dotenvx write it; or Infisical's list of
    /// objects with `key` and `value`.
    Json,
    /// One mapping of names to scalars, as SOPS and Infisical write it.
    Yaml,
    /// Two columns under the line `Key,Value`, as Infisical writes them.
    Csv,
    /// `NAME=value` without quotes or comments behind values, a line break as `\n`: what
    /// `sops -d --output-type dotenv` prints of values that were not in a `.env` before.
    SopsDotenv,
}

impl Source {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Dotenv, Self::Json, Self::Yaml, Self::Csv, Self::SopsDotenv];

    /// From its word.
    ///
    /// # Errors
    /// `invalid_argument` for any other word.
    pub fn parse(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word).ok_or_else(|| {
            let cause = "a format to import is dotenv, json, yaml, csv or sops-dotenv";
            Error::new(ErrorCode::InvalidArgument, cause)
        })
    }

    /// Its word: `dotenv`, `json`, `yaml`, `csv` or `sops-dotenv`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dotenv => "dotenv",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::SopsDotenv => "sops-dotenv",
        }
    }

    /// What a file holds: by the end of its name, else by its first line that is no comment.
    /// [`Source::SopsDotenv`] looks like [`Source::Dotenv`] and has to be named.
    pub fn detect(file_name: Option<&str>, bytes: &[u8]) -> Self {
        let name = file_name.unwrap_or_default().to_ascii_lowercase();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "csv" => Self::Csv,
            _ => Self::by_content(without_bom(bytes)),
        }
    }

    fn by_content(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        match lines.find(|line| !line.is_empty() && !line.starts_with(b"#")) {
            Some([b'{' | b'[', ..]) => Self::Json,
            Some(line) if csv::is_header(line) => Self::Csv,
            Some(line) if yaml::begins(line) => Self::Yaml,
            _ => Self::Dotenv,
        }
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Self::parse(word)
    }
}

/// Reads a file whole, in the order of its entries, or refuses it. Without a `source`,
/// [`Source::detect`] says what it is.
///
/// # Errors
/// `dotenv_syntax` or `invalid_argument` with the line; `invalid_name`; `duplicate_name` for a name
/// that stands there twice. Where another tool has sealed a value, the hint opens it.
pub fn read(source: Option<Source>, file_name: Option<&str>, bytes: &[u8]) -> Result<Entries> {
    let source = source.unwrap_or_else(|| Source::detect(file_name, bytes));
    let text = without_bom(bytes);
    let entries = match source {
        Source::Dotenv => dotenv::entries(bytes),
        Source::Json => json::read(text),
        Source::Yaml => yaml::read(text),
        Source::Csv => csv::read(text),
        Source::SopsDotenv => lines::read(text),
    }?;
    sealed::refuse(&entries)?;
    refuse_duplicates(&entries)?;
    Ok(entries)
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn refuse_duplicates(entries: &Entries) -> Result<()> {
    let mut seen = BTreeSet::new();
    match entries.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => {
            let cause = format!("the file holds {name} twice");
            Err(Error::new(ErrorCode::DuplicateName, cause).with_hint(MENDED))
        }
        None => Ok(()),
    }
}

const MENDED: &str = "agentsecrets secrets import FILE   # after mending the file";

/// The file's form is wrong; `cause` says where and never repeats a value.
fn refused(cause: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::InvalidArgument, cause).with_hint(MENDED)
}

fn bad_line(line: usize, why: &str) -> Error {
    refused(format!("line {line} cannot be read: {why}"))
}

/// The text of a bad name is not repeated: it may be a value in the wrong place.
fn name(text: &str, place: std::fmt::Arguments<'_>) -> Result<SecretName> {
    SecretName::parse(text).map_err(|error| {
        Error::new(error.code(), format!("{place}: {}", error.message())).with_hint(MENDED)
    })
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8"))
}

/// Whether a number has one form for every reader: an integer, or a fraction without zeros that
/// somebody drops, and no exponent.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole {
        return digits == "0" && text == "0" || !digits.starts_with('0');
    }
    text.parse::<f64>().is_ok_and(|number| number.is_finite() && number.to_string() == text)
}
