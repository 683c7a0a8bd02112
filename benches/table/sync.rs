//! What a team does, at growing sizes: the client's whole engine in a local workspace, and the relay in process
//! where a second device pulls.

use std::{hint::black_box, time::Instant};

use agentsecrets_benches::{Log, identity};
use agentsecrets_core::{
    drift::{self, Names},
    encoding::{EnvironmentId, MemberId, WorkspaceId},
    identity::{Identity, Kind},
    log::{
        Body, Role, Scope, SignedEntry, State,
        entry::{Reason, Remove, Removed},
        membership::How,
    },
    name::SecretName,
    policy::Policy,
    secret::{Key, SecretBytes},
    sync::{self, Clashes, Newcomer, Offer},
    vault::{self, VaultKind, VaultOptions},
};

use super::{
    Row,
    host::Host,
    in_process::{self, InProcess},
    median,
};

fn milliseconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

/// A device and a workspace of so many members, local or at the relay in process.
struct Team {
    host: Host,
    relay: Option<InProcess>,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    members: usize,
    last: MemberId,
    round: usize,
}

impl Team {
    fn local(members: usize) -> Self {
        Self::new(members, None)
    }

    fn new(members: usize, mut relay: Option<InProcess>) -> Self {
        let mut host = Host::new(1);
        host.now = in_process::now();
        let url = relay.as_ref().map(InProcess::url);
        let create = |s| sync::create(s, "acme".into(), "one".into(), url);
        let workspace = match &mut relay {
            Some(relay) => relay.run(&mut host, create).unwrap(),
            None => host.run(create).unwrap(),
        };
        let environment = host.environment(workspace, "development");
        let last = host.identity.id();
        let mut team = Self { host, relay, workspace, environment, members: 1, last, round: 0 };
        (1..members).for_each(|_| team.admit());
        team
    }

    fn run<T>(
        &mut self,
        operation: impl FnOnce(agentsecrets_core::sync::Start) -> sync::Machine<T>,
    ) -> T {
        match &mut self.relay {
            Some(relay) => relay.run(&mut self.host, operation).unwrap(),
            None => self.host.run(operation).unwrap(),
        }
    }

    fn admit(&mut self) {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&self.members.to_le_bytes());
        let recipient = Identity::from_seed(Key::new(seed), Kind::Human).recipient().clone();
        self.last = recipient.id();
        let (label, how) = (format!("member-{}", self.members), (How::OutOfBand, None));
        let newcomer = Newcomer { recipient, role: Role::Writer, scope: Scope::All, label, how };
        let workspace = self.workspace;
        self.run(|s| sync::admit(s, workspace, newcomer));
        self.members += 1;
    }

    fn change(&mut self, secrets: usize) {
        self.round += 1;
        let value = format!("fake-{:>59}", self.round).into_bytes();
        let name = |n: usize| SecretName::parse(&format!("NAME_{n}")).unwrap();
        let changes = (0..secrets).map(|n| (name(n), Some(SecretBytes::copy_of(&value)))).collect();
        let (workspace, environment) = (self.workspace, self.environment);
        self.host.run(|s| sync::change(s, workspace, environment, changes)).unwrap();
    }

    fn push(&mut self) {
        let (workspace, environment) = (self.workspace, self.environment);
        self.run(|s| sync::push(s, workspace, environment, false));
    }

    /// Milliseconds of a push of so many secrets, changed before.
    fn pushed(&mut self, secrets: usize) -> f64 {
        self.change(secrets);
        milliseconds(|| self.push())
    }

    fn rotate(&mut self) {
        let (workspace, who) = (self.workspace, Removed::Members(vec![self.last]));
        let remove = Remove { who, reason: Reason::Departed };
        self.run(|s| sync::remove(s, workspace, remove, true));
    }
}

/// Two devices at one relay; the second pulls.
struct Pair {
    relay: InProcess,
    first: Host,
    second: Host,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    round: usize,
}

