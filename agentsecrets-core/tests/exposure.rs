//! Exposure and rotation are what the raw entries say, computed here a second time in the plainest way.

#![allow(clippy::unwrap_used)]

mod story;

use std::collections::{BTreeMap, BTreeSet};

use agentsecrets_core::{
    crypto::Entropy,
    encoding::{BatchId, DeliveriesRoot, EnvironmentId, MemberId, SealedHash, SecretId},
    identity::{Identity, Kind},
    log::{
        Body, Role, Scope, ScopeItem, SignedEntry, State,
        entry::{Action, Create, Item, Operation, Push, Removed, Share, Stray, VersionRef},
        exposure::{Rotation, exposure, nobody_lost, rotations},
    },
    workspace_key::Subject,
};
use proptest::prelude::*;
use story::*;

const SECRETS: [(EnvironmentId, SecretId); 4] = [
    (DEVELOPMENT, SecretId([1; 16])),
    (DEVELOPMENT, SecretId([2; 16])),
    (STAGING, SecretId([3; 16])),
    (STAGING, SecretId([4; 16])),
];
const ROOT: DeliveriesRoot = DeliveriesRoot([1; 32]);

/// Four members over two environments of two secrets each, and a log that grows at random.
struct Team {
    story: Story,
    members: Vec<Identity>,
    random: Entropy,
}

impl Team {
    fn new(seed: [u8; 32]) -> Self {
        let mut story = Story::begin();
        for (id, text) in [(DEVELOPMENT, "development"), (STAGING, "staging")] {
            let body = story.environment(id, Action::Create, text);
            story.add(|cast| &cast.founder, body);
        }
        let members: Vec<_> = [1, 51, 52, 53].map(|byte| identity(byte, Kind::Human)).into();
        let mut team = Self { story, members, random: Entropy::new(seed) };
        for (environment, secret) in SECRETS {
            let body = team.push(environment, secret, vec![], vec![]);
            team.attempt(0, body);
        }
        for (member, role) in [(1, Role::Admin), (2, Role::Writer), (3, Role::Reader)] {
            let scope = team.scope();
            let recipient = team.members[member].recipient().clone();
            let admit = team.story.admission(&recipient, role, scope);
            assert!(team.attempt(0, Body::Admit(Box::new(admit))));
        }
        team
    }

    fn below(&mut self, end: usize) -> usize {
        (u64::from_le_bytes(self.random.bytes()) % end as u64) as usize
    }

    fn somebody(&mut self) -> MemberId {
        let place = self.below(4);
        self.members[place].id()
    }

    /// Whether the fold takes it; what it refuses is no part of the log.
    fn attempt(&mut self, author: usize, body: Body) -> bool {
        let signed = self.story.next(&self.members[author], body);
        let taken = self.story.state.apply(&signed).is_ok();
        if taken {
            self.story.entries.push(signed);
        }
        taken
    }

    fn scope(&mut self) -> Scope {
        let chosen: Vec<_> = SECRETS.into_iter().filter(|_| self.below(2) == 0).collect();
        match self.below(4) {
            0 => Scope::All,
            1 => whole([DEVELOPMENT, STAGING][self.below(2)]),
            _ if chosen.is_empty() => whole(STAGING),
            _ => Scope::only(chosen.into_iter().map(|(environment, secret)| ScopeItem {
                environment,
                secrets: Some(vec![secret]),
            })),
        }
    }

    fn version(&mut self) -> (EnvironmentId, VersionRef) {
        let (environment, secret) = SECRETS[self.below(4)];
        let versions = self.story.state.secrets()[&secret].versions.len();
        (environment, version(secret, self.below(versions) as u64 + 1))
    }

    fn strays(&mut self) -> Vec<Stray> {
        if self.below(5) > 0 {
            return Vec::new();
        }
        let member = self.somebody();
        let (environment, mut version) = self.version();
        version.version += self.below(2) as u64;
        vec![Stray { member, environment, version }]
    }

