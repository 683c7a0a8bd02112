//! Ranks, removal, exposure: what every client derives from the log, whatever the relay says.

use std::collections::{BTreeMap, BTreeSet};

use agentsecrets_core::{
    ErrorCode,
    crypto::{BoxSecretKey, derive_key, label},
    encoding::{MemberId, PersonId, SecretId, encode, parse, to_base64},
    identity::{Identity, Kind},
    log::{
        Body, Entry, Role, Scope, SignedEntry,
        ack::{Ack, Freshness, Witness},
        entry::{Change, Reason, Remove, Removed, Stray, VersionRef},
        exposure::{exposure, rotations},
    },
    parcel::Parcel,
    policy::{Policy, Staleness},
    sealed_box,
    sync::{self, Clashes, Management, Newcomer},
    workspace_key::{Subject, WorkspaceKey},
};
use agentsecrets_hostile::{
    Device, Forger, Team, attack, code,
    device::identity,
    forger::Parts,
    lies,
    team::{Place, single, whole},
};
use proptest::prelude::*;

/// Every device that is shown this entry next refuses it and stays where it was.
fn refused(team: &Team, devices: &[&Device], entry: &SignedEntry, why: &str) {
    let mut log = team.relay.entries(team.workspace);
    log.push(entry.bytes().to_vec());
    team.relay.lie(lies::log_of(log));
    for device in devices {
        let head = device.head(team.workspace);
        let refusal = code(device.follow(team.workspace));
        let good = matches!(refusal, ErrorCode::RefusedEntry | ErrorCode::BadSignature);
        assert!(good, "{why}: {refusal}");
        assert_eq!(device.head(team.workspace), head, "{why}");
    }
    team.relay.repent();
}

fn remove(members: &[MemberId]) -> Body {
    let mut members = members.to_vec();
    members.sort_unstable();
    Body::Remove(Remove { who: Removed::Members(members), reason: Reason::Compromised })
}

fn change(member: MemberId, role: Role) -> Body {
    Body::Change(Change { member, role, scope: Scope::All, grant: None })
}

#[test]
fn i26_beyond_the_authors_rank_nothing_counts_the_last_owner_stays_and_persons_speak_for_themselves()
 {
    let (team, writer) = Team::pair();
    let admin = team.admit(3, Role::Admin, Scope::All);
    let reader = team.admit(4, Role::Reader, Scope::All);
    let devices = [&team.founder, &writer, &admin, &reader];
    devices.iter().for_each(|device| assert!(device.follow(team.workspace).is_ok()));
    let stranger = identity(66, Kind::Human);
    let (founder, person) = {
        let state = team.relay.state(team.workspace);
        (team.founder.id(), state.members()[&team.founder.id()].person)
    };
    attack();
    for (author, role) in [(&writer, Role::Reader), (&admin, Role::Admin), (&admin, Role::Owner)] {
        let mut forger = Forger::of(&team, author);
        let admit = forger.admission(stranger.recipient(), role, Scope::All);
        let entry = forger.entry(Body::Admit(Box::new(admit)));
        refused(&team, &devices, &entry, "an admission");
    }
    let cases = [
        (&writer, change(writer.id(), Role::Owner)),
        (&admin, change(admin.id(), Role::Owner)),
        (&admin, change(founder, Role::Reader)),
        (&admin, change(writer.id(), Role::Admin)),
        (&writer, remove(&[reader.id()])),
        (&admin, remove(&[founder])),
    ];
    for (author, body) in cases {
        refused(&team, &devices, &Forger::of(&team, author).entry(body), "beyond the rank");
    }
    let mut owner = Forger::of_founder(&team);
    for body in [Body::Leave, change(founder, Role::Admin), remove(&[founder])] {
        refused(&team, &devices, &owner.entry(body), "the last owner goes");
    }
    let mut admit = owner.admission(stranger.recipient(), Role::Reader, Scope::All);
    admit.person = person;
    let entry = owner.entry(Body::Admit(Box::new(admit)));
    refused(&team, &devices, &entry, "for another person");
}

