//! Finds every pattern in one pass: the trie of Aho and Corasick with its failure links.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::pattern::{Pattern, Rule};

/// Where nothing has been recognised.
pub(super) const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

/// One node of the trie. Links are indices; children are a list of siblings.
#[derive(Clone, Copy)]
struct Node {
    child: u32,
    sibling: u32,
    fail: u32,
    /// The pattern that ends here.
    pattern: u32,
    /// The nearest node by failure links where a pattern ends.
    shorter: u32,
    depth: u32,
}

/// What is looked for. Values can be read off it, so it is wiped on drop; never grown in place.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    /// The byte that leads to each node.
    bytes: Vec<u8>,
    start: [u32; 256],
    rules: Vec<Rule>,
}

impl Automaton {
    pub(super) fn new(patterns: &[Pattern]) -> Self {
        let most = 1 + patterns.iter().map(|pattern| pattern.bytes.len()).sum::<usize>();
        let (nodes, bytes) = (Vec::with_capacity(most), Vec::with_capacity(most));
        let rules = Vec::with_capacity(patterns.len());
        let mut this = Self { nodes, bytes, start: [ROOT; 256], rules };
        this.add_node(0, 0);
        patterns.iter().for_each(|pattern| this.insert(pattern));
        this.link();
        this
    }

    fn add_node(&mut self, byte: u8, depth: u32) -> u32 {
        let (fail, shorter) = (ROOT, NONE);
        let node = Node { child: NONE, sibling: NONE, fail, pattern: NONE, shorter, depth };
        self.nodes.push(node);
        self.bytes.push(byte);
        (self.nodes.len() - 1) as u32
    }

    /// Of two equal patterns the first stays: of one value under two names, the first name.
    fn insert(&mut self, pattern: &Pattern) {
        let mut at = ROOT;
        for &byte in pattern.bytes.iter() {
            at = self.child(at, byte).unwrap_or_else(|| self.grow(at, byte));
        }
        if self.node(at).pattern == NONE {
            self.nodes[at as usize].pattern = self.rules.len() as u32;
            self.rules.push(pattern.rule);
        }
    }

    fn grow(&mut self, at: u32, byte: u8) -> u32 {
        let new = self.add_node(byte, self.node(at).depth + 1);
        self.nodes[new as usize].sibling = self.node(at).child;
        self.nodes[at as usize].child = new;
        if at == ROOT {
            self.start[byte as usize] = new;
        }
        new
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    fn children(&self, at: u32) -> impl Iterator<Item = u32> {
        let listed = |node: u32| (node != NONE).then_some(node);
        std::iter::successors(listed(self.node(at).child), move |node| {
            listed(self.node(*node).sibling)
        })
    }

    fn child(&self, at: u32, byte: u8) -> Option<u32> {
        if at == ROOT {
            return Some(self.start[byte as usize]).filter(|node| *node != ROOT);
        }
        self.children(at).find(|node| self.bytes[*node as usize] == byte)
    }

    /// Failure links, level by level: to the longest end of a node's text that begins a pattern.
    fn link(&mut self) {
        let mut level: Vec<u32> = self.children(ROOT).collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            for at in level {
                for child in self.children(at).collect::<Vec<_>>() {
                    let fail = self.step(self.node(at).fail, self.bytes[child as usize]);
                    let shorter = match self.node(fail).pattern {
                        NONE => self.node(fail).shorter,
                        _ => fail,
                    };
                    let node = &mut self.nodes[child as usize];
                    (node.fail, node.shorter) = (fail, shorter);
                    next.push(child);
                }
            }
            level = next;
        }
    }

    /// The state after one more byte.
    #[inline]
    pub(super) fn step(&self, mut at: u32, byte: u8) -> u32 {
        while at != ROOT {
            if let Some(child) = self.child(at, byte) {
                return child;
            }
            at = self.node(at).fail;
        }
        self.start[byte as usize]
    }

    /// Whether a byte, alone, leads anywhere.
    pub(super) fn starts(&self, byte: u8) -> bool {
        self.start[byte as usize] != ROOT
    }

    /// How many of the latest bytes could still become a pattern.
    #[inline]
    pub(super) fn depth(&self, at: u32) -> usize {
        self.node(at).depth as usize
    }

    /// The patterns that end in this state, longest first, with their lengths.
    #[inline]
    pub(super) fn found(&self, at: u32) -> impl Iterator<Item = (usize, &Rule)> {
        let first = if self.node(at).pattern == NONE { self.node(at).shorter } else { at };
        let listed = |node: u32| (node != NONE).then_some(node);
        std::iter::successors(listed(first), move |node| listed(self.node(*node).shorter))
            .map(|node| (self.depth(node), &self.rules[self.node(node).pattern as usize]))
    }
}

impl Drop for Automaton {
    fn drop(&mut self) {
        self.bytes.zeroize();
        self.start.zeroize();
    }
}

impl ZeroizeOnDrop for Automaton {}