    fn push(
        &mut self,
        environment: EnvironmentId,
        secret: SecretId,
        differs_from: Vec<VersionRef>,
        strays: Vec<Stray>,
    ) -> Body {
        let versions = self.story.state.secrets().get(&secret).map(|known| known.versions.len());
        let name = self.story.label(Subject::Secret(environment, secret), "NAME");
        let create = versions.is_none().then_some(Create { name_commitment: commitment(1), name });
        let delete = versions.is_some() && self.below(6) == 0;
        let (operation, root) = match delete {
            true => (Operation::Delete, DeliveriesRoot::ZERO),
            false => (Operation::Put(commitment(2)), ROOT),
        };
        let version = versions.unwrap_or(0) as u64 + 1;
        let item = Item { secret, version, operation, create, policy: None, differs_from };
        let batch = BatchId([1; 16]);
        Body::Push(Push { batch, environment, items: vec![item], strays, root })
    }

    fn share(&mut self) -> Body {
        let (environment, shared) = self.version();
        let mut recipients: Vec<_> = self.members.iter().map(Identity::id).collect();
        recipients.retain(|_| u8::from_le_bytes(self.random.bytes()) & 1 == 0);
        recipients.sort_unstable();
        let (one, other) = (self.version().1, self.version().1);
        let differs = if self.below(2) == 0 { vec![(one, other)] } else { vec![] };
        let (strays, batch, versions) = (self.strays(), BatchId([2; 16]), vec![shared]);
        let root = ROOT;
        Body::Share(Share { batch, environment, versions, recipients, differs, strays, root })
    }

    fn step(&mut self) {
        let author = self.below(4);
        let member = self.somebody();
        let body = match self.below(12) {
            0 => remove(Removed::Members(vec![member])),
            1 if self.below(3) == 0 => Body::Leave,
            2..=4 => {
                let active = self.story.state.active(&member);
                let role = active.map_or(Role::Reader, |member| member.role());
                let scope = self.scope();
                let blind = active_is_blind(&self.story.state, &member);
                let grant = (blind && !scope.is_blind()).then_some(SealedHash([3; 32]));
                change(member, role, scope, grant)
            }
            5..=7 => self.share(),
            _ => {
                let (environment, secret) = SECRETS[self.below(4)];
                let differs: Vec<_> = (0..self.below(3)).map(|_| self.version().1).collect();
                let strays = self.strays();
                self.push(environment, secret, differs, strays)
            }
        };
        self.attempt(author, body);
    }
}

fn active_is_blind(state: &State, id: &MemberId) -> bool {
    state.active(id).is_some_and(|member| member.scope().is_blind())
}

/// What an auditor notes who reads the entries one by one.
#[derive(Default)]
struct Notes {
    scopes: BTreeMap<MemberId, Option<Scope>>,
    environments: BTreeMap<SecretId, EnvironmentId>,
    exposed: BTreeMap<MemberId, BTreeSet<VersionRef>>,
    /// The newest version of each secret, and whether it is a value.
    live: BTreeMap<SecretId, (u64, bool)>,
    differ: BTreeSet<BTreeSet<VersionRef>>,
}

impl Notes {
    fn of(entries: &[SignedEntry]) -> Self {
        let mut notes = Self::default();
        entries.iter().for_each(|entry| notes.read(entry));
        notes
    }

    fn read(&mut self, signed: &SignedEntry) {
        let author = signed.entry().author;
        match &signed.entry().body {
            Body::Genesis(_) => drop(self.scopes.insert(author, Some(Scope::All))),
            Body::Admit(admit) => {
                self.scopes.insert(admit.recipient.id(), Some(admit.scope.clone()));
            }
            Body::Change(change) => {
                self.scopes.insert(change.member, Some(change.scope.clone()));
            }
            Body::Remove(remove) => {
                let Removed::Members(gone) = &remove.who else { unreachable!() };
                gone.iter().for_each(|id| drop(self.scopes.insert(*id, None)));
            }
            Body::Leave => drop(self.scopes.insert(author, None)),
            Body::Push(push) => {
                push.items.iter().for_each(|item| self.item(author, push.environment, item));
                self.strays(&push.strays);
            }
            Body::Share(share) => {
                for id in &share.recipients {
                    self.exposed.entry(*id).or_default().extend(&share.versions);
                }
                self.differ.extend(share.differs.iter().map(|(a, b)| BTreeSet::from([*a, *b])));
                self.strays(&share.strays);
            }
            _ => {}
        }
    }

