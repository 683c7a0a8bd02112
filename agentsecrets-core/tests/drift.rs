//! Every way in which vault and log, or two environments, differ: exactly what is reported.

#![allow(clippy::unwrap_used)]

mod story;

use agentsecrets_core::{
    drift::{Between, Change, Drift, Names, Side, against_log, between, in_step},
    encoding::{BatchId, DeliveriesRoot, EntryHash, EnvironmentId, Head, MemberId, SecretId},
    identity::Kind,
    log::{
        Body, Role, Scope,
        entry::{Action, Create, Item, Operation, Push, Removed, VersionRef},
    },
    name::SecretName,
    secret::SecretBytes,
    snapshot::{Held, Local, Named, Snapshot},
    workspace_key::Subject,
};
use story::*;

const A: SecretId = SecretId([0xa; 16]);
const B: SecretId = SecretId([0xb; 16]);
const ELSEWHERE: SecretId = SecretId([0xe; 16]);

fn name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

/// A log and what one vault holds of its `development`.
struct Pair {
    story: Story,
    snapshot: Snapshot,
    names: Names,
}

impl Pair {
    fn new() -> Self {
        let mut story = Story::begin();
        for (id, text) in [(DEVELOPMENT, "development"), (STAGING, "staging")] {
            let body = story.environment(id, Action::Create, text);
            story.add(|cast| &cast.founder, body);
        }
        let snapshot = Snapshot::empty(story.state.workspace(), DEVELOPMENT);
        Self { story, snapshot, names: Names::new() }
    }

    /// Of the secrets `A` and `B`, each as often as told in the log and in the vault, always with
    /// the same values.
    fn holding(there: [u64; 2], here: [u64; 2]) -> Self {
        let mut pair = Self::new();
        for ((secret, text), (there, here)) in
            [(A, "A"), (B, "B")].into_iter().zip(there.into_iter().zip(here))
        {
            (1..=there).for_each(|number| pair.put(secret, number, text, &number.to_string(), &[]));
            (1..=here).for_each(|number| pair.hold(secret, number, text, &number.to_string()));
        }
        pair
    }

    fn push(&mut self, environment: EnvironmentId, item: Item) {
        let delete = item.operation == Operation::Delete;
        let root = if delete { DeliveriesRoot::ZERO } else { DeliveriesRoot([1; 32]) };
        let (batch, strays) = (BatchId([1; 16]), vec![]);
        let push = Push { batch, environment, items: vec![item], strays, root };
        self.story.add(|cast| &cast.founder, Body::Push(push));
    }

    /// A new version in the log.
    fn put(
        &mut self,
        secret: SecretId,
        number: u64,
        text: &str,
        value: &str,
        differs: &[VersionRef],
    ) {
        self.put_in(DEVELOPMENT, secret, number, text, value, differs);
    }

    fn put_in(
        &mut self,
        environment: EnvironmentId,
        secret: SecretId,
        number: u64,
        text: &str,
        value: &str,
        differs: &[VersionRef],
    ) {
        let item = parcel_item(secret, number, text, value);
        let label = self.story.label(Subject::Secret(environment, secret), text);
        let created = Create { name_commitment: item.name_commitment(), name: label };
        let commitment = item.commitment(self.story.state.workspace(), environment);
        let item = Item {
            secret,
            version: number,
            operation: Operation::Put(commitment),
            create: (number == 1).then_some(created),
            policy: None,
            differs_from: differs.to_vec(),
        };
        self.push(environment, item);
    }

    /// The end of a secret in the log.
    fn delete(&mut self, secret: SecretId, number: u64) {
        let (operation, create, policy) = (Operation::Delete, None, None);
        let differs_from = vec![];
        let item = Item { secret, version: number, operation, create, policy, differs_from };
        self.push(DEVELOPMENT, item);
    }

