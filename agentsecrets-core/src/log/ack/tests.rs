#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    crypto::{Entropy, Signature},
    encoding::{Commitment, SealedHash, SecretId},
    log::{
        Body, Entry, Role, Scope, SignedEntry,
        entry::{Admit, Genesis},
        membership::How,
    },
    policy::Policy,
    secret::Key,
    workspace_key::SealedLabel,
};

const LIMIT: u64 = 1000;
/// In milliseconds: the limit is 1,000 seconds.
const NOW: u64 = 10_000_000;
const FRESH: u64 = NOW - LIMIT * 1000;

fn identity(byte: u8, kind: Kind) -> Identity {
    Identity::from_seed(Key::new([byte; 32]), kind)
}

fn label() -> SealedLabel {
    SealedLabel { generation: 0, ciphertext: vec![] }
}

/// A workspace of one person, who may admit others.
struct Team {
    me: Identity,
    state: State,
    acks: BTreeMap<MemberId, Ack>,
    entries: BTreeMap<MemberId, u64>,
    known: BTreeSet<PersonId>,
    confirmed: BTreeSet<MemberId>,
}

impl Team {
    fn new() -> Self {
        let me = identity(1, Kind::Human);
        let genesis = Genesis {
            founder: me.recipient().clone(),
            person: PersonId([1; 16]),
            policy: Policy { freshness_seconds: LIMIT, ..Policy::default() },
            key_commitment: Commitment([1; 32]),
            name: label(),
            label: label(),
        };
        let signed = Entry::genesis(0, me.id(), genesis).sign(&me).unwrap();
        let state = State::genesis(&signed).unwrap();
        let (acks, entries) = (BTreeMap::new(), BTreeMap::new());
        let (known, confirmed) = (BTreeSet::new(), BTreeSet::new());
        Self { me, state, acks, entries, known, confirmed }
    }

    /// Admits the identity of this byte as a person of its own.
    fn admit(&mut self, byte: u8, kind: Kind) -> MemberId {
        let member = identity(byte, kind);
        let admit = Admit {
            recipient: member.recipient().clone(),
            person: PersonId([byte; 16]),
            role: Role::Owner,
            scope: Scope::All,
            how: How::OutOfBand,
            proof: None,
            person_proof: None,
            grant: Some(SealedHash([1; 32])),
            label: label(),
        };
        self.add(Body::Admit(Box::new(admit)));
        member.id()
    }

    fn add(&mut self, body: Body) {
        let head = self.state.head();
        let entry = Entry::after(self.state.workspace(), head, 0, self.me.id(), body);
        let signed: SignedEntry = entry.sign(&self.me).unwrap();
        self.state.apply(&signed).unwrap();
    }

    fn heard(&mut self, member: MemberId, time: u64) {
        let ack = Ack::new(self.state.workspace(), member, self.state.head(), time, vec![]);
        self.acks.insert(member, ack);
    }

    fn seen_by(&self, me: &MemberId) -> Freshness {
        let Self { me: _, state, acks, entries, known, confirmed } = self;
        Witness { state, me, acks, entries, known, confirmed }.freshness(NOW)
    }

    fn freshness(&self) -> Freshness {
        self.seen_by(&self.me.id())
    }
}

#[test]
fn the_second_newest_of_other_persons_decides() {
    let mut team = Team::new();
    let [a, b, c] = [2, 3, 4].map(|byte| team.admit(byte, Kind::Human));
    team.heard(a, NOW);
    assert_eq!(team.freshness(), Freshness::Unknown, "one of three is not enough");
    team.heard(b, FRESH);
    assert_eq!(team.freshness(), Freshness::Fresh { age: LIMIT * 1000 });
    team.heard(b, FRESH - 1);
    team.heard(c, 0);
    assert_eq!(team.freshness(), Freshness::Stale { age: LIMIT * 1000 + 1 });
    team.entries.insert(c, NOW - 5);
    assert_eq!(team.freshness(), Freshness::Fresh { age: 5 }, "an entry counts as an ack does");
}

#[test]
fn the_newest_decides_where_there_is_one_other() {
    let mut team = Team::new();
    let other = team.admit(2, Kind::Human);
    assert_eq!(team.freshness(), Freshness::Unknown);
    team.heard(other, NOW - 7);
    assert_eq!(team.freshness(), Freshness::Fresh { age: 7 });
    team.heard(other, 0);
    assert_eq!(team.freshness(), Freshness::Stale { age: NOW });
}

#[test]
fn times_to_come_never_count() {
    let mut team = Team::new();
    let other = team.admit(2, Kind::Human);
    team.heard(other, NOW + 1);
    team.entries.insert(other, u64::MAX);
    assert_eq!(team.freshness(), Freshness::Unknown);
    team.entries.insert(other, NOW - 3);
    assert_eq!(team.freshness(), Freshness::Fresh { age: 3 }, "nor do they hide what was before");
}

#[test]
fn persons_who_are_not_known_never_count() {
    let mut team = Team::new();
    let (a, b) = (team.admit(2, Kind::Human), team.admit(3, Kind::Human));
    let me = team.me.id();
    team.heard(b, NOW);
    team.heard(me, NOW);
    assert_eq!(team.seen_by(&a), Freshness::Unknown, "others admitted them");
    team.known.insert(PersonId([3; 16]));
    assert_eq!(team.seen_by(&a), Freshness::Fresh { age: 0 });
    team.known.clear();
    team.confirmed.insert(b);
    assert_eq!(team.seen_by(&a), Freshness::Fresh { age: 0 });
    team.heard(identity(9, Kind::Human).id(), NOW);
    team.acks.remove(&b);
    assert_eq!(team.seen_by(&a), Freshness::Unknown, "an ack of a stranger");
}

