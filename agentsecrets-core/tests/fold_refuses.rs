//! The fold refuses every entry that is changed, moved, doubled, left out or signed by somebody else,
//! and every entry by which a member takes more than is theirs.

#![allow(clippy::unwrap_used)]

mod story;

use std::collections::BTreeSet;

use agentsecrets_core::{
    Error, ErrorCode,
    encoding::{
        BatchId, DeliveriesRoot, EntryHash, EnvironmentId, Head, PersonId, SecretId, WorkspaceId,
    },
    identity::{Identity, Kind},
    log::{
        Body, Entry, Role, Scope, ScopeItem, SignedEntry, State,
        entry::{Action, Admit, Genesis, Item, Operation, Push, Share, Stray, Uninvite},
        membership::How,
    },
    policy::Policy,
    secret::Key,
};
use proptest::prelude::*;
use story::*;

/// The state just before entry `index`; `None` before Genesis.
fn before(entries: &[SignedEntry], index: usize) -> Option<State> {
    let mut state = State::genesis(entries.first()?).unwrap();
    entries[1..].iter().take(index.checked_sub(1)?).for_each(|entry| state.apply(entry).unwrap());
    Some(state)
}

/// What a reader of bytes makes of them, from the form to the fold.
fn verdict(state: Option<&mut State>, bytes: &[u8]) -> Result<(), Error> {
    let signed = SignedEntry::parse(bytes)?;
    match state {
        Some(state) => state.apply(&signed),
        None => State::genesis(&signed).map(drop),
    }
}

fn fold(entries: &[SignedEntry]) -> Result<State, Error> {
    let (first, rest) = entries.split_first().unwrap();
    let mut state = State::genesis(first)?;
    rest.iter().try_for_each(|entry| state.apply(entry))?;
    Ok(state)
}

#[test]
fn the_story_has_every_kind_and_folds_to_one_state() {
    let story = Story::whole();
    let kinds: BTreeSet<_> = story.entries.iter().map(|entry| entry.entry().body.kind()).collect();
    let known = [
        "admit",
        "change",
        "environment",
        "genesis",
        "invite",
        "leave",
        "policy",
        "push",
        "rekey",
        "remove",
        "share",
        "uninvite",
    ];
    assert!(kinds.iter().eq(&known), "{kinds:?}");
    assert_eq!(fold(&story.entries).unwrap(), story.state);
    assert_eq!(Story::whole().state, story.state);
}

#[test]
fn every_flipped_bit_of_an_entry_of_each_kind_is_refused() {
    let entries = Story::whole().entries;
    let mut seen = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if !seen.insert(entry.entry().body.kind()) {
            continue;
        }
        let mut state = before(&entries, index);
        let unchanged = state.clone();
        for bit in 0..entry.bytes().len() * 8 {
            let mut bytes = entry.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(verdict(state.as_mut(), &bytes).is_err(), "entry {index}, bit {bit}");
        }
        assert_eq!(state, unchanged);
        verdict(state.as_mut(), entry.bytes()).unwrap();
    }
    assert_eq!(seen.len(), 12);
}

#[test]
fn truncated_and_lengthened_entries_are_refused() {
    let entries = Story::whole().entries;
    for (index, entry) in entries.iter().enumerate() {
        let mut state = before(&entries, index);
        for length in 0..entry.bytes().len() {
            assert!(verdict(state.as_mut(), &entry.bytes()[..length]).is_err());
        }
        let longer = [entry.bytes(), &[0]].concat();
        assert!(verdict(state.as_mut(), &longer).is_err());
    }
}

