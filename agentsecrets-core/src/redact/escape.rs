//! Escapes of texts, read one at a time: percent, form, JSON, HTML, and lines broken at a width.

/// Longest escape that is read, in bytes; a longer one counts as the text that it is.
const LONGEST: usize = 40;

/// One way to write characters otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// `%41`.
    Percent,
    /// `%41`, and `+` for a space.
    Form,
    /// `\n`, `\"`, `\u0041`, `\x41`, surrogate pairs.
    Json,
    /// `&amp;`, `&#65;`, `&#x41;`.
    Html,
    /// Single line breaks, as base64 in mail has them.
    Wrapped,
}

/// What the beginning of a text is.
pub(super) enum Read {
    /// Too little to say.
    More,
    /// The first byte stands for itself.
    Literal,
    /// So many bytes stand for this text.
    Text { length: usize, text: Text },
}

/// Up to four bytes that an escape stands for.
#[derive(Clone, Copy)]
pub(super) struct Text {
    bytes: [u8; 4],
    length: u8,
}

impl Text {
    const NOTHING: Self = Self { bytes: [0; 4], length: 0 };

    fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn character(code: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let length = char::from_u32(code)?.encode_utf8(&mut bytes).len() as u8;
        Some(Self { bytes, length })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }
}

impl Escape {
    /// Whether an escape begins with this byte.
    #[inline]
    pub(super) fn begins(self, byte: u8) -> bool {
        match self {
            Self::Percent => byte == b'%',
            Self::Form => matches!(byte, b'%' | b'+'),
            Self::Json => byte == b'\\',
            Self::Html => byte == b'&',
            Self::Wrapped => matches!(byte, b'\n' | b'\r'),
        }
    }

    /// What `text`, not empty, begins with; `all` says that nothing follows it.
    pub(super) fn read(self, text: &[u8], all: bool) -> Read {
        if !self.begins(text[0]) {
            return Read::Literal;
        }
        let read = match self {
            Self::Form if text[0] == b'+' => found(1, Text::byte(b' ')),
            Self::Percent | Self::Form => percent(text),
            Self::Json => json(text),
            Self::Html => html(text, all),
            Self::Wrapped => wrapped(text),
        };
        match read {
            Read::More if all || text.len() >= LONGEST => Read::Literal,
            read => read,
        }
    }
}

fn found(length: usize, text: Text) -> Read {
    Read::Text { length, text }
}

/// So many hexadecimal digits at a place: their number, or whether it takes more text to say.
fn hex(text: &[u8], from: usize, count: usize) -> Result<u32, Read> {
    let mut number = 0;
    for at in from..from + count {
        let byte = text.get(at).ok_or(Read::More)?;
        number = number << 4 | char::from(*byte).to_digit(16).ok_or(Read::Literal)?;
    }
    Ok(number)
}

fn percent(text: &[u8]) -> Read {
    match hex(text, 1, 2) {
        Ok(byte) => found(3, Text::byte(byte as u8)),
        Err(read) => read,
    }
}

/// A line break that no other follows: a blank line ends what was wrapped.
fn wrapped(text: &[u8]) -> Read {
    let length = if text[0] == b'\r' { 2 } else { 1 };
    match (text.get(length - 1), text.get(length)) {
        (None, _) | (Some(b'\n'), None) => Read::More,
        (Some(b'\n'), Some(after)) if !b"\r\n".contains(after) => found(length, Text::NOTHING),
        _ => Read::Literal,
    }
}

fn json(text: &[u8]) -> Read {
    let Some(kind) = text.get(1) else { return Read::More };
    let byte = match kind {
        b'"' | b'\\' | b'/' | b'\'' => *kind,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'x' => {
            return hex(text, 2, 2).map_or_else(|r| r, |byte| found(4, Text::byte(byte as u8)));
        }
        b'u' => return unicode(text).unwrap_or_else(|read| read),
        _ => return Read::Literal,
    };
    found(2, Text::byte(byte))
}