#[test]
fn i27_a_member_list_of_the_relays_never_changes_who_is_sealed_to() {
    let (team, writer) = Team::pair();
    let place = team.development();
    let relays_own = identity(66, Kind::Human);
    let mut founder = Forger::of_founder(&team);
    let admit = founder.admission(relays_own.recipient(), Role::Reader, Scope::All);
    let (workspace, head) = (team.workspace, founder.state.head());
    let body = Body::Admit(Box::new(admit));
    // In the founder's name, signed by the relay.
    let forged =
        Entry::after(workspace, head, 0, team.founder.id(), body).sign(&relays_own).unwrap();
    let mut log = team.relay.entries(workspace);
    log.push(forged.bytes().to_vec());
    attack();
    team.relay.forget();
    team.relay.lie(lies::log_of(log));
    writer.change(place, "API_KEY", Some("fake-two")).unwrap();
    assert_eq!(code(writer.push(place)), ErrorCode::BadSignature);
    let string = relays_own.recipient().to_string();
    team.relay.lie(lies::json(move |_, answer| {
        if let Some(fields) = answer.as_object_mut() {
            for name in ["members", "recipients", "deliver_to"] {
                fields.insert(name.into(), serde_json::json!([string]));
            }
        }
    }));
    writer.push(place).unwrap();
    let sealed_to: BTreeSet<MemberId> = team
        .relay
        .commits()
        .iter()
        .flat_map(|commit| commit.deliveries.iter().map(|delivery| delivery.recipient))
        .collect();
    assert_eq!(sealed_to, BTreeSet::from([team.founder.id(), writer.id()]));
}

fn opening_key(seed: u8) -> BoxSecretKey {
    BoxSecretKey::new(derive_key(label::OPENING_KEY, &[seed; 32]))
}

/// Every box that the relay ever held, opened with a key where it opens: what the parcels list.
fn opened_by(team: &Team, seed: u8, since: usize) -> Vec<Vec<u8>> {
    let commits = team.relay.commits();
    let boxes = commits[since..].iter().flat_map(|commit| &commit.deliveries);
    let boxes = boxes.filter_map(|delivery| delivery.ciphertext.as_ref());
    let key = opening_key(seed);
    boxes
        .filter_map(|sealed| Some(sealed_box::open(&key, &sealed.0).ok()?.expose().to_vec()))
        .collect()
}

#[test]
fn i29_a_removed_member_opens_nothing_sealed_later_and_what_it_had_counts_as_exposed() {
    let (team, writer) = Team::pair();
    let place = team.development();
    let gone = team.admit(3, Role::Writer, Scope::All);
    let secret = team.secret(place, "API_KEY");
    let mut founder = Forger::of_founder(&team);
    founder.remove(&[gone.id()]);
    let needs = |team: &Team| rotations(&team.relay.state(team.workspace)).contains_key(&secret);
    assert!(needs(&team), "an exposed secret needs a new value");
    attack();
    let before = team.relay.commits().len();
    writer.put(place, "API_KEY", "fake-two").unwrap();
    team.founder.put(place, "LATER", "fake-later").unwrap();
    assert!(team.relay.commits().len() > before);
    assert_eq!(opened_by(&team, 3, before), Vec::<Vec<u8>>::new(), "it opens what came later");
    assert!(!opened_by(&team, 2, before).is_empty());
    let state = team.relay.state(team.workspace);
    let exposed = exposure(&state, &gone.id());
    assert_eq!(exposed, BTreeSet::from([VersionRef { secret, version: 1 }]));
    assert!(!needs(&team), "the writer found the new value to differ");
    // Nor does it get anything from its own client.
    gone.pull(team.workspace).unwrap_err();
    assert_eq!(gone.value(place, "API_KEY").as_deref(), Some("fake-one"));
}

#[test]
fn i30_after_a_rekey_no_later_name_or_label_is_readable_to_a_removed_member() {
    let (team, writer) = Team::pair();
    let place = team.development();
    let gone = team.admit(3, Role::Writer, Scope::All);
    let old = Forger::of(&team, &gone).key;
    let mut founder = Forger::of_founder(&team);
    founder.remove(&[gone.id()]);
    assert!(team.relay.state(team.workspace).needs_rekey());
    founder.rekey();
    assert!(!team.relay.state(team.workspace).needs_rekey());
    writer.pull(team.workspace).unwrap();
    attack();
    writer.put(place, "LATER_NAME", "fake-later").unwrap();
    let state = team.relay.state(team.workspace);
    let (id, secret) =
        state.secrets().iter().find(|(_, secret)| secret.name.generation == 1).unwrap();
    let subject = Subject::Secret(place.1, *id);
    let held = encode(&old);
    // All that the removed member has: its generation, tried as every generation.
    let again = [&2_u32.to_le_bytes()[..], &held[4..36], &held[4..36]].concat();
    let tried: WorkspaceKey = parse(&again, ErrorCode::Internal, "key").unwrap();
    assert!(old.open_label(team.workspace, subject, &secret.name).is_none());
    assert!(
        tried.open_label(team.workspace, subject, &secret.name).is_none(),
        "the old key reads it"
    );
    team.founder.pull(team.workspace).unwrap();
    assert_eq!(team.founder.value(place, "LATER_NAME").as_deref(), Some("fake-later"));
}