    /// A version in the vault.
    fn hold(&mut self, secret: SecretId, number: u64, text: &str, value: &str) {
        let item = parcel_item(secret, number, text, value);
        let commitment = item.commitment(self.story.state.workspace(), DEVELOPMENT);
        self.snapshot.hold(item, self.me(), 0, commitment);
    }

    /// A change made here.
    fn local(&mut self, text: &str, base: Option<(SecretId, u64)>, value: Option<&str>) {
        let value = value.map(|value| SecretBytes::copy_of(value.as_bytes()));
        self.snapshot.local.push(Local { name: name(text), base, time: 0, value });
    }

    fn me(&self) -> MemberId {
        self.story.cast.founder.id()
    }

    /// As after a pull.
    fn pulled(&mut self) {
        self.snapshot.head = Some(self.story.state.head());
    }

    fn admit_reader(&mut self, scope: Scope) {
        let recipient = self.story.cast.reader.recipient().clone();
        let admit = self.story.admission(&recipient, Role::Reader, scope);
        self.story.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
    }

    fn seen_by(&self, member: &MemberId) -> Vec<(String, Drift)> {
        against_log(&self.story.state, &self.snapshot, member, &self.names)
            .into_iter()
            .map(|Change { name, state }| (name, state))
            .collect()
    }

    /// What is reported to the founder.
    fn says(&self, expected: &[(&str, Drift)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, drift)| ((*name).to_owned(), *drift)).collect();
        assert_eq!(self.seen_by(&self.me()), expected);
    }
}

#[test]
fn every_difference_has_its_stable_word() {
    let words = [
        (Drift::RemoteAhead, "remote_ahead"),
        (Drift::LocalModified, "local_modified"),
        (Drift::Conflict, "conflict"),
        (Drift::MissingHere, "missing_here"),
        (Drift::MissingThere, "missing_there"),
        (Drift::NeedsRotation, "needs_rotation"),
        (Drift::Tampered, "tampered"),
        (Drift::Unknown, "unknown"),
    ];
    assert!(words.iter().all(|(drift, word)| drift.as_str() == *word));
    let words = [
        (Between::MissingInA, "missing_in_a"),
        (Between::MissingInB, "missing_in_b"),
        (Between::Different, "different"),
        (Between::Unknown, "unknown"),
    ];
    assert!(words.iter().all(|(between, word)| between.as_str() == *word));
}

#[test]
fn in_step_is_the_same_head_and_no_change_that_waits() {
    let mut pair = Pair::holding([1, 1], [1, 1]);
    let in_step = |pair: &Pair| in_step(&pair.story.state, &pair.snapshot);
    assert!(!in_step(&pair), "before the first pull");
    pair.pulled();
    assert!(in_step(&pair));
    let other = Head { hash: EntryHash([9; 32]), ..pair.story.state.head() };
    pair.snapshot.head = Some(other);
    assert!(!in_step(&pair), "another history of the same length");
    pair.pulled();
    pair.local("A", Some((A, 1)), Some("mine"));
    assert!(!in_step(&pair), "a change waits");
    pair.snapshot.head = None;
    assert!(!in_step(&pair), "neither");
}

#[test]
fn the_same_versions_are_no_difference() {
    let mut pair = Pair::holding([2, 1], [2, 1]);
    pair.says(&[]);
    pair.pulled();
    pair.says(&[]);
    Pair::new().says(&[]);
}

#[test]
fn what_the_log_has_more_of_is_ahead_or_missing_here() {
    Pair::holding([2, 3], [1, 1]).says(&[("A", Drift::RemoteAhead), ("B", Drift::RemoteAhead)]);
    let mut pair = Pair::holding([1, 1], [0, 1]);
    pair.says(&[(&A.to_string(), Drift::MissingHere)]);
    pair.names.insert(A, name("Z"));
    pair.says(&[("Z", Drift::MissingHere)]);
    pair.names.insert(B, name("Q"));
    pair.says(&[("Z", Drift::MissingHere)]);
}

