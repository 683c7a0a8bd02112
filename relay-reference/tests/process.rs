//! Crashes, stops, slow clients: what an operator relies on.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use agentsecrets_core::{message::Method, wire::LogPage};
use common::{
    Relay,
    client::Request,
    team::{Device, Team},
};

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start_with(folder.path(), &["--public-url", "http://relay.example"]);
    let mut team = Team::new(Device::new(1));
    let (entry, deliveries) = team.push(1, 400);
    let mut commit = team.commit(&team.log, Vec::new());
    commit.entries.push(agentsecrets_core::wire::Bytes(entry.bytes().to_vec()));
    commit.deliveries = deliveries;
    commit.deliveries.iter_mut().for_each(|delivery| delivery.entry = 2);
    let ask = |relay: &Relay, method, target: &str, body| {
        let mut request = Request::new(relay.address, method, target, body);
        request.authority = "relay.example".to_owned();
        request.signed(&team.founder.key).send(relay.address)
    };
    let body = serde_json::to_vec(&commit).unwrap();
    assert_eq!(ask(&relay, Method::Post, "/v1/workspaces/sync", body.clone()).status, 201);
    let read = |relay: &Relay, rest| ask(relay, Method::Get, &team.path(rest), Vec::new()).body;
    let before = (read(&relay, "log"), read(&relay, "deliveries"));
    relay.kill();
    let relay = Relay::start_with(folder.path(), &["--public-url", "http://relay.example"]);
    assert_eq!((read(&relay, "log"), read(&relay, "deliveries")), before);
    assert_eq!(ask(&relay, Method::Post, "/v1/workspaces/sync", body).status, 200);
}

#[test]
fn what_was_acknowledged_survives_twenty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let teams: Vec<_> =
        (1..=4).map(|byte| Arc::new(Mutex::new((Team::new(Device::new(byte)), false)))).collect();
    for round in 0..20 {
        let relay = Relay::start(folder.path());
        let address = relay.address;
        let writers: Vec<_> = teams
            .iter()
            .map(|team| {
                let team = Arc::clone(team);
                std::thread::spawn(move || write_until_gone(&team, address))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(40 + round * 13));
        relay.kill();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    }
    let relay = Relay::start(folder.path());
    let mut acknowledged = 0;
    for team in &teams {
        let (team, _) = &*team.lock().unwrap();
        let answer = team.founder.get(relay.address, &team.path("log"));
        let page: LogPage = serde_json::from_slice(&answer.body).unwrap();
        acknowledged += team.log.len();
        let stored: Vec<_> = page.entries.iter().map(|bytes| bytes.0.as_slice()).collect();
        assert!(stored.len() >= team.log.len().min(500));
        for (entry, stored) in team.log.iter().zip(&stored) {
            assert_eq!(entry.bytes(), *stored);
        }
    }
    assert!(acknowledged > 4 * 20, "{acknowledged} entries are too few to say anything");
}

/// Pushes until the relay dies. The flag says whether Genesis was acknowledged; an entry whose
/// answer was lost is sent again, and has to be taken or known.
fn write_until_gone(team: &Mutex<(Team, bool)>, address: std::net::SocketAddr) {
    let (team, published) = &mut *team.lock().unwrap();
    let send = |team: &Team, commit| {
        let body = serde_json::to_vec(&commit).unwrap();
        let request = Request::new(address, Method::Post, "/v1/workspaces/sync", body);
        request.signed(&team.founder.key).try_send(address)
    };
    if !*published {
        let Ok(answer) = send(team, team.commit(&team.log, Vec::new())) else { return };
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        *published = true;
    }
    loop {
        let (entry, deliveries) = team.push(1, 256);
        let known = team.commit(std::slice::from_ref(&entry), deliveries);
        let Ok(answer) = send(team, known) else {
            team.undo_push();
            return;
        };
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        team.take(&entry);
    }
}

