//! A random adversary: at every request the relay may drop, delay, replay, reorder, duplicate, cut,
//! splice, flip and substitute with anything that it has ever seen, fork, and sign with the key of a
//! removed member and with its own.
//!
//! Three honest members act. The honest history is kept outside: an entry is honest when an honest
//! client signed it. Law: no client ever stands on another entry, goes back, reports a value that no
//! authorised writer wrote, or seals to anybody outside of the fold; and none panics.
//!
//! `ADVERSARY_SCHEDULES` says how many schedules run, `ADVERSARY_SECONDS` for how long instead, and
//! `ADVERSARY_SEED` which one begins.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Test code.

#[path = "../../../agentsecrets-core/tests/host/mod.rs"]
mod host;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    crypto::Entropy,
    encoding::{
        EntryHash, EnvironmentId, Head, MemberId, PersonId, SealedHash, SecretId, WorkspaceId,
        encode, from_base64, parse, to_base64,
    },
    identity::{Identity, Kind},
    invitation::InvitationReply,
    log::{
        Body, Entry, Role, Scope, SignedEntry, State, deliveries,
        entry::{Admit, Reason, Remove, Removed},
        membership::How,
    },
    message::{Method, Request, Response},
    name::SecretName,
    parcel::{Envelope, ParcelItem, pack},
    sealed_box,
    secret::{Key, SecretBytes},
    sync::{self, Clashes, Machine, Management, Offer, Start, keys},
    workspace_key::SealedLabel,
};
use host::Host;
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

const CLIENTS: usize = 3;
const NAMES: [&str; 3] = ["A", "B", "C"];
const RELAYS: u8 = 66;
const GONE: u8 = 9;

/// What one recipient was handed by an entry.
#[derive(Clone)]
struct Handed {
    seq: u64,
    to: MemberId,
    parts: Vec<Vec<u8>>,
    hashes: Vec<SealedHash>,
    path: Vec<SealedHash>,
}

/// One history as a relay keeps it.
#[derive(Clone, Default)]
struct Branch {
    entries: Vec<Vec<u8>>,
    handed: Vec<Handed>,
    replies: BTreeMap<String, Vec<u8>>,
    acks: BTreeMap<MemberId, String>,
}

/// Everything that the relay has ever seen.
#[derive(Clone, Default)]
struct Seen {
    entries: Vec<Vec<u8>>,
    sealed: Vec<Vec<u8>>,
    answers: Vec<Value>,
    replies: Vec<Vec<u8>>,
    acks: Vec<String>,
}

/// The relay, with what is known outside of it.
#[derive(Clone)]
struct World {
    branches: Vec<Branch>,
    shown: [usize; CLIENTS],
    seen: Seen,
    /// The state after each honest entry.
    honest: HashMap<EntryHash, (EntryHash, Arc<State>)>,
    written: BTreeSet<(String, String)>,
    lies: RefCell<Vec<u8>>,
    honest_ids: BTreeSet<MemberId>,
    broken: Option<String>,
}

fn seq_of(bytes: &[u8]) -> u64 {
    SignedEntry::parse(bytes).map_or(0, |entry| entry.entry().seq)
}

fn head_of(branch: &Branch) -> Value {
    let newest = branch.entries.last().and_then(|bytes| SignedEntry::parse(bytes).ok());
    newest.map_or(
        json!({"seq": 0, "hash": "0".repeat(64)}),
        |newest| json!({"seq": newest.head().seq, "hash": newest.head().hash.to_string()}),
    )
}

impl World {
    fn lie(&self) -> u8 {
        self.lies.borrow_mut().pop().unwrap_or(0)
    }

    fn pick(&self, length: usize) -> usize {
        if length == 0 { 0 } else { usize::from(self.lie()) * 7 % length }
    }