#[test]
fn what_the_vault_has_more_of_is_missing_there() {
    Pair::holding([1, 2], [2, 3]).says(&[("A", Drift::MissingThere), ("B", Drift::MissingThere)]);
    Pair::holding([0, 1], [1, 1]).says(&[("A", Drift::MissingThere)]);
    let mut pair = Pair::holding([1, 0], [0, 0]);
    pair.snapshot.secrets.push(Held {
        id: A,
        name: name("A"),
        name_salt: [0; 32],
        policy: vec![],
        policy_salt: [0; 32],
        versions: vec![],
        given_up: vec![],
    });
    pair.says(&[("A", Drift::MissingThere)]);
}

#[test]
fn a_deletion_is_ahead_of_a_value_alone() {
    let mut pair = Pair::holding([1, 1], [1, 0]);
    pair.delete(A, 2);
    pair.delete(B, 2);
    pair.says(&[("A", Drift::RemoteAhead)]);
    let me = pair.me();
    pair.snapshot.hold_deletion(&A, 2, me, 0);
    pair.says(&[]);
    // It came back and went again while this vault was away.
    pair.put(A, 3, "A", "back", &[]);
    pair.says(&[("A", Drift::RemoteAhead)]);
    pair.delete(A, 4);
    pair.says(&[]);
}

#[test]
fn a_value_that_misses_its_commitment_is_tampered_with() {
    let mut pair = Pair::holding([2, 1], [1, 1]);
    pair.hold(A, 2, "A", "not what the log says");
    pair.says(&[("A", Drift::Tampered)]);
    let mut pair = Pair::holding([2, 1], [2, 1]);
    let me = pair.me();
    pair.snapshot.hold_deletion(&A, 2, me, 0);
    pair.says(&[("A", Drift::Tampered)]);
}

#[test]
fn a_change_made_here_is_mine_or_in_conflict() {
    let one = |base, there, drift: &[(&str, Drift)]| {
        let mut pair = Pair::holding([there, 0], [1, 0]);
        pair.local("A", base, Some("mine"));
        pair.says(drift);
    };
    one(Some((A, 1)), 1, &[("A", Drift::LocalModified)]);
    one(Some((A, 1)), 2, &[("A", Drift::Conflict)]);
    one(Some((A, 2)), 1, &[("A", Drift::Conflict)]);
    one(Some((B, 1)), 1, &[("A", Drift::Conflict)]);
    one(None, 1, &[("A", Drift::Conflict)]);
}

#[test]
fn a_deletion_made_here_is_a_change() {
    let mut pair = Pair::holding([1, 1], [1, 1]);
    pair.local("A", Some((A, 1)), None);
    pair.says(&[("A", Drift::LocalModified)]);
    pair.put(A, 2, "A", "theirs", &[]);
    pair.says(&[("A", Drift::Conflict)]);
}

#[test]
fn a_change_of_what_was_deleted_there_is_mine_or_in_conflict() {
    let one = |base, drift| {
        let mut pair = Pair::holding([1, 0], [1, 0]);
        pair.delete(A, 2);
        pair.local("A", base, Some("mine"));
        pair.says(&[("A", drift)]);
    };
    one(Some((A, 2)), Drift::LocalModified);
    one(Some((A, 1)), Drift::Conflict);
    // A new secret of the name: that an old one ended does not touch it.
    one(None, Drift::LocalModified);
    one(Some((B, 2)), Drift::LocalModified);
}

#[test]
fn what_was_created_here_is_reported_once_and_a_deletion_of_nothing_never() {
    let mut pair = Pair::holding([1, 0], [1, 0]);
    pair.local("NEW", None, Some("mine"));
    pair.local("GONE", None, None);
    pair.says(&[("NEW", Drift::LocalModified)]);
    pair.local("A", Some((A, 1)), Some("mine"));
    pair.says(&[("A", Drift::LocalModified), ("NEW", Drift::LocalModified)]);
}