#[test]
fn a_stop_answers_who_waits_and_exits_with_zero() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(folder.path());
    let address = relay.address;
    let team = Team::published(Device::new(1), address);
    let path = team.path("log?after=1&wait=25");
    let waiting = std::thread::spawn(move || Device::new(1).get(address, &path));
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    relay.signal("-TERM");
    let answer = waiting.join().unwrap();
    assert_eq!((answer.status, answer.json()["entries"].as_array().unwrap().len()), (200, 0));
    assert_eq!(relay.exit_code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn an_idle_connection_does_not_hold_up_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(folder.path());
    let mut idle = TcpStream::connect(relay.address).unwrap();
    idle.write_all(b"GET /v1/info HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert!(idle.read(&mut [0; 4096]).unwrap() > 0);
    relay.signal("-INT");
    assert_eq!(relay.exit_code(), Some(0));
}

#[test]
fn a_client_that_dribbles_its_header_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let start = Instant::now();
    let mut slow = TcpStream::connect(relay.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    slow.write_all(b"GET /v1/info HTTP/1.1\r\n").unwrap();
    loop {
        let dribbled = slow.write_all(b"a");
        match slow.read(&mut [0; 64]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && dribbled.is_ok() => {}
            _ => break,
        }
        assert!(start.elapsed() < Duration::from_secs(20), "still connected");
    }
    assert!(start.elapsed() > Duration::from_secs(8), "cut after {:?}", start.elapsed());
}

#[test]
fn who_does_not_read_the_log_does_not_stop_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    // Its stderr is a pipe that this test never reads, and it holds 64 KiB.
    let relay = Relay::start(folder.path());
    let ask = || Request::new(relay.address, Method::Get, "/v1/info", Vec::new());
    let path = "/".repeat(1_000);
    for _ in 0..200 {
        let answer = Request { path: path.clone(), ..ask() }.send(relay.address);
        assert!(answer.is(404, "not_found"));
    }
    assert_eq!(ask().send(relay.address).status, 200);
}

#[test]
fn a_log_line_has_known_words_and_nothing_of_a_request_beyond_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    assert_eq!(team.push_to(relay.address, 1, 300).status, 201);
    let marker = "marker-that-must-not-be-logged";
    let mut odd = Request::new(relay.address, Method::Post, "/v1/workspaces/sync", Vec::new());
    odd.body = format!("{{\"{marker}\":1}}").into_bytes();
    odd = odd.signed(&team.founder.key);
    odd.headers.push(("x-odd".to_owned(), marker.to_owned()));
    assert!(odd.send(relay.address).is(400, "malformed"));
    let query = team.path(&format!("log?{marker}=1"));
    assert!(team.founder.get(relay.address, &query).is(400, "malformed"));
    let text = relay.stderr();
    assert!(!text.contains(marker) && !text.contains('?'), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    for line in text.lines() {
        let names = line.split(' ').map(|word| word.split('=').next().unwrap());
        let expected = ["time", "level", "method", "path", "status", "code", "ms"];
        assert!(names.eq(expected), "{line}");
    }
    assert!(text.contains("status=400 code=malformed") && text.contains("status=201 code=-"));
}

#[test]
fn operators_have_a_listener_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start_with(folder.path(), &["--admin", "127.0.0.1:0"]);
    let team = Team::published(Device::new(1), relay.address);
    assert_eq!(team.founder.get(relay.address, &team.path("log")).status, 200);
    let admin = relay.admin.unwrap();
    let get = |path| Request::new(admin, Method::Get, path, Vec::new()).send(admin);
    assert_eq!((get("/healthz").status, get("/readyz").status), (200, 200));
    let text = String::from_utf8(get("/metrics").body).unwrap();
    for line in [
        "relay_requests_total{endpoint=\"/v1/workspaces/{workspace}/log\",status=\"200\"} 1",
        "relay_commits_total 1",
        "relay_entries_total 2",
        "relay_queue_depth 0",
        "relay_request_seconds_count{endpoint=\"/v1/workspaces/sync\"} 1",
        "relay_long_polls 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(team.founder.get(relay.address, "/metrics").is(404, "not_found"));
    // This one, and those before it for as long as their ends are under way.
    let open = text.lines().find_map(|line| line.strip_prefix("relay_connections "));
    assert!((1..6).contains(&open.unwrap().parse::<u32>().unwrap()), "{open:?}");
    // What operators are told to watch is there.
    let told =
        concat!(include_str!("../packaging/alerts.yml"), include_str!("../docs/operating.md"));
    let words = told.split(|c: char| !c.is_ascii_lowercase() && c != '_');
    let named: Vec<_> = words.filter(|word| word.starts_with("relay_")).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(text.contains(&format!("# TYPE {} ", name.trim_end_matches("_bucket"))), "{name}");
    }
}

#[test]
fn a_relay_without_tls_stays_on_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_relay-reference"))
        .arg("--data")
        .arg(folder.path())
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--behind-proxy"));
}
