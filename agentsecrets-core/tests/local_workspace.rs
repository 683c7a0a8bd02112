//! A workspace without a relay: the log certifies itself, and a crash at any step loses nothing.

#![allow(clippy::unwrap_used)]

mod host;

use agentsecrets_core::{
    ErrorCode,
    drift::{self, Drift},
    encoding::{EnvironmentId, WorkspaceId},
    sync::{self, Management},
};
use host::{Host, value};

fn workspace() -> (Host, WorkspaceId, EnvironmentId) {
    let mut host = Host::new(1);
    let workspace =
        host.run(|start| sync::create(start, "acme".into(), "laptop".into(), None)).unwrap();
    let environment = host.environment(workspace, "development");
    (host, workspace, environment)
}

#[test]
fn values_are_set_replaced_and_deleted_without_a_relay() {
    let (mut host, workspace, environment) = workspace();
    for (name, text) in [("A", "1"), ("B", "2"), ("A", "3")] {
        host.change(workspace, environment, name, Some(text)).unwrap();
        host.run(|start| sync::push(start, workspace, environment, false)).unwrap();
    }
    host.change(workspace, environment, "B", None).unwrap();
    host.run(|start| sync::push(start, workspace, environment, false)).unwrap();
    let snapshot = host.snapshot(workspace, environment);
    assert_eq!(value(&snapshot, "A").as_deref(), Some("3"));
    assert_eq!(value(&snapshot, "B"), None);
    assert!(snapshot.local.is_empty() && snapshot.attempts.is_empty());
    let entries = host.run(|start| sync::entries(start, workspace)).unwrap();
    assert_eq!(entries.len(), 1 + 3 + 4);
}

#[test]
fn a_change_that_is_not_pushed_is_drift() {
    let (mut host, workspace, environment) = workspace();
    host.change(workspace, environment, "A", Some("1")).unwrap();
    let view = host.run(|start| sync::view(start, workspace)).unwrap();
    let snapshot = host.snapshot(workspace, environment);
    let changes =
        drift::against_log(view.state().unwrap(), &snapshot, &view.me(), &view.names(&snapshot));
    assert_eq!(
        changes.iter().map(|change| change.state).collect::<Vec<_>>(),
        [Drift::LocalModified]
    );
    host.run(|start| sync::push(start, workspace, environment, false)).unwrap();
    let view = host.run(|start| sync::view(start, workspace)).unwrap();
    assert!(drift::in_step(view.state().unwrap(), &host.snapshot(workspace, environment)));
}

#[test]
fn a_crash_at_any_step_of_a_push_loses_nothing() {
    for cut in 0..40 {
        let (mut host, workspace, environment) = workspace();
        host.change(workspace, environment, "A", Some("1")).unwrap();
        host.run(|start| sync::push(start, workspace, environment, false)).unwrap();
        host.change(workspace, environment, "A", Some("2")).unwrap();
        host.change(workspace, environment, "B", Some("new")).unwrap();
        let (_, cut_off) =
            host.crash(cut, |start| sync::push(start, workspace, environment, false));
        let snapshot = host.snapshot(workspace, environment);
        assert_eq!(value(&snapshot, "A").as_deref(), Some("2"), "cut {cut}");
        host.run(|start| sync::push(start, workspace, environment, false)).unwrap();
        let snapshot = host.snapshot(workspace, environment);
        assert_eq!(value(&snapshot, "A").as_deref(), Some("2"), "cut {cut}");
        assert_eq!(value(&snapshot, "B").as_deref(), Some("new"), "cut {cut}");
        assert!(snapshot.local.is_empty() && snapshot.attempts.is_empty(), "cut {cut}");
        let view = host.run(|start| sync::view(start, workspace)).unwrap();
        let versions: Vec<_> =
            view.state().unwrap().secrets().values().map(|secret| secret.versions.len()).collect();
        assert_eq!(versions.iter().sum::<usize>(), 3, "cut {cut}: each value is pushed once");
        if cut_off.is_ok() {
            return;
        }
    }
    panic!("the push never ended");
}

#[test]
fn environments_are_made_renamed_and_archived_and_labels_stay_unique() {
    let (mut host, workspace, _) = workspace();
    let manage = |host: &mut Host, change| host.run(|start| sync::manage(start, workspace, change));
    manage(&mut host, Management::CreateEnvironment("preview".into())).unwrap();
    let again = manage(&mut host, Management::CreateEnvironment("preview".into())).unwrap_err();
    assert_eq!(again.code(), ErrorCode::EnvironmentExists);
    let id = host.environment(workspace, "preview");
    manage(&mut host, Management::RenameEnvironment(id, "review".into())).unwrap();
    assert_eq!(host.environment(workspace, "review"), id);
    manage(&mut host, Management::ArchiveEnvironment(id)).unwrap();
    assert_eq!(
        host.change(workspace, id, "A", Some("1")).unwrap_err().code(),
        ErrorCode::UnknownEnvironment
    );
}

#[test]
fn a_local_workspace_has_nowhere_to_invite_to() {
    let (mut host, workspace, _) = workspace();
    let offer = sync::Offer {
        role: agentsecrets_core::log::Role::Writer,
        scope: agentsecrets_core::log::Scope::All,
        expires: 0,
    };
    let error = host.run(|start| sync::invite(start, workspace, offer)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoRelay);
}