#[test]
fn i31_an_entry_by_one_who_left_or_was_removed_and_a_key_that_returns_are_refused() {
    let (team, writer) = Team::pair();
    let place = team.development();
    let (removed, left) =
        (team.admit(3, Role::Admin, Scope::All), team.admit(4, Role::Writer, Scope::All));
    let mut leaver = Forger::of(&team, &left);
    let entry = leaver.entry(Body::Leave);
    assert_eq!(leaver.commit((entry, Parts::new())).status, 201);
    Forger::of_founder(&team).remove(&[removed.id()]);
    let devices = [&team.founder, &writer];
    devices.iter().for_each(|device| assert!(device.follow(team.workspace).is_ok()));
    attack();
    for author in [&removed, &left] {
        let mut forger = Forger::of(&team, author);
        let version = forger.creation(place.1, "AFTER", "fake-after");
        let (entry, _) = forger.push(place.1, vec![version], |_, _, _| {});
        refused(&team, &devices, &entry, "a push by one who is no member");
    }
    let forger = Forger::of(&team, &removed);
    refused(&team, &devices, &forger.entry(remove(&[writer.id()])), "a removal by the removed");
    // The same keys, as they were and as another kind.
    let mut founder = Forger::of_founder(&team);
    for kind in [Kind::Human, Kind::Ci] {
        let returning = identity(3, kind);
        let admit = founder.admission(returning.recipient(), Role::Reader, Scope::All);
        let entry = founder.entry(Body::Admit(Box::new(admit)));
        refused(&team, &devices, &entry, "a key returns");
        let newcomer = Newcomer {
            recipient: returning.recipient().clone(),
            role: Role::Reader,
            scope: Scope::All,
            label: "again".to_owned(),
            how: (agentsecrets_core::log::membership::How::OutOfBand, None),
        };
        let admit = |start| sync::admit(start, team.workspace, newcomer);
        let refusal = code(team.founder.client.run(admit));
        assert!(matches!(refusal, ErrorCode::AlreadyMember | ErrorCode::RefusedEntry));
    }
}

/// What one step of the history does.
#[derive(Clone, Debug)]
enum Act {
    Admit { scope: u8 },
    Create { staging: bool },
    Put { secret: usize, stray: Option<usize> },
    Share { secret: usize, to: usize },
    Delete { secret: usize },
    Remove { who: usize },
    Widen { who: usize },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..4_u8).prop_map(|scope| Act::Admit { scope }),
        2 => any::<bool>().prop_map(|staging| Act::Create { staging }),
        4 => (any::<usize>(), proptest::option::of(any::<usize>()))
            .prop_map(|(secret, stray)| Act::Put { secret, stray }),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(secret, to)| Act::Share { secret, to }),
        1 => any::<usize>().prop_map(|secret| Act::Delete { secret }),
        1 => any::<usize>().prop_map(|who| Act::Remove { who }),
        1 => any::<usize>().prop_map(|who| Act::Widen { who }),
    ];
    proptest::collection::vec(act, 5..30)
}

/// A log by one author, and beside it what really left: found by opening every box.
struct Tale<'a> {
    team: &'a Team,
    forger: Forger<'a>,
    places: [Place; 2],
    members: Vec<(u8, Identity)>,
    /// Newest sealed form of each live secret.
    secrets: BTreeMap<SecretId, (Place, agentsecrets_core::parcel::ParcelItem)>,
    strays: BTreeSet<(MemberId, VersionRef)>,
}