    /// Answers one request of a client.
    fn answer(&mut self, client: usize, me: &MemberId, request: &Request) -> Result<Response> {
        let lost = || Err(Error::new(ErrorCode::RelayTimeout, "lost on the way"));
        let kind = self.lie();
        if kind % 16 == 1 {
            return lost();
        }
        if kind % 16 == 2 && self.branches.len() < 3 {
            let copy = self.branches[self.shown[client]].clone();
            self.branches.push(copy);
        }
        if kind % 16 == 3 {
            self.shown[client] = self.pick(self.branches.len());
        }
        let path = request.target.split('?').next().unwrap_or_default();
        let parts: Vec<String> = path.split('/').skip(2).map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (status, mut body) = match (request.method, parts.as_slice()) {
            (Method::Post, _) => self.commit(client, request),
            (_, ["workspaces", _, "log"]) => (200, self.log(client, &request.target)),
            (_, ["workspaces", _, "deliveries"]) => {
                (200, self.deliveries(client, me, &request.target))
            }
            (Method::Put, ["workspaces", _, "acks"]) => self.take_ack(client, me, &request.body),
            (_, ["workspaces", _, "acks"]) => (200, self.acks(client)),
            (Method::Put, ["workspaces", _, "sealed", _]) => (204, json!({})),
            (Method::Put, ["invitations", id]) => self.take_reply(client, id, &request.body),
            (_, ["invitations", id]) => self.reply(client, id),
            _ => (404, json!({})),
        };
        self.seen.answers.push(body.clone());
        if self.seen.answers.len() > 64 {
            self.seen.answers.remove(0);
        }
        match kind % 16 {
            4 => return lost(),
            5 => body = self.seen.answers[self.pick(self.seen.answers.len())].clone(),
            _ => {}
        }
        let mut body = serde_json::to_vec(&body).unwrap();
        if kind % 16 == 6 && !body.is_empty() {
            let place = (usize::from(self.lie()) * 257 + usize::from(self.lie())) % body.len();
            body[place] ^= 1 << (kind >> 5);
        }
        Ok(Response { status, body, retry_after: None })
    }

    fn commit(&mut self, client: usize, request: &Request) -> (u16, Value) {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let entries: Vec<Vec<u8>> = list(&body["entries"]);
        self.witness(&entries, &body["deliveries"]);
        let handed = self.handed(&entries, &body["deliveries"]);
        self.seen.entries.extend(entries.iter().cloned());
        self.seen.sealed.extend(handed.iter().flat_map(|one| one.parts.iter().cloned()));
        let kind = self.lie();
        let branch = &mut self.branches[self.shown[client]];
        let first = SignedEntry::parse(&entries[0]).unwrap();
        let newest = branch.entries.last().map(|bytes| SignedEntry::parse(bytes).unwrap().hash());
        let follows = newest.unwrap_or(EntryHash::ZERO) == first.entry().prev;
        let there = branch.entries.contains(&entries[entries.len() - 1]);
        if kind % 8 == 1 || !(follows || there) {
            return (
                409,
                json!({"code": "head_moved", "entries": [], "head": head_of(branch), "more": false}),
            );
        }
        if follows && kind % 8 != 2 {
            branch.entries.extend(entries.iter().cloned());
            branch.handed.extend(handed);
        }
        let head = SignedEntry::parse(&entries[entries.len() - 1]).unwrap().head();
        let mut answer = json!({"head": {"seq": head.seq, "hash": head.hash.to_string()}});
        if kind % 8 == 3 {
            answer = json!({"head": {"seq": head.seq + 1, "hash": head.hash.to_string()}});
        }
        (201, answer)
    }

