//! What a commit carries: each delivery once, inside of it or uploaded ahead.

#![allow(clippy::unwrap_used)]

mod host;
#[path = "host/relay.rs"]
mod relay;

use std::collections::BTreeSet;

use agentsecrets_core::{
    encoding::{EnvironmentId, WorkspaceId, from_base64},
    message::{Method, Request, Response},
    name::SecretName,
    secret::SecretBytes,
    sync,
};
use host::{Host, value};
use relay::{Relay, URL, run, workspace};
use serde_json::{Value, json};

fn push(host: &mut Host, workspace: WorkspaceId, environment: EnvironmentId, name: &str) {
    host.change(workspace, environment, name, Some(name)).unwrap();
    host.run(|start| sync::push(start, workspace, environment, sync::Insist::default())).unwrap();
}

/// Entry, part and recipient of each delivery of the only commit.
fn delivered(relay: &Relay) -> Vec<(u64, u64, String)> {
    let commits: Vec<&Request> =
        relay.requests.iter().filter(|request| request.method == Method::Post).collect();
    let [commit] = commits.as_slice() else { unreachable!("{} commits", commits.len()) };
    let commit: Value = serde_json::from_slice(&commit.body).unwrap();
    let listed = commit["deliveries"].as_array().unwrap().iter();
    listed
        .map(|delivery| {
            let number = |name| delivery[name].as_u64().unwrap();
            (number("entry"), number("part"), delivery["recipient"].to_string())
        })
        .collect()
}

#[test]
fn a_push_that_crashed_leaves_no_delivery_twice_and_none_out() {
    for cut in 0..12 {
        let mut host = Host::new(1);
        let create = |start| sync::create(start, "acme".into(), "laptop".into(), None);
        let workspace = host.run(create).unwrap();
        let environment = host.environment(workspace, "development");
        push(&mut host, workspace, environment, "A");
        push(&mut host, workspace, environment, "B");
        host.change(workspace, environment, "C", Some("3")).unwrap();
        let insist = sync::Insist::default();
        let _ = host.crash(cut, |start| sync::push(start, workspace, environment, insist));
        push(&mut host, workspace, environment, "D");
        // The values come back from what the workspace keeps to deliver.
        host.store.retain(|key, _| !key.contains("/environment/"));
        let pull = |start| sync::pull(start, workspace, None, sync::Clashes::Refuse);
        assert!(host.run(pull).unwrap().into_result().is_ok(), "cut {cut}");
        let snapshot = host.snapshot(workspace, environment);
        let values = ["A", "B", "D"].map(|name| value(&snapshot, name));
        assert_eq!(values, ["A", "B", "D"].map(|name| Some(name.to_owned())), "cut {cut}");
        let mut relay = Relay { page: 500, ..Relay::default() };
        run(&mut host, &mut relay, |start| sync::connect(start, workspace, URL.into())).unwrap();
        let delivered = delivered(&relay);
        let once: BTreeSet<_> = delivered.iter().collect();
        assert_eq!(once.len(), delivered.len(), "cut {cut}: {delivered:?}");
        let entries: BTreeSet<u64> = delivered.iter().map(|(entry, ..)| *entry).collect();
        let pushed = relay.entries.len() as u64 - 4;
        assert_eq!(entries.len() as u64, pushed, "cut {cut}: {entries:?}");
    }
}

#[test]
fn many_bytes_are_uploaded_ahead_of_their_commit_and_few_are_not() {
    for (values, ahead) in [(2, false), (40, true)] {
        let (mut host, mut relay, workspace) = workspace();
        let environment = host.environment(workspace, "development");
        let value = "x".repeat(60_000);
        for name in (0..values).map(|number| format!("NAME_{number}")) {
            host.change(workspace, environment, &name, Some(&value)).unwrap();
        }
        relay.requests.clear();
        relay.instead = Some(Box::new(|request| {
            let uploaded = Response { status: 200, body: Vec::new(), retry_after: None };
            request.target.contains("/sealed/").then_some(Ok(uploaded))
        }));
        let insist = sync::Insist::default();
        run(&mut host, &mut relay, |start| sync::push(start, workspace, environment, insist))
            .unwrap();
        let uploads = relay.requests.iter().filter(|request| request.method == Method::Put).count();
        let commit = relay.requests.iter().find(|request| request.method == Method::Post).unwrap();
        let commit: Value = serde_json::from_slice(&commit.body).unwrap();
        for delivery in commit["deliveries"].as_array().unwrap() {
            assert_eq!(delivery["ciphertext"] == json!(null), ahead);
            assert_eq!(delivery["hash"] == json!(null), !ahead);
        }
        assert_eq!(uploads, if ahead { commit["deliveries"].as_array().unwrap().len() } else { 0 });
    }
}

#[test]
fn a_long_local_log_is_published_in_commits_of_a_bounded_size() {
    let mut host = Host::new(1);
    let create = |start| sync::create(start, "acme".into(), "laptop".into(), None);
    let workspace = host.run(create).unwrap();
    let environment = host.environment(workspace, "development");
    for push in 0..6 {
        let names = (0..1000).map(|number| format!("N_{push}_{number}_{}", "x".repeat(200)));
        let changes =
            names.map(|name| (SecretName::parse(&name).unwrap(), Some(SecretBytes::copy_of(b"1"))));
        let changes = changes.collect();
        host.run(|start| sync::change(start, workspace, environment, changes)).unwrap();
        let insist = sync::Insist::default();
        host.run(|start| sync::push(start, workspace, environment, insist)).unwrap();
    }
    let mut relay = Relay { page: 500, ..Relay::default() };
    relay.instead = Some(Box::new(|request| {
        let uploaded = Response { status: 200, body: Vec::new(), retry_after: None };
        request.target.contains("/sealed/").then_some(Ok(uploaded))
    }));
    run(&mut host, &mut relay, |start| sync::connect(start, workspace, URL.into())).unwrap();
    let whole: usize = relay.entries.iter().map(Vec::len).sum();
    assert!(whole > 2 << 20, "{whole} bytes are no long log");
    let commits = relay.requests.iter().filter(|request| request.method == Method::Post);
    let sizes: Vec<usize> = commits
        .map(|commit| {
            let commit: Value = serde_json::from_slice(&commit.body).unwrap();
            let entries = commit["entries"].as_array().unwrap().iter();
            entries.map(|entry| from_base64(entry.as_str().unwrap()).unwrap().len()).sum()
        })
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), whole);
    assert!(sizes.len() == 2 && sizes.iter().all(|size| *size <= 2 << 20), "{sizes:?}");
}
