//! `.env` text: what python-dotenv and node's dotenv share, and one decision where they differ.
//!
//! Nothing is expanded. The differences and the decisions are in `DESIGN.md`, `.env reading`; the
//! table that holds both peers to them is `tests/dotenv_cases.json`.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
};

const BOM: &[u8] = b"\xef\xbb\xbf";
const NOT_AN_ENTRY: &str = "it is not NAME=value, a comment or blank";
const NOT_A_NAME: &str = "a name is letters, digits and underscores";
const NOT_CLOSED: &str = "its quote is not closed";
const AFTER_QUOTE: &str = "something follows the closing quote";

/// Why a line cannot be read; never its content.
type Line<T> = Result<T, &'static str>;

/// Reads a `.env` text: names in the order of their first line, each with its last value.
///
/// Values are any bytes but zero; they need not be UTF-8. CRLF and CR count as LF everywhere.
///
/// # Errors
/// `dotenv_syntax` with the number of the first bad line, counted from 1.
pub fn parse(bytes: &[u8]) -> Result<Vec<(SecretName, SecretBytes)>> {
    let mut list: Vec<(SecretName, SecretBytes)> = Vec::new();
    let mut places: BTreeMap<SecretName, usize> = BTreeMap::new();
    for (name, value) in entries(bytes)? {
        match places.get(&name) {
            Some(place) => list[*place].1 = value,
            None => {
                places.insert(name.clone(), list.len());
                list.push((name, value));
            }
        }
    }
    Ok(list)
}

/// As [`parse`], with every line: a name that stands there twice comes twice.
pub(crate) fn entries(bytes: &[u8]) -> Result<Vec<(SecretName, SecretBytes)>> {
    let text = unix_lines(bytes.strip_prefix(BOM).unwrap_or(bytes));
    if let Some(at) = text.iter().position(|b| *b == 0) {
        return Err(bad_line(&text[..at], "it holds a zero byte"));
    }
    let mut list = Vec::new();
    let mut rest = next_entry(&text);
    while !rest.is_empty() {
        let before = &text[..text.len() - rest.len()];
        let (name, value, after) = entry(rest).map_err(|why| bad_line(before, why))?;
        list.push((name, value));
        rest = next_entry(after);
    }
    Ok(list)
}

fn bad_line(before: &[u8], why: &'static str) -> Error {
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    Error::new(ErrorCode::DotenvSyntax, format!("line {line} cannot be read: {why}"))
}

fn unix_lines(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut previous = 0;
    for byte in bytes {
        match (previous, *byte) {
            (b'\r', b'\n') => {}
            (_, b'\r') => text.push(b'\n'),
            (_, other) => text.push(other),
        }
        previous = *byte;
    }
    text
}

/// Skips blank lines, comment lines and indentation.
fn next_entry(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = skip_blanks(rest);
        match rest.first() {
            Some(b'\n') => rest = &rest[1..],
            Some(b'#') => rest = split_line(rest).1,
            _ => return rest,
        }
    }
}

/// One entry at the start of `rest`, and what follows its line.
fn entry(rest: &[u8]) -> Line<(SecretName, SecretBytes, &[u8])> {
    let (line, _) = split_line(rest);
    let equals = line.iter().position(|b| *b == b'=').ok_or(NOT_AN_ENTRY)?;
    let name = name(&line[..equals])?;
    let (value, after) = value(&rest[equals + 1..])?;
    Ok((name, value, after))
}

fn name(before_equals: &[u8]) -> Line<SecretName> {
    let word = trim_end(before_equals);
    let word = match word.strip_prefix(b"export").map(|rest| (rest, skip_blanks(rest))) {
        Some((rest, name)) if name.len() < rest.len() => name,
        _ => word,
    };
    let text = std::str::from_utf8(word).map_err(|_| NOT_A_NAME)?;
    SecretName::parse(text).map_err(|_| NOT_A_NAME)
}

fn value(after_equals: &[u8]) -> Line<(SecretBytes, &[u8])> {
    let rest = skip_blanks(after_equals);
    match rest.first() {
        Some(quote @ (b'\'' | b'"' | b'`')) => quoted(&rest[1..], *quote),
        _ => {
            let (line, after) = split_line(after_equals);
            Ok((SecretBytes::copy_of(unquoted(line)), after))
        }
    }
}

/// An unquoted value: up to a `#` that follows white space, without the white space around it.
fn unquoted(line: &[u8]) -> &[u8] {
    let comment = |at: &usize| line[*at] == b'#' && trim_end(&line[..*at]).len() < *at;
    let end = (0..line.len()).find(comment).unwrap_or(line.len());
    skip_blanks(trim_end(&line[..end]))
}

fn quoted(body: &[u8], quote: u8) -> Line<(SecretBytes, &[u8])> {
    let end = closing_quote(body, quote).ok_or(NOT_CLOSED)?;
    let (tail, after) = split_line(&body[end + 1..]);
    match skip_blanks(tail).first() {
        None | Some(b'#') => Ok((unescape(&body[..end], quote), after)),
        Some(_) => Err(AFTER_QUOTE),
    }
}

/// A backslash always takes the next byte with it.
fn closing_quote(body: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    while *body.get(at)? != quote {
        at += if body[at] == b'\\' { 2 } else { 1 };
    }
    Some(at)
}

fn unescape(body: &[u8], quote: u8) -> SecretBytes {
    let mut value = Vec::with_capacity(body.len());
    let mut rest = body;
    while let [first, tail @ ..] = rest {
        let escaped = tail.first().filter(|_| *first == b'\\').and_then(|b| escape(*b, quote));
        value.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[1..] } else { tail };
    }
    SecretBytes::new(value)
}

