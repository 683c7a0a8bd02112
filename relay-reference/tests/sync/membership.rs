//! How memberships end and change, and what begins with it.

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::{Head, MemberId, SecretId},
    log::{
        Role, Scope, ScopeItem,
        entry::{Reason, Remove, Removed},
        membership::How,
    },
    sync::{self, Management, Removal},
};

use crate::{
    host::{Host, value},
    team::{Team, code, device, single, whole, words},
};

fn remove(team: &Team, by: &mut Host, who: MemberId, rekey: bool) -> Result<Removal> {
    let remove = Remove { who: Removed::Members(vec![who]), reason: Reason::Departed };
    team.run(by, |s| sync::remove(s, team.workspace, remove, rekey))
}

fn change(
    team: &Team,
    by: &mut Host,
    who: MemberId,
    role: Option<Role>,
    scope: Option<Scope>,
) -> Result<Head> {
    team.run(by, |s| sync::change_member(s, team.workspace, who, role, scope))
}

fn create(team: &Team, by: &mut Host, label: &str) -> Result<Head> {
    let change = Management::CreateEnvironment(label.into());
    team.run(by, |s| sync::manage(s, team.workspace, change))
}

/// Generation of the workspace key in the device's log.
fn generation(team: &Team, host: &mut Host) -> u32 {
    team.view(host).state().unwrap().generation()
}

#[test]
fn a_member_that_was_removed_is_out_at_once_and_reads_no_label_to_come() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-1");
    let mut stays = team.admit(&mut owner, 2, Role::Reader, Scope::All);
    let mut leaver = team.admit(&mut owner, 3, Role::Writer, Scope::All);
    let before = team.head(&mut owner).seq;
    let done = remove(&team, &mut owner, leaver.identity.id(), true).unwrap();
    let head = team.head(&mut owner);
    assert_eq!(done, Removal { removed: vec![leaver.identity.id()], rekeyed: true, head });
    assert_eq!(head.seq, before + 2);
    assert_eq!(team.kinds(&mut owner, before + 1), ["remove", "rekey"]);
    let view = team.view(&mut owner);
    let state = view.state().unwrap();
    assert!(state.active(&leaver.identity.id()).is_none() && !state.needs_rekey());
    assert_eq!(state.generation(), 1);
    // The one that began the generation has its key already; the other one is handed it.
    let preview = Management::CreateEnvironment("preview".into());
    let (done, asked) = team.watch(&mut owner, |s| sync::manage(s, team.workspace, preview));
    done.unwrap();
    assert_eq!(words(&asked), ["GET log", "POST sync"]);
    team.follow(&mut stays).unwrap();
    assert!(team.view(&mut stays).environment("preview").is_ok());
    // The relay tells the leaver nothing more; its vault keeps what it holds.
    assert_eq!(code(team.follow(&mut leaver)), ErrorCode::NotAdmitted);
    assert_eq!(code(team.sync(&mut leaver)), ErrorCode::NotAdmitted);
    assert_eq!(team.value(&mut leaver, "development", "A").as_deref(), Some("fake-1"));
    assert_eq!(team.head(&mut leaver).seq, before);
}

#[test]
fn a_generation_begins_with_a_removal_only_where_asked_for_needed_and_possible() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-1");
    let development = team.environment(&mut owner, "development");
    let scope = single(development, team.secret(&mut owner, "development", "A"));
    let keyed = team.admit(&mut owner, 2, Role::Reader, Scope::All);
    let also_keyed = team.admit(&mut owner, 3, Role::Reader, whole(development));
    let blind = team.admit(&mut owner, 4, Role::Reader, scope.clone());
    let mut blind_admin = team.admit(&mut owner, 5, Role::Admin, scope);
    // Who never held the key takes none along.
    let done = remove(&team, &mut owner, blind.identity.id(), true).unwrap();
    assert!(!done.rekeyed && done.head == team.head(&mut owner));
    // Not asked for.
    assert!(!remove(&team, &mut owner, keyed.identity.id(), false).unwrap().rekeyed);
    assert!(team.view(&mut owner).state().unwrap().needs_rekey());
    // Not possible for an admin without the key.
    assert!(!remove(&team, &mut blind_admin, also_keyed.identity.id(), true).unwrap().rekeyed);
    team.follow(&mut owner).unwrap();
    assert_eq!(generation(&team, &mut owner), 0);
    // It can be made up for, once, by an admin who holds the key.
    assert_eq!(
        team.run(&mut owner, |s| sync::rekey(s, team.workspace)).unwrap(),
        team.head(&mut owner)
    );
    assert!(!team.view(&mut owner).state().unwrap().needs_rekey());
    assert_eq!(generation(&team, &mut owner), 1);
}

