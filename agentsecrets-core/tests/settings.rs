//! Limits of what a workspace is told: labels, addresses, values, and who may say it; what its vault keeps
//! under which keys.

#![allow(clippy::unwrap_used)]

mod host;

use std::sync::Arc;

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::{EnvironmentId, WorkspaceId},
    log::{Role, Scope, membership::How},
    parcel::MAX_VALUE,
    policy::Policy,
    secret::SecretBytes,
    sync::{self, Clashes, Management, Newcomer, keys},
};
use host::{Host, value};

fn workspace() -> (Host, WorkspaceId, EnvironmentId) {
    workspace_of(Host::new(1))
}

fn workspace_of(mut host: Host) -> (Host, WorkspaceId, EnvironmentId) {
    let workspace =
        host.run(|start| sync::create(start, "acme".into(), "laptop".into(), None)).unwrap();
    let environment = host.environment(workspace, "development");
    (host, workspace, environment)
}

fn manage(host: &mut Host, workspace: WorkspaceId, change: Management) -> Result<()> {
    host.run(|start| sync::manage(start, workspace, change)).map(drop)
}

fn code(result: Result<()>) -> ErrorCode {
    result.unwrap_err().code()
}

/// Another device in the same local workspace, by a copy of the vault.
fn colleague(host: &mut Host, workspace: WorkspaceId, seed: u8, role: Role) -> Host {
    let mut other = Host::new(seed);
    let newcomer = Newcomer {
        recipient: other.identity.recipient().clone(),
        role,
        scope: Scope::All,
        label: format!("device-{seed}"),
        how: (How::OutOfBand, None),
    };
    let admitted = host.run(|start| sync::admit(start, workspace, newcomer)).unwrap();
    assert_eq!((admitted.member, admitted.role), (other.identity.id(), role));
    other.store.clone_from(&host.store);
    other.now = host.now;
    other
}

#[test]
fn a_label_goes_on_a_command_line_and_names_one_environment() {
    let (mut host, workspace, development) = workspace();
    let create = |label: &str| Management::CreateEnvironment(label.to_owned());
    for label in ["a", "x-y_z.9", "größe", &"x".repeat(64)] {
        manage(&mut host, workspace, create(label)).unwrap();
        assert!(host.run(|s| sync::view(s, workspace)).unwrap().environment(label).is_ok());
    }
    for label in ["", &"x".repeat(65), "a b", "a/b", "a\n", "-\u{7}"] {
        let error = code(manage(&mut host, workspace, create(label)));
        assert_eq!(error, ErrorCode::InvalidArgument, "{label:?}");
    }
    let error = manage(&mut host, workspace, create("staging")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::EnvironmentExists);
    assert_eq!(error.message(), "there is an environment staging");
    let rename = |label: &str| Management::RenameEnvironment(development, label.to_owned());
    assert_eq!(code(manage(&mut host, workspace, rename("a"))), ErrorCode::EnvironmentExists);
    manage(&mut host, workspace, rename("development")).unwrap();
    // The label of one that is archived is free again.
    let staging = host.environment(workspace, "staging");
    manage(&mut host, workspace, Management::ArchiveEnvironment(staging)).unwrap();
    manage(&mut host, workspace, create("staging")).unwrap();
    assert_ne!(host.environment(workspace, "staging"), staging);
}

#[test]
fn each_change_takes_its_rank() {
    let (mut host, workspace, environment) = workspace();
    let mut admin = colleague(&mut host, workspace, 2, Role::Admin);
    let mut writer = colleague(&mut host, workspace, 3, Role::Writer);
    let mut reader = colleague(&mut host, workspace, 4, Role::Reader);
    let create = || Management::CreateEnvironment("mine".into());
    let policy = || Management::Policy(Policy { retention_days: 9, ..Policy::default() });
    for low in [&mut writer, &mut reader] {
        let error = manage(low, workspace, create()).unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (ErrorCode::Forbidden, "it takes the role admin")
        );
    }
    manage(&mut admin, workspace, create()).unwrap();
    let error = manage(&mut admin, workspace, policy()).unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::Forbidden, "it takes the role owner"));
    manage(&mut host, workspace, policy()).unwrap();
    let view = host.run(|s| sync::view(s, workspace)).unwrap();
    assert_eq!(view.state().unwrap().policy().retention_days, 9);
    // Values: writers and above.
    writer.change(workspace, environment, "A", Some("fake-a")).unwrap();
    let error = reader.change(workspace, environment, "A", Some("fake-a")).unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (ErrorCode::Forbidden, "a reader changes no values")
    );
    let unknown = writer.change(workspace, EnvironmentId([7; 16]), "A", Some("fake-a"));
    assert_eq!(code(unknown), ErrorCode::UnknownEnvironment);
    let mut stranger = Host::new(9);
    stranger.store.clone_from(&host.store);
    assert_eq!(
        code(stranger.change(workspace, environment, "A", Some("fake-a"))),
        ErrorCode::NotAdmitted
    );
}