/// `\u0041`, or a pair of surrogates. Half a pair is no character, and stands for itself.
fn unicode(text: &[u8]) -> Result<Read, Read> {
    let high = hex(text, 2, 4)?;
    if let Some(text) = Text::character(high) {
        return Ok(found(6, text));
    }
    for (at, expected) in [(6, b'\\'), (7, b'u')] {
        if *text.get(at).ok_or(Read::More)? != expected {
            return Err(Read::Literal);
        }
    }
    let low = hex(text, 8, 4)?;
    if !(0xd800..0xdc00).contains(&high) || !(0xdc00..0xe000).contains(&low) {
        return Err(Read::Literal);
    }
    let code = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
    Ok(Text::character(code).map_or(Read::Literal, |text| found(12, text)))
}

fn html(text: &[u8], all: bool) -> Read {
    match text.get(1) {
        None => Read::More,
        Some(b'#') => match text.get(2) {
            None => Read::More,
            Some(b'x' | b'X') => numeric(text, 3, 16, all),
            Some(_) => numeric(text, 2, 10, all),
        },
        Some(_) => named(text, all),
    }
}

/// A character by its number; browsers take it without the semicolon too.
fn numeric(text: &[u8], from: usize, radix: u32, all: bool) -> Read {
    let digits = text[from..].iter().map_while(|byte| char::from(*byte).to_digit(radix));
    let (mut code, mut count) = (0u32, 0);
    for digit in digits {
        code = code.saturating_mul(radix).saturating_add(digit);
        count += 1;
    }
    let semicolon = match text.get(from + count) {
        None if !all => return Read::More,
        following => following == Some(&b';'),
    };
    match Text::character(code).filter(|_| count > 0) {
        Some(text) => found(from + count + usize::from(semicolon), text),
        None => Read::Literal,
    }
}

/// Names of the ASCII characters and of the space that does not break.
const NAMES: &[(&[u8], u32)] = &[
    (b"Tab", 9),
    (b"NewLine", 10),
    (b"excl", 33),
    (b"quot", 34),
    (b"QUOT", 34),
    (b"num", 35),
    (b"dollar", 36),
    (b"percnt", 37),
    (b"amp", 38),
    (b"AMP", 38),
    (b"apos", 39),
    (b"lpar", 40),
    (b"rpar", 41),
    (b"ast", 42),
    (b"midast", 42),
    (b"plus", 43),
    (b"comma", 44),
    (b"period", 46),
    (b"sol", 47),
    (b"colon", 58),
    (b"semi", 59),
    (b"lt", 60),
    (b"LT", 60),
    (b"equals", 61),
    (b"gt", 62),
    (b"GT", 62),
    (b"quest", 63),
    (b"commat", 64),
    (b"lsqb", 91),
    (b"lbrack", 91),
    (b"bsol", 92),
    (b"rsqb", 93),
    (b"rbrack", 93),
    (b"Hat", 94),
    (b"lowbar", 95),
    (b"UnderBar", 95),
    (b"grave", 96),
    (b"DiacriticalGrave", 96),
    (b"lcub", 123),
    (b"lbrace", 123),
    (b"verbar", 124),
    (b"vert", 124),
    (b"VerticalLine", 124),
    (b"rcub", 125),
    (b"rbrace", 125),
    (b"nbsp", 160),
];
/// Those that browsers take without the semicolon.
const BARE: &[&[u8]] = &[b"quot", b"QUOT", b"amp", b"AMP", b"lt", b"LT", b"gt", b"GT"];

fn named(text: &[u8], all: bool) -> Read {
    let rest = &text[1..];
    for (name, code) in NAMES {
        let Some(after) = rest.strip_prefix(*name) else { continue };
        let (semicolon, bare) = (after.first() == Some(&b';'), BARE.contains(name));
        if after.is_empty() && !all {
            return Read::More;
        }
        if semicolon || bare {
            let length = 1 + name.len() + usize::from(semicolon);
            return Text::character(*code).map_or(Read::Literal, |text| found(length, text));
        }
    }
    match NAMES.iter().any(|(name, _)| name.starts_with(rest)) {
        true => Read::More,
        false => Read::Literal,
    }
}
