//! Patterns of paths: a segment, any one segment (`*`), and at the end any rest (`**`).

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize, io};

use crate::encoding::invalid;

/// Longest pattern in bytes.
const MAX_PATTERN: usize = 512;

/// A pattern of paths: `/v1/charges`, `/v1/charges/*`, `/v1/**`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct PathPattern(String);

impl PathPattern {
    /// A pattern that begins with `/`; `*` is one whole segment, `**` stands at the end alone, and
    /// all else is a path in its one form.
    pub fn parse(text: &str) -> Option<Self> {
        let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        let (last, inner) = segments.split_last()?;
        let fits = inner
            .iter()
            .all(|segment| *segment == "*" || (is_segment(segment) && !segment.is_empty()))
            && (matches!(*last, "*" | "**") || is_segment(last));
        (fits && text.len() <= MAX_PATTERN).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path in its one form is meant.
    pub fn matches(&self, path: &str) -> bool {
        covers(
            self.segments(),
            path.strip_prefix('/').unwrap_or(path).split('/'),
            |pattern, part| pattern == part || (pattern == "*" && !part.is_empty()),
        )
    }

    /// Whether this pattern means every path that the other one does.
    pub fn covers(&self, narrower: &Self) -> bool {
        covers(self.segments(), narrower.segments(), |wide, narrow| {
            wide == narrow || (wide == "*" && !narrow.is_empty() && narrow != "**")
        })
    }

    fn segments(&self) -> std::str::Split<'_, char> {
        self.0[1..].split('/')
    }
}

/// Segment by segment; `**` takes the rest, whatever it is.
fn covers<'a>(
    mut wide: impl Iterator<Item = &'a str>,
    mut narrow: impl Iterator<Item = &'a str>,
    fits: impl Fn(&str, &str) -> bool,
) -> bool {
    loop {
        match (wide.next(), narrow.next()) {
            (Some("**"), _) | (None, None) => return true,
            (Some(a), Some(b)) if fits(a, b) => {}
            _ => return false,
        }
    }
}

/// One segment in its one form: no dots alone, nothing that a server would decode into a separator
/// or into something that had a plainer form, no `;` (some servers cut a segment there).
pub(crate) fn is_segment(segment: &str) -> bool {
    if matches!(segment, "." | "..") {
        return false;
    }
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => escaped(bytes.next(), bytes.next()),
            b'*' => false,
            _ => is_plain(byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()+,=:@".contains(&byte)
}

/// `%XX` in capitals, of a byte that has no plain form and separates nothing.
fn escaped(high: Option<u8>, low: Option<u8>) -> bool {
    let digit = |b: Option<u8>| match b {
        Some(b @ b'0'..=b'9') => Some(b - b'0'),
        Some(b @ b'A'..=b'F') => Some(b - b'A' + 10),
        _ => None,
    };
    let (Some(high), Some(low)) = (digit(high), digit(low)) else { return false };
    let byte = high << 4 | low;
    !is_plain(byte) && !byte.is_ascii_control() && !b"/\\%.;".contains(&byte)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BorshDeserialize for PathPattern {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        Self::parse(&text).ok_or_else(|| invalid("not a pattern of paths"))
    }
}
