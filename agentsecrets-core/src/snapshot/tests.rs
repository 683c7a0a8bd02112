#![allow(clippy::unwrap_used)]

use super::*;

fn name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

fn value(text: &str) -> Option<SecretBytes> {
    Some(SecretBytes::copy_of(text.as_bytes()))
}

#[test]
fn changes_made_here_win_until_they_are_undone() {
    let mut snapshot = Snapshot::empty(WorkspaceId::ZERO, EnvironmentId::ZERO);
    snapshot.change(name("A"), value("1"), 0).unwrap();
    snapshot.change(name("A"), value("2"), 0).unwrap();
    assert_eq!(snapshot.value(&name("A")).unwrap().expose(), b"2");
    snapshot.change(name("A"), None, 0).unwrap();
    assert!(snapshot.local.is_empty() && snapshot.names().is_empty());
    assert_eq!(snapshot.change(name("A"), None, 0).unwrap_err().code(), ErrorCode::UnknownSecret);
}

#[test]
fn names_that_differ_in_case_alone_are_one() {
    let mut snapshot = Snapshot::empty(WorkspaceId::ZERO, EnvironmentId::ZERO);
    snapshot.change(name("Path"), value("1"), 0).unwrap();
    let error = snapshot.change(name("PATH"), value("1"), 0).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidName);
}

fn item(id: u8, version: u64, text: &str, content: &str) -> ParcelItem {
    ParcelItem {
        secret: SecretId([id; 16]),
        version,
        name: name(text),
        name_salt: [1; 32],
        policy: vec![id],
        policy_salt: [2; 32],
        salt: [version as u8; 32],
        value: SecretBytes::copy_of(content.as_bytes()),
    }
}

const AUTHOR: MemberId = MemberId([9; 32]);

/// Holds versions of one secret, in the order given.
fn holding(versions: &[u64]) -> Snapshot {
    let mut snapshot = Snapshot::empty(WorkspaceId::ZERO, EnvironmentId::ZERO);
    for version in versions {
        let item = item(1, *version, "A", &version.to_string());
        snapshot.hold(item, AUTHOR, *version, Commitment([1; 32]));
    }
    snapshot
}

fn numbers(snapshot: &Snapshot) -> Vec<u64> {
    let held = snapshot.held(&SecretId([1; 16])).unwrap();
    held.versions.iter().map(|version| version.version).collect()
}

fn seen<'a>(snapshot: &'a Snapshot, text: &str) -> Option<&'a [u8]> {
    snapshot.value(&name(text)).map(SecretBytes::expose)
}

#[test]
fn the_ten_newest_versions_are_held_in_order_and_once_each() {
    assert_eq!(numbers(&holding(&[3, 1, 2, 3])), [1, 2, 3]);
    let eleven: Vec<_> = (1..=11).collect();
    assert_eq!(numbers(&holding(&eleven[..10])), eleven[..10]);
    assert_eq!(numbers(&holding(&eleven)), eleven[1..]);
}

#[test]
fn a_version_is_given_back_as_it_came() {
    let snapshot = holding(&[1, 2]);
    let held = snapshot.held(&SecretId([1; 16])).unwrap();
    let bytes = |item: &ParcelItem| borsh::to_vec(item).unwrap();
    assert_eq!(bytes(&held.item(2).unwrap()), bytes(&item(1, 2, "A", "2")));
    assert!(held.item(3).is_none() && held.version(0).is_none());
    let newest = held.newest().unwrap();
    assert_eq!((newest.version, newest.author, newest.time), (2, AUTHOR, 2));
    assert_eq!(held.live_value().unwrap().value.expose(), b"2");
    assert_eq!(snapshot.held(&SecretId([2; 16])).map(|held| held.id), None);
}

#[test]
fn a_deleted_secret_has_no_value_until_it_comes_back_on_its_newest_version() {
    let mut snapshot = holding(&[1]);
    assert_eq!(seen(&snapshot, "A"), Some(&b"1"[..]));
    snapshot.hold_deletion(&SecretId([1; 16]), 2, AUTHOR, 0);
    snapshot.hold_deletion(&SecretId([2; 16]), 2, AUTHOR, 0);
    assert_eq!((numbers(&snapshot), snapshot.secrets.len()), (vec![1, 2], 1));
    assert!(seen(&snapshot, "A").is_none() && snapshot.names().is_empty());
    assert!(snapshot.by_name(&name("A")).is_none());
    snapshot.change(name("A"), value("again"), 7).unwrap();
    let local = snapshot.local(&name("A")).unwrap();
    assert_eq!((local.base, local.time), (Some((SecretId([1; 16]), 2)), 7));
    assert_eq!(seen(&snapshot, "A"), Some(&b"again"[..]));
    assert_eq!(snapshot.names(), [&name("A")]);
}

