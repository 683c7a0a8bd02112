//! YAML, as far as secrets need it: one mapping of names to scalars.
//!
//! Readers of YAML disagree on what an unquoted word is (`no`, `0755`, `1.0`, `2024-01-01`). Such a
//! value is refused unless it is quoted; so are nested values, anchors, tags and further documents.
//! A library would leave copies of values behind in its tree, and repeat them in its errors.

use super::{Entries, bad_line, name, sealed, utf8};
use crate::{
    error::{Error, Result},
    name::SecretName,
    secret::SecretBytes,
};

mod block;
mod flow;
mod word;

const NOT_FLAT: &str = "it is not NAME: value at the edge of the line";
const NO_VALUE: &str = "the name has no value; an empty one is written \"\"";

/// Why a scalar cannot be read; never its content.
type Scalar<T> = Result<T, &'static str>;

/// Whether the line, which is no comment, begins such a file: `---`, or a name and a colon.
pub(super) fn begins(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    line == "---" || line.starts_with("--- ") || split_key(line).is_some()
}

pub(super) fn read(bytes: &[u8]) -> Result<Entries> {
    let text = utf8(bytes)?;
    if let Some(at) = text.find(['\u{85}', '\u{2028}', '\u{2029}']) {
        let line = 1 + text[..at].matches('\n').count();
        return Err(bad_line(
            line,
            "older readers of YAML end a line at a character that it holds",
        ));
    }
    let mut lines = Lines { rest: text, number: 1 };
    lines.start();
    let mut entries = Vec::new();
    while lines.seek_entry() {
        if lines.line().trim_ascii_end() == "sops:" {
            return Err(sealed::by_sops());
        }
        entries.push(entry(&mut lines)?);
    }
    match lines.rest.is_empty() {
        true => Ok(entries),
        false => Err(bad_line(lines.number, "a second document begins")),
    }
}

fn entry(lines: &mut Lines<'_>) -> Result<(SecretName, SecretBytes)> {
    let number = lines.number;
    let bad = |why| bad_line(number, why);
    let (key, after) = split_key(lines.line()).ok_or_else(|| bad(NOT_FLAT))?;
    let name = name(key, format_args!("line {number}"))?;
    // `after` ends with its line; a scalar may go on.
    let offset = lines.line().len() - after.len();
    let value = scalar(lines, offset).map_err(|why| named(&name, number, why))?;
    Ok((name, value))
}

fn named(name: &SecretName, line: usize, why: &str) -> Error {
    bad_line(line, &format!("{why} ({name})"))
}

/// The scalar that begins at `offset` of what is left; the lines after it are left.
fn scalar(lines: &mut Lines<'_>, offset: usize) -> Scalar<SecretBytes> {
    let rest = &lines.rest[offset..];
    let begin = rest.trim_start_matches([' ', '\t', '\r']);
    let (value, used) = match begin.as_bytes().first() {
        Some(b'|' | b'>') => block::read(begin)?,
        Some(b'"') => flow::double(&begin[1..]).map(|(value, used)| (value, used + 1))?,
        Some(b'\'') => flow::single(&begin[1..]).map(|(value, used)| (value, used + 1))?,
        Some(b'[' | b'{' | b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}') => {
            return Err("only plain, quoted and block values are read, and no tags or anchors");
        }
        Some(b'\n') => return below(lines, offset + (rest.len() - begin.len()) + 1),
        Some(b'#') | None => return Err(NO_VALUE),
        Some(_) => word::read(begin)?,
    };
    lines.skip(offset + (rest.len() - begin.len()) + used)?;
    Ok(value)
}

/// A scalar that begins on the line below its name, indented; the line begins at `offset`.
fn below(lines: &mut Lines<'_>, offset: usize) -> Scalar<SecretBytes> {
    let line = lines.rest[offset..].split('\n').next().unwrap_or_default();
    let words = line.trim_start_matches(' ');
    let begins = line.starts_with(' ') && !words.starts_with(['\r', '\t', '#', '|', '>']);
    if !begins || words.is_empty() {
        return Err(NO_VALUE);
    }
    if split_key(words).is_some() {
        return Err("a value inside a value is not read");
    }
    scalar(lines, offset)
}

/// `NAME: rest`, `"NAME": rest` or `'NAME': rest`; the rest without what stands before it.
fn split_key(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = match line.as_bytes().first()? {
        quote @ (b'"' | b'\'') => line[1..].split_once(char::from(*quote))?,
        _ => line.split_at(line.find(':')?),
    };
    let rest = rest.strip_prefix(':')?;
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\r']);
    let is_word = !key.is_empty() && !key.contains([' ', '\t', '=', '#', '{', '[']);
    (ends && is_word).then_some((key, rest))
}

/// What is left of the text, and the number of its first line.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn line(&self) -> &'a str {
        self.rest.split('\n').next().unwrap_or_default()
    }

    fn next(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.number += 1;
    }

    /// Skips what may stand before the document.
    fn start(&mut self) {
        self.skip_blank();
        if self.line().trim_ascii_end() == "---" {
            self.next();
        }
    }

    fn skip_blank(&mut self) {
        while !self.rest.is_empty() {
            let line = self.line().trim_ascii();
            if !line.is_empty() && !line.starts_with('#') {
                return;
            }
            self.next();
        }
    }

    /// Goes to the next entry, if there is one in this document.
    fn seek_entry(&mut self) -> bool {
        self.skip_blank();
        let ends = self.line().trim_ascii_end() == "...";
        if ends {
            self.next();
            self.skip_blank();
            return false;
        }
        !self.rest.is_empty() && self.line().trim_ascii_end() != "---"
    }

    /// Leaves `used` bytes behind, and what may follow a value on its line: white space, a comment.
    fn skip(&mut self, used: usize) -> Scalar<()> {
        self.number += self.rest[..used].matches('\n').count();
        let at_start = self.rest[..used].ends_with('\n');
        self.rest = &self.rest[used..];
        if at_start || self.rest.is_empty() {
            return Ok(());
        }
        let tail = self.line();
        let comment = tail.trim_ascii_start();
        let is_comment = comment.starts_with('#') && comment.len() < tail.len();
        if !is_comment && !comment.is_empty() {
            return Err("something follows its value");
        }
        self.next();
        Ok(())
    }
}