#[test]
fn what_the_log_refuses_is_a_right_that_one_lacks() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-1");
    let development = team.environment(&mut owner, "development");
    let scope = single(development, team.secret(&mut owner, "development", "A"));
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let mut blind_admin = team.admit(&mut owner, 3, Role::Admin, scope);
    let (owner_id, writer_id) = (owner.identity.id(), writer.identity.id());
    let nobody = MemberId([9; 32]);
    let before = team.head(&mut blind_admin);
    for error in [
        remove(&team, &mut writer, owner_id, false).unwrap_err(),
        remove(&team, &mut owner, owner_id, false).unwrap_err(),
        change(&team, &mut writer, owner_id, Some(Role::Reader), None).unwrap_err(),
        change(&team, &mut owner, owner_id, Some(Role::Reader), None).unwrap_err(),
        // What it is already.
        change(&team, &mut owner, writer_id, None, None).unwrap_err(),
        team.run(&mut owner, |s| sync::leave(s, team.workspace)).unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::Forbidden, "{error}");
        assert!(!error.message().is_empty());
    }
    for host in [&mut writer, &mut blind_admin] {
        let error = team.run(host, |s| sync::rekey(s, team.workspace)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert_eq!(error.message(), "it takes an admin who holds the workspace key");
    }
    assert_eq!(code(remove(&team, &mut owner, nobody, true)), ErrorCode::UnknownMember);
    assert_eq!(code(change(&team, &mut owner, nobody, None, None)), ErrorCode::UnknownMember);
    // What is no matter of rights keeps its own code: this scope does not fit into an entry.
    let secrets = (0..70_000_u128).map(|n| SecretId(n.to_be_bytes()));
    let item = ScopeItem { environment: development, secrets: Some(secrets.collect()) };
    let huge = Some(Scope::Only(vec![item]));
    assert_eq!(code(change(&team, &mut owner, writer_id, None, huge)), ErrorCode::MalformedEntry);
    assert_eq!(team.head(&mut owner), before, "nothing of all that was written");
}

#[test]
fn who_leaves_is_no_member_any_more_and_keeps_its_vault() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-1");
    let mut leaver = team.admit(&mut owner, 2, Role::Admin, Scope::All);
    let before = team.head(&mut leaver).seq;
    let head = team.run(&mut leaver, |s| sync::leave(s, team.workspace)).unwrap();
    assert_eq!((head.seq, head), (before + 1, team.head(&mut leaver)));
    assert_eq!(team.kinds(&mut leaver, head.seq), ["leave"]);
    assert_eq!(team.value(&mut leaver, "development", "A").as_deref(), Some("fake-1"));
    assert_eq!(
        code(team.run(&mut leaver, |s| sync::leave(s, team.workspace))),
        ErrorCode::NotAdmitted
    );
    team.follow(&mut owner).unwrap();
    let view = team.view(&mut owner);
    assert!(view.state().unwrap().active(&leaver.identity.id()).is_none());
    assert!(view.state().unwrap().needs_rekey(), "it knows the labels' key");
    // Where the log was followed and says so, the device itself refuses, without the relay's word.
    let offline = leaver.run(|s| sync::rekey(s, team.workspace));
    assert_eq!(code(offline), ErrorCode::RelayUnreachable);
    let environment = team.environment(&mut leaver, "development");
    let refused = leaver.change(team.workspace, environment, "A", Some("fake-2"));
    assert_eq!(code(refused), ErrorCode::NotAdmitted);
}

