//! Block scalars: `|` keeps line breaks, `>` folds them; `-` and `+` say what becomes of the last.

use super::Scalar;
use crate::secret::SecretBytes;

#[derive(Clone, Copy, PartialEq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

struct Header {
    folded: bool,
    chomp: Chomp,
    indent: Option<usize>,
}

/// The scalar whose header begins the text, and how many bytes it has, its last line break included.
pub(super) fn read(text: &str) -> Scalar<(SecretBytes, usize)> {
    let (first, body) = text.split_once('\n').unwrap_or((text, ""));
    let header = header(first)?;
    let indent = header.indent.unwrap_or_else(|| found_indent(body));
    let size = extent(body, indent);
    let lines: Vec<&str> =
        body[..size].split_terminator('\n').map(|line| content(line, indent)).collect();
    if lines.iter().any(|line| line.ends_with('\r')) {
        return Err("its lines end with CRLF");
    }
    let used = (first.len() + 1 + size).min(text.len());
    Ok((SecretBytes::new(joined(&lines, &header)), used))
}

fn header(line: &str) -> Scalar<Header> {
    let bad = "its block header is wrong";
    let words = line.split(" #").next().unwrap_or_default().trim_ascii_end();
    let mut header = Header { folded: words.starts_with('>'), chomp: Chomp::Clip, indent: None };
    for mark in words.bytes().skip(1) {
        match mark {
            b'-' if header.chomp == Chomp::Clip => header.chomp = Chomp::Strip,
            b'+' if header.chomp == Chomp::Clip => header.chomp = Chomp::Keep,
            b'1'..=b'9' if header.indent.is_none() => {
                header.indent = Some(usize::from(mark - b'0'))
            }
            _ => return Err(bad),
        }
    }
    Ok(header)
}

/// As far as its first full line is indented; where there is none, as far as its widest blank one.
fn found_indent(body: &str) -> usize {
    let full = body.split('\n').find_map(indented).filter(|indent| *indent > 0);
    let blank = body.split('\n').take_while(|line| indented(line).is_none()).map(str::len).max();
    full.or(blank).unwrap_or_default().max(1)
}

/// How far a line that is not empty is indented.
fn indented(line: &str) -> Option<usize> {
    let words = line.trim_start_matches(' ');
    (!words.is_empty()).then_some(line.len() - words.len())
}

/// Bytes of the lines that are indented enough, or blank.
fn extent(body: &str, indent: usize) -> usize {
    let mut size = 0;
    for line in body.split_inclusive('\n') {
        if indented(line.trim_end_matches('\n')).is_some_and(|own| own < indent) {
            break;
        }
        size += line.len();
    }
    size
}

fn content(line: &str, indent: usize) -> &str {
    line.get(indent..).unwrap_or_default()
}

fn joined(lines: &[&str], header: &Header) -> Vec<u8> {
    let full = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let mut value = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for (at, line) in lines[..full].iter().enumerate() {
        value.extend_from_slice(line.as_bytes());
        if at + 1 < full {
            between(&lines[..full], at, header.folded, &mut value);
        }
    }
    let breaks = match header.chomp {
        Chomp::Strip => 0,
        Chomp::Clip => usize::from(full > 0),
        Chomp::Keep => lines.len() - full + usize::from(full > 0),
    };
    value.resize(value.len() + breaks, b'\n');
    value
}

/// What stands between line `at` and the next one. Folding joins two lines of text by a blank; of
/// some line breaks between them it takes one; lines that are indented further keep theirs.
fn between(lines: &[&str], at: usize, folded: bool, value: &mut Vec<u8>) {
    let deep = |line: &str| line.starts_with([' ', '\t']);
    let text = |line: &str| !line.is_empty() && !deep(line);
    let (line, next) = (lines[at], lines[at + 1]);
    if folded && text(line) && text(next) {
        value.push(b' ');
    } else if !(folded && text(line) && next.is_empty() && text(after_blank(lines, at))) {
        value.push(b'\n');
    }
}

/// The first line after `at` that is not empty.
fn after_blank<'a>(lines: &[&'a str], at: usize) -> &'a str {
    lines[at + 1..].iter().find(|line| !line.is_empty()).copied().unwrap_or_default()
}
