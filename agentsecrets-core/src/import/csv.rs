//! Two columns under `Key,Value`, as RFC 4180 has them; a field is bytes, also over several lines.

use super::{Entries, bad_line, name};
use crate::{error::Result, secret::SecretBytes};

/// Whether the line is the header of such a file.
pub(super) fn is_header(line: &[u8]) -> bool {
    line.trim_ascii_end().eq_ignore_ascii_case(b"key,value")
}

pub(super) fn read(bytes: &[u8]) -> Result<Entries> {
    let mut reader = Reader { rest: bytes, line: 1 };
    if !reader.header() {
        return Err(bad_line(1, "the first line is not Key,Value"));
    }
    let mut entries = Vec::new();
    while !reader.rest.is_empty() {
        let line = reader.line;
        let (key, end) = reader.field()?;
        if end != End::Comma {
            return Err(bad_line(line, "it has one column, not two"));
        }
        let (value, end) = reader.field()?;
        if end != End::Line {
            return Err(bad_line(line, "it has more than two columns"));
        }
        let key = String::from_utf8_lossy(key.expose());
        entries.push((name(&key, format_args!("line {line}"))?, value));
    }
    Ok(entries)
}

#[derive(PartialEq)]
enum End {
    Comma,
    Line,
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Reader<'_> {
    fn header(&mut self) -> bool {
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let header = is_header(&self.rest[..end]);
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        self.line += 1;
        header
    }

    fn field(&mut self) -> Result<(SecretBytes, End)> {
        let value = match self.rest.strip_prefix(b"\"") {
            Some(inside) => self.quoted(inside)?,
            None => self.bare()?,
        };
        Ok((value, self.end()?))
    }

    fn bare(&mut self) -> Result<SecretBytes> {
        let end = self.rest.iter().position(|byte| b",\n".contains(byte));
        let field = &self.rest[..end.unwrap_or(self.rest.len())];
        let field = field.strip_suffix(b"\r").unwrap_or(field);
        if field.contains(&b'"') {
            return Err(bad_line(self.line, "a quote stands in a field without quotes"));
        }
        self.rest = &self.rest[field.len()..];
        Ok(SecretBytes::copy_of(field))
    }

    /// Up to the quote that is not doubled.
    fn quoted(&mut self, mut inside: &[u8]) -> Result<SecretBytes> {
        let first = self.line;
        let mut value = Vec::with_capacity(inside.len());
        loop {
            match inside {
                [b'"', b'"', after @ ..] => {
                    value.push(b'"');
                    inside = after;
                }
                [b'"', ..] => break,
                [byte, after @ ..] => {
                    self.line += usize::from(*byte == b'\n');
                    value.push(*byte);
                    inside = after;
                }
                [] => {
                    drop(SecretBytes::new(value)); // Wiped.
                    return Err(bad_line(first, "its quote is not closed"));
                }
            }
        }
        self.rest = &self.rest[self.rest.len() - inside.len() + 1..];
        Ok(SecretBytes::new(value))
    }

    fn end(&mut self) -> Result<End> {
        let (end, length) = match self.rest {
            [b',', ..] => (End::Comma, 1),
            [b'\r', b'\n', ..] => (End::Line, 2),
            [b'\n', ..] => (End::Line, 1),
            [] => (End::Line, 0),
            _ => return Err(bad_line(self.line, "something follows the closing quote")),
        };
        self.rest = &self.rest[length..];
        self.line += usize::from(end == End::Line);
        Ok(end)
    }
}
