//! What a device can say of its workspace without the relay, and what a sync reports.

use std::time::Duration;

use agentsecrets_core::{
    ErrorCode,
    encoding::{EnvironmentId, SecretId, WorkspaceId},
    fingerprint::Fingerprint,
    log::{Role, Scope, ack::Freshness, entry::VersionRef},
    message::Method,
    sync::{self, Clashes, Management},
};

use crate::{
    host::{Host, value},
    team::{Team, ack_in, code, device, ids, name, whole, words},
};

fn manage(team: &Team, by: &mut Host, change: Management) {
    team.run(by, |s| sync::manage(s, team.workspace, change)).unwrap();
}

#[test]
fn a_device_knows_its_workspace_from_its_vault() {
    let (team, mut owner) = Team::begin();
    let mut joiner = device(2);
    let invitation = team.invite(&mut owner, Role::Writer, Scope::All).unwrap();
    team.run(&mut joiner, |s| sync::join(s, invitation, "phone".into())).unwrap();
    // Before it is admitted it knows where to ask, and nothing else.
    let view = team.view(&mut joiner);
    assert!(view.is_joining());
    assert_eq!(view.relay(), Some(team.url().as_str()));
    assert_eq!((view.workspace(), view.me()), (team.workspace, joiner.identity.id()));
    assert_eq!((view.name(), view.left()), (None, 0));
    let me = Fingerprint::of(&joiner.identity.id()).to_string();
    assert_eq!(view.member_label(&joiner.identity.id()), me);
    for error in [
        code(view.state().map(drop)),
        code(view.environment("development").map(drop)),
        code(view.member("phone").map(drop)),
        code(view.exposure(&joiner.identity.id())),
        code(view.rotations()),
    ] {
        assert_eq!(error, ErrorCode::NotAdmitted);
    }
    let admit = |s| sync::admit_replies(s, team.workspace, false);
    assert_eq!(team.run(&mut owner, admit).unwrap()[0].label, "phone");
    team.follow(&mut joiner).unwrap();
    let view = team.view(&mut joiner);
    assert!(!view.is_joining());
    assert_eq!(view.name().as_deref(), Some("acme"));
    assert_eq!(view.member_label(&owner.identity.id()), "laptop");
    assert_eq!(view.member_label(&joiner.identity.id()), "phone");
    assert_eq!(view.state().unwrap().head(), team.head(&mut owner));
    // Another workspace is none that it knows.
    let other = WorkspaceId([7; 32]);
    assert_eq!(code(joiner.run(|s| sync::view(s, other))), ErrorCode::NoWorkspace);
    assert_eq!(code(joiner.run(|s| sync::entries(s, other))), ErrorCode::NoWorkspace);
}

#[test]
fn environments_are_found_by_label_or_id_while_they_are_open() {
    let (team, mut owner) = Team::begin();
    let staging = team.environment(&mut owner, "staging");
    let view = team.view(&mut owner);
    assert_eq!(view.environment(&staging.to_string()).unwrap(), staging);
    assert_eq!(view.environment_label(&staging), "staging");
    let error = view.environment("stagin").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownEnvironment);
    let known = "there is no environment \"stagin\"; there are development, production, staging";
    assert_eq!(error.message(), known);
    manage(&team, &mut owner, Management::RenameEnvironment(staging, "preview".into()));
    manage(&team, &mut owner, Management::ArchiveEnvironment(staging));
    let view = team.view(&mut owner);
    assert_eq!(view.environment_label(&staging), "preview", "listings still name it");
    for gone in ["preview", "staging", &staging.to_string()] {
        let error = view.environment(gone).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownEnvironment, "{gone}");
        assert!(error.message().ends_with("there are development, production"));
    }
    let unknown = EnvironmentId([7; 16]);
    assert_eq!(view.environment_label(&unknown), unknown.to_string());
}