#[test]
fn jobs_never_count_and_only_who_is_alone_is_solo() {
    let mut team = Team::new();
    assert_eq!(team.freshness(), Freshness::Solo);
    let job = team.admit(2, Kind::Ci);
    team.heard(job, NOW);
    assert_eq!(team.freshness(), Freshness::Unknown);
    let person = team.admit(3, Kind::Human);
    assert_eq!(team.freshness(), Freshness::Unknown);
    team.heard(person, NOW - 1);
    assert_eq!(team.freshness(), Freshness::Fresh { age: 1 });
    assert_eq!(team.seen_by(&identity(9, Kind::Human).id()), Freshness::Unknown);
}

fn signed(by: &Identity, missing: Vec<VersionRef>) -> (Ack, Vec<u8>) {
    let head = Head { seq: 3, hash: EntryHash([3; 32]) };
    let ack = Ack { missing, ..Ack::new(WorkspaceId([1; 32]), by.id(), head, 5, vec![]) };
    let bytes = ack.sign(by);
    (ack, bytes)
}

fn version(number: u64) -> VersionRef {
    VersionRef { secret: SecretId([1; 16]), version: number }
}

#[test]
fn an_ack_opens_under_the_key_of_whoever_it_names_alone() {
    let (me, other) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let (ack, bytes) = signed(&me, vec![version(1)]);
    let key = |who: &Identity| Some(*who.recipient().verifying_key());
    assert_eq!(Ack::open(&bytes, |id| key(&me).filter(|_| *id == me.id())).unwrap(), ack);
    let code = |bytes: &[u8], who| Ack::open(bytes, |_| who).unwrap_err().code();
    assert_eq!(code(&bytes, key(&other)), ErrorCode::BadSignature);
    assert_eq!(code(&bytes, None), ErrorCode::BadSignature);
    assert_eq!(code(&ack.sign(&other), key(&me)), ErrorCode::BadSignature);
    let mut random = bytes.clone();
    let place = random.len() - SIGNATURE;
    random[place..].copy_from_slice(&Signature(Entropy::new([1; 32]).bytes()).0);
    assert_eq!(code(&random, key(&me)), ErrorCode::BadSignature);
}

#[test]
fn an_ack_out_of_form_is_refused() {
    let me = identity(1, Kind::Human);
    let key = |_: &MemberId| Some(*me.recipient().verifying_key());
    let code = |bytes: &[u8]| Ack::open(bytes, key).map(drop).map_err(|error| error.code());
    let many = |count: u64| (0..count).map(version).collect::<Vec<_>>();
    assert_eq!(code(&signed(&me, many(MAX_MISSING as u64)).1), Ok(()));
    for missing in [vec![version(2), version(1)], vec![version(1); 2], many(1001)] {
        assert_eq!(code(&signed(&me, missing).1), Err(ErrorCode::MalformedEntry));
    }
    for bytes in [vec![], vec![0; 63], vec![0; MAX_ACK], vec![0; MAX_ACK + 1]] {
        assert_eq!(code(&bytes), Err(ErrorCode::MalformedEntry));
    }
}

#[test]
fn an_ack_that_is_too_long_is_not_read() {
    let me = identity(1, Kind::Human);
    let key = |_: &MemberId| Some(*me.recipient().verifying_key());
    let why = |length| Ack::open(&vec![0; length], key).unwrap_err().message().to_owned();
    assert_eq!(why(MAX_ACK + 1), "an ack has at most 64 KiB");
    assert_eq!(why(2 * MAX_ACK), "an ack has at most 64 KiB");
    assert_ne!(why(MAX_ACK), "an ack has at most 64 KiB");
    assert_eq!(MAX_ACK, 65536);
}

#[test]
fn an_ack_says_what_it_is_of() {
    let head = Head { seq: 3, hash: EntryHash([3; 32]) };
    let missing = vec![version(2), version(1)];
    let ack = Ack::new(WorkspaceId([1; 32]), MemberId([2; 32]), head, 5, missing);
    assert_eq!((ack.head(), ack.rank()), (head, (0, 3, 5)));
    assert_eq!(ack.missing, [version(1), version(2)], "sorted");
    let later = ack.clone().after_adoptions(7);
    assert_eq!(later.rank(), (7, 3, 5));
    assert_eq!(Ack { adopted: 0, ..later }, ack);
    let many = (0..1002).rev().map(version).collect();
    let ack = Ack::new(WorkspaceId([1; 32]), MemberId([2; 32]), head, 5, many);
    assert_eq!((ack.missing.len(), ack.missing[999]), (1000, version(999)));
}

#[test]
fn freshness_has_its_stable_words() {
    let all = [Freshness::Fresh { age: 1 }, Freshness::Stale { age: 1 }];
    assert_eq!(all.map(Freshness::as_str), ["fresh", "stale"]);
    assert_eq!([Freshness::Unknown, Freshness::Solo].map(Freshness::as_str), ["unknown", "solo"]);
}

#[test]
fn a_later_ack_supersedes_an_earlier_one_by_adoptions_then_entry_then_time() {
    let at = |seq, time| {
        let head = Head { seq, hash: EntryHash([1; 32]) };
        Ack::new(WorkspaceId([1; 32]), MemberId([1; 32]), head, time, vec![])
    };
    assert!(at(2, 0).supersedes(&at(1, 9)) && at(1, 2).supersedes(&at(1, 1)));
    assert!(at(1, 0).after_adoptions(1).supersedes(&at(2, 9)));
    assert!(!at(1, 1).supersedes(&at(1, 1)) && !at(1, 9).supersedes(&at(2, 0)));
}
