//! How cost grows with members: a push's entry does not, its deliveries do; and what a removal costs,
//! with and without a new generation of the workspace key. Sizes are printed before the times.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // A benchmark may print, and fail.

#[path = "../../agentsecrets-core/tests/host/mod.rs"]
mod host;

use agentsecrets_core::{
    encoding::{EnvironmentId, MemberId, WorkspaceId},
    identity::{Identity, Kind},
    log::{
        Role, Scope,
        entry::{Reason, Remove, Removed},
        membership::How,
    },
    name::SecretName,
    secret::{Key, SecretBytes},
    sync::{self, Newcomer, keys},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use host::Host;

/// A local workspace: what is measured is this device's work, without a relay.
struct Team {
    host: Host,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    last: MemberId,
    round: usize,
}

impl Team {
    fn new(members: usize) -> Self {
        let mut host = Host::new(1);
        let create = |s| sync::create(s, "acme".into(), "one".into(), None);
        let workspace = host.run(create).unwrap();
        let environment = host.environment(workspace, "development");
        let mut last = host.identity.id();
        for number in 1..members {
            let mut seed = [9; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            let recipient = Identity::from_seed(Key::new(seed), Kind::Human).recipient().clone();
            last = recipient.id();
            let (label, how) = (format!("member-{number}"), (How::OutOfBand, None));
            let newcomer =
                Newcomer { recipient, role: Role::Writer, scope: Scope::All, label, how };
            host.run(|s| sync::admit(s, workspace, newcomer)).unwrap();
        }
        Self { host, workspace, environment, last, round: 0 }
    }

    fn change(&mut self, secrets: usize) {
        self.round += 1;
        let value = SecretBytes::new(format!("fake-{:>59}", self.round).into_bytes());
        let name = |n: usize| SecretName::parse(&format!("NAME_{n}")).unwrap();
        let changes =
            (0..secrets).map(|n| (name(n), Some(SecretBytes::copy_of(value.expose())))).collect();
        let (workspace, environment) = (self.workspace, self.environment);
        self.host.run(|s| sync::change(s, workspace, environment, changes)).unwrap();
    }

    fn push(&mut self) {
        let (workspace, environment) = (self.workspace, self.environment);
        self.host.run(|s| sync::push(s, workspace, environment, false)).unwrap();
    }

    fn remove(&mut self, rekey: bool) {
        let (workspace, who) = (self.workspace, Removed::Members(vec![self.last]));
        let remove = Remove { who, reason: Reason::Departed };
        self.host.run(|s| sync::remove(s, workspace, remove, rekey)).unwrap();
    }

    /// Bytes of the log's entries and of all deliveries so far.
    fn sizes(&mut self) -> (usize, usize) {
        let workspace = self.workspace;
        let entries = self.host.run(|s| sync::entries(s, workspace)).unwrap();
        let delivered = self.host.store.get(&keys::unpublished(&workspace)).map_or(0, Vec::len);
        (entries.iter().map(|entry| entry.bytes().len()).sum(), delivered)
    }

    fn cost(&mut self, work: impl FnOnce(&mut Self)) -> (usize, usize) {
        let before = self.sizes();
        work(self);
        let after = self.sizes();
        (after.0 - before.0, after.1 - before.1)
    }
}

fn push(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push of one secret");
    group.sample_size(10);
    for members in [10, 100, 1000] {
        let mut team = Team::new(members);
        team.change(1);
        team.push();
        team.change(1);
        let (entry, delivered) = team.cost(Team::push);
        eprintln!(
            "push of one secret to {members} members: entry {entry} B, deliveries {delivered} B"
        );
        let team = std::cell::RefCell::new(team);
        group.bench_function(format!("{members} members"), |bencher| {
            let change = || team.borrow_mut().change(1);
            bencher.iter_batched(change, |()| team.borrow_mut().push(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn removal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("removal of one of 50 members, 200 secrets");
    group.sample_size(10);
    for (name, rekey) in [("with rekey", true), ("without", false)] {
        let team = || {
            let mut team = Team::new(50);
            team.change(200);
            team.push();
            team
        };
        let (entries, delivered) = team().cost(|team| team.remove(rekey));
        eprintln!("removal {name}: entries {entries} B, deliveries {delivered} B");
        group.bench_function(name, |bencher| {
            bencher.iter_batched(team, |mut team| team.remove(rekey), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, push, removal);
criterion_main!(benches);