#[test]
fn members_are_found_by_label_fingerprint_or_the_beginning_of_an_id() {
    let (team, mut owner) = Team::begin();
    let mut phone = device(2);
    team.admit_as(&mut owner, &mut phone, "phone", (Role::Writer, Scope::All));
    let also = {
        let mut also = device(3);
        team.admit_as(&mut owner, &mut also, "phone", (Role::Reader, Scope::All));
        also.identity.id()
    };
    let (view, id) = (team.view(&mut owner), owner.identity.id());
    let hex = id.to_string();
    let fingerprint = Fingerprint::of(&id).to_string();
    for text in ["laptop", &fingerprint, &hex, &hex[..4], &hex[..9].to_ascii_uppercase()] {
        let (found, member) = view.member(text).unwrap();
        assert_eq!((found, member.role()), (id, Role::Owner), "{text}");
    }
    // Three digits are too few, and more that are not its beginning are none of its.
    for text in [&hex[..3], &hex[1..], "lap", "", "0000000000"] {
        assert_eq!(code(view.member(text).map(drop)), ErrorCode::UnknownMember, "{text}");
    }
    let error = view.member("phone").unwrap_err();
    assert_eq!(error.code(), ErrorCode::AmbiguousMember);
    for id in [phone.identity.id(), also] {
        assert!(error.message().contains(&format!("phone ({})", Fingerprint::of(&id))));
    }
    assert!(error.message().starts_with("\"phone\" fits phone ("), "{error}");
}

#[test]
fn names_of_secrets_come_from_their_labels_deleted_and_shadowed_ones_too() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    team.put(&mut owner, "development", "GONE", "fake-gone");
    team.put(&mut owner, "development", "TWICE", "fake-of-owner");
    let development = team.environment(&mut owner, "development");
    let gone = team.secret(&mut owner, "development", "GONE");
    let first = team.secret(&mut owner, "development", "TWICE");
    team.put(&mut owner, "development", "GONE", None);
    // A forked history's push brings a second secret of the same name: by hand, what no client does.
    let view = team.view(&mut owner);
    assert_eq!(view.secret_name(&gone).as_deref(), Some("GONE"));
    assert_eq!(view.secret_name(&first).as_deref(), Some("TWICE"));
    assert_eq!(view.secret_name(&SecretId([7; 16])), None);
    let snapshot = owner.snapshot(team.workspace, development);
    let names: Vec<_> = view.names(&snapshot).into_iter().collect();
    let mut expected = vec![(gone, name("GONE")), (first, name("TWICE"))];
    expected.sort_unstable();
    assert_eq!(names, expected);
    let read = |s| sync::snapshot_in(s, view, development);
    let again = owner.run(read).unwrap();
    assert_eq!(value(&again, "TWICE").as_deref(), Some("fake-of-owner"));
    assert_eq!((again.environment, again.head), (development, snapshot.head));
    // Who has not pulled yet knows the names all the same.
    team.follow(&mut writer).unwrap();
    let empty = writer.snapshot(team.workspace, development);
    assert!(empty.secrets.is_empty());
    assert_eq!(team.view(&mut writer).names(&empty).into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn news_is_what_the_relay_has_beyond_this_devices_log() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let news = |host: &mut Host, wait| {
        team.watch(host, |s| sync::await_news(s, team.workspace, Duration::from_secs(wait)))
    };
    team.follow(&mut owner).unwrap();
    assert!(!news(&mut owner, 0).0.unwrap());
    assert!(!team.follow(&mut owner).unwrap());
    team.put(&mut writer, "development", "A", "fake-1");
    let (head, held) = (team.head(&mut owner).seq, owner.store.clone());
    let (told, asked) = news(&mut owner, 7);
    assert!(told.unwrap());
    assert!(asked[0].target.ends_with(&format!("/log?after={head}&limit=500&wait=7")));
    assert_eq!((asked.len(), asked[0].wait), (1, Duration::from_secs(7)));
    assert_eq!(owner.store, held, "waiting writes nothing");
    assert!(team.follow(&mut owner).unwrap());
    assert!(!news(&mut owner, 0).0.unwrap());
    // Who has no log yet has everything to learn, and need not wait for it.
    let mut joiner = device(3);
    let invitation = team.invite(&mut owner, Role::Writer, Scope::All).unwrap();
    team.run(&mut joiner, |s| sync::join(s, invitation, "phone".into())).unwrap();
    let (told, asked) = news(&mut joiner, 7);
    assert!(told.unwrap() && asked.is_empty());
    // A local workspace has nobody to hear from.
    let create = |s| sync::create(s, "own".into(), "laptop".into(), None);
    let local = joiner.run(create).unwrap();
    assert!(!joiner.run(|s| sync::await_news(s, local, Duration::from_secs(7))).unwrap());
    assert!(!joiner.run(|s| sync::follow_log(s, local, Duration::from_secs(7))).unwrap());
    assert_eq!(joiner.run(|s| sync::view(s, local)).unwrap().relay(), None);
}

