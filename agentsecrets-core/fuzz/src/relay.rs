//! The smallest honest relay: one workspace in memory, and its answers as plain data.

use std::collections::BTreeMap;

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash},
    log::{SignedEntry, State, deliveries},
    message::{Method, Request, Response},
    wire::{
        Acks, Bytes, Commit, Committed, DeliveriesPage, LogPage, NewAck, Received, Reply, WireHead,
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// Parts of each recipient by entry.
type Parts = BTreeMap<u64, BTreeMap<MemberId, Vec<Vec<u8>>>>;

#[derive(Clone, Default)]
pub(crate) struct Relay {
    entries: Vec<SignedEntry>,
    parts: Parts,
    acks: BTreeMap<MemberId, Vec<u8>>,
    replies: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<SealedHash, Vec<u8>>,
}

impl Relay {
    /// The answer to a request of one member.
    pub(crate) fn answer(&mut self, who: MemberId, request: &Request) -> Response {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let after = query.split('&').find_map(|pair| pair.strip_prefix("after=")?.parse().ok());
        let last = path.rsplit('/').next().unwrap_or_default();
        match (request.method, last) {
            (Method::Post, _) => self.commit(&read(&request.body)),
            (Method::Get, "log") => self.log(after, usize::MAX),
            (Method::Get, "deliveries") => json(200, &self.deliveries(who, after)),
            (Method::Get, "acks") => {
                json(200, &Acks { acks: self.acks.values().cloned().map(Bytes).collect() })
            }
            (Method::Put, "acks") => {
                self.acks.insert(who, read::<NewAck>(&request.body).ack.0);
                empty(204)
            }
            (Method::Put, hash) if path.contains("/sealed/") => {
                let hash = SealedHash::from_hex(hash).expect("a hash");
                self.uploads.insert(hash, request.body.clone());
                empty(204)
            }
            (Method::Put, invite) => {
                self.replies.insert(invite.to_owned(), request.body.clone());
                empty(204)
            }
            (Method::Get, invite) => match self.replies.get(invite) {
                Some(reply) => json(200, &read::<Reply>(reply)),
                None => problem(404, "unknown_invitation"),
            },
        }
    }

    /// A page that leaves the newest entries out.
    pub(crate) fn log(&self, after: Option<u64>, most: usize) -> Response {
        let shown = &self.entries[..most.min(self.entries.len())];
        let from = after.map_or(0, |after| usize::try_from(after + 1).unwrap_or(usize::MAX));
        let entries = shown.get(from..).unwrap_or_default();
        let entries = entries.iter().map(|entry| Bytes(entry.bytes().to_vec())).collect();
        match shown.last() {
            Some(last) => json(200, &LogPage { entries, head: last.head().into(), more: false }),
            None => problem(404, "unknown_workspace"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn commit(&mut self, commit: &Commit) -> Response {
        let parsed = commit.entries.iter().map(|bytes| SignedEntry::parse(&bytes.0));
        let entries: Vec<SignedEntry> = parsed.collect::<Result<_, _>>().expect("entries");
        let head = self.entries.last().map_or(EntryHash::ZERO, SignedEntry::hash);
        if entries.iter().all(|entry| self.entries.contains(entry)) {
            return self.committed(200, entries.last());
        }
        if entries[0].entry().prev != head {
            return problem(409, "head_moved");
        }
        let begin = self.entries.len() as u64;
        for delivery in &commit.deliveries {
            let sealed = delivery.ciphertext.as_ref().map(|bytes| bytes.0.clone());
            let sealed = sealed.or_else(|| self.uploads.get(delivery.hash.as_ref()?).cloned());
            let of = self.parts.entry(begin + u64::from(delivery.entry)).or_default();
            of.entry(delivery.recipient).or_default().push(sealed.expect("sealed bytes"));
        }
        self.entries.extend(entries);
        self.committed(201, self.entries.last())
    }

    fn committed(&self, status: u16, last: Option<&SignedEntry>) -> Response {
        let head: WireHead = last.expect("an entry").head().into();
        json(status, &Committed { head })
    }

    fn deliveries(&self, who: MemberId, after: Option<u64>) -> DeliveriesPage {
        let from = after.map_or(0, |after| after + 1);
        let of = |(seq, all): (&u64, &BTreeMap<MemberId, Vec<Vec<u8>>>)| received(*seq, all, &who);
        DeliveriesPage {
            deliveries: self.parts.range(from..).filter_map(of).collect(),
            more: false,
        }
    }

    /// What the log says.
    pub(crate) fn state(&self) -> State {
        let mut state = State::genesis(&self.entries[0]).expect("a genesis");
        self.entries[1..].iter().for_each(|entry| state.apply(entry).expect("an entry"));
        state
    }
}

fn received(seq: u64, all: &BTreeMap<MemberId, Vec<Vec<u8>>>, who: &MemberId) -> Option<Received> {
    let hashes = |parts: &[Vec<u8>]| -> Vec<SealedHash> {
        parts.iter().map(|part| deliveries::sealed_hash(part)).collect()
    };
    let own = all.get(who)?;
    let leaves: Vec<_> =
        all.iter().map(|(id, parts)| deliveries::leaf(id, &hashes(parts))).collect();
    let index = all.keys().position(|id| id == who)?;
    let path = deliveries::path(&leaves, index).into_iter().map(SealedHash).collect();
    let parts = own.iter().cloned().map(|part| Some(Bytes(part))).collect();
    Some(Received { seq, parts, hashes: hashes(own), path })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).expect("a client's JSON")
}

pub(crate) fn json(status: u16, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("JSON");
    Response { status, body, retry_after: None }
}

pub(crate) fn problem(status: u16, code: &str) -> Response {
    json(status, &serde_json::json!({ "status": status, "code": code, "title": "refused" }))
}

fn empty(status: u16) -> Response {
    Response { status, body: Vec::new(), retry_after: None }
}
