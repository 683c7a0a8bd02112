//! Redaction by the slow, obvious way: undo the escapes of the whole text, look at every place for
//! every form of every value, and mark what is covered.

use data_encoding::{BASE64, BASE64URL};

/// A reading's byte with the places where it begins and ends in the text.
type Symbol = (u8, usize, usize);

/// The text with `[redacted NAME]` for every stretch that stands for a value.
pub fn redact(text: &[u8], secrets: &[(&str, &[u8])]) -> Vec<u8> {
    let plain: Vec<Symbol> =
        text.iter().enumerate().map(|(at, byte)| (*byte, at, at + 1)).collect();
    let mut spans = Vec::new();
    for escapes in ["", "%", "+", "j", "h", "w", "jj", "jh", "jw", "hj", "+j", "%%"] {
        let reading = escapes.chars().fold(plain.clone(), |text, escape| undo(&text, escape));
        for (index, (_, value)) in secrets.iter().enumerate() {
            occurrences(&reading, value.trim_ascii(), index, &mut spans);
        }
    }
    mask(text, spans, secrets)
}

fn mask(text: &[u8], mut spans: Vec<(usize, usize, usize)>, secrets: &[(&str, &[u8])]) -> Vec<u8> {
    spans.sort_by_key(|(start, end, index)| (*start, usize::MAX - *end, *index));
    let (mut out, mut until, mut owner) = (Vec::new(), 0, None);
    for (start, end, index) in spans {
        let goes_on =
            owner.is_some() && (start < until || (start == until && owner == Some(index)));
        if !goes_on {
            out.extend_from_slice(&text[until..start]);
            out.extend_from_slice(format!("[redacted {}]", secrets[index].0).as_bytes());
            owner = Some(index);
        }
        until = until.max(end);
    }
    out.extend_from_slice(&text[until..]);
    out
}

fn occurrences(
    text: &[Symbol],
    value: &[u8],
    index: usize,
    spans: &mut Vec<(usize, usize, usize)>,
) {
    let bytes: Vec<u8> = text.iter().map(|symbol| symbol.0).collect();
    let mut add = |first: usize, end: usize| spans.push((text[first].1, text[end - 1].2, index));
    let count = value.len().div_ceil(255);
    for piece in value.chunks(value.len().div_ceil(count)) {
        let latin1: String = piece.iter().map(|byte| char::from(*byte)).collect();
        for plain in [piece, latin1.as_bytes()] {
            for at in places(&bytes, plain) {
                let end = at + plain.len();
                let word = |at: usize| {
                    bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
                };
                if value.len() >= 8 || !(at > 0 && word(at - 1) || word(end)) {
                    add(at, end);
                }
            }
        }
        let hex: String = piece.iter().map(|byte| format!("{byte:02x}")).collect();
        for hex in [hex.to_uppercase(), hex] {
            places(&bytes, hex.as_bytes()).into_iter().for_each(|at| add(at, at + hex.len()));
        }
        for (shift, encoding) in [0, 1, 2].into_iter().flat_map(|s| [(s, BASE64), (s, BASE64URL)]) {
            let around = |b: u8, e: u8| {
                encoding.encode(&[&vec![b; shift], piece, &[e; 3]].concat()).into_bytes()
            };
            let (zeros, ones) = (around(0, 0), around(255, 255));
            let same: Vec<usize> = (0..zeros.len()).filter(|i| zeros[*i] == ones[*i]).collect();
            let known = 8 * (shift + piece.len()) / 6;
            let first = same[0];
            let inner = &zeros[first..known];
            let leads: Vec<u8> = match shift {
                0 => vec![],
                _ => (0..=255)
                    .flat_map(|b| {
                        [
                            BASE64.encode(&[&vec![b; shift], piece].concat()),
                            BASE64URL.encode(&[&vec![b; shift], piece].concat()),
                        ]
                    })
                    .map(|text| text.as_bytes()[first - 1])
                    .collect(),
            };
            let tails: Vec<u8> = match 8 * (shift + piece.len()) % 6 {
                0 => vec![],
                _ => (0..=255).map(|e| around(0, e)[known]).collect(),
            };
            let padded = encoding.encode(&[&vec![0; shift], piece].concat()).into_bytes();
            for at in places(&bytes, inner) {
                let start = match at > 0
                    && text[at - 1].2 == text[at].1
                    && leads.contains(&bytes[at - 1])
                {
                    true => at - 1,
                    false => at,
                };
                let mut end = at + inner.len();
                if bytes.get(end).is_some_and(|byte| tails.contains(byte)) {
                    end += 1;
                    let paddings = padded.iter().filter(|byte| **byte == b'=').count();
                    if bytes[end - 1] == padded[known] {
                        end += bytes[end..]
                            .iter()
                            .take(paddings)
                            .take_while(|byte| **byte == b'=')
                            .count();
                    }
                }
                add(start, end);
            }
        }
    }
}