#[test]
fn differences_are_sorted_by_name() {
    let mut pair = Pair::new();
    for (secret, text) in [(A, "Z"), (B, "M")] {
        pair.put(secret, 1, text, "1", &[]);
        pair.hold(secret, 2, text, "2");
    }
    pair.local("B", None, Some("mine"));
    pair.hold(ELSEWHERE, 1, "C", "1");
    pair.says(&[
        ("B", Drift::LocalModified),
        ("C", Drift::MissingThere),
        ("M", Drift::MissingThere),
        ("Z", Drift::MissingThere),
    ]);
}

#[test]
fn a_member_hears_of_its_own_environment_and_scope_alone() {
    let mut pair = Pair::holding([1, 1], [0, 0]);
    pair.put_in(STAGING, ELSEWHERE, 1, "E", "1", &[]);
    pair.names = [(A, name("A")), (B, name("B")), (ELSEWHERE, name("E"))].into();
    let both = [("A", Drift::MissingHere), ("B", Drift::MissingHere)];
    pair.says(&both);
    let reader = pair.story.cast.reader.id();
    assert_eq!(pair.seen_by(&reader), [], "no member yet");
    pair.admit_reader(single(DEVELOPMENT, B));
    assert_eq!(pair.seen_by(&reader), [("B".to_owned(), Drift::MissingHere)]);
    pair.story.add(|cast| &cast.founder, remove(Removed::Members(vec![reader])));
    assert_eq!(pair.seen_by(&reader), [], "no member any more");
    pair.local("NEW", None, Some("mine"));
    let stranger = identity(9, Kind::Human).id();
    assert_eq!(pair.seen_by(&stranger), [("NEW".to_owned(), Drift::LocalModified)]);
    pair.snapshot.forget_local(None);
    pair.snapshot.environment = STAGING;
    pair.says(&[("E", Drift::MissingHere)]);
}

/// A log whose versions 2 of `A` and `B` a reader received, who then lost `lost`; a vault in step.
fn lost(lost: Scope) -> Pair {
    let mut pair = Pair::holding([1, 1], [2, 2]);
    pair.admit_reader(whole(DEVELOPMENT));
    let reader = pair.story.cast.reader.id();
    pair.put(A, 2, "A", "2", &[]);
    pair.put(B, 2, "B", "2", &[]);
    pair.story.add(|cast| &cast.founder, change(reader, Role::Reader, lost, None));
    pair.pulled();
    pair
}

#[test]
fn a_value_that_somebody_lost_needs_rotation_even_in_step() {
    lost(single(DEVELOPMENT, A)).says(&[("B", Drift::NeedsRotation)]);
    let mut pair = lost(single(DEVELOPMENT, A));
    let reader = pair.story.cast.reader.id();
    pair.story.add(|cast| &cast.founder, remove(Removed::Members(vec![reader])));
    pair.pulled();
    pair.says(&[("A", Drift::NeedsRotation), ("B", Drift::NeedsRotation)]);
    pair.put(A, 3, "A", "3", &[version(A, 1), version(A, 2)]);
    pair.says(&[("A", Drift::RemoteAhead), ("B", Drift::NeedsRotation)]);
    pair.hold(A, 3, "A", "3");
    pair.says(&[("B", Drift::NeedsRotation)]);
    pair.pulled();
    pair.says(&[("B", Drift::NeedsRotation)]);
    pair.local("B", Some((B, 2)), Some("mine"));
    pair.says(&[("B", Drift::LocalModified)]);
}

#[test]
fn a_false_claim_that_a_value_is_another_clears_nothing_where_both_are_held() {
    let again = |value, differs: &[VersionRef], expected: &[(&str, Drift)]| {
        let mut pair = lost(whole(STAGING));
        pair.put(B, 3, "B", "3", &[version(B, 1), version(B, 2)]);
        pair.hold(B, 3, "B", "3");
        pair.put(A, 3, "A", value, differs);
        pair.hold(A, 3, "A", value);
        pair.pulled();
        pair.says(expected);
    };
    let rotate = [("A", Drift::NeedsRotation)];
    again("3", &[version(A, 2)], &[]);
    again("2", &[version(A, 2)], &rotate);
    again("1", &[version(A, 2), version(A, 1)], &rotate);
    again("3", &[], &rotate);
    // Of another secret's version of that number nothing is said.
    again("1", &[version(A, 2), version(B, 1)], &[]);
}

