//! Changes made around a push: none is lost, and each stands on the version that it was made on.

#![allow(clippy::unwrap_used)]

mod host;
#[path = "host/relay.rs"]
mod relay;

use agentsecrets_core::{
    encoding::{EnvironmentId, WorkspaceId},
    message::Method,
    name::SecretName,
    secret_policy::{Access, SecretPolicy},
    sync::{self, Clashes, Insist, Next, Step},
};
use host::{Host, value};
use relay::{Relay, run, workspace};

fn push(host: &mut Host, relay: &mut Relay, workspace: WorkspaceId, environment: EnvironmentId) {
    run(host, relay, |start| sync::push(start, workspace, environment, Insist::default())).unwrap();
}

/// Pushes, and crashes once the relay has taken the commit; changes `A` before the outcome is known.
fn push_and_change(
    host: &mut Host,
    relay: &mut Relay,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    to: Option<&str>,
) {
    let mut machine = sync::push(host.start(), workspace, environment, Insist::default());
    while let Next::Step(id, step) = machine.step(host.now) {
        let commits = matches!(&step, Step::Send(request) if request.method == Method::Post);
        let answer = host.perform(step, &mut |request| relay.answer(request));
        if commits {
            break;
        }
        machine.finish(id, answer).unwrap();
    }
    drop(machine);
    host.change(workspace, environment, "A", to).unwrap();
    run(host, relay, |start| sync::pull(start, workspace, None, Clashes::Keep)).unwrap();
}

#[test]
fn a_change_made_before_a_pushs_outcome_is_known_is_kept_and_stands_on_what_was_pushed() {
    for (before, pushed, then) in [
        (None, Some("1"), Some("2")),
        (None, Some("1"), None),
        (Some("1"), None, Some("2")),
        (Some("1"), Some("2"), None),
    ] {
        let (mut host, mut relay, workspace) = workspace();
        let environment = host.environment(workspace, "development");
        if before.is_some() {
            host.change(workspace, environment, "A", before).unwrap();
            push(&mut host, &mut relay, workspace, environment);
        }
        host.change(workspace, environment, "A", pushed).unwrap();
        push_and_change(&mut host, &mut relay, workspace, environment, then);
        let snapshot = host.snapshot(workspace, environment);
        let name = SecretName::parse("A").unwrap();
        let local = snapshot.local(&name).expect("the change is not lost");
        let held = snapshot.secrets.iter().find(|held| held.name == name).unwrap();
        let newest = held.newest().unwrap();
        assert_eq!(newest.value.is_some(), pushed.is_some());
        assert_eq!(newest.version, 1 + u64::from(before.is_some()));
        assert_eq!(local.base, Some((held.id, newest.version)));
        assert_eq!(value(&snapshot, "A").as_deref(), then);
        push(&mut host, &mut relay, workspace, environment);
        let snapshot = host.snapshot(workspace, environment);
        assert!(snapshot.local.is_empty());
        assert_eq!(value(&snapshot, "A").as_deref(), then);
    }
}

#[test]
fn the_same_change_made_again_is_done_with_what_was_pushed() {
    let (mut host, mut relay, workspace) = workspace();
    let environment = host.environment(workspace, "development");
    host.change(workspace, environment, "A", Some("1")).unwrap();
    push_and_change(&mut host, &mut relay, workspace, environment, Some("1"));
    let snapshot = host.snapshot(workspace, environment);
    assert!(snapshot.local.is_empty());
    assert_eq!(value(&snapshot, "A").as_deref(), Some("1"));
}

#[test]
fn a_version_that_only_sets_a_policy_has_salts_of_its_own() {
    let (mut host, mut relay, workspace) = workspace();
    let environment = host.environment(workspace, "development");
    host.change(workspace, environment, "A", Some("1")).unwrap();
    push(&mut host, &mut relay, workspace, environment);
    let name = SecretName::parse("A").unwrap();
    let item = |host: &mut Host, number| {
        let snapshot = host.snapshot(workspace, environment);
        let item = snapshot.by_name(&name).unwrap().item(number).unwrap();
        (item.salt, item.policy_salt, item.name_salt, item.policy)
    };
    let first = item(&mut host, 1);
    let policy = SecretPolicy::new(Access::UseOnly, true, false, Vec::new()).unwrap();
    let set = |start| {
        sync::set_secret_policy(start, workspace, environment, name.clone(), Some(policy.clone()))
    };
    run(&mut host, &mut relay, set).unwrap();
    let second = item(&mut host, 2);
    assert!(first.0 != second.0 && first.1 != second.1 && first.3 != second.3);
    assert_eq!(first.2, second.2);
}