fn places(text: &[u8], wanted: &[u8]) -> Vec<usize> {
    text.windows(wanted.len()).enumerate().filter(|(_, w)| *w == wanted).map(|(at, _)| at).collect()
}

/// The same text with one kind of escape undone.
fn undo(text: &[Symbol], escape: char) -> Vec<Symbol> {
    let bytes: Vec<u8> = text.iter().map(|symbol| symbol.0).collect();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = String::from_utf8_lossy(&bytes[at..text.len().min(at + 40)]).into_owned();
        // An escape is ASCII: what comes after other bytes is none of it.
        let rest: String = rest.chars().take_while(char::is_ascii).collect();
        let read = match escape {
            '%' => percent(&rest),
            '+' if rest.starts_with('+') => Some((vec![b' '], 1)),
            '+' => percent(&rest),
            'j' => json(&rest),
            'h' => html(&rest, text.len() - at),
            'w' => {
                let length = if rest.starts_with("\r\n") { 2 } else { 1 };
                let after = bytes.get(at + length).is_some_and(|byte| !b"\r\n".contains(byte));
                (bytes[at + length - 1] == b'\n' && after).then_some((vec![], length))
            }
            _ => None,
        };
        let (decoded, length) = read.unwrap_or((vec![bytes[at]], 1));
        out.extend(decoded.into_iter().map(|byte| (byte, text[at].1, text[at + length - 1].2)));
        at += length;
    }
    out
}

fn number(text: Option<&str>, radix: u32) -> Option<u32> {
    let text = text?;
    (!text.is_empty() && text.chars().all(|c| c.is_digit(radix)))
        .then(|| u32::from_str_radix(text, radix).ok())?
}

fn character(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

fn percent(text: &str) -> Option<(Vec<u8>, usize)> {
    let byte = number(text.strip_prefix('%')?.get(..2), 16)?;
    Some((vec![byte as u8], 3))
}

fn json(text: &str) -> Option<(Vec<u8>, usize)> {
    let rest = text.strip_prefix('\\')?;
    if let Some(digits) = rest.strip_prefix('x') {
        return Some((vec![number(digits.get(..2), 16)? as u8], 4));
    }
    if let Some(digits) = rest.strip_prefix('u') {
        let high = number(digits.get(..4), 16)?;
        if let Some(text) = character(high) {
            return Some((text, 6));
        }
        let low = number(digits[4..].strip_prefix("\\u")?.get(..4), 16)?;
        let pair = char::decode_utf16([high as u16, low as u16]).next()?.ok()?;
        return Some((pair.to_string().into_bytes(), 12));
    }
    let pairs = [
        ('"', b'"'),
        ('\\', b'\\'),
        ('/', b'/'),
        ('\'', b'\''),
        ('b', 8),
        ('f', 12),
        ('n', 10),
        ('r', 13),
        ('t', 9),
    ];
    let found = pairs.iter().find(|(letter, _)| rest.starts_with(*letter))?;
    Some((vec![found.1], 2))
}

fn html(text: &str, left: usize) -> Option<(Vec<u8>, usize)> {
    let rest = text.strip_prefix('&')?;
    if let Some(rest) = rest.strip_prefix('#') {
        let (radix, digits) = match rest.strip_prefix(['x', 'X']) {
            Some(digits) => (16, digits),
            None => (10, rest),
        };
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let before = text.len() - digits.len();
        // Forty bytes without an end are no escape.
        if before + end >= 40 && left >= 40 {
            return None;
        }
        let text = character(number(Some(&digits[..end]), radix)?)?;
        return Some((text, before + end + usize::from(digits[end..].starts_with(';'))));
    }
    for (name, code) in NAMES.lines().filter_map(|line| line.trim().split_once(' ')) {
        let bare = ["amp", "AMP", "lt", "LT", "gt", "GT", "quot", "QUOT"].contains(&name);
        if rest.starts_with(name) && (bare || rest[name.len()..].starts_with(';')) {
            let semicolon = usize::from(rest[name.len()..].starts_with(';'));
            return Some((character(code.parse().ok()?)?, 1 + name.len() + semicolon));
        }
    }
    None
}

const NAMES: &str = "Tab 9\nNewLine 10\nexcl 33\nquot 34\nQUOT 34\nnum 35\ndollar 36\npercnt 37\namp 38\nAMP 38
    apos 39\nlpar 40\nrpar 41\nast 42\nmidast 42\nplus 43\ncomma 44\nperiod 46\nsol 47\ncolon 58\nsemi 59\nlt 60
    LT 60\nequals 61\ngt 62\nGT 62\nquest 63\ncommat 64\nlsqb 91\nlbrack 91\nbsol 92\nrsqb 93\nrbrack 93\nHat 94
    lowbar 95\nUnderBar 95\ngrave 96\nDiacriticalGrave 96\nlcub 123\nlbrace 123\nverbar 124\nvert 124
    VerticalLine 124\nrcub 125\nrbrace 125\nnbsp 160";