#[test]
fn a_log_with_an_entry_missing_doubled_or_moved_is_refused() {
    let entries = Story::whole().entries;
    for index in 0..entries.len() {
        let mut doubled = entries.clone();
        doubled.insert(index, entries[index].clone());
        assert_eq!(fold(&doubled).unwrap_err().code(), ErrorCode::BrokenChain, "doubled {index}");
        if index + 1 == entries.len() {
            continue; // Without its last entry a log is an older log: the pin's matter.
        }
        let mut dropped = entries.clone();
        dropped.remove(index);
        assert_eq!(fold(&dropped).unwrap_err().code(), ErrorCode::BrokenChain, "dropped {index}");
        for other in index + 1..entries.len() {
            let mut swapped = entries.clone();
            swapped.swap(index, other);
            let code = fold(&swapped).unwrap_err().code();
            assert_eq!(code, ErrorCode::BrokenChain, "{index} and {other} swapped");
        }
    }
}

#[test]
fn an_entry_of_another_workspace_is_refused() {
    let story = Story::whole();
    let mut other = Story::begin();
    let body = other.environment(STAGING, Action::Create, "staging");
    let foreign = other.next(&other.cast.founder, body);
    let mut state = before(&story.entries, 1).unwrap();
    state.apply(&foreign).unwrap();
    // The same seeds give the same Genesis; another person gives another workspace.
    let Body::Genesis(genesis) = &story.entries[0].entry().body else { unreachable!() };
    let genesis = Genesis { person: person(8), ..genesis.clone() };
    let founder = &story.cast.founder;
    let signed = Entry::genesis(BEGIN, founder.id(), genesis).sign(founder).unwrap();
    let mut elsewhere = State::genesis(&signed).unwrap();
    assert_eq!(elsewhere.apply(&foreign).unwrap_err().code(), ErrorCode::BrokenChain);
}

#[test]
fn an_entry_signed_with_another_members_key_is_refused() {
    let story = Story::whole();
    for (index, entry) in story.entries.iter().enumerate() {
        let mut state = before(&story.entries, index);
        let author = entry.entry().author;
        for signer in story.cast.all().into_iter().filter(|member| member.id() != author) {
            let signed = entry.entry().clone().sign(signer).unwrap();
            let code = verdict(state.as_mut(), signed.bytes()).unwrap_err().code();
            assert_eq!(code, ErrorCode::BadSignature, "entry {index}");
        }
    }
}

