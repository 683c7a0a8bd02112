//! What the engine makes of a relay that answers oddly, in memory and by hand.

#![allow(clippy::unwrap_used)]

mod host;

use std::{collections::BTreeMap, time::Duration};

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::{EntryHash, Head, WorkspaceId, encode, from_base64, to_base64},
    identity::{Destination, Identity, Kind},
    invitation::Invitation,
    log::{Role, Scope, SignedEntry},
    message::{Request, Response},
    secret::Key,
    sync::{self, Machine, Offer, Start},
};
use host::Host;
use serde_json::{Value, json};

const URL: &str = "HTTP://Relay.Example:80";

/// A relay that takes everything and may show too little of it.
#[derive(Default)]
struct Relay {
    entries: Vec<Vec<u8>>,
    replies: BTreeMap<String, Vec<u8>>,
    /// Entries of a page at most.
    page: usize,
    /// Whether each page claims that there is more.
    always_more: bool,
    requests: Vec<Request>,
}

impl Relay {
    fn answer(&mut self, request: Request) -> Result<Response> {
        assert!(self.requests.len() < 100, "no end of requests");
        let target = request.target.clone();
        let body = match target.split(['?', '/']).skip(2).collect::<Vec<_>>().as_slice() {
            ["workspaces", "sync"] => self.commit(&request.body),
            ["workspaces", _, "log", ..] => self.log(&target),
            ["workspaces", _, "deliveries", ..] => json!({"deliveries": [], "more": false}),
            ["invitations", invite] => match self.replies.get(*invite) {
                Some(reply) => json!({"workspace": "00".repeat(32), "reply": to_base64(reply)}),
                None => json!({}),
            },
            other => unreachable!("{other:?}"),
        };
        let status = if body == json!({}) { 404 } else { 200 };
        self.requests.push(request);
        let body = serde_json::to_vec(&body).unwrap();
        Ok(Response { status, body, retry_after: None })
    }

    fn commit(&mut self, body: &[u8]) -> Value {
        let body: Value = serde_json::from_slice(body).unwrap();
        for entry in body["entries"].as_array().unwrap() {
            self.entries.push(from_base64(entry.as_str().unwrap()).unwrap());
        }
        json!({"head": self.head()})
    }

    fn log(&self, target: &str) -> Value {
        let after = target.split_once("after=").map(|(_, rest)| rest.split('&').next().unwrap());
        let first = after.map_or(0, |after| after.parse::<usize>().unwrap() + 1);
        let rest = self.entries.get(first..).unwrap_or_default();
        let page = &rest[..rest.len().min(self.page)];
        let more = self.always_more || page.len() < rest.len();
        let entries: Vec<String> = page.iter().map(|entry| to_base64(entry)).collect();
        json!({"entries": entries, "head": self.head(), "more": more})
    }

    fn head(&self) -> Value {
        let head = SignedEntry::parse(self.entries.last().unwrap()).unwrap().head();
        json!({"seq": head.seq, "hash": head.hash.to_string()})
    }
}

fn run<T>(
    host: &mut Host,
    relay: &mut Relay,
    operation: impl FnOnce(Start) -> Machine<T>,
) -> Result<T> {
    let machine = operation(host.start());
    host.drive(machine, usize::MAX, &mut |request| relay.answer(request)).1
}

/// A workspace on the relay, and its founder's device.
fn workspace() -> (Host, Relay, WorkspaceId) {
    let (mut host, mut relay) = (Host::new(1), Relay { page: 500, ..Relay::default() });
    let create = |start| sync::create(start, "acme".into(), "laptop".into(), Some(URL.into()));
    let id = run(&mut host, &mut relay, create).unwrap();
    (host, relay, id)
}

fn invite(host: &mut Host, relay: &mut Relay, workspace: WorkspaceId) -> Invitation {
    let offer = Offer { role: Role::Reader, scope: Scope::All, expires: 0 };
    run(host, relay, |start| sync::invite(start, workspace, offer)).unwrap()
}