#[test]
fn a_wider_scope_brings_the_key_and_the_values_in_the_same_commit() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-a");
    team.put(&mut owner, "development", "B", "fake-b");
    team.put(&mut owner, "staging", "C", "fake-c");
    let development = team.environment(&mut owner, "development");
    let a = single(development, team.secret(&mut owner, "development", "A"));
    let b = single(development, team.secret(&mut owner, "development", "B"));
    let mut member = team.admit(&mut owner, 2, Role::Reader, a);
    let id = member.identity.id();
    assert_eq!(team.view(&mut member).name(), None, "a member of single secrets reads no labels");
    // Another single secret: its value comes along, and still no key.
    let before = team.head(&mut owner).seq;
    let head = change(&team, &mut owner, id, None, Some(b)).unwrap();
    assert_eq!(head, team.head(&mut owner));
    assert_eq!(team.kinds(&mut owner, before + 1), ["change", "share"]);
    team.pull(&mut member);
    let held = member.snapshot(team.workspace, development);
    assert_eq!(value(&held, "B").as_deref(), Some("fake-b"));
    assert_eq!(team.view(&mut member).name(), None);
    // The whole environment: the key too, and no value that it has already.
    let before = team.head(&mut owner).seq;
    change(&team, &mut owner, id, None, Some(whole(development))).unwrap();
    assert_eq!(team.kinds(&mut owner, before + 1), ["change"]);
    team.pull(&mut member);
    assert_eq!(team.view(&mut member).name().as_deref(), Some("acme"));
    assert_eq!(team.value(&mut member, "development", "A").as_deref(), Some("fake-a"));
    // Everything, and a role with it; what is not said stays.
    let before = team.head(&mut owner).seq;
    change(&team, &mut owner, id, Some(Role::Writer), Some(Scope::All)).unwrap();
    assert_eq!(team.kinds(&mut owner, before + 1), ["change", "share"]);
    change(&team, &mut owner, id, Some(Role::Admin), None).unwrap();
    team.pull(&mut member);
    assert_eq!(team.value(&mut member, "staging", "C").as_deref(), Some("fake-c"));
    let view = team.view(&mut member);
    let me = view.state().unwrap().active(&id).unwrap();
    assert_eq!((me.role(), me.scope()), (Role::Admin, &Scope::All));
    create(&team, &mut member, "preview").unwrap();
}

#[test]
fn in_a_workspace_without_a_relay_a_new_generation_is_there_at_once() {
    let (mut owner, mut other) = (device(1), device(2));
    let create = |s| sync::create(s, "acme".into(), "laptop".into(), None);
    let workspace = owner.run(create).unwrap();
    let newcomer = sync::Newcomer {
        recipient: other.identity.recipient().clone(),
        role: Role::Reader,
        scope: Scope::All,
        label: "desk".into(),
        how: (How::OutOfBand, None),
    };
    let admitted = owner.run(|s| sync::admit(s, workspace, newcomer)).unwrap();
    let id = other.identity.id();
    assert_eq!((admitted.member, admitted.label.as_str()), (id, "desk"));
    let who = Remove { who: Removed::Members(vec![id]), reason: Reason::LostDevice };
    assert!(owner.run(|s| sync::remove(s, workspace, who, true)).unwrap().rekeyed);
    owner.run(|s| sync::rekey(s, workspace)).unwrap();
    let change = Management::CreateEnvironment("preview".into());
    owner.run(|s| sync::manage(s, workspace, change)).unwrap();
    let view = owner.run(|s| sync::view(s, workspace)).unwrap();
    assert_eq!(view.state().unwrap().generation(), 2);
    assert!(view.environment("preview").is_ok());
    assert_eq!(code(other.run(|s| sync::view(s, workspace))), ErrorCode::NoWorkspace);
}
