//! What the fold's state answers when it is asked, and which sealed bytes it takes for an entry.

#![allow(clippy::unwrap_used)]

mod story;

use std::collections::BTreeMap;

use agentsecrets_core::{
    ErrorCode,
    encoding::{DeliveriesRoot, MemberId, SealedHash},
    identity::{Identity, Kind},
    log::{
        Body, Entry, Role, Scope,
        deliveries::{leaf, root},
        entry::{Operation, Removed},
    },
    policy::Policy,
};
use story::*;

type Parts = BTreeMap<MemberId, Vec<SealedHash>>;
type Change<'a> = &'a dyn Fn(&mut Vec<SealedHash>);

const HASH: SealedHash = SealedHash([1; 32]);

fn root_of(parts: &Parts) -> DeliveriesRoot {
    root(&parts.iter().map(|(id, parts)| leaf(id, parts)).collect::<Vec<_>>())
}

fn verdict(story: &Story, entry: &Entry, parts: &Parts) -> Result<(), (ErrorCode, String)> {
    let checked = story.state.check_deliveries(entry, parts);
    checked.map_err(|error| (error.code(), error.message().to_owned()))
}

/// Takes what is given for the entry; with a hash of another, a part more or less, or another
/// recipient it does not.
fn takes_exactly(story: &Story, body: Body, parts: &Parts, why: &str) {
    let entry = entry_after(&story.state, &story.cast.founder, body);
    assert!(parts.keys().eq(&story.state.expected_deliveries(&entry)));
    assert_eq!(verdict(story, &entry, parts), Ok(()));
    let refused = Err((ErrorCode::RefusedEntry, why.to_owned()));
    for id in parts.keys() {
        let changes: [Change<'_>; 3] =
            [&|listed| listed[0].0[0] ^= 1, &|listed| listed.push(HASH), &|listed| listed.clear()];
        for change in changes {
            let mut other = parts.clone();
            change(other.get_mut(id).unwrap());
            assert_eq!(verdict(story, &entry, &other), refused);
        }
    }
    let others = "the deliveries are for other members than the state says";
    let others = Err((ErrorCode::RefusedEntry, others.to_owned()));
    let mut more = parts.clone();
    more.insert(story.cast.outsider.id(), vec![HASH]);
    assert_eq!(verdict(story, &entry, &more), others);
    let mut fewer = parts.clone();
    fewer.pop_first();
    assert_eq!(verdict(story, &entry, &fewer), others);
}

fn each(ids: impl IntoIterator<Item = MemberId>) -> Parts {
    ids.into_iter().zip(1..).map(|(id, byte)| (id, vec![SealedHash([byte; 32])])).collect()
}

#[test]
fn a_pushs_deliveries_are_what_its_root_says() {
    let mut story = Story::whole();
    let Body::Push(mut push) = story.second_version() else { unreachable!() };
    push.items.truncate(1);
    push.items[0].version = 3;
    let next = story.state.head().seq + 1;
    let parts = each(story.state.recipients_before(next, &DEVELOPMENT, &[DATABASE_URL]).copied());
    assert_eq!(parts.len(), 5);
    push.root = root_of(&parts);
    takes_exactly(&story, Body::Push(push), &parts, "the deliveries miss the push's root");
}

#[test]
fn a_shares_deliveries_are_what_its_root_says() {
    let mut story = Story::whole();
    let mut share = story.share(vec![version(DATABASE_URL, 2)]);
    let mut recipients = vec![story.cast.agent.id(), story.cast.writer.id()];
    recipients.sort_unstable();
    share.recipients.clone_from(&recipients);
    let parts = each(recipients);
    share.root = root_of(&parts);
    takes_exactly(&story, Body::Share(share), &parts, "the deliveries miss the share's root");
}

#[test]
fn a_rekeys_grants_are_what_its_root_says() {
    let mut story = Story::whole();
    let mut rekey = story.rekey();
    let Story { cast, .. } = &story;
    let mut holders = [&cast.founder, &cast.writer, &cast.reader, &cast.tablet].map(Identity::id);
    holders.sort_unstable();
    let parts = each(holders);
    rekey.root = root_of(&parts);
    takes_exactly(&story, Body::Rekey(rekey), &parts, "the grants miss the rekey's root");
}

#[test]
fn an_admissions_grant_is_the_one_of_its_hash() {
    let mut story = Story::whole();
    let newcomer = identity(20, Kind::Human);
    let mut admit = story.admission(newcomer.recipient(), Role::Reader, Scope::All);
    admit.grant = Some(HASH);
    let parts = Parts::from([(newcomer.id(), vec![HASH])]);
    takes_exactly(
        &story,
        Body::Admit(Box::new(admit.clone())),
        &parts,
        "the grant misses its hash",
    );
    (admit.scope, admit.grant) = (single(DEVELOPMENT, DATABASE_URL), None);
    let entry = entry_after(&story.state, &story.cast.founder, Body::Admit(Box::new(admit)));
    assert_eq!(verdict(&story, &entry, &Parts::new()), Ok(()));
    assert!(verdict(&story, &entry, &parts).is_err());
}

#[test]
fn a_changes_grant_is_the_one_of_its_hash() {
    let story = Story::whole();
    let agent = story.cast.agent.id();
    let parts = Parts::from([(agent, vec![HASH])]);
    let body = change(agent, Role::Reader, whole(DEVELOPMENT), Some(HASH));
    takes_exactly(&story, body, &parts, "the grant misses its hash");
    let body = change(story.cast.writer.id(), Role::Reader, Scope::All, None);
    let entry = entry_after(&story.state, &story.cast.founder, body);
    assert_eq!(verdict(&story, &entry, &Parts::new()), Ok(()));
    assert!(verdict(&story, &entry, &parts).is_err());
}

#[test]
fn an_entry_of_another_kind_delivers_nothing() {
    let story = Story::whole();
    for body in [Body::Policy(Policy::default()), Body::Leave] {
        let entry = entry_after(&story.state, &story.cast.founder, body);
        assert_eq!(story.state.expected_deliveries(&entry), []);
        assert_eq!(verdict(&story, &entry, &Parts::new()), Ok(()));
        assert!(verdict(&story, &entry, &each([story.cast.founder.id()])).is_err());
    }
}

#[test]
fn a_secrets_versions_are_numbered_from_one() {
    let story = Story::whole();
    let (url, port) = (&story.state.secrets()[&DATABASE_URL], &story.state.secrets()[&PORT]);
    let seqs = |secret: &agentsecrets_core::log::state::SecretState| {
        [0, 1, 2, 3, u64::MAX].map(|number| secret.version(number).map(|version| version.seq))
    };
    assert_eq!(seqs(url), [None, Some(11), Some(14), None, None]);
    assert_eq!(url.live().map(|(number, version)| (number, version.seq)), Some((2, 14)));
    let Operation::Put(commitment) = url.versions[1].operation else { unreachable!() };
    assert_eq!((url.live_commitment(), port.live_commitment()), (Some(commitment), None));
    assert_eq!(port.live().map(|(number, _)| number), Some(2));
    let of = |environment| story.state.secrets_of(environment).map(|(id, _)| *id);
    assert!(of(DEVELOPMENT).eq([DATABASE_URL, PORT]) && of(STAGING).next().is_none());
}

#[test]
fn keys_are_known_of_everybody_who_ever_was_a_member() {
    let story = Story::whole();
    let Story { cast, state, .. } = &story;
    for member in cast.all() {
        let admitted = member.id() != cast.outsider.id();
        assert_eq!(state.knows_key_of(member.recipient()), admitted);
        let found = state.member_by_key(member.recipient().verifying_key());
        assert_eq!(found.map(|(id, _)| *id), admitted.then_some(member.id()));
        let active = state.active(&member.id()).is_some();
        let over = [cast.leaver.id(), cast.job.id()].contains(&member.id());
        assert_eq!(active, admitted && !over);
    }
}

#[test]
fn what_carries_values_is_listed_with_what_it_carried() {
    let story = Story::whole();
    let Story { cast, state, entries, .. } = &story;
    let carried = state.carriers().iter().map(|(seq, carrier)| (*seq, carrier.author));
    let authors = [(11, cast.founder.id()), (13, cast.writer.id()), (14, cast.writer.id())];
    assert!(carried.eq(authors));
    for (seq, carrier) in state.carriers() {
        let (batch, environment, root) = match &entries[*seq as usize].entry().body {
            Body::Push(push) => (push.batch, push.environment, push.root),
            Body::Share(share) => (share.batch, share.environment, share.root),
            _ => unreachable!(),
        };
        assert_eq!((carrier.batch, carrier.environment, carrier.root), (batch, environment, root));
    }
    let [share] = state.shares() else { unreachable!() };
    assert_eq!((share.seq, &share.versions[..]), (13, &[version(DATABASE_URL, 1)][..]));
    assert_eq!((share.environment, &share.recipients[..]), (DEVELOPMENT, &[cast.agent.id()][..]));
}

#[test]
fn generations_are_counted_from_nought_and_begin_with_their_rekeys() {
    let mut story = Story::begin();
    assert_eq!((story.state.generation(), story.state.generation_since()), (0, 0));
    assert_eq!(story.state.key_commitments(), story.key.commitments());
    for generation in 1..=2 {
        let rekey = story.rekey();
        let root = rekey.root;
        let head = story.add(|cast| &cast.founder, Body::Rekey(rekey));
        let begun = (story.state.generation(), story.state.generation_since());
        assert_eq!(begun, (generation, head.seq));
        assert_eq!(story.state.key_commitments(), story.key.commitments());
        let last = story.state.rekeys().last().unwrap();
        assert_eq!((last.seq, last.author, last.root), (head.seq, story.cast.founder.id(), root));
        assert_eq!(story.state.rekeys().len(), generation as usize);
    }
}

/// A step of a member's, and whether a new generation is needed after it.
enum Step {
    Admit(Scope),
    Change(Scope),
    Remove,
    Rekey,
}

fn needs(steps: Vec<(Step, bool)>, claim: &str) {
    let mut story = Story::whole();
    assert!(!story.state.needs_rekey(), "all who lost the key did so before the last generation");
    let newcomer = identity(20, Kind::Human);
    for (step, needed) in steps {
        let body = match step {
            Step::Admit(scope) => {
                let admit = story.admission(newcomer.recipient(), Role::Reader, scope);
                Body::Admit(Box::new(admit))
            }
            Step::Change(scope) => {
                let was_blind = story.state.members()[&newcomer.id()].scope().is_blind();
                let grant = (was_blind && !scope.is_blind()).then_some(HASH);
                change(newcomer.id(), Role::Reader, scope, grant)
            }
            Step::Remove => remove(Removed::Members(vec![newcomer.id()])),
            Step::Rekey => Body::Rekey(story.rekey()),
        };
        story.add(|cast| &cast.founder, body);
        assert_eq!(story.state.needs_rekey(), needed, "{claim}");
    }
}

#[test]
fn a_generation_is_over_when_who_held_its_key_no_longer_may() {
    use Step::{Admit, Change, Rekey, Remove};
    let blind = || single(DEVELOPMENT, DATABASE_URL);
    let whole = || whole(DEVELOPMENT);
    needs(vec![(Admit(whole()), false), (Remove, true), (Rekey, false)], "removed");
    needs(vec![(Admit(whole()), false), (Change(Scope::All), false), (Remove, true)], "widened");
    needs(vec![(Admit(whole()), false), (Change(blind()), true), (Rekey, false)], "narrowed");
    needs(vec![(Admit(blind()), false), (Remove, false)], "never held it");
    needs(vec![(Admit(blind()), false), (Change(whole()), false), (Remove, true)], "got it later");
    let before = vec![
        (Admit(whole()), false),
        (Change(blind()), true),
        (Rekey, false),
        (Remove, false),
        (Rekey, false),
    ];
    needs(before, "held an older one");
    let again = vec![
        (Admit(whole()), false),
        (Change(blind()), true),
        (Change(whole()), false),
        (Rekey, false),
        (Change(blind()), true),
        (Remove, true),
    ];
    needs(again, "held this one too");
}

#[test]
fn the_key_goes_to_active_members_who_are_not_blind() {
    let story = Story::whole();
    let holders = |seq| story.state.key_holders_before(seq);
    let sorted = |members: &[&Identity]| {
        let mut ids: Vec<_> = members.iter().map(|member| member.id()).collect();
        ids.sort_unstable();
        ids
    };
    let cast = &story.cast;
    let stay = [&cast.founder, &cast.writer, &cast.reader, &cast.tablet];
    assert_eq!(holders(story.state.head().seq + 1), sorted(&stay));
    assert_eq!((holders(0), holders(1)), (vec![], sorted(&[&cast.founder])));
    let with_the_job = [&stay[..], &[&cast.leaver, &cast.job]].concat();
    assert_eq!(holders(19), sorted(&with_the_job));
}