#[test]
fn a_false_claim_hides_nothing_where_nobody_lost_a_right() {
    let mut pair = Pair::holding([1, 1], [1, 1]);
    pair.put(A, 2, "A", "1", &[version(A, 1)]);
    pair.hold(A, 2, "A", "1");
    pair.says(&[]);
    pair.pulled();
    pair.says(&[]);
}

#[test]
fn a_claim_cannot_be_told_to_be_false_by_who_holds_one_value_alone() {
    let mut pair = lost(single(DEVELOPMENT, B));
    pair.put(A, 3, "A", "2", &[version(A, 2)]);
    pair.snapshot.secrets = Named::default();
    pair.hold(B, 2, "B", "2");
    pair.hold(A, 3, "A", "2");
    pair.pulled();
    pair.says(&[]);
    pair.hold(A, 2, "A", "2");
    pair.says(&[("A", Drift::NeedsRotation)]);
}

fn side<'a>(
    environment: EnvironmentId,
    snapshot: Option<&'a Snapshot>,
    names: &[&str],
) -> Side<'a> {
    Side { environment, snapshot, names: names.iter().map(|text| name(text)).collect() }
}

#[test]
fn environments_differ_by_name_and_by_value() {
    let mut a = Pair::new();
    let mut b = Pair::new();
    for (number, text, one, other) in [
        (1, "SAME", Some("1"), Some("1")),
        (2, "DIFFERENT", Some("1"), Some("2")),
        (3, "NOT_HELD", Some("1"), None),
        (4, "HELD_BY_NONE", None, None),
        (5, "ALSO_NOT", None, Some("1")),
        (6, "LONGER", Some("1"), Some("11")),
    ] {
        let id = SecretId([number; 16]);
        one.into_iter().for_each(|value| a.hold(id, 1, text, value));
        other.into_iter().for_each(|value| b.hold(id, 1, text, value));
    }
    let both = ["SAME", "DIFFERENT", "NOT_HELD", "HELD_BY_NONE", "ALSO_NOT", "LONGER"];
    let one = side(DEVELOPMENT, Some(&a.snapshot), &[&both[..], &["FIRST"]].concat());
    let other = side(STAGING, Some(&b.snapshot), &[&both[..], &["SECOND", "SECOND"]].concat());
    let expected = |first, second| {
        [
            ("ALSO_NOT", Between::Unknown),
            ("DIFFERENT", Between::Different),
            ("FIRST", first),
            ("HELD_BY_NONE", Between::Unknown),
            ("LONGER", Between::Different),
            ("NOT_HELD", Between::Unknown),
            ("SECOND", second),
        ]
        .map(|(text, how)| (name(text), how))
    };
    assert_eq!(between(&one, &other), expected(Between::MissingInB, Between::MissingInA));
    assert_eq!(between(&other, &one), expected(Between::MissingInA, Between::MissingInB));
    let not_held = ["ALSO_NOT", "FIRST", "HELD_BY_NONE"];
    assert_eq!(between(&one, &one), not_held.map(|text| (name(text), Between::Unknown)));
}

#[test]
fn environments_of_which_nothing_is_held_differ_by_name_alone() {
    let none = side(STAGING, None, &["A"]);
    let mut pair = Pair::new();
    pair.hold(A, 1, "A", "1");
    let held = side(DEVELOPMENT, Some(&pair.snapshot), &["A"]);
    assert_eq!(between(&none, &held), [(name("A"), Between::Unknown)]);
    assert_eq!(between(&side(STAGING, None, &[]), &held), [(name("A"), Between::MissingInA)]);
    assert_eq!(between(&side(STAGING, None, &[]), &side(DEVELOPMENT, None, &[])), []);
}
