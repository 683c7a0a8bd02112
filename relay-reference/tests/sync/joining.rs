//! Invitations from both ends, and who is admitted by them.

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::EnvironmentId,
    fingerprint::Fingerprint,
    invitation::Invitation,
    log::{Role, Scope, membership::How},
    message::Request,
    sync::{self, Admitted, Management, Newcomer, Offer},
    wire::{Bytes, Reply},
};

use crate::{
    host::Host,
    in_process,
    team::{Team, answer, code, device, single, twin, whole, words},
};

/// The same code once more: it is spent by answering it.
fn again(invitation: &Invitation) -> Invitation {
    let code = invitation.expose();
    Invitation::parse(std::str::from_utf8(code.expose()).unwrap()).unwrap()
}

fn reply(team: &Team, host: &mut Host, invitation: &Invitation) -> Result<()> {
    team.run(host, |s| sync::join(s, again(invitation), "phone".into())).map(drop)
}

fn admit(team: &Team, by: &mut Host, all: bool) -> Vec<Admitted> {
    team.run(by, |s| sync::admit_replies(s, team.workspace, all)).unwrap()
}

fn settings(team: &Team, host: &Host) -> usize {
    host.store[&sync::keys::settings(&team.workspace)].len()
}

#[test]
fn nobody_invites_beyond_its_own_rank_and_scope() {
    let (team, mut owner) = Team::begin();
    let development: EnvironmentId = team.environment(&mut owner, "development");
    let staging = team.environment(&mut owner, "staging");
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let mut admin = team.admit(&mut owner, 3, Role::Admin, whole(development));
    let error = team.invite(&mut writer, Role::Reader, Scope::All).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert_eq!(error.message(), "a member of role writer cannot invite a reader");
    assert_eq!(
        code(team.invite(&mut admin, Role::Admin, whole(development))),
        ErrorCode::Forbidden
    );
    for beyond in [Scope::All, whole(staging)] {
        let error = team.invite(&mut admin, Role::Reader, beyond).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutOfScope);
    }
    let invitation = team.invite(&mut admin, Role::Writer, whole(development)).unwrap();
    assert_eq!((invitation.workspace, invitation.inviter), (team.workspace, admin.identity.id()));
    assert_eq!(
        (invitation.head, invitation.relay.as_str()),
        (team.head(&mut admin), team.url().as_str())
    );
    team.invite(&mut owner, Role::Owner, Scope::All).unwrap();
    // An admin of single secrets has no key to write a newcomer's label with.
    team.put(&mut owner, "development", "A", "fake-a");
    let a = single(development, team.secret(&mut owner, "development", "A"));
    let mut blind = team.admit(&mut owner, 4, Role::Admin, a.clone());
    let string = Newcomer {
        recipient: device(5).identity.recipient().clone(),
        role: Role::Reader,
        scope: a,
        label: "desk".into(),
        how: (How::OutOfBand, None),
    };
    let error = team.run(&mut blind, |s| sync::admit(s, team.workspace, string)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert!(error.message().contains("has no workspace key"), "{error}");
}

#[test]
fn a_code_is_answered_by_one_device_once_and_as_often_as_it_likes() {
    let (team, mut owner) = Team::begin();
    let (mut phone, mut late) = (device(2), device(3));
    let invitation = team.invite(&mut owner, Role::Writer, Scope::All).unwrap();
    reply(&team, &mut phone, &invitation).unwrap();
    let held = phone.store.clone();
    reply(&team, &mut phone, &invitation).unwrap();
    assert_eq!(phone.store, held, "the same reply");
    // The connection is lost while it repeats it: it has answered all the same.
    let lost = phone.run(|s| sync::join(s, again(&invitation), "phone".into()));
    assert_eq!(code(lost), ErrorCode::RelayUnreachable);
    assert_eq!(phone.store, held);
    assert!(team.view(&mut phone).is_joining());
    // Another device comes too late, and keeps nothing of it.
    assert_eq!(code(reply(&team, &mut late, &invitation)), ErrorCode::InvitationUsed);
    assert!(late.store.is_empty());
    let lost = late.run(|s| sync::join(s, again(&invitation), "phone".into()));
    assert_eq!((code(lost), late.store.len()), (ErrorCode::RelayUnreachable, 0));
    let other = team.invite(&mut owner, Role::Writer, Scope::All).unwrap();
    assert_eq!(code(reply(&team, &mut phone, &other)), ErrorCode::WorkspaceExists);
    assert_eq!(admit(&team, &mut owner, false).len(), 1);
    team.pull(&mut phone);
    for spent in [&invitation, &other] {
        assert_eq!(code(reply(&team, &mut phone, spent)), ErrorCode::AlreadyMember);
    }
    assert_eq!(code(reply(&team, &mut late, &invitation)), ErrorCode::InvitationUnknown);
    assert!(late.store.is_empty());
    let long = team.run(&mut late, |s| sync::join(s, again(&other), "x".repeat(1000)));
    assert_eq!(code(long), ErrorCode::InvalidArgument);
}

