//! Three devices with random operations, lost requests, lost replies and crashes converge to one
//! state, and no value that was acknowledged or set is lost.

#[path = "../../agentsecrets-core/tests/host/mod.rs"]
mod host;
#[path = "common/in_process.rs"]
mod in_process;

use std::collections::BTreeMap;

use agentsecrets_core::{
    encoding::{EnvironmentId, SecretId, WorkspaceId},
    error::Result,
    log::{Role, Scope},
    snapshot::Snapshot,
    sync::{self, Clashes, Machine, Offer, Start},
};
use host::{Host, value};
use in_process::{Fault, InProcess};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["A", "B", "C", "D"];

#[derive(Clone, Debug)]
enum Operation {
    Set(usize),
    Delete(usize),
    Push { mine: bool },
    Pull { theirs: bool },
    Sync,
}

#[derive(Clone, Debug)]
struct Turn {
    device: usize,
    operation: Operation,
    fault: Fault,
    /// The device crashes before this step.
    crash: Option<usize>,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let operation = prop_oneof![
        4 => (0..NAMES.len()).prop_map(Operation::Set),
        1 => (0..NAMES.len()).prop_map(Operation::Delete),
        4 => any::<bool>().prop_map(|mine| Operation::Push { mine }),
        3 => any::<bool>().prop_map(|theirs| Operation::Pull { theirs }),
        1 => Just(Operation::Sync),
    ];
    let fault = prop_oneof![
        5 => Just(Fault::None),
        1 => (0..4_usize).prop_map(Fault::LoseRequest),
        1 => (0..4_usize).prop_map(Fault::LoseReply),
        1 => (0..4_usize).prop_map(Fault::Garble),
    ];
    let crash = prop_oneof![3 => Just(None), 1 => (0..14_usize).prop_map(Some)];
    let turn = (0..3_usize, operation, fault, crash)
        .prop_map(|(device, operation, fault, crash)| Turn { device, operation, fault, crash });
    proptest::collection::vec(turn, 1..40)
}

struct Team {
    relay: InProcess,
    devices: Vec<Host>,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    /// What each device's vault has once held as pushed.
    acknowledged: Vec<BTreeMap<(SecretId, u64), String>>,
    set: u64,
}

impl Team {
    fn new() -> Self {
        let mut relay = InProcess::new();
        let mut devices: Vec<Host> = (1..=3).map(Host::new).collect();
        devices.iter_mut().for_each(|device| device.now = in_process::now());
        let url = Some(relay.url());
        let create = |start| sync::create(start, "acme".into(), "one".into(), url);
        let workspace = relay.run(&mut devices[0], create).unwrap();
        for number in 1..3 {
            let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
            let invitation =
                relay.run(&mut devices[0], |start| sync::invite(start, workspace, offer)).unwrap();
            relay
                .run(&mut devices[number], |start| {
                    sync::join(start, invitation, format!("device-{number}"))
                })
                .unwrap();
            let admitted = relay
                .run(&mut devices[0], |start| sync::admit_replies(start, workspace, false))
                .unwrap();
            assert_eq!(admitted[0].label, format!("device-{number}"));
            relay
                .run(&mut devices[number], |start| {
                    sync::pull(start, workspace, None, Clashes::Refuse)
                })
                .unwrap();
        }
        let environment = devices[0].environment(workspace, "development");
        Self {
            relay,
            devices,
            workspace,
            environment,
            acknowledged: vec![BTreeMap::new(); 3],
            set: 0,
        }
    }

    fn take(&mut self, turn: &Turn) {
        let (workspace, environment) = (self.workspace, self.environment);
        let device = &mut self.devices[turn.device];
        match turn.operation {
            Operation::Set(name) => {
                self.set += 1;
                let text = format!("fake-{}", self.set);
                drop(device.change(workspace, environment, NAMES[name], Some(&text)));
                return;
            }
            Operation::Delete(name) => {
                drop(device.change(workspace, environment, NAMES[name], None));
                return;
            }
            _ => {}
        }
        let before = open_changes(&device.snapshot(workspace, environment));
        let only = Some(vec![environment]);
        match turn.operation {
            Operation::Push { mine } => {
                self.act(turn, |start| sync::push(start, workspace, environment, mine))
            }
            Operation::Pull { theirs } => {
                let clashes = if theirs { Clashes::Theirs } else { Clashes::Refuse };
                self.act(turn, |start| sync::pull(start, workspace, only, clashes));
            }
            _ => self.act(turn, |start| sync::sync(start, workspace, only, Clashes::Refuse)),
        }
        self.nothing_lost(turn.device, &before);
    }

    fn act<T>(&mut self, turn: &Turn, operation: impl FnOnce(Start) -> Machine<T>) {
        let device = &mut self.devices[turn.device];
        let cut = turn.crash.unwrap_or(usize::MAX);
        let _ = self.relay.run_with(device, turn.fault.clone(), cut, operation);
    }

    /// Every value that was set here is still a change here, a version here, or given up on purpose.
    fn nothing_lost(&mut self, device: usize, before: &[String]) {
        let snapshot = self.devices[device].snapshot(self.workspace, self.environment);
        let kept = all_values(&snapshot);
        for text in before {
            assert!(kept.contains(text), "{text} is lost on device {device}");
        }
        for held in &snapshot.secrets {
            for version in &held.versions {
                let Some(value) = &version.value else { continue };
                let text = String::from_utf8(value.value.expose().to_vec()).unwrap();
                let known = self.acknowledged[device]
                    .entry((held.id, version.version))
                    .or_insert_with(|| text.clone());
                assert_eq!(*known, text, "version {} was overwritten", version.version);
            }
        }
    }

    fn settle(&mut self) -> Result<()> {
        let (workspace, environment) = (self.workspace, self.environment);
        for device in &mut self.devices {
            self.relay.run(device, |start| sync::push(start, workspace, environment, true))?;
        }
        for device in &mut self.devices {
            self.relay
                .run(device, |start| sync::pull(start, workspace, None, Clashes::Refuse))?
                .into_result()?;
        }
        Ok(())
    }
}

fn open_changes(snapshot: &Snapshot) -> Vec<String> {
    let values = snapshot.local.iter().filter_map(|local| local.value.as_ref());
    values.map(|value| String::from_utf8(value.expose().to_vec()).unwrap()).collect()
}

fn all_values(snapshot: &Snapshot) -> Vec<String> {
    let versions = snapshot
        .secrets
        .iter()
        .flat_map(|held| &held.versions)
        .filter_map(|version| version.value.as_ref());
    let given_up = snapshot
        .secrets
        .iter()
        .flat_map(|held| &held.given_up)
        .filter_map(|given_up| given_up.value.as_ref());
    let all = versions.map(|value| &value.value).chain(given_up);
    let mut all: Vec<String> =
        all.map(|value| String::from_utf8(value.expose().to_vec()).unwrap()).collect();
    all.extend(open_changes(snapshot));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn three_devices_converge_and_lose_nothing(turns in turns()) {
        let mut team = Team::new();
        turns.iter().for_each(|turn| team.take(turn));
        team.settle().unwrap();
        let (workspace, environment) = (team.workspace, team.environment);
        let snapshots: Vec<Snapshot> = team.devices.iter_mut().map(|device| device.snapshot(workspace, environment)).collect();
        for snapshot in &snapshots {
            prop_assert!(snapshot.local.is_empty() && snapshot.attempts.is_empty());
            prop_assert_eq!(snapshot.head, snapshots[0].head);
            for name in NAMES {
                prop_assert_eq!(value(snapshot, name), value(&snapshots[0], name));
            }
        }
    }
}
