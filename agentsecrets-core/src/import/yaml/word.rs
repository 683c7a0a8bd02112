//! Plain scalars: text without quotes, taken where every reader takes it for the same text.

use super::Scalar;
use crate::{import::is_plain_number, secret::SecretBytes};

const QUOTE_IT: &str = "readers of YAML disagree on its value; put it in quotes";

/// The scalar that begins the text, and its bytes without the line break.
pub(super) fn read(text: &str) -> Scalar<(SecretBytes, usize)> {
    let line = text.split('\n').next().unwrap_or_default();
    let (first, used) = words(line)?;
    if first.starts_with(['-', '?', ':'])
        && matches!(first.as_bytes().get(1), None | Some(b' ' | b'\t'))
    {
        return Err("only plain, quoted and block values are read");
    }
    let more = continuation(&text[line.len()..]);
    if more.is_empty() {
        return match is_text(first) {
            true => Ok((SecretBytes::copy_of(first.as_bytes()), used)),
            false => Err(QUOTE_IT),
        };
    }
    if used < line.len() && line[used..].contains('#') {
        return Err("a comment stands inside its value");
    }
    folded(line, more)
}

/// A line's words without the comment behind them, and their end.
fn words(line: &str) -> Scalar<(&str, usize)> {
    let comment =
        line.match_indices('#').map(|(at, _)| at).find(|at| line[..*at].ends_with([' ', '\t']));
    let words = line[..comment.unwrap_or(line.len())].trim_end_matches([' ', '\t', '\r']);
    if words.contains(": ") || words.contains(":\t") || words.ends_with(':') {
        return Err("it holds a colon that needs quotes");
    }
    Ok((words, words.len()))
}

/// The lines behind the first that belong to it: indented ones, and blank ones before such.
fn continuation(rest: &str) -> &str {
    let Some(body) = rest.strip_prefix('\n') else { return "" };
    let mut size = 0;
    let mut end = 0;
    for line in body.split_inclusive('\n') {
        let blank = line.trim_ascii().is_empty();
        if !blank && (!line.starts_with([' ', '\t']) || line.trim_ascii_start().starts_with('#')) {
            break;
        }
        size += line.len();
        if !blank {
            end = size;
        }
    }
    body[..end].trim_end_matches('\n')
}

/// Several lines as one: a break is a blank, each further one a break.
fn folded(line: &str, more: &str) -> Scalar<(SecretBytes, usize)> {
    let mut value = Vec::with_capacity(line.len() + 1 + more.len());
    value.extend_from_slice(line.trim_end_matches([' ', '\t', '\r']).as_bytes());
    let mut breaks = 0;
    for line in more.split('\n') {
        let (words, used) = words(line.trim_start_matches([' ', '\t']))?;
        if used < line.trim_ascii().len() {
            return Err("a comment stands inside its value");
        }
        if words.is_empty() {
            breaks += 1;
            continue;
        }
        match breaks {
            0 => value.push(b' '),
            _ => value.resize(value.len() + breaks, b'\n'),
        }
        value.extend_from_slice(words.as_bytes());
        breaks = 0;
    }
    Ok((SecretBytes::new(value), line.len() + 1 + more.len()))
}

/// Whether every reader takes the word for itself. `true`, `false` and plain numbers are, as text,
/// what they are as values.
fn is_text(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let other = ["~", "null", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", ".nan"];
    if matches!(word, "true" | "false") || is_plain_number(word) {
        return true;
    }
    let sign = lower.trim_start_matches(['+', '-']);
    !(matches!(lower.as_str(), "true" | "false")
        || other.contains(&lower.as_str())
        || other.contains(&sign)
        || is_number(sign)
        || is_time(sign))
}

/// A number of some reader's: decimal, octal, hexadecimal, binary, base 60, with `_` in between.
fn is_number(word: &str) -> bool {
    let digits = |text: &str, radix: u32| {
        let bare: Vec<char> = text.chars().filter(|c| *c != '_').collect();
        !bare.is_empty() && bare.iter().all(|c| c.is_digit(radix))
    };
    let radix = |prefix, radix| word.strip_prefix(prefix).is_some_and(|rest| digits(rest, radix));
    let bare: String = word.chars().filter(|c| *c != '_').collect();
    let begins = word.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let sixty = word.contains(':') && word.split([':', '.']).all(|part| digits(part, 10));
    radix("0x", 16)
        || radix("0o", 8)
        || radix("0b", 2)
        || begins && (bare.parse::<f64>().is_ok() || sixty)
}

/// A date, or a date and a time.
fn is_time(word: &str) -> bool {
    let date: Vec<&str> = word.splitn(3, '-').collect();
    let [year, month, rest] = date.as_slice() else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4
        && digits(year)
        && digits(month)
        && rest.starts_with(|c: char| c.is_ascii_digit())
}