#[test]
fn a_value_and_an_address_have_a_longest_form() {
    let (mut host, workspace, environment) = workspace();
    let longest = "x".repeat(MAX_VALUE);
    host.change(workspace, environment, "LONG", Some(&longest)).unwrap();
    let longer = host.change(workspace, environment, "LONGER", Some(&format!("{longest}x")));
    assert_eq!(code(longer), ErrorCode::ValueTooLarge);
    assert_eq!(host.snapshot(workspace, environment).local.iter().count(), 1);
    // Longest address of a relay: 300 bytes; the host of this test then has no network.
    let address = |length: usize| format!("http://{}", "x".repeat(length - 7));
    for (length, expected) in
        [(300, ErrorCode::RelayUnreachable), (301, ErrorCode::InvalidArgument)]
    {
        let mut other = Host::new(2);
        let url = Some(address(length));
        let create = |s| sync::create(s, "acme".into(), "laptop".into(), url);
        assert_eq!(code(other.run(create).map(drop)), expected);
        assert!(other.store.is_empty(), "nothing stays of it");
        let held = host.store.clone();
        let connect = |s| sync::connect(s, workspace, address(length));
        assert_eq!(code(host.run(connect).map(drop)), expected);
        assert_eq!(host.store, held);
    }
    for (name, label) in [("x".repeat(1000), "a".to_owned()), ("a".to_owned(), "x".repeat(1000))] {
        let create = |s| sync::create(s, name, label, None);
        assert_eq!(code(Host::new(2).run(create).map(drop)), ErrorCode::InvalidArgument);
    }
}

#[test]
fn a_local_workspace_reads_what_it_keeps_for_a_relay_to_come() {
    // Others on both sides of it in the order of ids, so that its place is none by chance.
    let mut seeds = [1, 2, 3, 4, 5];
    seeds.sort_by_key(|seed| Host::new(*seed).identity.id());
    let [first, second, founder, fourth, last] = seeds;
    let (mut host, workspace, environment) = workspace_of(Host::new(founder));
    let mut others = [first, second, fourth, last]
        .map(|seed| colleague(&mut host, workspace, seed, Role::Reader));
    for (name, text) in [("A", "fake-a"), ("B", "fake-b"), ("C", "fake-c")] {
        host.change(workspace, environment, name, Some(text)).unwrap();
        host.run(|s| sync::push(s, workspace, environment, false)).unwrap();
    }
    let held = host.snapshot(workspace, environment);
    host.store.remove(&keys::environment(&workspace, &environment)).unwrap();
    assert!(host.snapshot(workspace, environment).secrets.is_empty());
    let pull = |s| sync::pull(s, workspace, None, Clashes::Refuse);
    host.run(pull).unwrap().into_result().unwrap();
    let again = host.snapshot(workspace, environment);
    assert_eq!((again.names(), again.head), (held.names(), held.head));
    for (name, text) in [("A", "fake-a"), ("B", "fake-b"), ("C", "fake-c")] {
        assert_eq!(value(&again, name).as_deref(), Some(text));
    }
    // One that is in the log alone, as the others' vaults would be, gets its own part of the same.
    let other = &mut others[0];
    other.store.clone_from(&host.store);
    other.store.remove(&keys::environment(&workspace, &environment)).unwrap();
    other.run(pull).unwrap().into_result().unwrap();
    assert_eq!(value(&other.snapshot(workspace, environment), "B").as_deref(), Some("fake-b"));
    // Without what was kept nothing comes.
    other.store.remove(&keys::unpublished(&workspace)).unwrap();
    other.store.remove(&keys::environment(&workspace, &environment)).unwrap();
    let error = other.run(pull).unwrap().into_result().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeliveryWithheld);
}

#[test]
fn a_vaults_keys_are_a_format_and_stay_what_they_are() {
    let (mut host, workspace, environment) = workspace();
    host.change(workspace, environment, "A", Some("fake-a")).unwrap();
    host.run(|s| sync::push(s, workspace, environment, false)).unwrap();
    host.run(|s| sync::confirm(s, workspace, agentsecrets_core::encoding::MemberId([7; 32])))
        .unwrap();
    let (w, e) = (workspace.to_string(), environment.to_string());
    let expected = [
        format!("workspace/{w}/acks"),
        format!("workspace/{w}/environment/{e}"),
        format!("workspace/{w}/log/00000000"),
        format!("workspace/{w}/settings"),
        format!("workspace/{w}/state"),
        format!("workspace/{w}/unpublished"),
    ];
    assert_eq!(host.store.keys().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(keys::evidence(&workspace), format!("workspace/{w}/evidence"));
    assert_eq!(keys::branch(&workspace, 3), format!("workspace/{w}/branch/00000003"));
    assert_eq!(keys::segment(&workspace, 12), format!("workspace/{w}/log/00000012"));
}

#[test]
fn how_an_operation_begins_shows_who_and_when_and_nothing_random() {
    let host = Host::new(1);
    let start =
        sync::Start { identity: Arc::clone(&host.identity), now: 1234, entropy: [0xa7; 32] };
    let shown = format!("{start:?}");
    assert!(shown.starts_with("Start {") && shown.contains("now: 1234"), "{shown}");
    assert!(!shown.contains("167") && !shown.to_lowercase().contains("a7a7"), "{shown}");
    let seed = SecretBytes::copy_of(host.identity.expose_seed().expose());
    assert!(!shown.contains(&format!("{:?}", seed.expose())), "{shown}");
}
