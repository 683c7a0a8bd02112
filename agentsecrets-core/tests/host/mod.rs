//! A host with a store in memory: what it takes to drive the engine without any ready-made edge.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // Each test file uses a part.

use std::{collections::BTreeMap, sync::Arc};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::{EnvironmentId, WorkspaceId},
    identity::{Identity, Kind},
    name::SecretName,
    secret::{Key, SecretBytes},
    snapshot::Snapshot,
    sync::{self, Answer, Machine, Next, Start, Step},
};

/// A device: identity, store, clock.
pub struct Host {
    pub identity: Arc<Identity>,
    pub store: BTreeMap<String, Vec<u8>>,
    pub now: u64,
    draws: u64,
}

impl Host {
    pub fn new(seed: u8) -> Self {
        let identity = Arc::new(Identity::from_seed(Key::new([seed; 32]), Kind::Human));
        Self { identity, store: BTreeMap::new(), now: 1_000_000, draws: u64::from(seed) << 32 }
    }

    pub fn start(&mut self) -> Start {
        self.draws += 1;
        self.now += 1;
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&self.draws.to_le_bytes());
        Start { identity: Arc::clone(&self.identity), now: self.now, entropy }
    }

    /// Runs an operation to its end.
    pub fn run<T>(&mut self, operation: impl FnOnce(Start) -> Machine<T>) -> Result<T> {
        let machine = operation(self.start());
        self.drive(machine, usize::MAX, &mut |_| Err(no_relay())).1
    }

    /// Runs an operation and drops it before step `cut`, as a crash does; says how many steps ran.
    pub fn crash<T>(
        &mut self,
        cut: usize,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> (usize, Result<T>) {
        let machine = operation(self.start());
        self.drive(machine, cut, &mut |_| Err(no_relay()))
    }

    pub fn drive<T>(
        &mut self,
        mut machine: Machine<T>,
        cut: usize,
        send: &mut dyn FnMut(
            agentsecrets_core::message::Request,
        ) -> Result<agentsecrets_core::message::Response>,
    ) -> (usize, Result<T>) {
        let mut steps = 0;
        loop {
            match machine.step(self.now) {
                Next::Step(..) if steps == cut => return (steps, Err(crashed())),
                Next::Step(id, step) => {
                    steps += 1;
                    let answer = self.perform(step, send);
                    machine.finish(id, answer).unwrap();
                }
                Next::Sleep(until) => self.now = self.now.max(until),
                Next::Done => return (steps, machine.take_result().unwrap()),
                Next::Waiting => unreachable!("nothing is leased"),
            }
        }
    }

    /// Does one step.
    pub fn perform(
        &mut self,
        step: Step,
        send: &mut dyn FnMut(
            agentsecrets_core::message::Request,
        ) -> Result<agentsecrets_core::message::Response>,
    ) -> Answer {
        match step {
            Step::Load(key) => {
                Answer::Loaded(self.store.get(&key).map(|bytes| SecretBytes::copy_of(bytes)))
            }
            Step::Store(key, bytes) => {
                self.store.insert(key, bytes.expose().to_vec());
                Answer::Stored
            }
            Step::Remove(key) => {
                self.store.remove(&key);
                Answer::Stored
            }
            Step::Send(request) => send(request).map_or_else(Answer::Failed, Answer::Answered),
            _ => unreachable!("a step of a newer version"),
        }
    }

    pub fn environment(&mut self, workspace: WorkspaceId, label: &str) -> EnvironmentId {
        self.run(|start| sync::view(start, workspace)).unwrap().environment(label).unwrap()
    }

    pub fn snapshot(&mut self, workspace: WorkspaceId, environment: EnvironmentId) -> Snapshot {
        self.run(|start| sync::snapshot(start, workspace, environment)).unwrap()
    }

    pub fn change(
        &mut self,
        workspace: WorkspaceId,
        environment: EnvironmentId,
        name: &str,
        value: Option<&str>,
    ) -> Result<()> {
        let change = (
            SecretName::parse(name).unwrap(),
            value.map(|value| SecretBytes::copy_of(value.as_bytes())),
        );
        self.run(|start| sync::change(start, workspace, environment, vec![change]))
    }
}

pub fn no_relay() -> Error {
    Error::new(ErrorCode::RelayUnreachable, "this host has no network")
}

pub fn crashed() -> Error {
    Error::new(ErrorCode::Closed, "crashed")
}

pub fn value(snapshot: &Snapshot, name: &str) -> Option<String> {
    let value = snapshot.value(&SecretName::parse(name).unwrap())?;
    Some(String::from_utf8(value.expose().to_vec()).unwrap())
}