#[test]
fn an_entry_in_the_name_of_a_member_who_may_not_is_refused() {
    let story = Story::whole();
    for (index, entry) in story.entries.iter().enumerate() {
        let mut state = before(&story.entries, index);
        if entry.entry().body == Body::Leave {
            continue; // Every member may leave.
        }
        let writes = matches!(entry.entry().body, Body::Push(_) | Body::Share(_));
        let forbidden = |member: &&Identity| {
            let id = member.id();
            id != story.cast.founder.id() && !(writes && id == story.cast.writer.id())
        };
        for member in story.cast.all().into_iter().filter(forbidden) {
            let mut other = entry.entry().clone();
            other.author = member.id();
            let signed = other.sign(member).unwrap();
            let code = verdict(state.as_mut(), signed.bytes()).unwrap_err().code();
            assert_eq!(code, ErrorCode::RefusedEntry, "entry {index}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_anywhere_are_refused(
        place in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
    ) {
        let entries = entries();
        let index = place.index(entries.len());
        let mut bytes = entries[index].bytes().to_vec();
        for (place, change) in &changes {
            let place = place.index(bytes.len());
            bytes[place] ^= change;
        }
        prop_assume!(bytes != entries[index].bytes());
        prop_assert!(verdict(before(entries, index).as_mut(), &bytes).is_err());
    }

    #[test]
    fn another_place_in_the_chain_is_refused(
        place in any::<prop::sample::Index>(),
        seq in any::<u64>(),
        prev in any::<[u8; 32]>(),
    ) {
        let story = Story::begin();
        let index = place.index(entries().len() - 1) + 1;
        let mut state = before(entries(), index).unwrap();
        let right = entries()[index].entry();
        let author = story.cast.all().into_iter().find(|member| member.id() == right.author).unwrap();
        let mut moved = [right.clone(), right.clone(), right.clone()];
        moved[0].seq = seq;
        moved[1].prev = EntryHash(prev);
        moved[2].workspace = WorkspaceId(prev);
        for moved in moved {
            prop_assume!(moved != *right);
            let signed = moved.sign(author).unwrap();
            prop_assert_eq!(state.apply(&signed).unwrap_err().code(), ErrorCode::BrokenChain);
        }
    }
}

fn entries() -> &'static [SignedEntry] {
    static ENTRIES: std::sync::LazyLock<Vec<SignedEntry>> =
        std::sync::LazyLock::new(|| Story::whole().entries);
    &ENTRIES
}

#[test]
fn a_genesis_that_names_a_workspace_or_a_later_generation_is_refused() {
    let story = Story::begin();
    let founder = &story.cast.founder;
    let check = |change: &dyn Fn(&mut Entry)| {
        let mut entry = story.entries[0].entry().clone();
        change(&mut entry);
        let signed = entry.sign(founder).unwrap();
        assert_eq!(State::genesis(&signed).unwrap_err().code(), ErrorCode::RefusedEntry);
    };
    check(&|entry| entry.workspace = WorkspaceId([1; 32]));
    check(&|entry| entry.prev = EntryHash([1; 32]));
    check(&|entry| entry.seq = 1);
    let label = |change: &dyn Fn(&mut Genesis)| {
        check(&|entry| {
            let Body::Genesis(genesis) = &mut entry.body else { unreachable!() };
            change(genesis);
        });
    };
    label(&|genesis| genesis.name.generation = 1);
    label(&|genesis| genesis.label.generation = 1);
    label(&|genesis| genesis.founder = story.cast.writer.recipient().clone());
}

#[test]
fn a_second_genesis_and_a_policy_by_a_non_owner_are_refused() {
    let story = Story::whole();
    let genesis = story.entries[0].entry().body.clone();
    refused(&story, &story.cast.founder, genesis, "a second Genesis");
    refused(&story, &story.cast.writer, Body::Policy(Policy::default()), "a writer's policy");
}

#[test]
fn environments_that_break_a_rule_are_refused() {
    let mut story = Story::whole();
    for (id, action, why) in [
        (DEVELOPMENT, Action::Create, "made twice"),
        (EnvironmentId([0xee; 16]), Action::Rename, "never made"),
        (STAGING, Action::Rename, "archived"),
        (STAGING, Action::Archive, "archived twice"),
    ] {
        let body = story.environment(id, action, "x");
        refused(&story, &story.cast.founder, body, why);
    }
    let mut body = story.environment(EnvironmentId([0xee; 16]), Action::Create, "x");
    accepted(&story, &story.cast.founder, body.clone(), "a new one");
    if let Body::Environment(environment) = &mut body {
        environment.label.generation = 2;
    }
    refused(&story, &story.cast.founder, body, "a label of a generation to come");
}

#[test]
fn admissions_that_break_a_rule_are_refused() {
    let mut story = Story::whole();
    let newcomer = identity(20, Kind::Human);
    let good = story.admission(newcomer.recipient(), Role::Reader, Scope::All);
    let founder = &story.cast.founder;
    let check = |change: &dyn Fn(&mut Admit), why: &str| {
        let mut admit = good.clone();
        change(&mut admit);
        refused(&story, founder, Body::Admit(Box::new(admit)), why);
    };
    accepted(&story, founder, Body::Admit(Box::new(good.clone())), "as it should be");
    check(&|admit| admit.grant = None, "no grant for one who is not blind");
    check(&|admit| admit.scope = single(DEVELOPMENT, DATABASE_URL), "a grant for a blind one");
    check(&|admit| admit.scope = Scope::Only(vec![]), "an empty scope");
    check(&|admit| admit.scope = whole(EnvironmentId([0xee; 16])), "a scope of nothing known");
    let twice = ScopeItem { environment: DEVELOPMENT, secrets: None };
    check(
        &|admit| admit.scope = Scope::Only(vec![twice.clone(), twice.clone()]),
        "a doubled scope",
    );
    check(&|admit| admit.person = person(1), "somebody else's person");
    check(&|admit| admit.how = How::Founder, "a second founder");
    check(&|admit| admit.how = How::Invitation(EntryHash([1; 32])), "an invitation without proof");
    check(&|admit| admit.proof = Some(sign(1, b"x")), "a proof without invitation");
    check(&|admit| admit.label.generation = 2, "a label of a generation to come");
    check(&|admit| admit.recipient = story.cast.reader.recipient().clone(), "a member again");
    let again = identity(3, Kind::Human);
    check(&|admit| admit.recipient = again.recipient().clone(), "a member's keys as another kind");
}

#[test]
fn nobody_vouches_for_another_person_and_no_invitation_admits_twice() {
    let mut story = Story::whole();
    let newcomer = identity(20, Kind::Human);
    let mut admit = story.admission(newcomer.recipient(), Role::Reader, Scope::All);
    let founder = story.cast.founder.id();
    admit.person = person(1);
    admit.person_proof = Some((story.cast.writer.id(), sign(2, b"x")));
    let body = Body::Admit(Box::new(admit.clone()));
    refused(&story, &story.cast.founder, body, "a voucher of another person");
    admit.person_proof = Some((founder, sign(1, b"x")));
    let signed = story.next(&story.cast.founder, Body::Admit(Box::new(admit.clone())));
    let code = story.state.clone().apply(&signed).unwrap_err().code();
    assert_eq!(code, ErrorCode::BadSignature);
    let used = story.state.invitations().keys().copied().collect::<Vec<_>>();
    assert_eq!(used.len(), 2);
    for invitation in used {
        (admit.person, admit.person_proof) = (PersonId([0x77; 16]), None);
        (admit.how, admit.proof) = (How::Invitation(invitation), Some(sign(1, b"x")));
        let body = Body::Admit(Box::new(admit.clone()));
        refused(&story, &story.cast.founder, body, "a used or withdrawn invitation");
        let body = Body::Uninvite(Uninvite { invite: invitation });
        refused(&story, &story.cast.founder, body, "withdrawn again");
    }
}

#[test]
fn an_invitation_admits_no_further_than_it_says_and_by_its_own_token() {
    let mut story = Story::begin();
    let (token, body) = story.invite(Role::Reader, Scope::All);
    let head = story.add(|cast| &cast.founder, body);
    let good = story.by_invitation(head, token);
    refused(
        &story,
        &story.cast.founder,
        Body::Admit(Box::new(good.clone())),
        "writer by a reader's",
    );
    let mut admit = good.clone();
    admit.role = Role::Reader;
    accepted(&story, &story.cast.founder, Body::Admit(Box::new(admit.clone())), "a reader");
    admit.proof = Some(sign(1, b"x"));
    let signed = story.next(&story.cast.founder, Body::Admit(Box::new(admit)));
    let code = story.state.clone().apply(&signed).unwrap_err().code();
    assert_eq!(code, ErrorCode::BadSignature);
}

#[test]
fn an_admin_grants_lower_ranks_and_own_scope_alone() {
    let mut story = Story::whole();
    let admin = identity(21, Kind::Human);
    let admit = story.admission(admin.recipient(), Role::Admin, whole(DEVELOPMENT));
    story.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
    let newcomer = identity(20, Kind::Human);
    for (role, scope, good) in [
        (Role::Writer, whole(DEVELOPMENT), true),
        (Role::Reader, single(DEVELOPMENT, PORT), true),
        (Role::Admin, whole(DEVELOPMENT), false),
        (Role::Owner, whole(DEVELOPMENT), false),
        (Role::Reader, whole(STAGING), false),
        (Role::Reader, Scope::All, false),
    ] {
        let admit = story.admission(newcomer.recipient(), role, scope.clone());
        let (_, invite) = story.invite(role, scope);
        for body in [Body::Admit(Box::new(admit)), invite] {
            let check = if good { accepted } else { refused };
            check(&story, &admin, body, role.as_str());
        }
    }
    let body = story.environment(EnvironmentId([0xee; 16]), Action::Create, "x");
    refused(&story, &admin, body, "a new environment lies outside of a narrow scope");
    let policy = Body::Policy(Policy::default());
    refused(&story, &admin, policy, "an admin's policy");
    let (id, text) = (EnvironmentId([0xee; 16]), "x");
    let body = story.environment(id, Action::Create, text);
    story.add(|cast| &cast.founder, body);
    for action in [Action::Rename, Action::Archive] {
        let body = story.environment(id, action, text);
        refused(&story, &admin, body, "an environment outside of the scope");
        let body = story.environment(DEVELOPMENT, action, text);
        accepted(&story, &admin, body, "an environment in the scope");
    }
    let (_, body) = story.invite(Role::Admin, Scope::All);
    let invite = story.add(|cast| &cast.founder, body).hash;
    let body = Body::Uninvite(Uninvite { invite });
    refused(&story, &admin, body, "an admin's invitation withdrawn by an equal");
    let (_, body) = story.invite(Role::Writer, Scope::All);
    let invite = story.add(|cast| &cast.founder, body).hash;
    let body = Body::Uninvite(Uninvite { invite });
    accepted(&story, &admin, body, "a lower invitation withdrawn by another than its author");
}

#[test]
fn first_sight_admits_only_where_the_policy_says_so() {
    let mut story = Story::begin();
    let mut admit = story.admission(identity(20, Kind::Ci).recipient(), Role::Reader, Scope::All);
    admit.how = How::FirstUse;
    let body = Body::Admit(Box::new(admit));
    refused(&story, &story.cast.founder, body.clone(), "first sight by default");
    let policy = Policy { first_use: true, ..Policy::default() };
    story.add(|cast| &cast.founder, Body::Policy(policy));
    accepted(&story, &story.cast.founder, body, "first sight by policy");
}

#[test]
fn a_workspace_has_at_most_4096_members() {
    let mut story = Story::begin();
    let numbered = |number: u32| {
        let mut seed = [0x40; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        Identity::from_seed(Key::new(seed), Kind::Ci)
    };
    for number in 1..4096 {
        let admit = story.admission(numbered(number).recipient(), Role::Reader, Scope::All);
        let signed = story.next(&story.cast.founder, Body::Admit(Box::new(admit)));
        story.state.apply(&signed).unwrap();
    }
    let admit = story.admission(numbered(4096).recipient(), Role::Reader, Scope::All);
    refused(&story, &story.cast.founder, Body::Admit(Box::new(admit)), "one too many");
}

#[test]
fn pushes_that_break_a_rule_are_refused() {
    let mut story = Story::whole();
    let Body::Push(mut good) = story.second_version() else { unreachable!() };
    good.items.truncate(1);
    good.items[0].version = 3;
    let writer = &story.cast.writer;
    accepted(&story, writer, Body::Push(good.clone()), "as it should be");
    let check = |change: &dyn Fn(&mut Push), why: &str| {
        let mut push = good.clone();
        change(&mut push);
        refused(&story, writer, Body::Push(push), why);
    };
    let item = |change: &dyn Fn(&mut Item), why: &str| {
        check(&|push| change(&mut push.items[0]), why);
    };
    check(&|push| push.items.clear(), "nothing");
    check(&|push| push.items.push(push.items[0].clone()), "one secret twice");
    check(&|push| push.environment = STAGING, "another environment");
    check(&|push| push.environment = EnvironmentId([0xee; 16]), "no environment");
    check(&|push| push.root = DeliveriesRoot::ZERO, "nobody receives");
    check(&|push| push.items[0].operation = Operation::Delete, "a root although nobody receives");
    let stray = Stray {
        member: identity(20, Kind::Human).id(),
        environment: DEVELOPMENT,
        version: version(PORT, 1),
    };
    check(&|push| push.strays = vec![stray], "a stray to nobody");
    for number in [0, 1, 2, 4, u64::MAX] {
        item(&|item| item.version = number, "a version that does not follow");
    }
    item(&|item| item.secret = SecretId([0xee; 16]), "a secret that was never created");
    item(&|item| item.policy = Some(commitment(1)), "a writer's policy for a secret");
    item(&|item| item.differs_from = vec![version(PORT, 9)], "differs from no version");
    item(&|item| item.differs_from = vec![version(PORT, 0)], "differs from version 0");
    let Body::Push(creation) = story.entries[11].entry().body.clone() else { unreachable!() };
    item(&|item| item.create.clone_from(&creation.items[0].create), "a secret created twice");
    refused(&story, &story.cast.reader, Body::Push(good.clone()), "a reader's push");
}

#[test]
fn a_secret_stays_in_its_environment_and_an_archived_one_takes_no_push() {
    let mut story = Story::whole();
    let other = EnvironmentId([0xee; 16]);
    let body = story.environment(other, Action::Create, "x");
    story.add(|cast| &cast.founder, body);
    let Body::Push(mut push) = story.second_version() else { unreachable!() };
    push.items.truncate(1);
    push.items[0].version = 3;
    accepted(&story, &story.cast.writer, Body::Push(push.clone()), "where it is");
    let moved = Push { environment: other, ..push.clone() };
    refused(&story, &story.cast.writer, Body::Push(moved), "a secret of another environment");
    let body = story.environment(DEVELOPMENT, Action::Archive, "development");
    story.add(|cast| &cast.founder, body);
    refused(&story, &story.cast.writer, Body::Push(push), "archived");
}

#[test]
fn a_writer_of_single_secrets_creates_none() {
    let mut story = Story::whole();
    let writer = identity(22, Kind::Agent);
    let admit =
        story.admission(writer.recipient(), Role::Writer, single(DEVELOPMENT, DATABASE_URL));
    story.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
    let Body::Push(creation) = story.entries[11].entry().body.clone() else { unreachable!() };
    let mut item = creation.items[0].clone();
    (item.secret, item.version) = (SecretId([0xee; 16]), 1);
    item.create.as_mut().unwrap().name.generation = story.state.generation();
    let body = push(BatchId([1; 16]), vec![item.clone()], creation.root);
    accepted(&story, &story.cast.writer, body.clone(), "a writer of all");
    refused(&story, &writer, body, "a writer of one secret");
    for (number, operation) in [(2, item.operation), (1, Operation::Delete)] {
        let wrong = Item { version: number, operation, ..item.clone() };
        let zero =
            if operation == Operation::Delete { DeliveriesRoot::ZERO } else { creation.root };
        let body = push(BatchId([1; 16]), vec![wrong], zero);
        refused(&story, &story.cast.writer, body, "a secret begins with a value, version 1");
    }
    (item.secret, item.version, item.create) = (PORT, 3, None);
    let body = push(BatchId([1; 16]), vec![item], creation.root);
    accepted(&story, &story.cast.writer, body.clone(), "a writer of all");
    refused(&story, &writer, body, "another secret than its own");
}

#[test]
fn shares_that_break_a_rule_are_refused() {
    let mut story = Story::whole();
    let good = story.share(vec![version(DATABASE_URL, 2)]);
    let writer = &story.cast.writer;
    accepted(&story, writer, Body::Share(good.clone()), "as it should be");
    let mut two = good.clone();
    two.recipients.push(story.cast.founder.id());
    two.recipients.sort_unstable();
    accepted(&story, writer, Body::Share(two.clone()), "two recipients in order");
    two.recipients.reverse();
    refused(&story, writer, Body::Share(two), "two recipients out of order");
    let check = |change: &dyn Fn(&mut Share), why: &str| {
        let mut share = good.clone();
        change(&mut share);
        refused(&story, writer, Body::Share(share), why);
    };
    check(&|share| share.versions.clear(), "nothing");
    check(&|share| share.recipients.clear(), "to nobody");
    check(&|share| share.root = DeliveriesRoot::ZERO, "nobody receives");
    check(&|share| share.versions[0].version = 3, "a version to come");
    check(&|share| share.versions[0].version = 0, "version 0");
    check(&|share| share.versions = vec![version(PORT, 1)], "outside of the recipient's scope");
    check(&|share| share.versions.push(version(DATABASE_URL, 1)), "versions out of order");
    check(&|share| share.recipients.push(share.recipients[0]), "a recipient twice");
    check(&|share| share.recipients = vec![story.cast.outsider.id()], "to a stranger");
    check(&|share| share.environment = STAGING, "another environment");
    check(&|share| share.differs = vec![(version(PORT, 1), version(PORT, 9))], "no such version");
    let deletion = Share {
        versions: vec![version(PORT, 2)],
        recipients: vec![story.cast.founder.id()],
        ..good.clone()
    };
    refused(&story, writer, Body::Share(deletion), "a deletion is no value");
    refused(&story, &story.cast.reader, Body::Share(good), "a reader's share");
}

#[test]
fn an_exported_log_holds_the_head_that_came_by_another_way() {
    use agentsecrets_core::log::archive;
    let story = Story::whole();
    let text = archive::write(story.state.workspace(), &story.entries);
    for entry in &story.entries {
        let (state, entries) = archive::verify(&text, Some(entry.head())).unwrap();
        assert_eq!((state, entries.len()), (story.state.clone(), story.entries.len()));
    }
    let head = story.state.head();
    let code = |head| archive::verify(&text, Some(head)).map(drop).map_err(|error| error.code());
    assert_eq!(code(Head { hash: EntryHash([9; 32]), ..head }), Err(ErrorCode::Fork));
    assert_eq!(code(Head { seq: head.seq - 1, ..head }), Err(ErrorCode::Fork));
    for seq in [head.seq + 1, u64::MAX] {
        assert_eq!(code(Head { seq, ..head }), Err(ErrorCode::Rollback));
    }
    let title = archive::write(story.state.workspace(), &[]);
    let error = archive::verify(&title, None).unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::MalformedEntry, "the log is empty"));
    let damaged = text.replacen("\n", "\n*", 1);
    assert_eq!(archive::verify(&damaged, None).unwrap_err().message(), "line 2 is damaged");
}

