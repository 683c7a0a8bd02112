#![allow(clippy::unwrap_used)]

use super::*;

const ENV: EnvironmentId = EnvironmentId([1; 16]);
const OTHER: EnvironmentId = EnvironmentId([2; 16]);
const SECRET: SecretId = SecretId([1; 16]);

fn item(environment: EnvironmentId, secrets: Option<Vec<SecretId>>) -> ScopeItem {
    ScopeItem { environment, secrets }
}

#[test]
fn scopes_contain_what_they_name_and_no_more() {
    let whole = Scope::only([item(ENV, None)]);
    let single = Scope::only([item(ENV, Some(vec![SECRET]))]);
    assert!(
        whole.holds_environment(&ENV)
            && whole.holds(&ENV, &SECRET)
            && !whole.holds(&OTHER, &SECRET)
    );
    assert!(!single.holds_environment(&ENV) && single.holds(&ENV, &SECRET) && single.is_blind());
    assert!(single.within(&whole) && !whole.within(&single) && whole.within(&Scope::All));
    assert!(!Scope::All.within(&whole) && !whole.is_blind());
}

#[test]
fn only_sorted_scopes_are_canonical() {
    assert!(Scope::only([item(OTHER, None), item(ENV, None)]).is_canonical());
    assert!(!Scope::Only(vec![item(OTHER, None), item(ENV, None)]).is_canonical());
    assert!(!Scope::Only(vec![item(ENV, None), item(ENV, None)]).is_canonical());
    assert!(!Scope::Only(vec![]).is_canonical());
    assert!(!Scope::Only(vec![item(ENV, Some(vec![]))]).is_canonical());
    let joined = Scope::only([item(ENV, Some(vec![SECRET])), item(ENV, None)]);
    assert_eq!(joined, Scope::only([item(ENV, None)]));
}

#[test]
fn a_scope_touches_the_environments_that_it_names() {
    let single = Scope::only([item(ENV, Some(vec![SECRET]))]);
    assert!(Scope::All.touches(&ENV) && single.touches(&ENV) && !single.touches(&OTHER));
    assert!(!single.holds(&ENV, &SecretId([2; 16])) && Scope::All.holds(&ENV, &SECRET));
    assert!(Scope::All.holds_environment(&ENV) && !Scope::All.is_blind());
    let mixed = Scope::only([item(ENV, Some(vec![SECRET])), item(OTHER, None)]);
    assert!(!mixed.is_blind() && !mixed.within(&single) && single.within(&mixed));
    assert!(Scope::All.within(&Scope::All) && Scope::All.is_canonical());
}

#[test]
fn secrets_of_a_scope_are_sorted_once_each_and_joined() {
    let secrets = |ids: &[u8]| Some(ids.iter().map(|id| SecretId([*id; 16])).collect());
    let scope = |ids: &[u8]| Scope::Only(vec![item(ENV, secrets(ids))]);
    assert!(scope(&[1, 2]).is_canonical() && !scope(&[2, 1]).is_canonical());
    assert!(!scope(&[1, 1]).is_canonical());
    let joined = [item(ENV, secrets(&[3, 1])), item(ENV, secrets(&[1, 2]))];
    assert_eq!(Scope::only(joined), scope(&[1, 2, 3]));
}

#[test]
fn ranks_act_on_lower_ranks_alone() {
    let [reader, writer, admin, owner] = Role::ALL;
    for (role, over) in [
        (reader, &[][..]),
        (writer, &[]),
        (admin, &[reader, writer]),
        (owner, &[reader, writer, admin, owner]),
    ] {
        let ruled = Role::ALL.into_iter().filter(|other| role.rules_over(*other));
        assert!(ruled.eq(over.iter().copied()), "{role}");
    }
}

#[test]
fn every_role_has_its_word() {
    let words = ["reader", "writer", "admin", "owner"];
    assert_eq!(Role::ALL.map(|role| role.to_string()), words);
    assert_eq!(words.map(Role::parse), Role::ALL.map(Some));
    assert_eq!(Role::parse("Owner"), None);
}

/// Admitted by entry 3, changed by 5, ended by 8.
fn member() -> Member {
    let span = |since, role, scope| Span { since, role, scope };
    let (blind, whole) = (item(ENV, Some(vec![SECRET])), item(OTHER, None));
    let key = crate::secret::Key::new([1; 32]);
    Member {
        recipient: crate::identity::Identity::from_seed(key, Kind::Agent).recipient().clone(),
        person: PersonId([1; 16]),
        spans: vec![
            span(3, Role::Reader, Scope::only([blind])),
            span(5, Role::Admin, Scope::only([whole])),
        ],
        ended: Some(8),
        admitted_by: MemberId([1; 32]),
        how: How::OutOfBand,
        grant: None,
        label: SealedLabel { generation: 0, ciphertext: vec![] },
    }
}

#[test]
fn a_scope_holds_from_after_its_entry_up_to_the_one_that_ends_it() {
    let member = member();
    let [first, second] = [0, 1].map(|place| Some(&member.spans[place].scope));
    for (seq, scope) in [(0, None), (3, None), (4, first), (5, first), (6, second), (8, second)] {
        assert_eq!(member.scope_before(seq), scope, "{seq}");
    }
    assert_eq!((member.scope_before(9), member.scope_before(u64::MAX)), (None, None));
    assert!(member.received(5, &ENV, &SECRET) && !member.received(6, &ENV, &SECRET));
    assert!(!member.received(3, &ENV, &SECRET) && !member.received(4, &OTHER, &SECRET));
}

#[test]
fn a_member_is_what_its_last_span_says_until_it_ends() {
    let mut member = member();
    assert_eq!((member.admitted(), member.role(), member.kind()), (3, Role::Admin, Kind::Agent));
    assert_eq!(member.scope(), &member.spans[1].scope);
    assert!(!member.is_active() && !member.holds_key() && !member.reads(&OTHER, &SECRET));
    member.ended = None;
    assert!(member.is_active() && member.holds_key() && member.reads(&OTHER, &SECRET));
    assert!(!member.reads(&ENV, &SECRET), "no longer");
    member.spans.pop();
    assert!(!member.holds_key() && member.reads(&ENV, &SECRET), "a blind one");
    assert_eq!(member.verifying_key(), member.recipient.verifying_key());
    member.spans.clear();
    assert_eq!((member.role(), member.admitted()), (Role::Reader, 0));
    assert!(!member.reads(&ENV, &SECRET) && member.scope() == &Scope::Only(vec![]));
}