#[test]
fn a_value_that_is_held_is_deleted_by_a_change_that_waits() {
    let mut snapshot = holding(&[1]);
    snapshot.change(name("A"), None, 0).unwrap();
    assert_eq!(snapshot.local(&name("A")).unwrap().base, Some((SecretId([1; 16]), 1)));
    assert!(seen(&snapshot, "A").is_none());
    let error = snapshot.change(name("A"), None, 0).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownSecret);
    assert_eq!(snapshot.local.len(), 1);
}

#[test]
fn of_two_secrets_of_a_name_the_shadowed_one_counts_for_nothing() {
    let mut snapshot = holding(&[1]);
    snapshot.hold(item(2, 1, "A", "other"), AUTHOR, 0, Commitment([1; 32]));
    let live = |snapshot: &Snapshot| snapshot.by_name(&name("A")).map(|held| held.id.0[0]);
    assert_eq!(live(&snapshot), Some(1));
    snapshot.shadowed = vec![SecretId([1; 16])];
    assert_eq!((live(&snapshot), seen(&snapshot, "A")), (Some(2), Some(&b"other"[..])));
    snapshot.shadowed = vec![SecretId([1; 16]), SecretId([2; 16])];
    assert_eq!(live(&snapshot), None);
}

#[test]
fn only_a_name_that_has_a_value_clashes_with_one_in_another_case() {
    let mut snapshot = holding(&[1]);
    let error = snapshot.change(name("a"), value("1"), 0).unwrap_err();
    assert_eq!(
        (error.code(), error.hint()),
        (ErrorCode::InvalidName, "agentsecrets secrets set A")
    );
    snapshot.change(name("A"), None, 0).unwrap();
    snapshot.change(name("a"), value("1"), 0).unwrap();
    assert_eq!(snapshot.names(), [&name("a")]);
}

#[test]
fn changes_are_forgotten_by_name_or_all() {
    let changed = || {
        let mut snapshot = holding(&[1]);
        ["A", "B", "C"].iter().for_each(|n| snapshot.change(name(n), value("x"), 0).unwrap());
        snapshot
    };
    let mut snapshot = changed();
    snapshot.forget_local(Some(&[name("A"), name("C")]));
    assert_eq!((seen(&snapshot, "A"), snapshot.names().len()), (Some(&b"1"[..]), 2));
    let mut snapshot = changed();
    snapshot.forget_local(None);
    assert_eq!(snapshot.names(), [&name("A")]);
}

#[test]
fn versions_let_go_of_take_their_secret_along_and_the_head() {
    let mut snapshot = holding(&[1, 2, 3]);
    snapshot.hold(item(2, 1, "B", "1"), AUTHOR, 0, Commitment([1; 32]));
    snapshot.head = Some(Head { seq: 1, hash: crate::encoding::EntryHash([1; 32]) });
    snapshot.keep_versions(|id, version| *id == SecretId([1; 16]) && version.version != 2);
    assert_eq!((numbers(&snapshot), snapshot.head), (vec![1, 3], None));
    assert!(snapshot.held(&SecretId([2; 16])).is_none() && snapshot.secrets.len() == 1);
}

#[test]
fn a_names_policy_is_read_where_it_has_one() {
    let mut snapshot = holding(&[1]);
    assert_eq!(snapshot.policy(&name("A")).unwrap_err().code(), ErrorCode::MalformedPolicy);
    assert!(snapshot.policy(&name("B")).unwrap().is_none());
    let policy = SecretPolicy::from_json("{\"access\":\"use-only\"}").unwrap();
    let mut newer = item(1, 2, "A", "2");
    newer.policy = policy.to_bytes();
    snapshot.hold(newer, AUTHOR, 0, Commitment([1; 32]));
    assert_eq!(snapshot.policy(&name("A")).unwrap(), Some(policy));
}