#[test]
fn an_invitation_counts_up_to_its_last_millisecond() {
    let (team, mut owner) = Team::begin();
    let expires = in_process::now() + 60_000;
    let offer = |expires| Offer { role: Role::Reader, scope: Scope::All, expires };
    let mut invite = |expires| {
        team.run(&mut owner, |s| sync::invite(s, team.workspace, offer(expires))).unwrap()
    };
    let codes = [invite(expires), invite(expires), invite(expires), invite(0)];
    // By the invitee's clock, which is one millisecond further when it begins.
    let (mut first, mut second, mut early, mut never) =
        (device(2), device(3), device(4), device(5));
    (first.now, second.now, never.now) = (expires - 1, expires, expires * 2);
    reply(&team, &mut first, &codes[0]).unwrap();
    assert_eq!(first.now, expires);
    let (late, asked) = team.watch(&mut second, |s| sync::join(s, again(&codes[1]), "x".into()));
    assert_eq!((code(late), asked.len()), (ErrorCode::InvitationExpired, 0));
    reply(&team, &mut early, &codes[2]).unwrap();
    reply(&team, &mut never, &codes[3]).unwrap();
    // By the admin's clock too.
    owner.now = expires - 1;
    assert_eq!(admit(&team, &mut owner, false).len(), 3);
    assert_eq!(owner.now, expires);
    // A relay that is of another time than the invitee's clock says the same.
    let past = in_process::now() - 5000;
    let late = team.run(&mut owner, |s| sync::invite(s, team.workspace, offer(past))).unwrap();
    let mut slow = device(6);
    slow.now = past - 10;
    assert_eq!(code(reply(&team, &mut slow, &late)), ErrorCode::InvitationExpired);
    assert!(slow.store.is_empty());
}

#[test]
fn after_an_invitations_end_nobody_is_admitted_by_it() {
    let (team, mut owner) = Team::begin();
    let expires = in_process::now() + 60_000;
    let offer = Offer { role: Role::Reader, scope: Scope::All, expires };
    let invitation = team.run(&mut owner, |s| sync::invite(s, team.workspace, offer)).unwrap();
    let endless = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
    let (mut phone, mut desk) = (device(2), device(3));
    reply(&team, &mut phone, &invitation).unwrap();
    reply(&team, &mut desk, &endless).unwrap();
    owner.now = expires;
    let admitted = admit(&team, &mut owner, false);
    assert_eq!(admitted.len(), 1);
    assert_eq!(admitted[0].member, desk.identity.id());
}

#[test]
fn admins_admit_by_their_own_invitations_and_by_all_where_asked_to() {
    let (team, mut owner) = Team::begin();
    let mut admin = team.admit(&mut owner, 2, Role::Admin, Scope::All);
    let mut writer = team.admit(&mut owner, 3, Role::Writer, Scope::All);
    let mut hosts = [device(4), device(5), device(6)];
    let roles = [Role::Reader, Role::Reader, Role::Admin];
    for (host, role) in hosts.iter_mut().zip(roles) {
        let invitation = team.invite(&mut owner, role, Scope::All).unwrap();
        reply(&team, host, &invitation).unwrap();
    }
    // No rank to admit with: then the relay is not even asked for replies.
    let admit_all = |s| sync::admit_replies(s, team.workspace, true);
    let (admitted, asked) = team.watch(&mut writer, admit_all);
    assert_eq!((admitted.unwrap(), words(&asked)), (Vec::new(), vec!["GET log".to_owned()]));
    let (admitted, asked) =
        team.watch(&mut admin, |s| sync::admit_replies(s, team.workspace, false));
    assert_eq!((admitted.unwrap(), asked.len()), (Vec::new(), 1), "these are not its own");
    // All of a lower rank than its own; it has no token to read their labels with.
    let admitted = admit(&team, &mut admin, true);
    let mut seen: Vec<_> = admitted.iter().map(|one| (one.member, one.role)).collect();
    seen.sort_unstable();
    let mut expected =
        vec![(hosts[0].identity.id(), Role::Reader), (hosts[1].identity.id(), Role::Reader)];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    for one in &admitted {
        assert_eq!(one.label, Fingerprint::of(&one.member).to_string());
    }
    let admitted = admit(&team, &mut owner, false);
    assert_eq!(admitted.len(), 1);
    assert_eq!((admitted[0].label.as_str(), admitted[0].role), ("phone", Role::Admin));
    assert_eq!(team.view(&mut owner).member_label(&hosts[2].identity.id()), "phone");
}

