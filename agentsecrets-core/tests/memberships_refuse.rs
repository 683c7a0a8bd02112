//! The fold refuses every change of a membership and every Rekey beyond what its author may do, and
//! everything by and for members who are no longer.

#![allow(clippy::unwrap_used)]

mod story;

use agentsecrets_core::{
    ErrorCode,
    encoding::{DeliveriesRoot, EnvironmentId, PersonId, SealedHash},
    identity::{Identity, Kind},
    log::{
        Body, Role, Scope, ScopeItem,
        entry::{Action, Rekey, Removed},
        membership::How,
    },
};
use story::*;

const GRANT: Option<SealedHash> = Some(SealedHash([9; 32]));

/// The whole story with members of every rank: owners 1 and 35, admins 31 and 32, a writer 33.
struct Ranks {
    story: Story,
    /// Admin of everything.
    admin: Identity,
    /// Admin of `development`.
    narrow: Identity,
    /// Writer of `development`.
    writer: Identity,
}

fn ranks() -> Ranks {
    let mut story = Story::whole();
    let [admin, narrow, writer] = [31, 32, 33].map(|byte| identity(byte, Kind::Human));
    for (member, role, scope) in [
        (&admin, Role::Admin, Scope::All),
        (&narrow, Role::Admin, whole(DEVELOPMENT)),
        (&writer, Role::Writer, whole(DEVELOPMENT)),
    ] {
        admit(&mut story, member, role, scope);
    }
    Ranks { story, admin, narrow, writer }
}

fn admit(story: &mut Story, member: &Identity, role: Role, scope: Scope) {
    let admit = story.admission(member.recipient(), role, scope);
    story.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
}

fn members(members: &[&Identity]) -> Body {
    let mut ids: Vec<_> = members.iter().map(|member| member.id()).collect();
    ids.sort_unstable();
    remove(Removed::Members(ids))
}

fn person_of(story: &Story, member: &Identity) -> PersonId {
    story.state.members()[&member.id()].person
}

#[test]
fn nobody_changes_a_member_of_their_own_rank_or_above() {
    let Ranks { story, admin, narrow, writer } = ranks();
    let founder = &story.cast.founder;
    let demote = |member: &Identity| change(member.id(), Role::Reader, whole(DEVELOPMENT), None);
    accepted(&story, &admin, demote(&writer), "an admin demotes a writer");
    accepted(&story, founder, demote(&admin), "an owner demotes an admin");
    refused(&story, &admin, demote(&narrow), "an admin demotes an admin");
    refused(&story, &admin, demote(founder), "an admin demotes an owner");
    refused(&story, &admin, demote(&admin), "an admin changes itself");
    refused(&story, &writer, demote(&story.cast.writer), "a writer demotes a writer");
    refused(&story, &story.cast.writer, demote(&story.cast.tablet), "a writer narrows a reader");
}

#[test]
fn nobody_promotes_to_their_own_rank_or_above() {
    let Ranks { story, admin, writer, .. } = ranks();
    let promote = |role| change(writer.id(), role, whole(DEVELOPMENT), None);
    refused(&story, &admin, promote(Role::Admin), "an admin makes an admin");
    refused(&story, &admin, promote(Role::Owner), "an admin makes an owner");
    accepted(&story, &story.cast.founder, promote(Role::Owner), "an owner makes an owner");
    refused(&story, &writer, promote(Role::Admin), "a self-promoted member");
}

#[test]
fn nobody_widens_beyond_their_own_scope_or_to_a_scope_of_no_form() {
    let Ranks { mut story, admin, narrow, writer } = ranks();
    let other = EnvironmentId([0xee; 16]);
    let body = story.environment(other, Action::Create, "x");
    story.add(|cast| &cast.founder, body);
    let widen = |scope| change(writer.id(), Role::Writer, scope, None);
    accepted(&story, &admin, widen(whole(other)), "in scope of the author");
    refused(&story, &narrow, widen(whole(other)), "outside of the author's scope");
    refused(&story, &narrow, widen(Scope::All), "everything, by an admin of one environment");
    refused(&story, &admin, widen(whole(EnvironmentId([0xef; 16]))), "what does not exist");
    refused(&story, &admin, widen(single(other, PORT)), "a secret of another environment");
    refused(&story, &admin, widen(Scope::Only(vec![])), "an empty scope");
    let item = ScopeItem { environment: DEVELOPMENT, secrets: None };
    refused(&story, &admin, widen(Scope::Only(vec![item.clone(), item])), "a doubled scope");
}