    /// What an honest client signs and seals is noted, and held against the law.
    fn witness(&mut self, entries: &[Vec<u8>], sealed: &Value) {
        for (index, bytes) in entries.iter().enumerate() {
            let signed = SignedEntry::parse(bytes).unwrap();
            let (prev, hash) = (signed.entry().prev, signed.hash());
            let state = match self.honest.get(&prev) {
                None if prev == EntryHash::ZERO => {
                    State::genesis(&signed).map(|state| (state, Vec::new()))
                }
                None => return self.broken = Some("an entry on top of a dishonest one".into()),
                Some((_, state)) => {
                    let (expected, mut state) =
                        (state.expected_deliveries(signed.entry()), State::clone(state));
                    state.apply(&signed).map(|()| (state, expected))
                }
            };
            let Ok((state, expected)) = state else {
                return self.broken = Some("an honest client writes what the fold refuses".into());
            };
            let to: BTreeSet<MemberId> = sealed
                .as_array()
                .unwrap()
                .iter()
                .filter(|one| one["entry"] == index)
                .map(|one| MemberId::from_hex(one["recipient"].as_str().unwrap()).unwrap())
                .collect();
            let expected: BTreeSet<MemberId> = expected.into_iter().collect();
            if to != expected || !to.is_subset(&self.honest_ids) {
                self.broken = Some(format!("sealed to {to:?}, due are {expected:?}"));
            }
            self.honest.insert(hash, (prev, Arc::new(state)));
        }
    }

    fn handed(&self, entries: &[Vec<u8>], sealed: &Value) -> Vec<Handed> {
        let mut all = Vec::new();
        for (index, bytes) in entries.iter().enumerate() {
            let mut parts: BTreeMap<MemberId, Vec<Vec<u8>>> = BTreeMap::new();
            for one in sealed.as_array().unwrap().iter().filter(|one| one["entry"] == index) {
                let to = MemberId::from_hex(one["recipient"].as_str().unwrap()).unwrap();
                parts
                    .entry(to)
                    .or_default()
                    .push(from_base64(one["ciphertext"].as_str().unwrap()).unwrap());
            }
            let hashes = |parts: &Vec<Vec<u8>>| -> Vec<SealedHash> {
                parts.iter().map(|part| deliveries::sealed_hash(part)).collect()
            };
            let leaves: Vec<_> =
                parts.iter().map(|(id, parts)| deliveries::leaf(id, &hashes(parts))).collect();
            let seq = seq_of(bytes);
            all.extend(parts.iter().enumerate().map(|(place, (to, parts))| Handed {
                seq,
                to: *to,
                parts: parts.clone(),
                hashes: hashes(parts),
                path: deliveries::path(&leaves, place).into_iter().map(SealedHash).collect(),
            }));
        }
        all
    }

    fn log(&self, client: usize, target: &str) -> Value {
        let from = after(target).map_or(0, |after| after as usize + 1);
        let branch = &self.branches[self.shown[client]];
        let mut entries = branch.entries.get(from..).unwrap_or_default().to_vec();
        let (mut head, mut more) = (head_of(branch), false);
        match self.lie() % 16 {
            1 => entries.truncate(self.pick(entries.len() + 1)),
            2 if !entries.is_empty() => {
                let place = self.pick(entries.len());
                entries.insert(place, entries[place].clone());
            }
            3 if !entries.is_empty() => drop(entries.remove(self.pick(entries.len()))),
            4 if !entries.is_empty() => {
                let place = self.pick(entries.len());
                entries.rotate_left(place);
            }
            5 => entries.push(self.seen.entries[self.pick(self.seen.entries.len())].clone()),
            6 => {
                let other = self.pick(self.branches.len());
                entries = self.branches[other].entries.get(from..).unwrap_or_default().to_vec();
            }
            7 => {
                let other = self.pick(self.branches.len());
                let rest = self.branches[other].entries.iter().skip(from + entries.len() / 2);
                entries.truncate(entries.len() / 2);
                entries.extend(rest.cloned());
            }
            8..=10 => {
                let forged = self.forged(client, &entries);
                entries.extend(forged);
            }
            11 if !entries.is_empty() => {
                let (place, byte) = (self.pick(entries.len()), usize::from(self.lie()) * 3);
                let length = entries[place].len();
                entries[place][byte % length] ^= 1;
            }
            12 => more = true,
            13 => head = json!({"seq": u64::MAX, "hash": "f".repeat(64)}),
            14 => entries.clear(),
            _ => {}
        }
        let entries: Vec<String> = entries.iter().map(|bytes| to_base64(bytes)).collect();
        json!({"entries": entries, "head": head, "more": more})
    }