#[test]
fn a_log_comes_whole_however_short_its_pages_are() {
    let (mut host, mut relay, workspace) = workspace();
    let mut other = Host::new(1);
    other.store.clone_from(&host.store);
    for _ in 0..5 {
        invite(&mut other, &mut relay, workspace);
    }
    // The pinned entry fills the first page: an entry may be as long as a page.
    relay.page = 1;
    let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
    assert!(run(&mut host, &mut relay, follow).unwrap());
    let entries = host.run(|start| sync::entries(start, workspace)).unwrap();
    assert!(entries.iter().map(SignedEntry::bytes).eq(relay.entries.iter().map(Vec::as_slice)));
}

#[test]
fn a_relay_that_always_promises_more_is_left() {
    let (mut host, mut relay, workspace) = workspace();
    relay.always_more = true;
    for wait in [Duration::ZERO, Duration::from_secs(25)] {
        let follow = |start| sync::follow_log(start, workspace, wait);
        let error = run(&mut host, &mut relay, follow).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RelayMalformed);
    }
    // A device without a pin, and a relay that shows nothing of what it promises.
    let mut fresh = Host::new(1);
    let settings = host.store.iter().filter(|(key, _)| key.ends_with("/settings"));
    fresh.store = settings.map(|(key, bytes)| (key.clone(), bytes.clone())).collect();
    relay.page = 0;
    let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
    assert!(run(&mut fresh, &mut relay, follow).is_err());
}

#[test]
fn one_identity_that_answers_two_invitations_is_admitted_once_and_stops_nobody() {
    let (mut host, mut relay, workspace) = workspace();
    let twice = Identity::from_seed(Key::new([7; 32]), Kind::Human);
    let other = Identity::from_seed(Key::new([8; 32]), Kind::Human);
    for identity in [&twice, &twice, &other] {
        let code = invite(&mut host, &mut relay, workspace);
        let invite: EntryHash = code.invite;
        let mut entropy = agentsecrets_core::crypto::Entropy::new([9; 32]);
        let reply = code.accept(identity, "desk", &mut entropy);
        relay.replies.insert(invite.to_string(), encode(&reply));
    }
    let admit = |start| sync::admit_replies(start, workspace, false);
    let admitted = run(&mut host, &mut relay, admit).unwrap();
    let mut ids: Vec<_> = admitted.iter().map(|admitted| admitted.member).collect();
    ids.sort_unstable();
    let mut expected = vec![twice.id(), other.id()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert!(run(&mut host, &mut relay, admit).unwrap().is_empty());
}

#[test]
fn a_head_of_an_identity_string_counts_in_a_vault_that_knows_the_workspace() {
    let (mut host, mut relay, workspace) = workspace();
    let pin = SignedEntry::parse(relay.entries.last().unwrap()).unwrap().head();
    let relay_url = URL.to_owned();
    let destination = |head| Destination { workspace, relay: relay_url.clone(), head };
    let other = Head { hash: EntryHash([1; 32]), ..pin };
    let error = host.run(|start| sync::attach(start, destination(other))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Fork);
    host.run(|start| sync::attach(start, destination(pin))).unwrap();
    let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
    run(&mut host, &mut relay, follow).unwrap();
    let later = Head { seq: pin.seq + 1, hash: EntryHash([1; 32]) };
    host.run(|start| sync::attach(start, destination(later))).unwrap();
    let error = run(&mut host, &mut relay, follow).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Rollback);
}

#[test]
fn requests_name_the_authority_in_the_form_that_the_relay_compares() {
    use agentsecrets_core::request_signature::{Incoming, verify};
    let (_, relay, _) = workspace();
    for request in &relay.requests {
        let header = |name| &request.headers.iter().find(|(n, _)| *n == name).unwrap().1;
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let incoming = Incoming {
            method: request.method.as_str(),
            authority: "relay.example",
            path,
            query,
            body: &request.body,
            content_digest: header("Content-Digest"),
            signature_input: header("Signature-Input"),
            signature: header("Signature"),
        };
        verify(&incoming).unwrap();
    }
    assert!(!relay.requests.is_empty());
}

#[test]
fn an_address_with_a_path_is_no_relay() {
    for url in ["http://relay.example/x", "http://relay.example?x", "ftp://relay.example", "relay"]
    {
        let mut host = Host::new(1);
        let create = |start| sync::create(start, "acme".into(), "laptop".into(), Some(url.into()));
        let error = run(&mut host, &mut Relay::default(), create).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{url}");
        assert!(host.store.is_empty(), "{url}");
    }
}