#[test]
fn a_change_that_changes_nothing_or_concerns_no_member_is_refused() {
    let Ranks { story, admin, writer, .. } = ranks();
    let same = change(writer.id(), Role::Writer, whole(DEVELOPMENT), None);
    refused(&story, &admin, same, "nothing changed");
    for nobody in [&story.cast.job, &story.cast.leaver, &story.cast.outsider] {
        let body = change(nobody.id(), Role::Writer, Scope::All, None);
        refused(&story, &story.cast.founder, body, "nobody who is a member");
    }
}

#[test]
fn a_change_grants_exactly_where_blindness_ends() {
    let Ranks { story, admin, writer, .. } = ranks();
    let agent = story.cast.agent.id();
    let widen = |grant| change(agent, Role::Reader, whole(DEVELOPMENT), grant);
    accepted(&story, &admin, widen(GRANT), "a blind member gets the key");
    refused(&story, &admin, widen(None), "a blind member gets no key");
    let still = |grant| change(agent, Role::Reader, single(DEVELOPMENT, PORT), grant);
    accepted(&story, &admin, still(None), "blind before and after");
    refused(&story, &admin, still(GRANT), "a key for a blind member");
    let held = |scope, grant| change(writer.id(), Role::Writer, scope, grant);
    accepted(&story, &admin, held(Scope::All, None), "a member who has the key");
    refused(&story, &admin, held(Scope::All, GRANT), "the key again");
    accepted(&story, &admin, held(single(DEVELOPMENT, PORT), None), "blind from now on");
    refused(&story, &admin, held(single(DEVELOPMENT, PORT), GRANT), "a key for who becomes blind");
}

#[test]
fn the_last_owner_stays_owner_and_neither_leaves_nor_is_removed() {
    let mut story = Story::whole();
    let founder = story.cast.founder.id();
    let demote = change(founder, Role::Admin, Scope::All, None);
    let narrow = change(founder, Role::Owner, whole(DEVELOPMENT), None);
    // The tablet is a device of the founder's person, so rank does not stand in its way.
    let remove = [members(&[&story.cast.founder]), remove(Removed::Persons(vec![person(1)]))];
    refused(&story, &story.cast.founder, demote.clone(), "the last owner steps down");
    refused(&story, &story.cast.founder, Body::Leave, "the last owner leaves");
    refused(&story, &story.cast.tablet, remove[0].clone(), "the last owner is removed");
    accepted(&story, &story.cast.founder, narrow, "the last owner stays owner");
    let second = identity(35, Kind::Human);
    admit(&mut story, &second, Role::Owner, Scope::All);
    accepted(&story, &story.cast.founder, demote, "one of two owners steps down");
    accepted(&story, &story.cast.founder, Body::Leave, "one of two owners leaves");
    let [device, person] = remove;
    accepted(&story, &story.cast.tablet, device, "one of two owners is removed");
    accepted(&story, &second, person, "an owner removes an owner's person");
    let both = members(&[&story.cast.founder, &second]);
    refused(&story, &story.cast.tablet, both, "another person's owner too");
}

#[test]
fn a_removal_is_sorted_and_removes_somebody_who_is_a_member() {
    let Ranks { story, admin, writer, .. } = ranks();
    let founder = &story.cast.founder;
    accepted(&story, &admin, members(&[&writer, &story.cast.agent]), "two members");
    let mut ids = [writer.id(), story.cast.agent.id()];
    ids.sort_unstable_by(|a, b| b.cmp(a));
    refused(&story, &admin, remove(Removed::Members(ids.to_vec())), "out of order");
    refused(&story, &admin, remove(Removed::Members(vec![ids[0]; 2])), "twice");
    refused(&story, &admin, remove(Removed::Members(vec![])), "no members");
    refused(&story, &admin, remove(Removed::Persons(vec![])), "no persons");
    let mut persons = [person_of(&story, &writer), person_of(&story, &story.cast.agent)];
    persons.sort_unstable();
    accepted(&story, &admin, remove(Removed::Persons(persons.to_vec())), "two persons");
    persons.reverse();
    refused(&story, &admin, remove(Removed::Persons(persons.to_vec())), "persons out of order");
    refused(&story, &admin, remove(Removed::Persons(vec![persons[0]; 2])), "a person twice");
    let mut unknown = [persons[0], PersonId([0xee; 16])];
    unknown.sort_unstable();
    refused(&story, founder, remove(Removed::Persons(unknown.to_vec())), "an unknown person");
    let gone = person_of(&story, &story.cast.leaver);
    let mut with_gone = [persons[0], gone];
    with_gone.sort_unstable();
    refused(&story, founder, remove(Removed::Persons(with_gone.to_vec())), "a person who left");
    for nobody in [&story.cast.job, &story.cast.leaver, &story.cast.outsider] {
        refused(&story, founder, members(&[nobody]), "nobody who is a member");
        refused(&story, founder, members(&[nobody, &writer]), "nobody, beside a member");
    }
}

