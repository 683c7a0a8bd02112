//! The forms that an encoder gives a value whatever stands around it.

use zeroize::Zeroizing;

/// Longest piece of a value that is looked for at once, in bytes; a multiple of three.
pub(super) const PIECE: usize = 255;
/// A value under this length counts only where it stands alone.
pub(super) const ALONE_BELOW: usize = 8;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What it takes for a pattern to be an occurrence, and what belongs to it besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Whose value it is, by its place in the list of names.
    pub(super) secret: u32,
    /// Whether no letter, digit or underscore may touch it.
    pub(super) alone: bool,
    /// The base64 digit before it, of which the value decides the low bits.
    pub(super) lead: Option<Lead>,
}

/// Which base64 digits may hold a value's first bits: those whose low bits are these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead {
    mask: u8,
    bits: u8,
}

impl Lead {
    pub(super) fn fits(self, byte: u8) -> bool {
        digit(byte).is_some_and(|digit| digit & self.mask == self.bits)
    }
}

/// The six bits of a base64 digit of either alphabet.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// A text that is looked for; wiped on drop.
pub(super) struct Pattern {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) rule: Rule,
}

/// Every pattern of one value.
pub(super) fn patterns(secret: u32, value: &[u8]) -> Vec<Pattern> {
    let alone = value.len() < ALONE_BELOW;
    let mut all = Forms { secret, alone, patterns: Vec::new() };
    pieces(value).for_each(|piece| all.piece(piece));
    all.patterns
}

/// A long value in pieces of nearly one size, so that also what was cut off is found.
fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = value.len().div_ceil(PIECE);
    let size = value.len().div_ceil(count.max(1)).max(1);
    value.chunks(size)
}

struct Forms {
    secret: u32,
    alone: bool,
    patterns: Vec<Pattern>,
}

impl Forms {
    fn piece(&mut self, piece: &[u8]) {
        self.plain(piece);
        if !piece.is_ascii() {
            self.plain(&latin1(piece));
        }
        for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
            self.add(hex(piece, digits), false, None);
        }
        for alphabet in [STANDARD, URL_SAFE] {
            (0..3).for_each(|shift| self.base64(piece, shift, alphabet));
        }
    }

    fn plain(&mut self, piece: &[u8]) {
        self.add(Zeroizing::new(piece.to_vec()), self.alone, None);
    }

    fn add(&mut self, bytes: Zeroizing<Vec<u8>>, alone: bool, lead: Option<Lead>) {
        self.patterns.push(Pattern { bytes, rule: Rule { secret: self.secret, alone, lead } });
    }

    /// The digits that the piece alone decides when `shift` bytes stand before it in its group of
    /// three; then the same with the last digit, which it decides in part, and with padding.
    fn base64(&mut self, piece: &[u8], shift: usize, alphabet: &[u8; 64]) {
        let lead = lead(piece, shift);
        let (first, end) = ((8 * shift).div_ceil(6), 8 * (shift + piece.len()) / 6);
        let mut inner = Zeroizing::new(Vec::with_capacity(end - first + 3));
        inner.extend((first..end).map(|at| alphabet[sextet(piece, shift, at) as usize]));
        let known = 8 * (shift + piece.len()) % 6;
        if known != 0 {
            let bits = sextet(piece, shift, end);
            for rest in 0..1 << (6 - known) {
                self.extended(&inner, &[alphabet[(bits | rest) as usize]], lead);
            }
            let last = alphabet[bits as usize];
            self.extended(&inner, &[last, b'='], lead);
            if known == 2 {
                self.extended(&inner, &[last, b'=', b'='], lead);
            }
        }
        self.add(inner, false, lead);
    }

    fn extended(&mut self, inner: &[u8], tail: &[u8], lead: Option<Lead>) {
        let mut bytes = Zeroizing::new(Vec::with_capacity(inner.len() + tail.len()));
        bytes.extend_from_slice(inner);
        bytes.extend_from_slice(tail);
        self.add(bytes, false, lead);
    }
}

/// Six bits of the text `00.. piece 00..` with `shift` zero bytes before the piece.
fn sextet(piece: &[u8], shift: usize, at: usize) -> u8 {
    let byte = |at: usize| at.checked_sub(shift).and_then(|at| piece.get(at)).copied().unwrap_or(0);
    let (start, offset) = (6 * at / 8, 6 * at % 8);
    let pair = u16::from_be_bytes([byte(start), byte(start + 1)]);
    (pair >> (10 - offset)) as u8 & 0x3f
}

fn lead(piece: &[u8], shift: usize) -> Option<Lead> {
    let first = *piece.first()?;
    match shift {
        1 => Some(Lead { mask: 0x0f, bits: first >> 4 }),
        2 => Some(Lead { mask: 0x03, bits: first >> 6 }),
        _ => None,
    }
}

fn hex(piece: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(2 * piece.len()));
    piece.iter().for_each(|byte| {
        out.push(digits[(byte >> 4) as usize]);
        out.push(digits[(byte & 15) as usize]);
    });
    out
}

/// What a program makes of bytes that it takes for Latin-1 and writes as UTF-8.
fn latin1(piece: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(2 * piece.len()));
    for byte in piece {
        out.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 4]).as_bytes());
    }
    out
}