impl Pair {
    fn new() -> Self {
        let mut relay = InProcess::new();
        let (mut first, mut second) = (Host::new(1), Host::new(2));
        (first.now, second.now) = (in_process::now(), in_process::now());
        let url = Some(relay.url());
        let workspace =
            relay.run(&mut first, |s| sync::create(s, "acme".into(), "one".into(), url)).unwrap();
        let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
        let invitation = relay.run(&mut first, |s| sync::invite(s, workspace, offer)).unwrap();
        relay.run(&mut second, |s| sync::join(s, invitation, "two".into())).unwrap();
        relay.run(&mut first, |s| sync::admit_replies(s, workspace, false)).unwrap();
        let environment = first.environment(workspace, "development");
        Self { relay, first, second, workspace, environment, round: 0 }
    }

    fn push(&mut self, secrets: usize) {
        self.round += 1;
        let value = format!("fake-{:>59}", self.round).into_bytes();
        let name = |n: usize| SecretName::parse(&format!("NAME_{n}")).unwrap();
        let changes = (0..secrets).map(|n| (name(n), Some(SecretBytes::copy_of(&value)))).collect();
        let (workspace, environment) = (self.workspace, self.environment);
        self.first.run(|s| sync::change(s, workspace, environment, changes)).unwrap();
        self.relay.run(&mut self.first, |s| sync::push(s, workspace, environment, false)).unwrap();
    }

    fn pull(&mut self) {
        let workspace = self.workspace;
        let pull = |s| sync::pull(s, workspace, None, Clashes::Refuse);
        self.relay.run(&mut self.second, pull).unwrap().into_result().unwrap();
    }
}

/// Rows that grow, secrets first, then members.
pub(crate) fn growth(rows: &mut Vec<Row>, quick: bool) {
    let sizes = if quick { vec![10, 100] } else { vec![10, 100, 1_000, 10_000] };
    for secrets in sizes {
        let mut team = Team::local(10);
        let times = (0..3).map(|_| team.pushed(secrets)).collect();
        rows.push(Row::new("push to 10 members", secrets, "secrets", median(times)));
        let mut pair = Pair::new();
        let times = (0..3)
            .map(|_| {
                pair.push(secrets);
                milliseconds(|| pair.pull())
            })
            .collect();
        rows.push(Row::new("pull", secrets, "secrets", median(times)));
    }
    let sizes = if quick { vec![2, 10] } else { vec![2, 10, 100, 1_000] };
    for members in sizes {
        let mut team = Team::local(members);
        let times = (0..3).map(|_| team.pushed(10)).collect();
        rows.push(Row::new("push of 10 secrets", members, "members", median(times)));
    }
}

/// Single operations of the sizes that the issue of throughput names.
pub(crate) fn operations(rows: &mut Vec<Row>, quick: bool) {
    let (secrets, members) = if quick { (20, 3) } else { (1_000, 50) };
    let mut team = Team::local(2);
    team.change(secrets);
    team.push();
    rows.push(Row::new("admit into", secrets, "secrets", milliseconds(|| team.admit())));
    let mut team = Team::local(members);
    team.change(secrets / 5);
    team.push();
    rows.push(Row::new(
        "remove and rotate among",
        members,
        "members",
        milliseconds(|| team.rotate()),
    ));
    vault(rows, secrets);
}

fn vault(rows: &mut Vec<Row>, secrets: usize) {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, "07".repeat(32)).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let options = VaultOptions {
        kind: VaultKind::File,
        home: folder.path().join("vault"),
        key_file: Some(key_file),
        passphrase_file: None,
        unattended: true,
    };
    let bytes = SecretBytes::new(vec![7; secrets * 200]);
    vault::open(&options).unwrap().store("values", &bytes).unwrap();
    let opened = || {
        milliseconds(|| {
            let vault = vault::open(&options).unwrap();
            assert_eq!(black_box(vault.load("values").unwrap().unwrap()).len(), bytes.len());
        })
    };
    rows.push(Row::new(
        "vault: open and load",
        secrets,
        "secrets",
        median((0..21).map(|_| opened()).collect()),
    ));
    let vault = vault::open(&options).unwrap();
    let replaced = || milliseconds(|| vault.store("values", &bytes).unwrap());
    rows.push(Row::new(
        "vault: replace",
        secrets,
        "secrets",
        median((0..21).map(|_| replaced()).collect()),
    ));
}