    fn item(&mut self, author: MemberId, environment: EnvironmentId, item: &Item) {
        let new = version(item.secret, item.version);
        let put = matches!(item.operation, Operation::Put(_));
        self.environments.insert(item.secret, environment);
        self.live.insert(item.secret, (item.version, put));
        self.differ.extend(item.differs_from.iter().map(|old| BTreeSet::from([new, *old])));
        for (id, scope) in &self.scopes {
            let holds = scope.as_ref().is_some_and(|scope| scope.holds(&environment, &item.secret));
            if put && (holds || *id == author) {
                self.exposed.entry(*id).or_default().insert(new);
            }
        }
    }

    fn strays(&mut self, strays: &[Stray]) {
        for stray in strays {
            self.exposed.entry(stray.member).or_default().insert(stray.version);
        }
    }

    fn reads(&self, id: &MemberId, secret: &SecretId) -> bool {
        let scope = self.scopes.get(id).and_then(Option::as_ref);
        scope.is_some_and(|scope| scope.holds(&self.environments[secret], secret))
    }

    /// Whether the live value is claimed to be another one than an exposed one was.
    fn cleared(&self, exposed: VersionRef) -> bool {
        let (newest, is_value) = self.live[&exposed.secret];
        let pair = BTreeSet::from([version(exposed.secret, newest), exposed]);
        is_value && pair.len() == 2 && self.differ.contains(&pair)
    }

    fn rotations(&self) -> BTreeSet<(VersionRef, MemberId)> {
        let pairs = self.exposed.iter().flat_map(|(id, all)| all.iter().map(|one| (*one, *id)));
        pairs.filter(|(one, id)| !self.reads(id, &one.secret) && !self.cleared(*one)).collect()
    }
}

