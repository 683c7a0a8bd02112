//! What is sealed to a device: how it asks for that, page by page, and what it takes.

use agentsecrets_core::{
    ErrorCode, Result,
    log::{Role, Scope},
    message::{Request, Response},
    sync::{self, Clashes},
    wire::{Bytes, Commit, DeliveriesPage, Received},
};

use crate::{
    host::{Host, value},
    team::{Team, answer, code, device, name, single, twin, words},
};

/// The relay's answer with its page of deliveries changed.
fn edited(
    team: &Team,
    request: Request,
    edit: &mut dyn FnMut(&Request, &mut DeliveriesPage),
) -> Result<Response> {
    if !request.target.contains("/deliveries") {
        return team.carry(request);
    }
    let response = team.carry(request.clone())?;
    let mut page: DeliveriesPage = serde_json::from_slice(&response.body).unwrap();
    edit(&request, &mut page);
    Ok(answer(&page))
}

/// Pulls all environments, their pages changed; the first failure, and how often it asked.
fn pull(
    team: &Team,
    host: &mut Host,
    mut edit: impl FnMut(&Request, &mut DeliveriesPage),
) -> (Result<()>, Vec<String>) {
    let mut asked = Vec::new();
    let mut way = |request: Request| {
        if let Some((_, query)) = request.target.split_once("/deliveries") {
            asked.push(query.to_owned());
            assert!(asked.len() < 20, "no end of requests");
        }
        edited(team, request, &mut edit)
    };
    let pull = |s| sync::pull(s, team.workspace, None, Clashes::Refuse);
    let report = team.run_by(host, &mut way, pull);
    (report.and_then(|report| report.into_result().map(drop)), asked)
}

#[test]
fn deliveries_are_asked_for_as_far_as_they_are_needed_and_no_further() {
    let (team, mut owner) = Team::begin();
    let mut reader = team.admit(&mut owner, 2, Role::Reader, Scope::All);
    for text in ["A", "B", "C"] {
        team.put(&mut owner, "development", text, "fake-value");
    }
    let last = team.head(&mut owner).seq;
    let first = last - 2;
    let held = reader.store.clone();
    // One delivery a page; the last one is asked for, and what the relay promises beyond it is not.
    let one = |_: &Request, page: &mut DeliveriesPage| {
        page.deliveries.truncate(1);
        page.more = true;
    };
    let (done, asked) = pull(&team, &mut reader, one);
    done.unwrap();
    let after = |seq| format!("?after={seq}");
    assert_eq!(asked, [after(first - 1), after(first), after(first + 1)]);
    assert_eq!(team.value(&mut reader, "development", "C").as_deref(), Some("fake-value"));
    // A relay that says that there is no more is believed: the rest is withheld.
    reader.store.clone_from(&held);
    let none = |_: &Request, page: &mut DeliveriesPage| {
        page.deliveries.truncate(1);
        page.more = false;
    };
    let (done, asked) = pull(&team, &mut reader, none);
    let error = done.unwrap_err();
    assert_eq!((error.code(), asked.len()), (ErrorCode::DeliveryWithheld, 1));
    let cause =
        format!("the relay does not hand over what entry {} lists for this device", first + 1);
    assert_eq!(error.message(), cause);
    // One that shows the same again and again is left.
    let mut shown = None;
    let again = |_: &Request, page: &mut DeliveriesPage| {
        page.more = true;
        shown = shown.take().or_else(|| serde_json::to_vec(page).ok());
        *page = serde_json::from_slice(shown.as_ref().unwrap()).unwrap();
        page.deliveries.truncate(1);
    };
    let (done, asked) = pull(&team, &mut reader, again);
    assert_eq!((code(done), asked.len()), (ErrorCode::DeliveryWithheld, 2));
    // One that promises more and shows nothing, too.
    let nothing = |_: &Request, page: &mut DeliveriesPage| {
        (page.deliveries, page.more) = (Vec::new(), true);
    };
    let (done, asked) = pull(&team, &mut reader, nothing);
    assert_eq!((code(done), asked.len()), (ErrorCode::DeliveryWithheld, 1));
    let development = team.environment(&mut owner, "development");
    assert!(reader.snapshot(team.workspace, development).secrets.is_empty());
}