    /// An entry that the relay makes with the keys that it has: a removed member's and its own.
    fn forged(&self, client: usize, page: &[Vec<u8>]) -> Option<Vec<u8>> {
        let newest = page.last().or(self.branches[self.shown[client]].entries.last())?;
        let newest = SignedEntry::parse(newest).ok()?;
        let state = &self.honest.get(&newest.hash())?.1;
        let (gone, own) = (identity(GONE), identity(RELAYS));
        let owner = state.members().iter().find(|(_, member)| member.how == How::Founder)?.0;
        let target = *state.members().keys().next()?;
        let label = SealedLabel { generation: state.generation(), ciphertext: vec![0; 104] };
        let admit = Body::Admit(Box::new(Admit {
            recipient: own.recipient().clone(),
            person: PersonId([6; 16]),
            role: Role::Reader,
            scope: Scope::All,
            how: How::OutOfBand,
            proof: None,
            person_proof: None,
            grant: Some(SealedHash([1; 32])),
            label,
        }));
        let remove = Remove { who: Removed::Members(vec![target]), reason: Reason::Compromised };
        let kind = self.lie();
        let body = match kind % 5 {
            0 => admit,
            1 => Body::Remove(remove),
            2 => Body::Leave,
            3 => Body::Policy(agentsecrets_core::policy::Policy {
                first_use: true,
                ..Default::default()
            }),
            _ => {
                let old =
                    SignedEntry::parse(&self.seen.entries[self.pick(self.seen.entries.len())])
                        .ok()?;
                old.entry().body.clone()
            }
        };
        let (author, signer) = match kind / 5 % 4 {
            0 => (gone.id(), &gone),
            1 => (own.id(), &own),
            2 => (*owner, &gone),
            _ => (*owner, &own),
        };
        let entry = Entry::after(newest.entry().workspace, newest.head(), 0, author, body);
        Some(entry.sign(signer).ok()?.bytes().to_vec())
    }

    fn deliveries(&self, client: usize, me: &MemberId, target: &str) -> Value {
        let from = after(target).map_or(0, |after| after + 1);
        let handed = &self.branches[self.shown[client]].handed;
        let mut page: Vec<Handed> =
            handed.iter().filter(|one| one.to == *me && one.seq >= from).cloned().collect();
        match self.lie() % 12 {
            1 => page.clear(),
            2 if !page.is_empty() => drop(page.remove(self.pick(page.len()))),
            3 if page.len() > 1 => {
                let (one, other) = (self.pick(page.len()), self.pick(page.len()));
                let parts = page[one].parts.clone();
                page[one].parts = std::mem::replace(&mut page[other].parts, parts);
            }
            4 if !page.is_empty() => {
                let place = self.pick(page.len());
                page[place].parts =
                    vec![self.seen.sealed[self.pick(self.seen.sealed.len())].clone()];
                page[place].hashes = vec![deliveries::sealed_hash(&page[place].parts[0])];
            }
            5 if !page.is_empty() => {
                let (place, byte) = (self.pick(page.len()), usize::from(self.lie()) * 3);
                if let Some(part) = page[place].parts.first_mut() {
                    let length = part.len();
                    part[byte % length] ^= 1;
                }
            }
            6 => {
                // Another member's, under this one's name.
                let other = self.pick(self.branches.len());
                page = self.branches[other]
                    .handed
                    .iter()
                    .filter(|one| one.seq >= from)
                    .cloned()
                    .collect();
            }
            7 if !page.is_empty() => {
                let place = self.pick(page.len());
                let made = self.relays_own(client, me, page[place].seq);
                page[place].hashes = vec![deliveries::sealed_hash(&made)];
                page[place].parts = vec![made];
            }
            8 => page.reverse(),
            _ => {}
        }
        let page: Vec<Value> = page
            .iter()
            .map(|one| {
                let parts: Vec<String> = one.parts.iter().map(|part| to_base64(part)).collect();
                json!({"seq": one.seq, "parts": parts, "hashes": one.hashes, "path": one.path})
            })
            .collect();
        json!({"deliveries": page, "more": false})
    }