#[test]
fn a_sync_admits_shares_pulls_and_says_what_it_has_seen() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-1");
    assert_eq!(team.sync(&mut owner).unwrap().freshness, Freshness::Solo);
    let mut phone = device(2);
    let invitation = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
    team.run(&mut phone, |s| sync::join(s, invitation, "phone".into())).unwrap();
    let sync = |s| sync::sync(s, team.workspace, None, Clashes::Refuse);
    let (report, asked) = team.watch(&mut owner, sync);
    let report = report.unwrap();
    assert_eq!(report.admitted.len(), 1);
    assert_eq!(
        (report.admitted[0].member, report.admitted[0].role),
        (phone.identity.id(), Role::Reader)
    );
    assert_eq!((report.admitted[0].label.as_str(), report.shared_with), ("phone", Vec::new()));
    let expected = ["GET log", "GET acks", "GET", "POST sync", "PUT acks"];
    assert_eq!(words(&asked).len(), expected.len(), "{:?}", words(&asked));
    for (asked, expected) in words(&asked).iter().zip(expected) {
        assert!(asked.starts_with(expected), "{asked} is no {expected}");
    }
    // A reader shares nothing, whatever others lack.
    phone.now = owner.now + 7;
    let report = team.sync(&mut phone).unwrap();
    assert_eq!(report.freshness, Freshness::Fresh { age: 8 });
    assert_eq!(report.pulled.environments.len(), 3);
    let pulled = report.pulled.into_result().unwrap();
    let updated: Vec<_> = pulled.into_iter().flat_map(|pulled| pulled.updated).collect();
    assert_eq!(updated, [name("A")]);
    // A local workspace syncs without asking anybody.
    let create = |s| sync::create(s, "own".into(), "laptop".into(), None);
    let local = phone.run(create).unwrap();
    let report = phone.run(|s| sync::sync(s, local, None, Clashes::Refuse)).unwrap();
    assert_eq!((report.freshness, report.pulled.environments.len()), (Freshness::Solo, 3));
    assert!(report.admitted.is_empty() && report.shared_with.is_empty());
}