#[test]
fn what_does_not_stand_under_the_signed_root_is_not_what_was_sealed() {
    let (team, mut owner) = Team::begin();
    let mut reader = team.admit(&mut owner, 2, Role::Reader, Scope::All);
    let _third = team.admit(&mut owner, 3, Role::Reader, Scope::All);
    team.put(&mut owner, "development", "A", "fake-a");
    team.put(&mut owner, "development", "B", "fake-b");
    let flip = |reader: &mut Host, which: fn(&mut Received)| {
        let change = move |_: &Request, page: &mut DeliveriesPage| {
            page.deliveries.iter_mut().for_each(which);
        };
        pull(&team, reader, change).0
    };
    let lies: [fn(&mut Received); 6] = [
        |one| one.parts.clear(),
        |one| one.parts[0] = None,
        |one| one.parts[0].as_mut().unwrap().0[40] ^= 1,
        |one| one.hashes[0].0[0] ^= 1,
        |one| one.path.clear(),
        |one| one.parts[0] = Some(Bytes(vec![0; 9 << 20])),
    ];
    for lie in lies {
        assert_eq!(code(flip(&mut reader, lie)), ErrorCode::DeliveryWithheld);
    }
    // The delivery of another entry in the place of one.
    let swapped = |_: &Request, page: &mut DeliveriesPage| {
        let [.., one, two] = page.deliveries.as_mut_slice() else { panic!("two pushes") };
        std::mem::swap(&mut one.parts, &mut two.parts);
        std::mem::swap(&mut one.hashes, &mut two.hashes);
        std::mem::swap(&mut one.path, &mut two.path);
    };
    assert_eq!(code(pull(&team, &mut reader, swapped).0), ErrorCode::DeliveryWithheld);
    flip(&mut reader, |_| {}).unwrap();
    let development = team.environment(&mut owner, "development");
    let snapshot = reader.snapshot(team.workspace, development);
    assert_eq!(value(&snapshot, "A").as_deref(), Some("fake-a"));
    assert_eq!(value(&snapshot, "B").as_deref(), Some("fake-b"));
}

#[test]
fn what_a_relay_cut_off_a_commit_is_shared_by_whoever_syncs_next() {
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-a");
    let seq = team.head(&mut owner).seq;
    let mut late = device(2);
    let invitation = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
    team.run(&mut late, |s| sync::join(s, invitation, "late".into())).unwrap();
    // The relay keeps the admission and drops the shares of the same commit.
    let (by, mut cut) = (twin(&owner, 8), 0);
    let mut way = |mut request: Request| {
        if request.target != "/v1/workspaces/sync" {
            return team.carry(request);
        }
        let mut commit: Commit = serde_json::from_slice(&request.body).unwrap();
        cut += commit.entries.drain(1..).count();
        commit.deliveries.retain(|delivery| delivery.entry == 0);
        request.body = serde_json::to_vec(&commit).unwrap();
        team.carry_unsigned(request, &by)
    };
    let admit = |s| sync::admit_replies(s, team.workspace, false);
    let error = team.run_by(&mut owner, &mut way, admit).unwrap_err();
    assert_eq!((error.code(), cut), (ErrorCode::RelayMalformed, 1));
    let pull = |s| sync::pull(s, team.workspace, None, Clashes::Refuse);
    let error = team.run(&mut late, pull).unwrap().into_result().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unreadable);
    let cause = format!("the value of entry {seq} was not sealed to this device yet");
    assert_eq!(error.message(), cause);
    assert!(error.hint().starts_with("agentsecrets secrets pull"), "{}", error.hint());
    // The owner needs no report to see from the log that it was never sealed.
    assert_eq!(team.sync(&mut owner).unwrap().shared_with, [late.identity.id()]);
    team.pull(&mut late);
    assert_eq!(team.value(&mut late, "development", "A").as_deref(), Some("fake-a"));
    assert_eq!(team.sync(&mut owner).unwrap().shared_with, []);
}

#[test]
fn a_grant_is_the_one_that_the_log_lists_or_none() {
    let (team, mut owner) = Team::begin();
    let mut phone = device(2);
    let invitation = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
    team.run(&mut phone, |s| sync::join(s, invitation, "phone".into())).unwrap();
    let admit = |s| sync::admit_replies(s, team.workspace, false);
    team.run(&mut owner, admit).unwrap();
    let follow = |host: &mut Host, edit: &mut dyn FnMut(&mut DeliveriesPage)| {
        let mut way = |request| edited(&team, request, &mut |_, page| edit(page));
        team.run_by(host, &mut way, |s| {
            sync::follow_log(s, team.workspace, std::time::Duration::ZERO)
        })
    };
    let spoilt = |host: &mut Host| {
        let error = follow(host, &mut |page| page.deliveries.clear()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DeliveryWithheld);
        assert_eq!(error.message(), "the relay does not hand over the workspace key's grant");
        let flip = |page: &mut DeliveriesPage| {
            page.deliveries[0].parts[0].as_mut().unwrap().0[7] ^= 1;
        };
        assert_eq!(code(follow(host, &mut { flip })), ErrorCode::DeliveryWithheld);
        let other = |page: &mut DeliveriesPage| page.deliveries[0].seq += 1;
        assert_eq!(code(follow(host, &mut { other })), ErrorCode::DeliveryWithheld);
    };
    spoilt(&mut phone);
    assert!(team.view(&mut phone).is_joining());
    assert_eq!(team.view(&mut phone).name(), None);
    team.follow(&mut phone).unwrap();
    assert_eq!(team.view(&mut phone).name().as_deref(), Some("acme"));
    assert!(!team.view(&mut phone).is_joining());
    // Each later generation by the entry that began it; who skipped some gets them all.
    let mut early = twin(&phone, 7);
    team.run(&mut owner, |s| sync::rekey(s, team.workspace)).unwrap();
    spoilt(&mut phone);
    team.follow(&mut phone).unwrap();
    team.run(&mut owner, |s| sync::rekey(s, team.workspace)).unwrap();
    let staging = team.environment(&mut owner, "staging");
    let rename = |owner: &mut Host, label: &str| {
        let change = sync::Management::RenameEnvironment(staging, label.into());
        team.run(owner, |s| sync::manage(s, team.workspace, change)).unwrap();
    };
    rename(&mut owner, "preview");
    let follow = |s| sync::follow_log(s, team.workspace, std::time::Duration::ZERO);
    for host in [&mut phone, &mut early] {
        let (done, asked) = team.watch(host, follow);
        assert!(done.unwrap());
        assert_eq!(words(&asked), ["GET log", "GET deliveries"]);
        assert_eq!(team.view(host).name().as_deref(), Some("acme"), "of generation 0");
        assert!(team.view(host).environment("preview").is_ok(), "of generation 2");
        let (done, asked) = team.watch(host, follow);
        assert!(!done.unwrap());
        assert_eq!(words(&asked), ["GET log"]);
    }
    // Admitted after it, a device gets it with its admission.
    let mut late = team.admit(&mut owner, 3, Role::Reader, Scope::All);
    rename(&mut owner, "review");
    team.follow(&mut late).unwrap();
    assert!(team.view(&mut late).environment("review").is_ok());
}