    /// A box that the relay seals: everything that it can know is right in it.
    fn relays_own(&self, client: usize, me: &MemberId, seq: u64) -> Vec<u8> {
        let newest = self.branches[self.shown[client]].entries.last().unwrap();
        let state = &self.honest[&SignedEntry::parse(newest).unwrap().hash()].1;
        let mut entropy = Entropy::new([self.lie(); 32]);
        let mut padded = vec![0; 512];
        if let Some(carrier) = state.carriers().get(&seq) {
            let envelope = Envelope {
                workspace: state.workspace(),
                batch: carrier.batch,
                author: carrier.author,
                recipient: *me,
                environment: carrier.environment,
            };
            let of_entry = state.secrets().iter().find_map(|(id, secret)| {
                let place = secret.versions.iter().position(|version| version.seq == seq)?;
                Some((*id, place as u64 + 1))
            });
            let (secret, version) = of_entry.unwrap_or((SecretId([1; 16]), 1));
            let item = ParcelItem {
                secret,
                version,
                name: SecretName::parse(NAMES[self.pick(NAMES.len())]).unwrap(),
                name_salt: [1; 32],
                policy: Vec::new(),
                policy_salt: [1; 32],
                salt: [1; 32],
                value: SecretBytes::copy_of(b"evil"),
            };
            padded = pack(&envelope, "development", &[&item])[0].to_vec();
        }
        let key = *state.members()[me].recipient.box_key();
        sealed_box::seal(&key, &padded, &mut entropy)
    }

    fn take_reply(&mut self, client: usize, id: &str, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap();
        let reply = from_base64(body["reply"].as_str().unwrap()).unwrap();
        self.seen.replies.push(reply.clone());
        self.branches[self.shown[client]].replies.insert(id.to_owned(), reply);
        (204, json!({}))
    }

    fn reply(&self, client: usize, id: &str) -> (u16, Value) {
        let there = self.branches[self.shown[client]].replies.get(id).cloned();
        let lie = self.lie();
        let reply = match lie % 3 {
            0 => there,
            1 => Some(self.seen.replies[self.pick(self.seen.replies.len())].clone()),
            _ => {
                let old = &self.seen.replies[self.pick(self.seen.replies.len())];
                let mut reply = InvitationReply::parse(old).unwrap();
                reply.recipient = identity(RELAYS).recipient().clone();
                Some(encode(&reply))
            }
        };
        let workspace = "0".repeat(64);
        match reply {
            Some(reply) => (200, json!({"workspace": workspace, "reply": to_base64(&reply)})),
            None => (404, json!({})),
        }
    }

    fn take_ack(&mut self, client: usize, me: &MemberId, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap();
        let ack = body["ack"].as_str().unwrap().to_owned();
        self.seen.acks.push(ack.clone());
        self.branches[self.shown[client]].acks.insert(*me, ack);
        (204, json!({}))
    }

    fn acks(&self, client: usize) -> Value {
        let mut acks: Vec<String> =
            self.branches[self.shown[client]].acks.values().cloned().collect();
        match self.lie() % 4 {
            1 => acks.clear(),
            2 if !self.seen.acks.is_empty() => {
                acks.push(self.seen.acks[self.pick(self.seen.acks.len())].clone());
            }
            _ => {}
        }
        json!({"acks": acks})
    }
}

