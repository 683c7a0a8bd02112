//! Quoted scalars, on one line or folded over several.

use zeroize::Zeroizing;

use super::Scalar;
use crate::secret::SecretBytes;

const NOT_CLOSED: &str = "its quote is not closed";

/// What follows an opening `'`, and its bytes up to behind the closing one.
pub(super) fn single(text: &str) -> Scalar<(SecretBytes, usize)> {
    let mut value = room(text);
    let mut rest = text;
    loop {
        let at = rest.find(['\'', '\n']).ok_or(NOT_CLOSED)?;
        value.extend_from_slice(&rest.as_bytes()[..at]);
        let after = &rest[at + 1..];
        rest = match (rest.as_bytes()[at], after.strip_prefix('\'')) {
            (b'\n', _) => fold(after, 0, &mut value)?,
            (_, Some(doubled)) => {
                value.push(b'\'');
                doubled
            }
            (_, None) => return Ok((taken(value), text.len() - after.len())),
        };
    }
}

/// What follows an opening `"`, and its bytes up to behind the closing one.
pub(super) fn double(text: &str) -> Scalar<(SecretBytes, usize)> {
    let mut value = room(text);
    let mut rest = text;
    let mut escaped = 0; // What came of an escape is no white space to fold away.
    loop {
        let at = rest.find(['"', '\\', '\n']).ok_or(NOT_CLOSED)?;
        value.extend_from_slice(&rest.as_bytes()[..at]);
        let after = &rest[at + 1..];
        rest = match rest.as_bytes()[at] {
            b'"' => return Ok((taken(value), text.len() - after.len())),
            b'\n' => fold(after, escaped, &mut value)?,
            _ => {
                let after = escape(after, &mut value)?;
                escaped = value.len();
                after
            }
        };
    }
}

/// No escape is shorter than what it stands for by more than a byte of three.
fn room(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(text.len() + text.len() / 2))
}

fn taken(mut value: Zeroizing<Vec<u8>>) -> SecretBytes {
    SecretBytes::new(std::mem::take(&mut *value))
}

/// At a line break: white space around it goes; one break is a blank, each further one a break.
fn fold<'a>(after: &'a str, keep: usize, value: &mut Vec<u8>) -> Scalar<&'a str> {
    while value.len() > keep && value.last().is_some_and(|byte| b" \t\r".contains(byte)) {
        value.pop();
    }
    let mut rest = after;
    let mut breaks = 0;
    loop {
        let line = rest.trim_start_matches([' ', '\t', '\r']);
        match line.strip_prefix('\n') {
            Some(next) => rest = next,
            None if line.len() == rest.len() && !line.is_empty() => {
                return Err("a line of its quoted value is not indented");
            }
            None => {
                rest = line;
                break;
            }
        }
        breaks += 1;
    }
    match breaks {
        0 => value.push(b' '),
        _ => value.resize(value.len() + breaks, b'\n'),
    }
    Ok(rest)
}

/// What a backslash stands for with what follows it; returns what is left.
fn escape<'a>(after: &'a str, value: &mut Vec<u8>) -> Scalar<&'a str> {
    let bad = "it holds an escape that YAML does not have";
    let mut chars = after.chars();
    let character = match chars.next().ok_or(NOT_CLOSED)? {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        same @ (' ' | '"' | '/' | '\\') => same,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => return code(&after[1..], 2, value).ok_or(bad),
        'u' => return code(&after[1..], 4, value).ok_or(bad),
        'U' => return code(&after[1..], 8, value).ok_or(bad),
        '\n' => return Ok(chars.as_str().trim_start_matches([' ', '\t'])),
        _ => return Err(bad),
    };
    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(chars.as_str())
}

/// A character by its number; also one beyond 16 bits as JSON writes it, in two halves.
fn code<'a>(text: &'a str, digits: usize, value: &mut Vec<u8>) -> Option<&'a str> {
    let number = |text: &str| {
        let digits = text.get(..digits)?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = number(text)?;
    let mut rest = &text[digits..];
    let character = match char::from_u32(first) {
        Some(character) => character,
        None => {
            let low = rest.strip_prefix("\\u").filter(|_| digits == 4)?;
            let halves = [u16::try_from(first).ok()?, u16::try_from(number(low)?).ok()?];
            rest = &low[4..];
            char::decode_utf16(halves).next()?.ok()?
        }
    };
    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(rest)
}