#[test]
fn nobody_removes_their_own_rank_or_above_save_devices_of_their_own_person() {
    let Ranks { story, admin, narrow, writer } = ranks();
    let cast = &story.cast;
    accepted(&story, &admin, members(&[&writer]), "an admin removes a writer");
    accepted(&story, &narrow, members(&[&cast.writer]), "scope is no matter of removal");
    refused(&story, &admin, members(&[&narrow]), "an admin removes an admin");
    refused(&story, &admin, members(&[&cast.founder]), "an admin removes an owner");
    refused(&story, &admin, members(&[&writer, &narrow]), "an admin, beside a writer");
    refused(&story, &writer, members(&[&cast.writer]), "a device of another person");
    refused(&story, &writer, members(&[&cast.agent]), "a writer removes an agent's reader");
    refused(&story, &cast.tablet, members(&[&cast.agent]), "a reader removes another person");
    let person = remove(Removed::Persons(vec![person_of(&story, &narrow)]));
    refused(&story, &admin, person, "a person of the author's rank");
}

#[test]
fn a_human_device_removes_the_others_of_its_person_and_a_machine_does_not() {
    let mut story = Story::whole();
    let [phone, agent] =
        [(41, Kind::Human), (42, Kind::Agent)].map(|(byte, kind)| identity(byte, kind));
    let owner = identity(43, Kind::Human);
    admit(&mut story, &owner, Role::Owner, Scope::All);
    for device in [&phone, &agent] {
        let mut admit = story.admission(device.recipient(), Role::Reader, Scope::All);
        admit.person = person(1);
        let data = agentsecrets_core::log::person_proof(
            story.state.workspace(),
            admit.person,
            device.recipient(),
            admit.role,
            &admit.scope,
        );
        admit.person_proof = Some((story.cast.founder.id(), sign(1, &data)));
        story.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
    }
    let cast = &story.cast;
    accepted(&story, &phone, members(&[&cast.tablet, &agent]), "devices of one's own person");
    accepted(&story, &phone, members(&[&cast.founder]), "a lost laptop of any rank");
    refused(&story, &agent, members(&[&cast.tablet]), "an agent removes its person's device");
    refused(&story, &phone, members(&[&cast.writer]), "a device of another person");
    refused(&story, &phone, members(&[&phone]), "a device removes itself");
    refused(&story, &owner, members(&[&owner]), "an owner removes itself");
    let person = remove(Removed::Persons(vec![person(1)]));
    refused(&story, &phone, person.clone(), "a person with the device that signs");
    accepted(&story, &owner, person, "a person, by another owner");
}

#[test]
fn a_generation_begins_by_an_admin_with_the_key_next_in_number_and_new() {
    let Ranks { mut story, admin, narrow, writer } = ranks();
    let blind = identity(34, Kind::Human);
    admit(&mut story, &blind, Role::Admin, single(DEVELOPMENT, PORT));
    let good = story.rekey();
    for member in [&story.cast.founder, &admin, &narrow] {
        accepted(&story, member, Body::Rekey(good.clone()), "an admin who holds the key");
    }
    for (member, why) in
        [(&writer, "a writer"), (&story.cast.tablet, "a reader"), (&blind, "a blind admin")]
    {
        refused(&story, member, Body::Rekey(good.clone()), why);
    }
    let check = |change: &dyn Fn(&mut Rekey), why: &str| {
        let mut rekey = good.clone();
        change(&mut rekey);
        refused(&story, &admin, Body::Rekey(rekey), why);
    };
    for generation in [0, 1, 3, u32::MAX] {
        check(&|rekey| rekey.generation = generation, "a generation that does not follow");
    }
    for older in story.state.key_commitments() {
        check(&|rekey| rekey.commitment = *older, "a key of an older generation");
    }
    check(&|rekey| rekey.root = DeliveriesRoot::ZERO, "grants to nobody");
}