fn after(target: &str) -> Option<u64> {
    target.split_once("after=")?.1.split('&').next()?.parse().ok()
}

fn list(value: &Value) -> Vec<Vec<u8>> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| from_base64(text.as_str().unwrap()).unwrap())
        .collect()
}

fn identity(seed: u8) -> Identity {
    Identity::from_seed(Key::new([seed; 32]), Kind::Human)
}

#[derive(Clone, Debug)]
enum Act {
    Put(usize),
    Delete(usize),
    Pull,
    Sync,
    Follow,
    Environment,
    Invite,
    Admit,
    Crash(usize),
}

#[derive(Clone, Debug)]
struct Turn {
    client: usize,
    act: Act,
    lies: Vec<u8>,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let act = prop_oneof![
        5 => (0..NAMES.len()).prop_map(Act::Put),
        1 => (0..NAMES.len()).prop_map(Act::Delete),
        3 => Just(Act::Pull),
        3 => Just(Act::Sync),
        3 => Just(Act::Follow),
        1 => Just(Act::Environment),
        1 => Just(Act::Invite),
        2 => Just(Act::Admit),
        1 => (0..16_usize).prop_map(Act::Crash),
    ];
    // Half of the bytes are zero: the truth.
    let lie = prop_oneof![Just(0), any::<u8>()];
    let turn = (0..CLIENTS, act, proptest::collection::vec(lie, 0..40))
        .prop_map(|(client, act, lies)| Turn { client, act, lies });
    proptest::collection::vec(turn, 1..16)
}

/// Three members, one removed, one value each known to all.
struct Scene {
    world: World,
    devices: Vec<(u8, BTreeMap<String, Vec<u8>>)>,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    /// The head that the push of this turn ended with.
    pushed: Option<Head>,
}

fn run<T>(
    world: &mut World,
    client: usize,
    host: &mut Host,
    cut: usize,
    operation: impl FnOnce(Start) -> Machine<T>,
) -> Result<T> {
    let machine = operation(host.start());
    let me = host.identity.id();
    host.drive(machine, cut, &mut |request| world.answer(client, &me, &request)).1
}

impl Scene {
    fn new() -> Self {
        let mut world = World {
            branches: vec![Branch::default()],
            shown: [0; CLIENTS],
            seen: Seen::default(),
            honest: HashMap::new(),
            written: BTreeSet::new(),
            lies: RefCell::default(),
            honest_ids: BTreeSet::new(),
            broken: None,
        };
        let seeds = [1, 2, 3];
        let mut hosts: Vec<Host> = seeds.iter().map(|seed| Host::new(*seed)).collect();
        world.honest_ids.extend(hosts.iter().map(|host| host.identity.id()));
        world.honest_ids.insert(identity(GONE).id());
        let url = Some("https://relay.invalid".to_owned());
        let all = usize::MAX;
        let create = |start| sync::create(start, "acme".into(), "one".into(), url);
        let workspace = run(&mut world, 0, &mut hosts[0], all, create).unwrap();
        let environment = hosts[0].environment(workspace, "development");
        let mut gone = Host::new(GONE);
        for number in 1..=CLIENTS {
            let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
            let invite = |start| sync::invite(start, workspace, offer);
            let code = run(&mut world, 0, &mut hosts[0], all, invite).unwrap();
            let host = hosts.get_mut(number).unwrap_or(&mut gone);
            let client = number % CLIENTS;
            run(&mut world, client, host, all, |start| sync::join(start, code, "desk".into()))
                .unwrap();
            let admit = |start| sync::admit_replies(start, workspace, false);
            assert_eq!(run(&mut world, 0, &mut hosts[0], all, admit).unwrap().len(), 1);
        }
        let mut scene = Self { world, devices: Vec::new(), workspace, environment, pushed: None };
        for name in NAMES {
            let value = format!("fake-first-{name}");
            scene.write(&mut hosts[0], name, &value);
            let push = |start| sync::push(start, workspace, environment, false);
            run(&mut scene.world, 0, &mut hosts[0], all, push).unwrap();
        }
        let who = Removed::Members(vec![gone.identity.id()]);
        let remove = Remove { who, reason: Reason::Departed };
        let remove = |start| sync::remove(start, workspace, remove, true);
        run(&mut scene.world, 0, &mut hosts[0], all, remove).unwrap();
        scene.world.honest_ids.remove(&gone.identity.id());
        for (client, host) in hosts.iter_mut().enumerate() {
            let sync = |start| sync::sync(start, workspace, None, Clashes::Refuse);
            run(&mut scene.world, client, host, all, sync).unwrap();
        }
        assert_eq!(scene.world.broken, None);
        scene.devices = seeds.into_iter().zip(hosts.into_iter().map(|host| host.store)).collect();
        scene
    }