impl Tale<'_> {
    fn act(&mut self, act: &Act) {
        match *act {
            Act::Admit { scope } => self.admit(scope),
            Act::Create { staging } => {
                let place = self.places[usize::from(staging)];
                let version = self.forger.creation(place.1, "NAME", "fake");
                self.push(place, version, None);
            }
            Act::Put { secret, stray } => self.put(secret, stray),
            Act::Share { secret, to } => self.share(secret, to),
            Act::Delete { secret } => {
                let Some((id, place, item)) = self.secret(secret) else { return };
                self.forger.delete(place.1, id, item.version + 1);
                self.secrets.remove(&id);
            }
            Act::Remove { who } => {
                if let Some(id) = self.member(who) {
                    self.forger.remove(&[id]);
                }
            }
            Act::Widen { who } => self.widen(who),
        }
    }

    fn admit(&mut self, scope: u8) {
        let seed = 100 + self.members.len() as u8;
        let newcomer = identity(seed, Kind::Agent);
        let secret = self.secret(usize::from(scope)).map(|(id, place, _)| single(place, id));
        let scope = match scope {
            0 => Scope::All,
            1 => whole(self.places[0]),
            _ => secret.unwrap_or_else(|| whole(self.places[1])),
        };
        self.forger.admit(&newcomer, Role::Reader, scope);
        self.members.push((seed, newcomer));
    }

    fn put(&mut self, secret: usize, stray: Option<usize>) {
        let Some((_, place, mut item)) = self.secret(secret) else { return };
        item.version += 1;
        item.salt = self.forger.entropy.bytes();
        let version = self.forger.version(place.1, item, None);
        let stray = stray.and_then(|who| self.members.get(who % self.members.len().max(1)));
        let stray = stray.map(|(_, who)| who.id());
        self.push(place, version, stray);
    }

    fn push(
        &mut self,
        place: Place,
        version: agentsecrets_hostile::forger::Version,
        stray: Option<MemberId>,
    ) {
        let at = VersionRef { secret: version.sealed.secret, version: version.sealed.version };
        self.secrets.insert(at.secret, (place, version.sealed.expose_copy()));
        let (entry, parts) = self.forger.push(place.1, vec![version], |_, _, _| {});
        let Body::Push(mut push) = entry.entry().body.clone() else { unreachable!() };
        push.strays = stray
            .map(|member| Stray { member, environment: place.1, version: at })
            .into_iter()
            .collect();
        self.strays.extend(stray.map(|member| (member, at)));
        let entry = self.forger.entry(Body::Push(push));
        assert_eq!(self.forger.commit((entry, parts)).status, 201);
    }

    fn share(&mut self, secret: usize, to: usize) {
        let (Some((id, place, item)), Some(to)) = (self.secret(secret), self.member(to)) else {
            return;
        };
        if self.forger.state.members()[&to].scope().holds(&place.1, &id) {
            let share = self.forger.share(place.1, &[item], &[to]);
            assert_eq!(self.forger.commit(share).status, 201);
        }
    }

    fn widen(&mut self, who: usize) {
        let Some(id) = self.member(who) else { return };
        let member = &self.forger.state.members()[&id];
        if member.scope().is_blind() || *member.scope() == Scope::All {
            return;
        }
        let entry = self.forger.entry(change(id, Role::Reader));
        assert_eq!(self.forger.commit((entry, Parts::new())).status, 201);
    }

    fn member(&self, who: usize) -> Option<MemberId> {
        let active = self.members.iter().map(|(_, who)| who.id());
        let active: Vec<_> = active.filter(|id| self.forger.state.active(id).is_some()).collect();
        active.get(who % active.len().max(1)).copied()
    }

    fn secret(
        &self,
        number: usize,
    ) -> Option<(SecretId, Place, agentsecrets_core::parcel::ParcelItem)> {
        let (id, (place, item)) = self.secrets.iter().nth(number % self.secrets.len().max(1))?;
        Some((*id, *place, item.expose_copy()))
    }

    /// Every version in every box that opens with this key, and every stray to it.
    fn left_to(&self, seed: u8, id: &MemberId) -> BTreeSet<VersionRef> {
        let delivered = self.team.relay.delivered(self.team.workspace, id);
        let key = opening_key(seed);
        let mut left = BTreeSet::new();
        for sealed in delivered.iter().flat_map(|one| one.parts.iter().flatten()) {
            let Ok(opened) = sealed_box::open(&key, sealed) else { continue };
            let content = u32::from_le_bytes(opened.expose()[..4].try_into().unwrap()) as usize;
            let bytes = &opened.expose()[4..4 + content];
            let parcel: Parcel = parse(bytes, ErrorCode::Internal, "parcel").unwrap();
            let at = |item: &agentsecrets_core::parcel::ParcelItem| VersionRef {
                secret: item.secret,
                version: item.version,
            };
            left.extend(parcel.items.iter().map(at));
        }
        left.extend(self.strays.iter().filter(|(member, _)| member == id).map(|(_, at)| *at));
        left
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i32_exposure_equals_exactly_what_was_sealed_strayed_or_authored(acts in acts()) {
        let team = Team::new();
        attack();
        let places = [team.development(), team.staging()];
        let forger = Forger::of_founder(&team);
        let (members, secrets, strays) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut tale = Tale { team: &team, forger, places, members, secrets, strays };
        // One stray at least.
        let first = [Act::Admit { scope: 0 }, Act::Create { staging: false },
            Act::Remove { who: 0 }, Act::Put { secret: 0, stray: Some(0) }];
        first.iter().chain(&acts).for_each(|act| tale.act(act));
        let state = team.relay.state(team.workspace);
        for (seed, member) in &tale.members {
            prop_assert_eq!(exposure(&state, &member.id()), tale.left_to(*seed, &member.id()));
        }
    }
}