#[test]
fn deliveries_count_only_as_the_state_and_the_root_say() {
    use agentsecrets_core::{encoding::SealedHash, log::deliveries};
    let mut story = Story::whole();
    let Body::Push(mut push) = story.second_version() else { unreachable!() };
    push.items.truncate(1);
    push.items[0].version = 3;
    let ids = [DATABASE_URL];
    let next = story.state.head().seq + 1;
    let recipients: Vec<_> =
        story.state.recipients_before(next, &DEVELOPMENT, &ids).copied().collect();
    assert_eq!(recipients.len(), 5);
    let parts: std::collections::BTreeMap<_, _> = recipients
        .iter()
        .enumerate()
        .map(|(n, id)| (*id, vec![SealedHash([n as u8; 32])]))
        .collect();
    let leaves: Vec<_> = parts.iter().map(|(id, parts)| deliveries::leaf(id, parts)).collect();
    push.root = deliveries::root(&leaves);
    let entry = entry_after(&story.state, &story.cast.writer, Body::Push(push));
    assert_eq!(story.state.check_deliveries(&entry, &parts), Ok(()));
    for id in &recipients {
        let mut fewer = parts.clone();
        fewer.remove(id);
        assert!(story.state.check_deliveries(&entry, &fewer).is_err());
        let mut other = parts.clone();
        other.insert(*id, vec![SealedHash([9; 32])]);
        assert!(story.state.check_deliveries(&entry, &other).is_err());
        other.insert(*id, vec![]);
        assert!(story.state.check_deliveries(&entry, &other).is_err());
    }
    let mut more = parts.clone();
    more.insert(story.cast.outsider.id(), vec![SealedHash([9; 32])]);
    assert!(story.state.check_deliveries(&entry, &more).is_err());
}