    fn write(&mut self, host: &mut Host, name: &str, value: &str) {
        if host.change(self.workspace, self.environment, name, Some(value)).is_ok() {
            self.world.written.insert((name.to_owned(), value.to_owned()));
        }
    }

    fn play(&mut self, turns: &[Turn]) -> std::result::Result<(), TestCaseError> {
        let mut hosts: Vec<Host> = self
            .devices
            .iter()
            .map(|(seed, store)| {
                let mut host = Host::new(*seed);
                host.store.clone_from(store);
                host.now += 1_000_000;
                host
            })
            .collect();
        // A host draws again what it drew before the scene was copied; others must not.
        for host in &mut hosts {
            (0..1000).for_each(|_| drop(host.start()));
        }
        let mut heads: Vec<Head> = hosts.iter().map(|host| self.head(host)).collect();
        for (number, turn) in turns.iter().enumerate() {
            let host = &mut hosts[turn.client];
            self.world.lies = RefCell::new(turn.lies.clone());
            let held = self.held(host);
            self.act(turn, number, host);
            if self.held(host) != held {
                let before = heads[turn.client];
                heads[turn.client] = self.head(host);
                self.law(host, before, heads[turn.client])?;
            }
            prop_assert_eq!(&self.world.broken, &None);
            let pushed = self.pushed.take();
            prop_assert!(
                pushed.is_none_or(|pushed| pushed == heads[turn.client]),
                "an acknowledged push is not pinned"
            );
        }
        Ok(())
    }

    fn act(&mut self, turn: &Turn, number: usize, host: &mut Host) {
        let (workspace, environment) = (self.workspace, self.environment);
        let (client, all) = (turn.client, usize::MAX);
        let pull = |start| sync::pull(start, workspace, None, Clashes::Theirs);
        let push = |start| sync::push(start, workspace, environment, true);
        match turn.act {
            Act::Put(name) => {
                self.write(host, NAMES[name], &format!("fake-{number}-of-{client}"));
                self.pushed =
                    run(&mut self.world, client, host, all, push).ok().map(|done| done.head);
            }
            Act::Delete(name) => {
                drop(host.change(workspace, environment, NAMES[name], None));
                drop(run(&mut self.world, client, host, all, push));
            }
            Act::Pull => drop(run(&mut self.world, client, host, all, pull)),
            Act::Sync => {
                let sync = |start| sync::sync(start, workspace, None, Clashes::Theirs);
                drop(run(&mut self.world, client, host, all, sync));
            }
            Act::Follow => {
                let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
                drop(run(&mut self.world, client, host, all, follow));
            }
            Act::Environment => {
                let change = Management::CreateEnvironment(format!("env-{number}"));
                let manage = |start| sync::manage(start, workspace, change);
                drop(run(&mut self.world, client, host, all, manage));
            }
            Act::Invite => {
                let offer = Offer { role: Role::Reader, scope: Scope::All, expires: 0 };
                let invite = |start| sync::invite(start, workspace, offer);
                drop(run(&mut self.world, client, host, all, invite));
            }
            Act::Admit => {
                let admit = |start| sync::admit_replies(start, workspace, true);
                drop(run(&mut self.world, client, host, all, admit));
            }
            Act::Crash(cut) => drop(run(&mut self.world, client, host, cut, push)),
        }
    }