/// Folds beside bare verifications of as many signatures, and comparisons of log and vault.
pub(crate) fn logs(rows: &mut Vec<Row>, quick: bool) {
    for entries in if quick { vec![100] } else { vec![10_000, 60_000] } {
        let log = Log::of_length(entries).unwrap();
        let bytes: Vec<&[u8]> = log.entries.iter().map(SignedEntry::bytes).collect();
        let fold = || milliseconds(|| fold(&bytes));
        let bare = bare_verification(&bytes);
        let (mut folds, mut bares) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            folds.push(fold());
            bares.push(milliseconds(&bare));
        }
        let (fold, bare) = (median(folds), median(bares));
        rows.push(Row::new("fold", entries, "entries", fold));
        rows.push(Row::new("bare verify_strict", entries, "entries", bare));
    }
    for secrets in if quick { vec![10, 100] } else { vec![10, 1_000, 100_000] } {
        let (mut log, snapshot) = Log::with_secrets(secrets).unwrap();
        let me = identity(1).id();
        let many = 1_000_000;
        let same = milliseconds(|| {
            (0..many).for_each(|_| assert!(drift::in_step(&log.state, black_box(&snapshot))))
        });
        rows.push(Row::new("diff, in sync", secrets, "secrets", same / f64::from(many)));
        log.add(Body::Policy(Policy::default())).unwrap();
        log.push_again(secrets.div_ceil(100)).unwrap();
        let differ = || {
            milliseconds(|| {
                let changes = drift::against_log(&log.state, &snapshot, &me, &Names::new());
                assert_eq!(black_box(changes).len(), secrets.div_ceil(100));
            })
        };
        rows.push(Row::new(
            "diff, 1 % off",
            secrets,
            "secrets",
            median((0..5).map(|_| differ()).collect()),
        ));
    }
}

fn fold(bytes: &[&[u8]]) {
    let mut state = State::genesis(&SignedEntry::parse(bytes[0]).unwrap()).unwrap();
    for entry in &bytes[1..] {
        state.apply(&SignedEntry::parse(entry).unwrap()).unwrap();
    }
    black_box(state.head());
}

fn bare_verification(bytes: &[&[u8]]) -> impl Fn() + use<> {
    use ed25519_dalek::Signer;
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let signed: Vec<_> = bytes.iter().map(|bytes| (bytes.to_vec(), key.sign(bytes))).collect();
    let key = key.verifying_key();
    move || {
        signed.iter().for_each(|(bytes, signature)| key.verify_strict(bytes, signature).unwrap())
    }
}

/// MiB that were allocated at most during the work, beyond what was before; not a number where nothing counts them.
fn peak(work: impl FnOnce()) -> f64 {
    #[cfg(feature = "count")]
    {
        use super::HEAP;
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage_as_mb();
        work();
        f64::from(HEAP.peak_usage_as_mb() - before)
    }
    #[cfg(not(feature = "count"))]
    {
        work();
        f64::NAN
    }
}

/// Peak memory, in MiB.
pub(crate) fn memory(rows: &mut Vec<Row>, quick: bool) {
    let (secrets, members, pulled, entries) =
        if quick { (10, 3, 20, 100) } else { (1_000, 100, 10_000, 60_000) };
    let mut team = Team::local(members);
    team.change(secrets);
    let title = format!("push of {secrets} secrets to {members} members");
    rows.push(Row::new(&title, secrets, "MiB", peak(|| team.push())));
    drop(team);
    let mut pair = Pair::new();
    pair.push(pulled);
    rows.push(Row::new(&format!("pull of {pulled} secrets"), pulled, "MiB", peak(|| pair.pull())));
    drop(pair);
    let log = Log::of_length(entries).unwrap();
    let bytes: Vec<&[u8]> = log.entries.iter().map(SignedEntry::bytes).collect();
    rows.push(Row::new(
        &format!("fold of {entries} entries"),
        entries,
        "MiB",
        peak(|| fold(&bytes)),
    ));
}