#[test]
fn after_a_rekey_labels_of_older_generations_are_refused() {
    let mut story = Story::whole();
    let Body::Environment(mut body) =
        story.environment(EnvironmentId([0xee; 16]), Action::Create, "x")
    else {
        unreachable!()
    };
    assert_eq!(body.label.generation, 1);
    accepted(&story, &story.cast.founder, Body::Environment(body.clone()), "the current one");
    body.label.generation = 0;
    refused(&story, &story.cast.founder, Body::Environment(body), "the one before");
}

#[test]
fn a_member_who_was_removed_or_left_writes_nothing_and_receives_nothing() {
    let mut story = Story::whole();
    let (job, leaver) = (story.cast.job.id(), story.cast.leaver.id());
    let next = story.state.head().seq + 1;
    let ids = [DATABASE_URL, PORT];
    let recipients: Vec<_> = story.state.recipients_before(next, &DEVELOPMENT, &ids).collect();
    let holders = story.state.key_holders_before(next);
    for gone in [job, leaver] {
        assert!(!recipients.contains(&&gone) && !holders.contains(&gone));
    }
    for gone in [identity(7, Kind::Agent), identity(6, Kind::Human)] {
        for body in
            [Body::Leave, members(&[&story.cast.agent]), Body::Policy(*story.state.policy())]
        {
            refused(&story, &gone, body, "an author who is no member now");
        }
    }
    let mut share = story.share(vec![version(DATABASE_URL, 2)]);
    for gone in [job, leaver] {
        share.recipients = vec![gone];
        refused(&story, &story.cast.writer, Body::Share(share.clone()), "a share to who is gone");
    }
}

#[test]
fn the_entry_that_ends_a_membership_is_the_last_that_counts_it() {
    let story = Story::whole();
    for (id, ended) in [(story.cast.job.id(), 19), (story.cast.leaver.id(), 20)] {
        let member = &story.state.members()[&id];
        assert_eq!(member.ended, Some(ended));
        assert!(member.scope_before(ended).is_some() && member.scope_before(ended + 1).is_none());
    }
}

#[test]
fn a_key_that_was_removed_or_left_is_not_admitted_again_under_any_kind_or_person() {
    let mut story = Story::whole();
    for byte in [6, 7] {
        for kind in Kind::ALL {
            let again = identity(byte, kind);
            let mut admit = story.admission(again.recipient(), Role::Reader, Scope::All);
            admit.person = PersonId([0x77; 16]);
            admit.how = How::OutOfBand;
            let body = Body::Admit(Box::new(admit));
            refused(&story, &story.cast.founder, body, "a key that returns");
        }
    }
    let mut admit =
        story.admission(identity(20, Kind::Human).recipient(), Role::Reader, Scope::All);
    admit.person = person_of(&story, &story.cast.leaver);
    let body = Body::Admit(Box::new(admit));
    refused(&story, &story.cast.founder, body, "a person who left, without a device that vouches");
}

#[test]
fn an_invitation_dies_with_its_authors_rights_and_returns_with_them() {
    let Ranks { mut story, admin, .. } = ranks();
    let (token, body) = story.invite(Role::Writer, Scope::All);
    let signed = story.next(&admin, body);
    story.state.apply(&signed).unwrap();
    let (head, invite) = (story.state.head(), signed.hash());
    let newcomer = identity(20, Kind::Human);
    let code = agentsecrets_core::invitation::Invitation::new(
        story.state.workspace(),
        invite,
        admin.id(),
        head,
        String::new(),
        0,
        token,
    );
    let reply = code.accept(&newcomer, "desk", &mut story.entropy);
    let mut admit = story.admission(newcomer.recipient(), Role::Writer, Scope::All);
    (admit.how, admit.proof) = (How::Invitation(invite), Some(reply.proof));
    let admit = Body::Admit(Box::new(admit));
    accepted(&story, &story.cast.founder, admit.clone(), "while its author may");
    let narrow = change(admin.id(), Role::Admin, whole(DEVELOPMENT), None);
    let demote = change(admin.id(), Role::Writer, Scope::All, None);
    for ending in [narrow, demote, members(&[&admin])] {
        let mut later = story.state.clone();
        later.apply(&story.next(&story.cast.founder, ending)).unwrap();
        assert!(later.open_invitation(&invite).is_none());
        let entry = entry_after(&later, &story.cast.founder, admit.clone());
        let code = later.apply(&entry.sign(&story.cast.founder).unwrap()).unwrap_err().code();
        assert_eq!(code, ErrorCode::RefusedEntry);
    }
}
