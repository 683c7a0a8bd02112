//! The client's engine against a running relay, end to end.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;
#[path = "../../agentsecrets-core/tests/host/mod.rs"]
mod host;

use std::net::SocketAddr;

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::WorkspaceId,
    log::{Role, Scope},
    message::{Request, Response},
    sync::{self, Clashes, Machine, Offer, Start},
};
use common::{Relay, client::raw};
use host::{Host, value};

/// Carries a request of the engine, as any HTTP client would.
fn carry(relay: SocketAddr, request: &Request) -> Response {
    assert_eq!(request.relay, format!("http://{relay}"));
    let Request { method, target, headers, body, .. } = request;
    let mut head = format!("{} {target} HTTP/1.1\r\nconnection: close\r\n", method.as_str());
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    head += &format!("host: {relay}\r\ncontent-length: {}\r\n\r\n", body.len());
    let answer = raw(relay, &[head.as_bytes(), body].concat()).unwrap();
    Response { status: answer.status, body: answer.body, retry_after: None }
}

fn run<T>(
    relay: &Relay,
    host: &mut Host,
    operation: impl FnOnce(Start) -> Machine<T>,
) -> Result<T> {
    let machine = operation(host.start());
    let address = relay.address;
    host.drive(machine, usize::MAX, &mut |request| Ok(carry(address, &request))).1
}

/// Invites, replies, admits: as two people do.
fn join(relay: &Relay, admin: &mut Host, newcomer: &mut Host, workspace: WorkspaceId) {
    let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
    let invitation = run(relay, admin, |start| sync::invite(start, workspace, offer)).unwrap();
    run(relay, newcomer, |start| sync::join(start, invitation, "desk".into())).unwrap();
    let early = run(relay, newcomer, |start| sync::pull(start, workspace, None, Clashes::Refuse));
    assert_eq!(early.err().map(|error| error.code()), Some(ErrorCode::NotAdmitted));
    let admitted = run(relay, admin, |start| sync::admit_replies(start, workspace, false));
    assert_eq!(admitted.unwrap().len(), 1);
}

#[test]
fn two_devices_share_secrets_through_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let (mut one, mut two) = (Host::new(1), Host::new(2));
    let url = format!("http://{}", relay.address);
    let create = |start| sync::create(start, "acme".into(), "laptop".into(), Some(url));
    let workspace = run(&relay, &mut one, create).unwrap();
    let environment = one.environment(workspace, "development");
    one.change(workspace, environment, "A", Some("before")).unwrap();
    run(&relay, &mut one, |start| sync::push(start, workspace, environment, false)).unwrap();
    join(&relay, &mut one, &mut two, workspace);
    run(&relay, &mut two, |start| sync::pull(start, workspace, None, Clashes::Refuse)).unwrap();
    assert_eq!(value(&two.snapshot(workspace, environment), "A").as_deref(), Some("before"));
    // Each changes another secret on the same head; the second one rebases.
    one.change(workspace, environment, "B", Some("of one")).unwrap();
    two.change(workspace, environment, "A", Some("of two")).unwrap();
    for host in [&mut one, &mut two] {
        run(&relay, host, |start| sync::push(start, workspace, environment, false)).unwrap();
    }
    for host in [&mut one, &mut two] {
        run(&relay, host, |start| sync::pull(start, workspace, None, Clashes::Refuse)).unwrap();
        let snapshot = host.snapshot(workspace, environment);
        assert_eq!(value(&snapshot, "A").as_deref(), Some("of two"));
        assert_eq!(value(&snapshot, "B").as_deref(), Some("of one"));
    }
}

#[test]
fn a_large_local_workspace_is_published_and_read_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let (mut one, mut two) = (Host::new(1), Host::new(2));
    let create = |start| sync::create(start, "acme".into(), "laptop".into(), None);
    let workspace = one.run(create).unwrap();
    let environment = one.environment(workspace, "production");
    let large = |number: usize| format!("{number:05}").repeat(13_000);
    for number in 0..50 {
        let name = format!("LARGE_{number}");
        one.change(workspace, environment, &name, Some(&large(number))).unwrap();
    }
    one.run(|start| sync::push(start, workspace, environment, false)).unwrap();
    let url = format!("http://{}", relay.address);
    run(&relay, &mut one, |start| sync::connect(start, workspace, url)).unwrap();
    join(&relay, &mut one, &mut two, workspace);
    run(&relay, &mut two, |start| sync::pull(start, workspace, None, Clashes::Refuse)).unwrap();
    let snapshot = two.snapshot(workspace, environment);
    assert_eq!(value(&snapshot, "LARGE_49"), Some(large(49)));
}
