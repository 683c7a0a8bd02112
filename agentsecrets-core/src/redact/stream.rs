//! Redaction of a text that comes in pieces.

use std::sync::Arc;

use zeroize::Zeroize;

use super::{
    Plan,
    lane::{Lane, Span, Symbol, Window},
};

/// A text on its way through a [`Redactor`](super::Redactor): what comes out is the same however
/// the text is cut, and nothing is held back but what could still become an occurrence.
pub struct Stream {
    plan: Arc<Plan>,
    plain: Window,
    lanes: Vec<Lane>,
    awake: bool,
    /// How much of the text has come in.
    position: u64,
    /// What has come in and not gone out, and its place in the text.
    held: Vec<u8>,
    base: u64,
    spans: Vec<Span>,
    /// Where the newest mask's stretch ends, and whose it is.
    masked: Option<(u64, u32)>,
    found: usize,
}

impl Stream {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        Self {
            lanes: plan.lanes(),
            plan,
            plain: Window::default(),
            awake: false,
            position: 0,
            held: Vec::new(),
            base: 0,
            spans: Vec::new(),
            masked: None,
            found: 0,
        }
    }

    /// Takes the next piece of the text, of any length; gives what is ready.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(chunk);
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = self.skip(rest);
            if let Some((byte, after)) = rest.split_first() {
                self.step(*byte);
                rest = after;
            }
        }
        self.release(self.pending())
    }

    /// Gives the rest. The stream can take another text afterwards.
    pub fn finish(&mut self) -> Vec<u8> {
        let plan = Arc::clone(&self.plan);
        self.lanes.iter_mut().for_each(|lane| lane.finish(&plan.automaton, &mut self.spans));
        self.plain.finish(&mut self.spans);
        let out = self.release(self.position);
        let fresh = Self::new(plan);
        let found = std::mem::replace(self, fresh).found;
        self.found = found;
        out
    }

    /// How many occurrences were replaced so far.
    pub fn found(&self) -> usize {
        self.found
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Passes over bytes that neither begin an occurrence nor an escape.
    fn skip<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        if self.awake || !self.plain.is_idle() {
            return text;
        }
        let cold = text.iter().position(|byte| self.plan.hot[*byte as usize]);
        let cold = cold.unwrap_or(text.len());
        if let Some(last) = text[..cold].last() {
            self.position += cold as u64;
            self.plain.skip(Symbol { byte: *last, start: self.position - 1, end: self.position });
        }
        &text[cold..]
    }

    fn step(&mut self, byte: u8) {
        let Self { plan, plain, lanes, spans, .. } = self;
        let symbol = Symbol { byte, start: self.position, end: self.position + 1 };
        self.position += 1;
        if self.awake || plan.wakes[byte as usize] {
            lanes.iter_mut().for_each(|lane| lane.push(&plan.automaton, symbol, plain, spans));
        }
        plain.step(&plan.automaton, symbol, spans);
        if self.awake || plan.wakes[byte as usize] {
            self.awake = lanes.iter_mut().fold(false, |awake, lane| lane.rest(plain) | awake);
        }
    }

    fn pending(&self) -> u64 {
        let Plan { automaton, leads, .. } = &*self.plan;
        let lanes =
            self.lanes.iter().filter_map(|lane| lane.pending(automaton, leads, self.position));
        lanes
            .chain(self.plain.pending(automaton, leads, self.position))
            .fold(self.position, u64::min)
    }

    /// Gives what lies before a place, masked. Nothing that begins before it is still undecided.
    fn release(&mut self, end: u64) -> Vec<u8> {
        let mut out = Vec::new();
        self.spans.sort_unstable_by_key(|span| (span.start, !span.end, span.secret));
        let ready = self.spans.partition_point(|span| span.start < end);
        for span in self.spans.drain(..ready).collect::<Vec<_>>() {
            match self.masked {
                Some((until, secret)) if joins(span, until, secret) => {
                    self.masked = Some((until.max(span.end), secret));
                }
                _ => {
                    self.copy(span.start, &mut out);
                    out.extend_from_slice(&self.plan.masks[span.secret as usize]);
                    self.masked = Some((span.end, span.secret));
                    self.found += 1;
                }
            }
            self.discard(self.masked.map_or(0, |(until, _)| until));
        }
        self.copy(end, &mut out);
        out
    }

    fn copy(&mut self, end: u64, out: &mut Vec<u8>) {
        let count = end.saturating_sub(self.base) as usize;
        out.extend(self.held.drain(..count));
        self.base += count as u64;
    }

    fn discard(&mut self, end: u64) {
        let count = end.saturating_sub(self.base) as usize;
        self.held.drain(..count);
        self.base += count as u64;
    }
}

/// Whether a stretch belongs to the newest mask: it overlaps it, or goes on with the same value.
fn joins(span: Span, until: u64, secret: u32) -> bool {
    span.start < until || (span.start == until && span.secret == secret)
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}