#[test]
fn i33_needs_rotation_survives_the_same_value_a_deletion_and_a_value_that_returns() {
    let (team, writer) = Team::pair();
    let place = team.development();
    let gone = team.admit(3, Role::Reader, Scope::All);
    let secret = team.secret(place, "API_KEY");
    let mut founder = Forger::of_founder(&team);
    founder.remove(&[gone.id()]);
    attack();
    let needs = |team: &Team| rotations(&team.relay.state(team.workspace)).contains_key(&secret);
    assert!(needs(&team));
    let mut number = 1;
    let mut push = |value: &str, differs: &[u64]| {
        let mut forger = Forger::of(&team, &writer);
        let mut next = forger.next(&writer, place, "API_KEY", value);
        number += 1;
        next.sealed.version = number;
        next = forger.version(place.1, next.sealed, None);
        let from = |version: &u64| VersionRef { secret, version: *version };
        next.item.differs_from = differs.iter().map(from).collect();
        let push = forger.push(place.1, vec![next], |_, _, _| {});
        assert_eq!(forger.commit(push).status, 201);
    };
    push("fake-one", &[]);
    assert!(needs(&team), "the same value");
    push("fake-two", &[1]);
    assert!(!needs(&team), "another value");
    push("fake-one", &[]);
    assert!(needs(&team), "the value returns");
    founder.refresh();
    founder.delete(place.1, secret, 5);
    assert!(needs(&team), "a deletion");
}

/// A team of three persons with their acks; the witness is the founder.
fn freshness(team: &Team, acks: &BTreeMap<MemberId, Ack>, now: u64) -> Freshness {
    let state = team.relay.state(team.workspace);
    let known: BTreeSet<PersonId> = state.members().values().map(|member| member.person).collect();
    let (me, entries, confirmed) = (team.founder.id(), BTreeMap::new(), BTreeSet::new());
    Witness {
        state: &state,
        me: &me,
        acks,
        entries: &entries,
        known: &known,
        confirmed: &confirmed,
    }
    .freshness(now)
}

const HOUR: u64 = 3_600_000;

fn sync(device: &Device, team: &Team) -> agentsecrets_core::Result<sync::SyncReport> {
    device.client.run(|start| sync::sync(start, team.workspace, None, Clashes::Refuse))
}

fn decide(team: &Team, policy: Policy) {
    let change = Management::Policy(policy);
    team.founder.client.run(|start| sync::manage(start, team.workspace, change)).unwrap();
}