/// What a backslash and `byte` stand for; `None` where both stay as they are.
fn escape(byte: u8, quote: u8) -> Option<u8> {
    match (quote, byte) {
        (b'\'' | b'"', b'\\' | b'\'') => Some(byte),
        (b'"', b'"') => Some(b'"'),
        (b'"', b'n') => Some(b'\n'),
        (b'"', b'r') => Some(b'\r'),
        (b'"', b't') => Some(b'\t'),
        (b'"', b'a') => Some(0x07),
        (b'"', b'b') => Some(0x08),
        (b'"', b'v') => Some(0x0b),
        (b'"', b'f') => Some(0x0c),
        _ => None,
    }
}

/// The line without its end, and what follows the end.
fn split_line(rest: &[u8]) -> (&[u8], &[u8]) {
    match rest.iter().position(|b| *b == b'\n') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &[]),
    }
}

fn skip_blanks(mut bytes: &[u8]) -> &[u8] {
    let first = |bytes: &[u8]| {
        let start = &bytes[..bytes.len().min(4)];
        start.utf8_chunks().next()?.valid().chars().next().filter(|c| is_blank(*c))
    };
    while let Some(blank) = first(bytes) {
        bytes = &bytes[blank.len_utf8()..];
    }
    bytes
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    let last = |bytes: &[u8]| {
        let lengths = 1..=bytes.len().min(3);
        let mut ends = lengths.filter_map(|n| std::str::from_utf8(&bytes[bytes.len() - n..]).ok());
        ends.next()?.chars().next().filter(|c| is_blank(*c))
    };
    while let Some(blank) = last(bytes) {
        bytes = &bytes[..bytes.len() - blank.len_utf8()];
    }
    bytes
}

/// White space inside a line, to both peers: U+0085 is none to JavaScript.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\n' | '\u{85}')
}

/// A `.env` text, one entry after the other in the given order.
///
/// [`parse`] reads it back to the same bytes. Each value takes the first form that both peers read
/// as the same value; where there is none, double quotes with escapes, as python-dotenv reads them.
///
/// # Errors
/// `invalid_argument` for a value that is not UTF-8, `not_an_environment_value` for one with a
/// zero byte; both name the secret.
pub fn write<'a>(
    entries: impl IntoIterator<Item = (&'a SecretName, &'a SecretBytes)>,
) -> Result<SecretBytes> {
    let entries: Vec<_> = entries.into_iter().collect();
    let room = |(name, value): &(&SecretName, &SecretBytes)| {
        name.as_str().len() + 2 * value.len() + "=\"\"\n".len()
    };
    // Room for the worst case, so that no reallocation leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(entries.iter().map(room).sum()));
    for (name, value) in entries {
        let value = writable(name, value)?;
        text.extend_from_slice(name.as_str().as_bytes());
        text.push(b'=');
        Form::of(value).write(value, &mut text);
        text.push(b'\n');
    }
    Ok(SecretBytes::new(std::mem::take(&mut *text)))
}

fn writable<'a>(name: &SecretName, value: &'a SecretBytes) -> Result<&'a str> {
    if value.expose().contains(&0) {
        let cause = format!("the value of {name} holds a zero byte");
        return Err(Error::new(ErrorCode::NotAnEnvironmentValue, cause));
    }
    std::str::from_utf8(value.expose()).map_err(|_| {
        let cause = format!("the value of {name} is not UTF-8, which a .env file cannot hold");
        Error::new(ErrorCode::InvalidArgument, cause)
            .with_hint("agentsecrets secrets export --format json")
    })
}

#[derive(Clone, Copy)]
enum Form {
    Bare,
    Single,
    Double,
    Escaped,
}

impl Form {
    fn of(value: &str) -> Self {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&b);
        match value {
            v if !v.is_empty() && v.bytes().all(plain) => Self::Bare,
            v if !v.contains(['\'', '\r']) && inert(v, "\\'") => Self::Single,
            v if !v.contains('"') && inert(v, "\\'\"abfnrtv\r") => Self::Double,
            v if literal_bare(v) => Self::Bare,
            _ => Self::Escaped,
        }
    }

    fn write(self, value: &str, text: &mut Vec<u8>) {
        let quote: &[u8] = match self {
            Self::Bare => b"",
            Self::Single => b"'",
            Self::Double | Self::Escaped => b"\"",
        };
        text.extend_from_slice(quote);
        for byte in value.bytes() {
            match (self, byte) {
                (Self::Double | Self::Escaped, b'\r') => text.extend_from_slice(b"\\r"),
                (Self::Escaped, b'\\' | b'"') => text.extend_from_slice(&[b'\\', byte]),
                _ => text.push(byte),
            }
        }
        text.extend_from_slice(quote);
    }
}

/// Whether no backslash stands at the end or before one of `special`.
fn inert(value: &str, special: &str) -> bool {
    let after = |(at, _)| value[at + 1..].chars().next();
    value.match_indices('\\').all(|found| after(found).is_some_and(|c| !special.contains(c)))
}

/// Whether both peers take the value, unquoted, as it stands.
fn literal_bare(value: &str) -> bool {
    let space = |c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}' | '\u{feff}');
    !value.contains(['\n', '\r', '#', '\u{2028}', '\u{2029}'])
        && !value.starts_with(['\'', '"', '`'])
        && !value.starts_with(space)
        && !value.ends_with(space)
}
