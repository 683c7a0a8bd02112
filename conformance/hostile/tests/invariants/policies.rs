//! What a secret may be used for: decided by admins, known to everybody, widened by nobody.

use std::time::Duration;

use agentsecrets_core::{
    ErrorCode,
    handle::{Handle, Narrow},
    identity::Kind,
    log::{Role, Scope},
    name::SecretName,
    secret_policy::{Method, PathPattern, SecretPolicy},
    sync,
};
use agentsecrets_hostile::{Device, Forger, Team, attack, code, lies, team::Place};

const NARROW: &str = r#"{"access":"use-only","rules":[{"host":"api.example","methods":["GET"],
    "paths":["/v1/*"],"places":["bearer"]}]}"#;
const WIDE: &str = r#"{"access":"readable","rules":[{"host":"evil.example","methods":["GET"],
    "paths":["/**"],"places":["bearer"]}]}"#;

fn name() -> SecretName {
    SecretName::parse("API_KEY").unwrap()
}

fn decide(device: &Device, place: Place, policy: &str) -> agentsecrets_core::Result<()> {
    let policy = Some(SecretPolicy::from_json(policy).unwrap());
    let set = |start| sync::set_secret_policy(start, place.0, place.1, name(), policy);
    device.client.run(set).map(drop)
}

/// The policy under which a device holds the secret.
fn held(device: &Device, place: Place) -> Option<SecretPolicy> {
    device.snapshot(place).policy(&name()).unwrap()
}

#[test]
fn i49_a_policy_that_was_edited_or_replayed_never_counts() {
    let (team, forger) = Team::pair();
    let victim = team.admit(3, Role::Writer, Scope::All);
    let place = team.development();
    decide(&team.founder, place, WIDE).unwrap();
    forger.pull(team.workspace).unwrap();
    // The wider policy with its salt, as it once was signed.
    let old = {
        let snapshot = forger.snapshot(place);
        let held = snapshot.by_name(&name()).unwrap();
        (held.policy.clone(), held.policy_salt)
    };
    decide(&team.founder, place, NARROW).unwrap();
    [&forger, &victim].iter().for_each(|device| drop(device.pull(team.workspace).unwrap()));
    let narrow = Some(SecretPolicy::from_json(NARROW).unwrap());
    assert_eq!(held(&victim, place), narrow);
    // Edited for one recipient alone: the value's commitment holds the policy too.
    let mut hand = Forger::of(&team, &forger);
    let version = hand.next(&forger, place, "API_KEY", "fake-two");
    let to = victim.id();
    let push = hand.push(place.1, vec![version], |recipient, _, items| {
        if *recipient == to {
            items[0].policy.clear();
        }
    });
    assert_eq!(hand.commit(push).status, 201);
    attack();
    assert_eq!(code(victim.pull(team.workspace)), ErrorCode::Unreadable);
    assert_eq!(held(&victim, place), narrow);
    // Replayed for everybody, with a commitment to it: the log says another one.
    hand.refresh();
    team.founder.pull(team.workspace).unwrap();
    let mut version = hand.next(&team.founder, place, "API_KEY", "fake-three");
    (version.sealed.policy, version.sealed.policy_salt) = old;
    let version = hand.version(place.1, version.sealed, None);
    let push = hand.push(place.1, vec![version], |_, _, _| {});
    assert_eq!(hand.commit(push).status, 201);
    for device in [&victim, &team.founder] {
        assert_eq!(code(device.pull(team.workspace)), ErrorCode::Unreadable);
        assert_eq!(held(device, place), narrow);
    }
}

#[test]
fn i50_a_writer_who_is_no_admin_changes_no_policy() {
    let (team, writer) = Team::pair();
    let reader = team.admit(3, Role::Reader, Scope::All);
    let place = team.development();
    decide(&team.founder, place, NARROW).unwrap();
    let devices = [&team.founder, &writer, &reader];
    devices.iter().for_each(|device| drop(device.pull(team.workspace).unwrap()));
    assert_eq!(code(decide(&writer, place, WIDE)), ErrorCode::Forbidden);
    let mut hand = Forger::of(&team, &writer);
    let mut version = hand.next(&writer, place, "API_KEY", "fake-two");
    version.sealed.policy = SecretPolicy::from_json(WIDE).unwrap().to_bytes();
    let mut version = hand.version(place.1, version.sealed, None);
    version.item.policy = Some(version.sealed.policy_commitment());
    let (entry, _) = hand.push(place.1, vec![version], |_, _, _| {});
    attack();
    let mut log = team.relay.entries(team.workspace);
    log.push(entry.bytes().to_vec());
    team.relay.lie(lies::log_of(log));
    for device in devices {
        let head = device.head(team.workspace);
        assert_eq!(code(device.follow(team.workspace)), ErrorCode::RefusedEntry);
        assert_eq!(device.head(team.workspace), head);
    }
}

#[test]
fn i51_an_agent_gets_no_more_than_its_lease() {
    let (team, _) = Team::pair();
    let place = team.development();
    decide(&team.founder, place, NARROW).unwrap();
    let whole = Handle::of(&team.founder.snapshot(place), &name(), Kind::Agent).unwrap();
    let narrow = Narrow { ttl: Some(Duration::from_secs(60)), uses: Some(2), ..Narrow::default() };
    let lease = whole.attenuate(&narrow, 0).unwrap();
    attack();
    let path = |text| Some(vec![PathPattern::parse(text).unwrap()]);
    let wider = [
        Narrow { methods: Some(vec![Method::Post]), ..Narrow::default() },
        Narrow { paths: path("/**"), ..Narrow::default() },
        Narrow { ttl: Some(Duration::from_secs(61)), ..Narrow::default() },
        Narrow { uses: Some(3), ..Narrow::default() },
    ];
    for wider in wider {
        let asked = lease.attenuate(&wider, 0).map(drop);
        assert_eq!(code(asked), ErrorCode::LeaseWider, "{wider:?}");
    }
    assert_eq!(code(lease.sign(b"message", 0).map(drop)), ErrorCode::UseForbidden);
}