#[test]
fn who_is_or_was_a_member_is_not_admitted_again() {
    let (team, mut owner) = Team::begin();
    let phone = team.admit(&mut owner, 2, Role::Reader, Scope::All);
    let string = |label: &str| Newcomer {
        recipient: phone.identity.recipient().clone(),
        role: Role::Reader,
        scope: Scope::All,
        label: label.into(),
        how: (How::OutOfBand, None),
    };
    let by_string = |owner: &mut Host, label: &str| {
        team.run(owner, |s| sync::admit(s, team.workspace, string(label)))
    };
    assert_eq!(code(by_string(&mut owner, "desk")), ErrorCode::AlreadyMember);
    assert_eq!(code(by_string(&mut owner, &"x".repeat(1000))), ErrorCode::InvalidArgument);
    let mut leaver = twin(&phone, 7);
    team.run(&mut leaver, |s| sync::leave(s, team.workspace)).unwrap();
    assert_eq!(code(by_string(&mut owner, "desk")), ErrorCode::AlreadyMember);
    // Its reply to another invitation stops nobody else.
    let (mut back, mut other) = (twin(&phone, 8), device(3));
    back.store.clear();
    for host in [&mut back, &mut other] {
        let invitation = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
        reply(&team, host, &invitation).unwrap();
    }
    let admitted = admit(&team, &mut owner, false);
    assert_eq!(admitted.len(), 1);
    assert_eq!(admitted[0].member, other.identity.id());
}

#[test]
fn a_reply_that_the_invitees_token_does_not_prove_is_none() {
    let (team, mut owner) = Team::begin();
    let (mut phone, mut desk) = (device(2), device(3));
    let mut replies = Vec::new();
    for host in [&mut phone, &mut desk] {
        let invitation = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
        let join = |s| sync::join(s, again(&invitation), "phone".into());
        let (done, asked) = team.watch(host, join);
        done.unwrap();
        let put: Reply = serde_json::from_slice(&asked[0].body).unwrap();
        replies.push((invitation.invite.to_string(), put));
    }
    // The relay swaps them, and then garbles one.
    let (one, two) = (replies.remove(0), replies.remove(0));
    let mut swapped = |request: Request| match request.target.rsplit('/').next().unwrap() {
        last if last == one.0 => Ok(answer(&two.1)),
        last if last == two.0 => Ok(answer(&one.1)),
        _ => team.carry(request),
    };
    let all = |s| sync::admit_replies(s, team.workspace, false);
    assert_eq!(team.run_by(&mut owner, &mut swapped, all).unwrap(), []);
    let mut garbled = |request: Request| match request.target.ends_with(&one.0) {
        true => Ok(answer(&Reply { workspace: team.workspace, reply: Bytes(vec![1]) })),
        false => team.carry(request),
    };
    let admitted = team.run_by(&mut owner, &mut garbled, all).unwrap();
    assert_eq!(admitted.len(), 1);
    assert_eq!(admitted[0].member, desk.identity.id());
    assert_eq!(admit(&team, &mut owner, false)[0].member, phone.identity.id());
}

#[test]
fn a_token_is_kept_as_long_as_its_invitation_is_open() {
    let (team, mut owner) = Team::begin();
    let empty = settings(&team, &owner);
    let first = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
    let one = settings(&team, &owner);
    assert_eq!(one, empty + 64, "the entry and the token");
    team.sync(&mut owner).unwrap();
    assert_eq!(settings(&team, &owner), one, "it is open");
    let second = team.invite(&mut owner, Role::Reader, Scope::All).unwrap();
    let withdraw = Management::Uninvite(first.invite);
    team.run(&mut owner, |s| sync::manage(s, team.workspace, withdraw)).unwrap();
    assert_eq!(settings(&team, &owner), empty + 128);
    team.sync(&mut owner).unwrap();
    assert_eq!(settings(&team, &owner), one);
    let mut phone = device(2);
    assert_eq!(code(reply(&team, &mut phone, &first)), ErrorCode::InvitationUnknown);
    reply(&team, &mut phone, &second).unwrap();
    let report = team.sync(&mut owner).unwrap();
    assert_eq!(report.admitted.len(), 1);
    assert_eq!(settings(&team, &owner), empty, "used up in the same sync");
    // A reply in the vault ends with the admission, also of who gets no key by it.
    let joining = settings(&team, &phone);
    team.follow(&mut phone).unwrap();
    assert!(settings(&team, &phone) < joining);
    team.put(&mut owner, "development", "A", "fake-a");
    let development = team.environment(&mut owner, "development");
    let scope = single(development, team.secret(&mut owner, "development", "A"));
    let mut blind = device(3);
    let third = team.invite(&mut owner, Role::Writer, scope).unwrap();
    reply(&team, &mut blind, &third).unwrap();
    admit(&team, &mut owner, false);
    assert!(team.view(&mut blind).is_joining());
    team.follow(&mut blind).unwrap();
    assert!(!team.view(&mut blind).is_joining());
    // It changes the one secret of its scope, and makes no other.
    team.pull(&mut blind);
    blind.change(team.workspace, development, "A", Some("fake-a2")).unwrap();
    let error = blind.change(team.workspace, development, "B", Some("fake-b")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutOfScope);
    assert!(error.message().starts_with("B lies outside"), "{error}");
    let staging = team.environment(&mut owner, "staging");
    let error = blind.change(team.workspace, staging, "A", Some("fake-b")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutOfScope);
    team.run(&mut blind, |s| sync::push(s, team.workspace, development, false)).unwrap();
    team.pull(&mut owner);
    assert_eq!(team.value(&mut owner, "development", "A").as_deref(), Some("fake-a2"));
}
