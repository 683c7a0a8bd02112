//! One reading of the text: as it stands, or with its escapes undone, each byte with its source.

use std::collections::VecDeque;

use zeroize::Zeroize;

use super::{
    automaton::{Automaton, ROOT},
    escape::{Escape, Read},
};

/// A byte as one reading has it, and the places in the text where it begins and ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) byte: u8,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A stretch of the text that stands for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) secret: u32,
}

/// The latest bytes of a reading: those that may begin an occurrence, and the one before them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Window {
    state: u32,
    recent: VecDeque<Symbol>,
    /// An occurrence, if what follows is no letter, digit or underscore.
    waiting: Option<Span>,
}

impl Window {
    /// Whether nothing has been recognised.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.state == ROOT
    }

    /// Passes over bytes that begin nothing, of which this is the last.
    pub(super) fn skip(&mut self, last: Symbol) {
        self.recent.clear();
        self.recent.push_back(last);
    }

    pub(super) fn step(&mut self, automaton: &Automaton, symbol: Symbol, spans: &mut Vec<Span>) {
        if let Some(span) = self.waiting.take().filter(|_| !is_word(symbol.byte)) {
            spans.push(span);
        }
        self.state = automaton.step(self.state, symbol.byte);
        self.recent.push_back(symbol);
        while self.recent.len() > automaton.depth(self.state) + 1 {
            self.recent.pop_front();
        }
        self.take(automaton, symbol.end, spans);
    }

    /// What ends here. Longest first: what is shorter lies inside of what counts.
    fn take(&mut self, automaton: &Automaton, end: u64, spans: &mut Vec<Span>) {
        for (length, rule) in automaton.found(self.state) {
            let first = self.recent.len() - length;
            let (before, first) = (self.before(first), self.recent[first]);
            let fits = |byte| rule.lead.is_some_and(|lead| lead.fits(byte));
            let led = before.filter(|before| before.end == first.start && fits(before.byte));
            let span = Span { start: led.unwrap_or(first).start, end, secret: rule.secret };
            if !rule.alone {
                spans.push(span);
                return;
            }
            if self.waiting.is_none() && !before.is_some_and(|before| is_word(before.byte)) {
                self.waiting = Some(span);
            }
        }
    }

    /// The text is at its end.
    pub(super) fn finish(&mut self, spans: &mut Vec<Span>) {
        spans.extend(self.waiting.take());
    }

    fn before(&self, at: usize) -> Option<Symbol> {
        at.checked_sub(1).map(|at| self.recent[at])
    }

    /// Where what may still become an occurrence begins, if anything does. `leads` tells the bytes
    /// that may belong to an occurrence which begins right after them; the next byte is at `next`.
    pub(super) fn pending(
        &self,
        automaton: &Automaton,
        leads: &[bool; 256],
        next: u64,
    ) -> Option<u64> {
        let first = self.recent.len().checked_sub(automaton.depth(self.state))?;
        let start = self.recent.get(first).map(|symbol| symbol.start);
        let adjacent = |before: &Symbol| before.end == start.unwrap_or(next);
        let led = self.before(first).filter(|b| adjacent(b) && leads[b.byte as usize]);
        led.map(|before| before.start).or(start)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let (front, back) = self.recent.as_mut_slices();
        front.iter_mut().chain(back).for_each(|symbol| symbol.byte.zeroize());
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Undoes one kind of escape.
struct Decoder {
    escape: Escape,
    /// The beginning of what may be an escape.
    pending: Vec<Symbol>,
}

impl Decoder {
    fn push(&mut self, symbol: Symbol, mut sink: impl FnMut(Symbol)) {
        if self.pending.is_empty() && !self.escape.begins(symbol.byte) {
            return sink(symbol);
        }
        self.pending.push(symbol);
        self.read(false, &mut sink);
    }

    fn pending(&self) -> Option<u64> {
        self.pending.first().map(|symbol| symbol.start)
    }

    fn is_at_line_break(&self) -> bool {
        self.escape == Escape::Wrapped && !self.pending.is_empty()
    }

    fn finish(&mut self, mut sink: impl FnMut(Symbol)) {
        self.read(true, &mut sink);
    }

    fn read(&mut self, all: bool, sink: &mut impl FnMut(Symbol)) {
        let mut done = 0;
        while done < self.pending.len() {
            let rest = &self.pending[done..];
            let bytes: Vec<u8> = rest.iter().map(|symbol| symbol.byte).collect();
            match self.escape.read(&bytes, all) {
                Read::More => break,
                Read::Literal => {
                    sink(rest[0]);
                    done += 1;
                }
                Read::Text { length, text } => {
                    let (start, end) = (rest[0].start, rest[length - 1].end);
                    let symbol = |byte: &u8| Symbol { byte: *byte, start, end };
                    text.as_slice().iter().map(symbol).for_each(&mut *sink);
                    done += length;
                }
            }
        }
        self.pending.drain(..done);
    }
}

/// A reading with escapes undone, one kind after the other. It sleeps while the text has none of
/// them near, since then it reads what the plain one reads.
pub(super) struct Lane {
    decoders: Vec<Decoder>,
    window: Window,
    awake: bool,
}

impl Lane {
    pub(super) fn new(escapes: &[Escape]) -> Self {
        let decoder = |escape: &Escape| Decoder { escape: *escape, pending: Vec::new() };
        let decoders = escapes.iter().map(decoder).collect();
        Self { decoders, window: Window::default(), awake: false }
    }

    /// Takes the next byte of the text; `plain` is the plain reading up to it.
    pub(super) fn push(
        &mut self,
        automaton: &Automaton,
        symbol: Symbol,
        plain: &Window,
        spans: &mut Vec<Span>,
    ) {
        if !self.awake {
            if !self.decoders.iter().any(|decoder| decoder.escape.begins(symbol.byte)) {
                return;
            }
            self.window.clone_from(plain);
            self.awake = true;
        }
        let Self { decoders, window, .. } = self;
        let step = |symbol| window.step(automaton, symbol, spans);
        match decoders.as_mut_slice() {
            [outer, inner] => outer.push(symbol, {
                let mut step = step;
                move |symbol| inner.push(symbol, &mut step)
            }),
            [one] => one.push(symbol, step),
            _ => {}
        }
    }

    /// Whether it reads something else than the plain reading; if not, it falls asleep.
    pub(super) fn rest(&mut self, plain: &Window) -> bool {
        if self.awake {
            let pending = self.decoders.iter().any(|decoder| !decoder.pending.is_empty());
            self.awake = pending || self.window != *plain;
        }
        self.awake
    }

    pub(super) fn finish(&mut self, automaton: &Automaton, spans: &mut Vec<Span>) {
        if !std::mem::take(&mut self.awake) {
            return;
        }
        let Self { decoders, window, .. } = self;
        for first in 0..decoders.len() {
            let Some((decoder, rest)) = decoders[first..].split_first_mut() else { return };
            decoder.finish(|symbol| match rest.first_mut() {
                Some(next) => next.push(symbol, |symbol| window.step(automaton, symbol, spans)),
                None => window.step(automaton, symbol, spans),
            });
        }
        window.finish(spans);
    }

    /// Where what may still become an occurrence begins, if anything does; the text's next byte is
    /// at `position`.
    pub(super) fn pending(
        &self,
        automaton: &Automaton,
        leads: &[bool; 256],
        position: u64,
    ) -> Option<u64> {
        if !self.awake {
            return None;
        }
        let mut decoders = self.decoders.iter().rev();
        if self.window.is_idle() && decoders.clone().any(Decoder::is_at_line_break) {
            // No occurrence begins with a line break.
            decoders.next();
            return decoders.find_map(Decoder::pending);
        }
        let escape = decoders.find_map(Decoder::pending);
        self.window.pending(automaton, leads, escape.unwrap_or(position)).or(escape)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.pending.iter_mut().for_each(|symbol| symbol.byte.zeroize());
    }
}