#[test]
fn i21_a_frozen_relay_makes_the_head_stale_after_the_limit_and_what_policy_blocks_fails() {
    let (team, writer) = Team::pair();
    let third = team.admit(3, Role::Writer, Scope::All);
    let head = team.founder.head(team.workspace);
    let (workspace, limit) = (team.workspace, 7 * 24 * HOUR);
    let ack = |device: &Device, time| {
        (device.id(), Ack::new(workspace, device.id(), head, time, Vec::new()))
    };
    attack();
    let acks = BTreeMap::from([ack(&writer, 10 * HOUR), ack(&third, 5 * HOUR)]);
    assert_eq!(freshness(&team, &acks, 10 * HOUR), Freshness::Fresh { age: 5 * HOUR });
    let late = freshness(&team, &acks, 5 * HOUR + limit + 1);
    assert_eq!(late, Freshness::Stale { age: limit + 1 });
    assert_eq!(freshness(&team, &BTreeMap::new(), HOUR), Freshness::Unknown);
    // One of two, who may have been removed on the branch that the relay hides, is not enough.
    let alone = BTreeMap::from([ack(&third, 10 * HOUR)]);
    assert_eq!(freshness(&team, &alone, 10 * HOUR), Freshness::Unknown);
    // The same by a client: a second without news blocks both.
    let both = Staleness::BlocksBoth;
    decide(&team, Policy { freshness_seconds: 1, staleness: both, ..Policy::default() });
    for device in [&writer, &third] {
        let _ = sync(device, &team);
    }
    let fresh = sync(&team.founder, &team).unwrap().freshness;
    assert!(matches!(fresh, Freshness::Fresh { .. }), "{fresh:?}");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(code(sync(&team.founder, &team)), ErrorCode::Stale);
    let place = team.development();
    team.relay.forget();
    assert_eq!(code(team.founder.put(place, "API_KEY", "fake-two")), ErrorCode::Stale);
    assert!(team.relay.commits().is_empty());
}

#[test]
fn i22_future_dated_entries_and_acks_never_freshen() {
    let (team, writer) = Team::pair();
    let head = team.founder.head(team.workspace);
    let ack = Ack::new(team.workspace, writer.id(), head, 100 * HOUR, Vec::new());
    let now = relay_reference::now() * 1000;
    let future = Ack::new(team.workspace, writer.id(), head, now + HOUR, Vec::new());
    let future = to_base64(&future.sign(&writer.identity()));
    attack();
    let acks = BTreeMap::from([(writer.id(), ack)]);
    assert_eq!(freshness(&team, &acks, 99 * HOUR), Freshness::Unknown);
    assert_eq!(freshness(&team, &acks, 101 * HOUR), Freshness::Fresh { age: HOUR });
    team.relay.lie(lies::json(move |asked, answer| {
        if asked.is_acks() {
            answer["acks"] = serde_json::json!([future]);
        }
    }));
    assert_eq!(sync(&team.founder, &team).unwrap().freshness, Freshness::Unknown);
}

#[test]
fn i24_of_two_clients_on_two_branches_one_head_or_ack_that_both_hold_shows_it() {
    let (team, writer) = Team::pair();
    let fork = team.relay.fork(team.relay.writes());
    let twin = team.founder.restarted(|_| true);
    team.founder.put(team.development(), "API_KEY", "fake-here").unwrap();
    writer.pull(team.workspace).unwrap();
    team.relay.switch(fork);
    twin.put(team.development(), "API_KEY", "fake-there").unwrap();
    let (workspace, relay, head) = (team.workspace, team.relay.url(), twin.head(team.workspace));
    let twins = twin.identity();
    let ack = Ack::new(team.workspace, twins.id(), head, 1, Vec::new()).sign(&twins);
    team.relay.switch(0);
    attack();
    // The head of one, as the head file or a colleague would hand it over.
    let told = agentsecrets_core::identity::Destination { workspace, relay, head };
    assert_eq!(code(writer.client.run(|start| sync::attach(start, told))), ErrorCode::Fork);
    // One ack of it: the other finds out at its next sync, and keeps the evidence.
    let shown = to_base64(&ack);
    team.relay.lie(lies::json(move |asked, answer| {
        if asked.is_acks() {
            answer["acks"] = serde_json::json!([shown]);
        }
    }));
    assert_eq!(code(sync(&writer, &team)), ErrorCode::Fork);
    let evidence = writer.dump().into_iter().find(|(key, _)| key.ends_with("/evidence")).unwrap();
    let body = &ack[..ack.len() - 64];
    assert!(evidence.1.windows(body.len()).any(|part| part == body));
    // And the exported log of one does not verify against the head of the other.
    let entries = writer.client.read(|start| sync::entries(start, team.workspace)).unwrap();
    let text = agentsecrets_core::log::archive::write(team.workspace, &entries);
    let verdict = agentsecrets_core::log::archive::verify(&text, Some(head));
    assert_eq!(verdict.map(|_| ()).unwrap_err().code(), ErrorCode::Fork);
}
