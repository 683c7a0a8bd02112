//! Two relay processes on one database: what is committed through one is at the other. Runs under
//! `tools/postgres DIR run`; conformance/relays.py has the same behind nginx.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use agentsecrets_core::message::Method;
use common::{
    Relay,
    client::{Answer, Request},
    postgres::Schema,
    team::{Device, Team},
};

const AUTHORITY: &str = "relay.example";

fn relays(schema: &Schema, more: &[&str]) -> [Relay; 2] {
    let options = [&["--public-url", "http://relay.example"], more].concat();
    [0, 1].map(|_| Relay::over(&schema.url(), &options))
}

fn ask(device: &Device, relay: SocketAddr, method: Method, target: &str, body: Vec<u8>) -> Answer {
    let request = Request::new(relay, method, target, body);
    Request { authority: AUTHORITY.to_owned(), ..request }.signed(&device.key).send(relay)
}

fn commit(team: &mut Team, relay: SocketAddr) {
    let (entry, deliveries) = team.push(1, 300);
    let body = serde_json::to_vec(&team.commit(std::slice::from_ref(&entry), deliveries)).unwrap();
    let answer = ask(&team.founder, relay, Method::Post, "/v1/workspaces/sync", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    team.take(&entry);
}

fn published(relay: SocketAddr) -> Team {
    let team = Team::new(Device::new(1));
    let body = serde_json::to_vec(&team.commit(&team.log, Vec::new())).unwrap();
    let answer = ask(&team.founder, relay, Method::Post, "/v1/workspaces/sync", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    team
}

/// Pushes through one relay while a watcher waits at the other; the times until it hears.
fn times_until_heard(schema: &Schema, more: &[&str], rounds: usize) -> Vec<Duration> {
    let [one, other] = relays(schema, more);
    let mut team = published(one.address);
    let one_round = |_| {
        let target = team.path(&format!("log?after={}&wait=25", team.state.head().seq));
        let waiting = other.address;
        let watcher = std::thread::spawn(move || {
            let answer = ask(&Device::new(1), waiting, Method::Get, &target, Vec::new());
            (Instant::now(), answer.json()["entries"].as_array().unwrap().len())
        });
        std::thread::sleep(Duration::from_millis(200));
        commit(&mut team, one.address);
        let acknowledged = Instant::now();
        let (heard, entries) = watcher.join().unwrap();
        assert_eq!(entries, 1);
        heard.saturating_duration_since(acknowledged)
    };
    let mut times: Vec<_> = (0..rounds).map(one_round).collect();
    times.sort_unstable();
    times
}

#[test]
fn a_watcher_at_one_relay_hears_of_a_push_through_the_other_within_a_second() {
    let times = times_until_heard(&Schema::new(), &[], 20);
    println!("heard after: median {:?}, longest {:?}", times[10], times[19]);
    assert!(times[19] < Duration::from_secs(1), "{times:?}");
}

#[test]
fn without_listen_a_watcher_hears_by_polling() {
    let times = times_until_heard(&Schema::new(), &["--watch", "poll"], 4);
    println!("heard by polling after: {times:?}");
    assert!(times[3] < Duration::from_secs(3), "{times:?}");
}

#[test]
fn each_relay_goes_on_where_the_other_stopped() {
    let schema = Schema::new();
    let [one, other] = relays(&schema, &[]);
    let mut team = published(one.address);
    for round in 0..10 {
        commit(&mut team, if round % 2 == 0 { other.address } else { one.address });
    }
    one.kill();
    commit(&mut team, other.address);
    let answer = ask(&team.founder, other.address, Method::Get, &team.path("log"), Vec::new());
    assert_eq!(answer.json()["head"], team.head());
    // One that starts anew folds the log from its beginning.
    let third = &relays(&schema, &[])[0];
    commit(&mut team, third.address);
    let answer = ask(&team.founder, other.address, Method::Get, &team.path("log"), Vec::new());
    assert_eq!(answer.json()["head"], team.head());
}

#[test]
fn a_database_that_is_put_back_under_running_relays_is_served_as_it_is() {
    let schema = Schema::new();
    let [one, other] = relays(&schema, &[]);
    let mut team = published(one.address);
    (0..4).for_each(|_| commit(&mut team, one.address));
    let head = |relay: &Relay| {
        let target = "/v1/workspaces/".to_owned() + &team_id(&team) + "/log?after=1";
        ask(&Device::new(1), relay.address, Method::Get, &target, Vec::new()).json()["head"].clone()
    };
    assert_eq!((head(&one), head(&other)), (team.head(), team.head()));
    let mut earlier = Team::new(Device::new(1));
    let (entry, _) = earlier.push(1, 300);
    earlier.take(&entry);
    let hash = earlier.state.head().hash;
    schema.execute(&format!(
        "DELETE FROM entries WHERE seq > 2; DELETE FROM deliveries WHERE seq > 2;
        UPDATE workspaces SET head_seq = 2, head_hash = decode('{hash}', 'hex')"
    ));
    assert_eq!((head(&one), head(&other)), (earlier.head(), earlier.head()));
    // From there the log may go another way, as long as the one before.
    for relay in [&one, &other, &one] {
        let (entry, deliveries) = earlier.push(2, 200);
        let commit = earlier.commit(std::slice::from_ref(&entry), deliveries);
        let body = serde_json::to_vec(&commit).unwrap();
        let answer =
            ask(&earlier.founder, relay.address, Method::Post, "/v1/workspaces/sync", body);
        assert_eq!(answer.status, 201, "{answer:?}");
        earlier.take(&entry);
    }
    assert_eq!((head(&one), head(&other)), (earlier.head(), earlier.head()));
    assert_ne!(earlier.head(), team.head());
}

fn team_id(team: &Team) -> String {
    team.id().to_string()
}