#[test]
fn a_policy_comes_with_the_value_and_the_name_with_its_commitment() {
    use agentsecrets_core::secret_policy::{Access, SecretPolicy};
    let (team, mut owner) = Team::begin();
    team.put(&mut owner, "development", "A", "fake-a");
    team.put(&mut owner, "development", "OTHER", "fake-o");
    let development = team.environment(&mut owner, "development");
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let a = team.secret(&mut owner, "development", "A");
    let mut blind = team.admit(&mut owner, 3, Role::Writer, single(development, a));
    let policy = SecretPolicy::new(Access::UseOnly, true, false, Vec::new()).unwrap();
    let set = |host: &mut Host, text: &str, policy: Option<SecretPolicy>| {
        let name = name(text);
        team.run(host, |s| sync::set_secret_policy(s, team.workspace, development, name, policy))
    };
    let error = set(&mut writer, "A", Some(policy.clone())).unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::Forbidden, "it takes the role admin"));
    assert_eq!(code(set(&mut owner, "NONE", Some(policy.clone()))), ErrorCode::UnknownSecret);
    owner.change(team.workspace, development, "A", Some("fake-a2")).unwrap();
    let error = set(&mut owner, "A", Some(policy.clone())).unwrap_err();
    assert_eq!((error.code(), error.hint()), (ErrorCode::Conflict, "agentsecrets secrets push"));
    team.run(&mut owner, |s| sync::push(s, team.workspace, development, false)).unwrap();
    let before = owner.snapshot(team.workspace, development);
    let seq = team.head(&mut owner).seq;
    // None where there is none changes nothing.
    assert_eq!(set(&mut owner, "A", None).unwrap().seq, seq);
    let head = set(&mut owner, "A", Some(policy.clone())).unwrap();
    assert_eq!((head.seq, head), (seq + 1, team.head(&mut owner)));
    assert_eq!(set(&mut owner, "A", Some(policy.clone())).unwrap(), head);
    let after = owner.snapshot(team.workspace, development);
    let (old, new) = (before.held(&a).unwrap(), after.held(&a).unwrap());
    let salts = |held: &agentsecrets_core::snapshot::Held| {
        let newest = held.newest().unwrap();
        (newest.version, newest.value.as_ref().unwrap().salt, held.policy_salt)
    };
    let ((two, salt, policy_salt), (three, new_salt, new_policy_salt)) = (salts(old), salts(new));
    assert_eq!((two, three), (2, 3));
    assert!(salt != new_salt && policy_salt != new_policy_salt, "nothing links two versions");
    assert_eq!((old.name_salt, value(&after, "A")), (new.name_salt, Some("fake-a2".into())));
    // Everybody who has the value has the policy, and keeps it with the next value.
    for host in [&mut writer, &mut blind] {
        team.pull(host);
        let held = host.snapshot(team.workspace, development);
        assert_eq!(held.policy(&name("A")).unwrap(), Some(policy.clone()));
        assert_eq!(value(&held, "A").as_deref(), Some("fake-a2"));
        host.change(team.workspace, development, "A", Some("fake-a3")).unwrap();
        host.change(team.workspace, development, "A", Some("fake-a2")).unwrap();
    }
    team.put(&mut writer, "development", "A", "fake-a4");
    team.pull(&mut owner);
    let held = owner.snapshot(team.workspace, development);
    assert_eq!(held.policy(&name("A")).unwrap(), Some(policy));
    set(&mut owner, "A", None).unwrap();
    team.pull(&mut writer);
    assert_eq!(writer.snapshot(team.workspace, development).policy(&name("A")).unwrap(), None);
    // What is deleted has no policy to change.
    team.put(&mut owner, "development", "OTHER", None);
    let policy = SecretPolicy::new(Access::UseOnly, false, false, Vec::new()).unwrap();
    assert_eq!(code(set(&mut owner, "OTHER", Some(policy))), ErrorCode::UnknownSecret);
}
