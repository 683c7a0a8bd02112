//! What a team does all day: push of 100 secrets to 10 members, and their pull, by the client's
//! whole engine against the relay's routes over the store in memory; beside it, the bare sealing
//! and opening of the same bytes by the `crypto_box` crate.

#![allow(clippy::unwrap_used)] // A benchmark that fails has nothing to say.

#[path = "../../agentsecrets-core/tests/host/mod.rs"]
mod host;
#[path = "../../relay-reference/tests/common/in_process.rs"]
mod in_process;

use agentsecrets_core::{
    encoding::{EnvironmentId, WorkspaceId},
    log::{Role, Scope},
    name::SecretName,
    secret::SecretBytes,
    sync::{self, Clashes, Offer},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crypto_box::{SecretKey, aead::OsRng};
use host::Host;
use in_process::InProcess;

const MEMBERS: u8 = 10;
const SECRETS: usize = 100;
const VALUE: usize = 64;

struct Team {
    relay: InProcess,
    devices: Vec<Host>,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    round: usize,
}

impl Team {
    fn new() -> Self {
        let mut relay = InProcess::new();
        let mut devices: Vec<Host> = (1..=MEMBERS).map(Host::new).collect();
        devices.iter_mut().for_each(|device| device.now = in_process::now());
        let url = Some(relay.url());
        let (first, others) = devices.split_at_mut(1);
        let workspace = relay
            .run(&mut first[0], |s| sync::create(s, "acme".into(), "one".into(), url))
            .unwrap();
        for other in others {
            let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
            let invitation =
                relay.run(&mut first[0], |s| sync::invite(s, workspace, offer)).unwrap();
            relay.run(other, |s| sync::join(s, invitation, "other".into())).unwrap();
            relay.run(&mut first[0], |s| sync::admit_replies(s, workspace, false)).unwrap();
        }
        let environment = devices[0].environment(workspace, "development");
        Self { relay, devices, workspace, environment, round: 0 }
    }

    /// New values for all secrets, in the vault and not pushed.
    fn change(&mut self) {
        self.round += 1;
        let round = self.round;
        let value = |n: usize| SecretBytes::new(format!("{round:>8}{n:>56}").into_bytes());
        let name = |n: usize| SecretName::parse(&format!("NAME_{n}")).unwrap();
        let changes = (0..SECRETS).map(|n| (name(n), Some(value(n)))).collect();
        let (workspace, environment) = (self.workspace, self.environment);
        let changed = |s| sync::change(s, workspace, environment, changes);
        self.devices[0].run(changed).unwrap();
    }

    fn push(&mut self) {
        let (workspace, environment) = (self.workspace, self.environment);
        let push = |s| sync::push(s, workspace, environment, false);
        self.relay.run(&mut self.devices[0], push).unwrap();
    }

    fn pull(&mut self) {
        let workspace = self.workspace;
        let pull = |s| sync::pull(s, workspace, None, Clashes::Refuse);
        let report = self.relay.run(&mut self.devices[1], pull).unwrap();
        report.into_result().unwrap();
    }
}

fn push(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push of 100 secrets to 10 members");
    group.sample_size(20);
    let team = std::cell::RefCell::new(Team::new());
    group.bench_function("client", |bencher| {
        let change = || team.borrow_mut().change();
        bencher.iter_batched(change, |()| team.borrow_mut().push(), BatchSize::PerIteration);
    });
    // One box a member, as the client packs them.
    let keys: Vec<_> = (0..MEMBERS).map(|_| SecretKey::generate(&mut OsRng).public_key()).collect();
    let parcel = vec![7; 32 << 10];
    group.bench_function("bare sealing, crypto_box crate", |bencher| {
        bencher.iter(|| {
            keys.iter().map(|key| key.seal(&mut OsRng, &parcel).unwrap().len()).sum::<usize>()
        });
    });
    group.finish();
}

fn pull(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pull of 100 secrets");
    group.sample_size(20);
    let team = std::cell::RefCell::new(Team::new());
    let changed = || {
        team.borrow_mut().change();
        team.borrow_mut().push();
    };
    group.bench_function("client", |bencher| {
        bencher.iter_batched(changed, |()| team.borrow_mut().pull(), BatchSize::PerIteration);
    });
    let key = SecretKey::generate(&mut OsRng);
    let sealed = key.public_key().seal(&mut OsRng, &vec![7; SECRETS * (VALUE + 256)]).unwrap();
    group.bench_function("bare opening, crypto_box crate", |bencher| {
        bencher.iter(|| key.unseal(&sealed).unwrap().len());
    });
    group.finish();
}

criterion_group!(benches, push, pull);
criterion_main!(benches);