fn agrees(team: &Team) {
    let (state, notes) = (&team.story.state, Notes::of(&team.story.entries));
    for member in &team.members {
        let expected = notes.exposed.get(&member.id()).cloned().unwrap_or_default();
        assert_eq!(exposure(state, &member.id()), expected);
    }
    assert!(exposure(state, &team.story.cast.outsider.id()).is_empty());
    let (mut versions, mut readers) = (BTreeMap::new(), BTreeMap::new());
    for (version, id) in notes.rotations() {
        let secret = version.secret;
        versions.entry(secret).or_insert_with(BTreeSet::new).insert(version.version);
        readers.entry(secret).or_insert_with(BTreeSet::new).insert(id);
    }
    let found = rotations(state);
    assert!(found.iter().all(|(id, rotation)| *id == rotation.secret));
    assert_eq!(
        found.iter().map(|(id, r)| (*id, r.versions.clone())).collect::<BTreeMap<_, _>>(),
        versions
    );
    assert_eq!(
        found.iter().map(|(id, r)| (*id, r.readers.clone())).collect::<BTreeMap<_, _>>(),
        readers
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exposure_and_rotation_are_exactly_what_the_entries_say(seed in any::<[u8; 32]>()) {
        let mut team = Team::new(seed);
        for _ in 0..60 {
            team.step();
            agrees(&team);
        }
    }
}

/// A version of the first secret that a removed member could read.
fn exposed_once() -> (Team, VersionRef) {
    let mut team = Team::new([1; 32]);
    let member = team.members[1].id();
    let recipient = identity(54, Kind::Human);
    let admit = team.story.admission(recipient.recipient(), Role::Reader, whole(DEVELOPMENT));
    assert!(team.attempt(0, Body::Admit(Box::new(admit))));
    let (environment, secret) = SECRETS[0];
    let first = put(&mut team, environment, secret, vec![]);
    assert!(team.attempt(0, remove(Removed::Members(vec![recipient.id()]))));
    let _ = team.attempt(0, remove(Removed::Members(vec![member])));
    (team, first)
}

/// Pushes a value for sure.
fn put(
    team: &mut Team,
    environment: EnvironmentId,
    secret: SecretId,
    differs: Vec<VersionRef>,
) -> VersionRef {
    let Body::Push(mut push) = team.push(environment, secret, differs, vec![]) else {
        unreachable!()
    };
    (push.items[0].operation, push.root) = (Operation::Put(commitment(2)), ROOT);
    let pushed = version(secret, push.items[0].version);
    assert!(team.attempt(0, Body::Push(push)));
    pushed
}

fn needed(team: &Team, exposed: VersionRef) -> bool {
    agrees(team);
    let rotation = rotations(&team.story.state).remove(&exposed.secret);
    rotation.is_some_and(|rotation| rotation.versions.contains(&exposed.version))
}

#[test]
fn a_value_that_returns_is_exposed_again() {
    let (mut team, first) = exposed_once();
    let (environment, secret) = SECRETS[0];
    assert!(needed(&team, first));
    put(&mut team, environment, secret, vec![]);
    assert!(needed(&team, first), "the same value pushed again claims no difference");
    let older: Vec<_> = (1..=first.version).map(|number| version(secret, number)).collect();
    put(&mut team, environment, secret, older);
    assert!(!needed(&team, first), "B differs from A");
    put(&mut team, environment, secret, vec![]);
    assert!(needed(&team, first), "A again: what B differed from helps no more");
}

#[test]
fn deleting_clears_nothing() {
    let (mut team, first) = exposed_once();
    let (environment, secret) = SECRETS[0];
    put(&mut team, environment, secret, vec![first]);
    assert!(!needed(&team, first));
    let Body::Push(mut push) = team.push(environment, secret, vec![first], vec![]) else {
        unreachable!()
    };
    (push.items[0].operation, push.root) = (Operation::Delete, DeliveriesRoot::ZERO);
    assert!(team.attempt(0, Body::Push(push)));
    assert!(needed(&team, first));
}

#[test]
fn no_version_differs_from_itself() {
    let (mut team, first) = exposed_once();
    let Body::Share(mut share) = team.share() else { unreachable!() };
    let founder = team.members[0].id();
    (share.environment, share.versions, share.recipients) =
        (DEVELOPMENT, vec![first], vec![founder]);
    (share.differs, share.strays) = (vec![(first, first)], vec![]);
    let _ = team.attempt(0, Body::Share(share));
    assert!(needed(&team, first));
}

#[test]
fn nobody_lost_anything_until_a_right_ends_or_a_value_strays() {
    let lost = |body: &dyn Fn(&mut Team, MemberId) -> Body| {
        let mut team = Team::new([2; 32]);
        assert!(nobody_lost(&team.story.state));
        let member = team.members[3].id();
        let body = body(&mut team, member);
        assert!(team.attempt(0, body));
        !nobody_lost(&team.story.state)
    };
    assert!(lost(&|_, member| remove(Removed::Members(vec![member]))));
    assert!(lost(&|team, member| {
        let known = &team.story.state.members()[&member];
        let grant = known.scope().is_blind().then_some(SealedHash([3; 32]));
        change(member, Role::Writer, Scope::All, grant)
    }));
    let (environment, secret) = SECRETS[0];
    let stray = |member| vec![Stray { member, environment, version: version(secret, 1) }];
    assert!(lost(&|team, member| team.push(environment, secret, vec![], stray(member))));
    assert!(!lost(&|team, _| team.push(environment, secret, vec![], vec![])));
}

#[test]
fn a_rotation_takes_in_what_another_history_says() {
    let of = |versions: &[u64], readers: &[u8]| Rotation {
        secret: SECRETS[0].1,
        versions: versions.iter().copied().collect(),
        readers: readers.iter().map(|byte| MemberId([*byte; 32])).collect(),
    };
    let mut rotation = of(&[1, 2], &[1]);
    rotation.add(of(&[2, 4], &[3]));
    assert_eq!(rotation, of(&[1, 2, 4], &[1, 3]));
}
