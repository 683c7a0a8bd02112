//! Signatures, and errors of every kind.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use agentsecrets_core::message::Method;
use common::{
    Relay,
    client::{Request, raw},
    team::{Device, Team},
};

fn good(relay: &Relay, team: &Team) -> Request {
    Request::new(relay.address, Method::Get, &team.path("log?after=0"), Vec::new())
}

#[test]
fn every_part_of_a_request_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let team = Team::published(Device::new(1), relay.address);
    let refused = |what: &str, change: &dyn Fn(&mut Request)| {
        let mut request = good(&relay, &team).signed(&team.founder.key);
        change(&mut request);
        let answer = request.send(relay.address);
        assert!(answer.is(401, "bad_signature"), "{what}: {answer:?}");
    };
    refused("path", &|r| r.path = r.path.replace("log", "deliveries"));
    refused("query", &|r| r.query = "after=1".to_owned());
    refused("no query", &|r| r.query.clear());
    refused("body", &|r| r.body = b"{}".to_vec());
    refused("nothing", &|r| r.headers.clear());
    for header in 0..3 {
        refused("missing", &|r| drop(r.headers.remove(header)));
        refused("twice", &|r| r.headers.push(r.headers[header].clone()));
        refused("changed", &|r| {
            let value = &mut r.headers[header].1;
            let place = value.len() - 10;
            let other = if &value[place..=place] == "A" { "B" } else { "A" };
            value.replace_range(place..=place, other);
        });
    }
    let mut method = good(&relay, &team);
    method.method = Method::Put;
    let mut method = method.signed(&team.founder.key);
    method.method = Method::Get;
    assert!(method.send(relay.address).is(401, "bad_signature"));
    let mut authority = good(&relay, &team);
    authority.authority = "relay.example".to_owned();
    assert!(authority.signed(&team.founder.key).send(relay.address).is(401, "bad_signature"));
}

#[test]
fn a_request_counts_once_and_now() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let team = Team::published(Device::new(1), relay.address);
    let request = good(&relay, &team).signed(&team.founder.key);
    assert_eq!(request.send(relay.address).status, 200);
    assert!(request.send(relay.address).is(401, "bad_signature"));
    let now = relay_reference::now();
    for (created, status) in
        [(now - 290, 200), (now + 290, 200), (now - 310, 401), (now + 310, 401)]
    {
        let mut request = good(&relay, &team);
        request.created = created;
        let answer = request.signed(&team.founder.key).send(relay.address);
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 401 {
            assert_eq!(answer.code(), "clock_skew");
            assert!(answer.json()["server_time"].as_u64().unwrap().abs_diff(now) < 5);
        }
    }
}

#[test]
fn the_public_address_is_what_signatures_name() {
    let folder = tempfile::tempdir().unwrap();
    let public = ["--public-url", "https://Relay.Example:443/"];
    let relay = Relay::start_with(folder.path(), &public);
    let team = Team::new(Device::new(1));
    let body = serde_json::to_vec(&team.commit(&team.log, Vec::new())).unwrap();
    let mut request = Request::new(relay.address, Method::Post, "/v1/workspaces/sync", body);
    let own = request.clone().signed(&team.founder.key);
    assert!(own.send(relay.address).is(401, "bad_signature"));
    request.authority = "relay.example".to_owned();
    assert_eq!(request.signed(&team.founder.key).send(relay.address).status, 201);
}

#[test]
fn every_error_is_a_problem_and_never_html() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let device = Device::new(1);
    let get = |target: &str| device.get(relay.address, target);
    assert!(get("/").is(404, "not_found"));
    assert!(get("/v1/workspaces/zz/log").is(400, "malformed"));
    assert!(get("/v1/identities/00").is(400, "malformed"));
    assert!(get("/v1/workspaces/sync").is(405, "method_not_allowed"));
    assert!(device.put(relay.address, "/v1/info", Vec::new()).is(405, "method_not_allowed"));
    let post = |body: &[u8]| {
        let path = "/v1/workspaces/sync";
        device.send(relay.address, Method::Post, path, body.to_vec())
    };
    let more = format!(
        r#"{{"workspace":"{}","entries":[],"deliveries":[],"more":1}}"#,
        agentsecrets_core::encoding::WorkspaceId::ZERO
    );
    for body in ["", "{", "[]", "<html>", &more, &more.replace(r#","more":1"#, "")] {
        assert!(post(body.as_bytes()).is(400, "malformed"), "{body}");
    }
    let many = "a: b\r\n".repeat(65);
    let answer = raw(relay.address, format!("GET /v1/info HTTP/1.1\r\n{many}\r\n").as_bytes());
    assert_eq!(answer.unwrap().status, 431);
}

#[test]
fn limits_and_contract_are_there_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let get =
        |target| Request::new(relay.address, Method::Get, target, Vec::new()).send(relay.address);
    let info = get("/v1/info").json();
    assert_eq!(info["limits"]["body_bytes"], 8 << 20);
    assert!(info["server_time"].as_u64().unwrap().abs_diff(relay_reference::now()) < 5);
    let contract = get("/openapi.json").json();
    let source = include_str!("../src/http.rs");
    let routes: Vec<_> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once("\", "))
        .collect();
    let paths = contract["paths"].as_object().unwrap();
    assert_eq!(paths.len(), routes.len());
    for (path, handlers) in routes {
        let operations = paths[path].as_object().unwrap();
        for method in ["get", "put", "post"] {
            let routed = handlers.contains(&format!("{method}("));
            assert_eq!(operations.contains_key(method), routed, "{method} {path}");
        }
    }
}

#[test]
fn no_damaged_commit_is_stored_or_an_error_of_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let (entry, deliveries) = team.push(2, 64);
    let body = serde_json::to_vec(&team.commit(&[entry], deliveries)).unwrap();
    let commit = |body: Vec<u8>| {
        let path = "/v1/workspaces/sync";
        team.founder.send(relay.address, Method::Post, path, body)
    };
    for place in 0..body.len() {
        let mut damaged = body.clone();
        damaged[place] ^= 1;
        let answer = commit(damaged);
        let code = (answer.status, answer.code());
        let (status, code) = (code.0, code.1.as_str());
        let expected = [(400, "malformed"), (409, "head_moved"), (422, "refused_entry")];
        assert!(expected.contains(&(status, code)), "byte {place}: {answer:?}");
    }
    for place in (0..body.len()).step_by(16) {
        let cut = commit(body[..place].to_vec());
        assert!(cut.is(400, "malformed"), "cut at {place}: {cut:?}");
    }
    assert_eq!(commit(body).status, 201);
}
