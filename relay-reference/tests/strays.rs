//! Sealed bytes that left a device count as received, also when their push was refused.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

#[path = "../../agentsecrets-core/tests/host/mod.rs"]
mod host;
#[path = "common/in_process.rs"]
mod in_process;

use agentsecrets_core::{
    ErrorCode,
    encoding::{EnvironmentId, WorkspaceId},
    log::{
        Role, Scope,
        entry::{Reason, Remove, Removed},
        exposure::{exposure, rotations},
    },
    sync::{self, Clashes, Insist, Offer},
};
use host::Host;
use in_process::{Fault, InProcess};

fn join(relay: &mut InProcess, owner: &mut Host, other: &mut Host, workspace: WorkspaceId) {
    let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
    let invitation = relay.run(owner, |s| sync::invite(s, workspace, offer)).unwrap();
    relay.run(other, |s| sync::join(s, invitation, "other".into())).unwrap();
    relay.run(owner, |s| sync::admit_replies(s, workspace, false)).unwrap();
    relay.run(other, |s| sync::pull(s, workspace, None, Clashes::Refuse)).unwrap();
}

/// The device stops once its push is stored and may have been sent.
fn leave_in_the_middle(
    relay: &mut InProcess,
    host: &mut Host,
    workspace: WorkspaceId,
    environment: EnvironmentId,
) {
    for cut in 1.. {
        let push = |s| sync::push(s, workspace, environment, false);
        drop(relay.run_with(host, Fault::None, cut, push).1);
        if !host.snapshot(workspace, environment).attempts.is_empty() {
            return;
        }
    }
}

#[test]
fn a_value_that_left_for_a_removed_member_is_refused_or_counted() {
    let mut relay = InProcess::new();
    let mut hosts: Vec<Host> = (1..=3).map(Host::new).collect();
    hosts.iter_mut().for_each(|host| host.now = in_process::now());
    let [owner, writer, leaver] = hosts.as_mut_slice() else { panic!("three hosts") };
    let url = Some(relay.url());
    let workspace =
        relay.run(owner, |s| sync::create(s, "acme".into(), "one".into(), url)).unwrap();
    join(&mut relay, owner, writer, workspace);
    join(&mut relay, owner, leaver, workspace);
    relay.run(writer, |s| sync::pull(s, workspace, None, Clashes::Refuse)).unwrap();
    let environment = writer.environment(workspace, "development");
    // The relay hides the push of the writer and lets the removal through first.
    writer.change(workspace, environment, "A", Some("fake-first")).unwrap();
    let push = |s| sync::push(s, workspace, environment, false);
    leave_in_the_middle(&mut relay, writer, workspace, environment);
    let who = Removed::Members(vec![leaver.identity.id()]);
    let remove = Remove { who, reason: Reason::Departed };
    relay.run(owner, |s| sync::remove(s, workspace, remove, true)).unwrap();
    let refused = relay.run(writer, push).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::SentToRemoved, "{refused}");
    // A fresh value goes through, and nobody who left could read it.
    writer.change(workspace, environment, "B", Some("fake-second")).unwrap();
    writer.change(workspace, environment, "A", None).unwrap();
    relay.run(writer, push).unwrap();
    writer.change(workspace, environment, "A", Some("fake-first")).unwrap();
    let insist = Insist { mine: false, sent_to_removed: true };
    relay.run(writer, |s| sync::push(s, workspace, environment, insist)).unwrap();
    let view = writer.run(|s| sync::view(s, workspace)).unwrap();
    let state = view.state().unwrap();
    assert!(exposure(state, &leaver.identity.id()).is_empty(), "what was undone is forgotten");
    assert!(rotations(state).is_empty());
}

#[test]
fn an_insisted_push_says_whom_the_value_reached() {
    let mut relay = InProcess::new();
    let mut hosts: Vec<Host> = (1..=3).map(Host::new).collect();
    hosts.iter_mut().for_each(|host| host.now = in_process::now());
    let [owner, writer, leaver] = hosts.as_mut_slice() else { panic!("three hosts") };
    let url = Some(relay.url());
    let workspace =
        relay.run(owner, |s| sync::create(s, "acme".into(), "one".into(), url)).unwrap();
    join(&mut relay, owner, writer, workspace);
    join(&mut relay, owner, leaver, workspace);
    relay.run(writer, |s| sync::pull(s, workspace, None, Clashes::Refuse)).unwrap();
    let environment = writer.environment(workspace, "development");
    writer.change(workspace, environment, "A", Some("fake-first")).unwrap();
    leave_in_the_middle(&mut relay, writer, workspace, environment);
    let who = Removed::Members(vec![leaver.identity.id()]);
    let remove = Remove { who, reason: Reason::Compromised };
    relay.run(owner, |s| sync::remove(s, workspace, remove, true)).unwrap();
    let insist = Insist { mine: false, sent_to_removed: true };
    relay.run(writer, |s| sync::push(s, workspace, environment, insist)).unwrap();
    relay.run(owner, |s| sync::pull(s, workspace, None, Clashes::Refuse)).unwrap();
    let view = owner.run(|s| sync::view(s, workspace)).unwrap();
    let state = view.state().unwrap();
    assert_eq!(exposure(state, &leaver.identity.id()).len(), 1);
    assert_eq!(rotations(state).len(), 1, "the value needs to be rotated at once");
}