    /// What the law is about: the pinned state, and the values.
    fn held(&self, host: &Host) -> [Option<Vec<u8>>; 2] {
        let environment = keys::environment(&self.workspace, &self.environment);
        [keys::state(&self.workspace), environment].map(|key| host.store.get(&key).cloned())
    }

    fn head(&self, host: &Host) -> Head {
        let bytes = &host.store[&keys::state(&self.workspace)];
        let state: State = parse(bytes, ErrorCode::VaultDamaged, "state").unwrap();
        state.head()
    }

    /// What must hold after every step.
    fn law(
        &mut self,
        host: &mut Host,
        before: Head,
        after: Head,
    ) -> std::result::Result<(), TestCaseError> {
        prop_assert_eq!(&self.world.broken, &None);
        let known = self.world.honest.get(&after.hash);
        prop_assert!(known.is_some(), "stands on an entry that nobody honest signed: {:?}", after);
        let mut walk = after.hash;
        for _ in before.seq..after.seq {
            walk = self.world.honest[&walk].0;
        }
        prop_assert!(after.seq >= before.seq && walk == before.hash, "left its history");
        let bytes = &host.store[&keys::state(&self.workspace)];
        let state = &self.world.honest[&after.hash].1;
        prop_assert!(encode(&**state) == *bytes, "another state than the entries give");
        let snapshot = host.snapshot(self.workspace, self.environment);
        for held in &snapshot.secrets {
            let values = held.versions.iter().filter_map(|version| version.value.as_ref());
            for value in values {
                let text = String::from_utf8_lossy(value.value.expose()).into_owned();
                let pair = (held.name.to_string(), text);
                prop_assert!(self.world.written.contains(&pair), "nobody wrote {:?}", pair);
            }
        }
        Ok(())
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Schedules of one seed, with shrinking.
const BATCH: u32 = 50;

#[test]
fn no_schedule_of_a_lying_relay_is_believed() {
    #[cfg(feature = "weakened")]
    if let Some(check) = number("AGENTSECRETS_WEAKEN") {
        agentsecrets_core::weakened::weaken(check as u8);
    }
    let (most, seconds) = (number("ADVERSARY_SCHEDULES"), number("ADVERSARY_SECONDS"));
    let most = most.unwrap_or(if seconds.is_some() { u64::MAX } else { 2_000 });
    let limit = Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX)));
    let first = number("ADVERSARY_SEED").unwrap_or(1);
    let start = Instant::now();
    let next = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        let scene = Scene::new();
        let mut done = 0;
        loop {
            let batch = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if batch.saturating_mul(u64::from(BATCH)) >= most || start.elapsed() >= limit {
                return done;
            }
            batch_of(&scene, first + batch);
            done += u64::from(BATCH);
        }
    };
    let done: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let (seconds, last) = (start.elapsed().as_secs(), first + done / u64::from(BATCH) - 1);
    println!(
        "{done} schedules in {seconds} s, {BATCH} of each seed {first} to {last}, none believed"
    );
}

fn batch_of(scene: &Scene, seed: u64) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config =
        ProptestConfig { cases: BATCH, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new_with_rng(config, rng).run(&turns(), |turns| {
        let mut scene = Scene {
            world: scene.world.clone(),
            devices: scene.devices.clone(),
            workspace: scene.workspace,
            environment: scene.environment,
            pushed: None,
        };
        scene.play(&turns)
    });
    if let Err(error) = result {
        panic!("ADVERSARY_SEED={seed}: {error}");
    }
}