#[test]
fn who_lacks_values_says_which_and_a_writer_who_holds_them_helps() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let mut reader = team.admit(&mut owner, 3, Role::Reader, Scope::All);
    let development = team.environment(&mut owner, "development");
    let mut late = team.admit(&mut owner, 4, Role::Writer, whole(development));
    team.put(&mut owner, "development", "A", "fake-a");
    team.put(&mut owner, "development", "B", "fake-b");
    team.put(&mut owner, "development", "B", None);
    team.put(&mut owner, "staging", "C", "fake-c");
    let a = VersionRef { secret: team.secret(&mut owner, "development", "A"), version: 1 };
    let c = VersionRef { secret: team.secret(&mut owner, "staging", "C"), version: 1 };
    for host in [&mut writer, &mut reader] {
        team.pull(host);
    }
    // Its own scope alone, and what lives alone.
    let acks = team.sync_without_deliveries(&mut late);
    assert_eq!(acks.len(), 1);
    assert_eq!(
        (acks[0].head(), acks[0].missing.as_slice()),
        (team.head(&mut owner), [a].as_slice())
    );
    let mut other = team.admit(&mut owner, 5, Role::Reader, Scope::All);
    team.put(&mut owner, "staging", "C", "fake-c2");
    let c2 = VersionRef { version: 2, ..c };
    assert_eq!(team.sync_without_deliveries(&mut other)[0].missing, [c2]);
    // A reader holds them too and may not share.
    team.pull(&mut reader);
    assert_eq!(team.sync(&mut reader).unwrap().shared_with, []);
    let before = team.head(&mut owner).seq;
    team.pull(&mut writer);
    assert_eq!(team.sync(&mut writer).unwrap().shared_with, ids([&late, &other]));
    team.follow(&mut owner).unwrap();
    assert_eq!(team.kinds(&mut owner, before + 1), ["share", "share"]);
    // The next sync of each gets it, says so, and nobody shares again.
    for host in [&mut late, &mut other] {
        team.sync(host).unwrap().pulled.into_result().unwrap();
    }
    assert_eq!(team.value(&mut late, "development", "A").as_deref(), Some("fake-a"));
    assert_eq!(team.value(&mut other, "staging", "C").as_deref(), Some("fake-c2"));
    assert_eq!(team.sync(&mut writer).unwrap().shared_with, []);
    assert_eq!(team.kinds(&mut writer, before + 1), ["share", "share"]);
}

#[test]
fn what_was_not_asked_for_is_not_missing_and_what_was_lost_before_stays_so() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let key = *writer.identity.recipient().verifying_key();
    let development = team.environment(&mut owner, "development");
    let missing = |host: &mut Host, only: Option<Vec<EnvironmentId>>| {
        let sync = |s| sync::sync(s, team.workspace, only, Clashes::Refuse);
        let (report, asked) = team.watch(host, sync);
        report.unwrap().pulled.into_result().unwrap();
        asked.iter().find(|one| one.method == Method::Put).map(|one| ack_in(one, &key).missing)
    };
    // A pull of one environment says nothing of the other one, which the relay would hand over.
    team.put(&mut owner, "staging", "C", "fake-c");
    assert_eq!(missing(&mut writer, Some(vec![development])), Some(Vec::new()));
    assert_eq!(team.sync(&mut owner).unwrap().shared_with, []);
    // What it asked for in vain stays missing while it asks for something else.
    let c = VersionRef { secret: team.secret(&mut owner, "staging", "C"), version: 1 };
    assert_eq!(team.sync_without_deliveries(&mut writer)[0].missing, [c]);
    team.put(&mut owner, "staging", "D", "fake-d");
    assert_eq!(missing(&mut writer, Some(vec![development])), Some(vec![c]));
    // Nor is that missing which a change made here keeps out.
    team.put(&mut owner, "development", "A", "fake-theirs");
    writer.change(team.workspace, development, "A", Some("fake-ours")).unwrap();
    let (report, asked) = team.watch(&mut writer, |s| {
        sync::sync(s, team.workspace, Some(vec![development]), Clashes::Refuse)
    });
    assert_eq!(code(report.unwrap().pulled.into_result()), ErrorCode::Conflict);
    assert_eq!(ack_in(asked.last().unwrap(), &key).missing, [c]);
    let theirs = |s| sync::pull(s, team.workspace, Some(vec![development]), Clashes::Theirs);
    team.run(&mut writer, theirs).unwrap();
    // Once it is there, the next ack takes that back, also where the log has not grown.
    assert_eq!(missing(&mut writer, None), Some(Vec::new()));
    assert_eq!(missing(&mut writer, None), None, "which is said once");
    assert_eq!(team.sync(&mut owner).unwrap().shared_with, []);
}
