#![allow(clippy::unwrap_used)]

use super::*;
use crate::{identity::Kind, secret::Key};

const ROOT: DeliveriesRoot = DeliveriesRoot([1; 32]);
const GRANT: Option<SealedHash> = Some(SealedHash([1; 32]));

fn identity() -> Identity {
    Identity::from_seed(Key::new([1; 32]), Kind::Human)
}

fn label(length: usize) -> SealedLabel {
    SealedLabel { generation: 0, ciphertext: vec![7; length] }
}

fn renamed(length: usize) -> Entry {
    let (id, action) = (EnvironmentId([1; 16]), Action::Rename);
    let body = Body::Environment(Environment { id, action, label: label(length) });
    let head = Head { seq: 4, hash: EntryHash([4; 32]) };
    Entry::after(WorkspaceId([1; 32]), head, 9, identity().id(), body)
}

#[test]
fn an_entry_follows_the_head_that_it_is_made_after() {
    let entry = renamed(0);
    assert_eq!((entry.seq, entry.prev), (5, EntryHash([4; 32])));
    let signed = entry.clone().sign(&identity()).unwrap();
    assert_eq!(signed.entry(), &entry);
    assert_eq!(signed.head(), Head { seq: 5, hash: signed.hash() });
    let bytes = signed.bytes();
    assert_eq!(bytes.len(), encode(&entry).len() + 64);
    assert_eq!(signed.hash().0, crypto::hash(label::ENTRY_HASH, &[bytes]));
}

#[test]
fn an_entry_is_verified_by_the_key_of_its_signer_alone() {
    let signed = renamed(0).sign(&identity()).unwrap();
    let other = Identity::from_seed(Key::new([2; 32]), Kind::Human);
    assert_eq!(signed.verify(identity().recipient().verifying_key()), Ok(()));
    let code = signed.verify(other.recipient().verifying_key()).map_err(|error| error.code());
    assert_eq!(code, Err(ErrorCode::BadSignature));
}

#[test]
fn an_entry_has_at_most_a_mebibyte_with_its_signature() {
    assert_eq!(MAX_ENTRY, 1_048_576);
    let room = MAX_ENTRY - renamed(0).sign(&identity()).unwrap().bytes().len();
    assert_eq!(renamed(room).sign(&identity()).unwrap().bytes().len(), MAX_ENTRY);
    for more in [1, 2, 1000] {
        let error = renamed(room + more).sign(&identity()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedEntry);
        assert_eq!(error.message(), "an entry has at most 1 MiB");
    }
}

#[test]
fn what_is_shorter_than_a_signature_is_cut_off() {
    for length in [0, 1, 63] {
        let error = SignedEntry::parse(&vec![0; length]).unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (ErrorCode::MalformedEntry, "an entry is cut off")
        );
    }
    let error = SignedEntry::parse(&[0; 64]).unwrap_err();
    assert_ne!(error.message(), "an entry is cut off");
}

#[test]
fn every_reason_has_its_word() {
    let words = ["departed", "lost-device", "compromised", "retired"];
    assert_eq!(Reason::ALL.map(Reason::as_str), words);
    assert_eq!(words.map(Reason::parse), Reason::ALL.map(Some));
    for word in ["", "Departed", "lost device", "retire"] {
        assert_eq!(Reason::parse(word), None, "{word}");
    }
}

/// A body of each kind, with what it is called and whether it lists sealed bytes.
fn bodies() -> Vec<(&'static str, bool, Body)> {
    let founder = identity().recipient().clone();
    let (commitment, policy) = (Commitment([1; 32]), Policy::default());
    let genesis = Genesis {
        founder,
        person: PersonId([1; 16]),
        policy,
        key_commitment: commitment,
        name: label(0),
        label: label(0),
    };
    let invite = Invite {
        key: *identity().recipient().verifying_key(),
        role: Role::Reader,
        scope: Scope::All,
        expires: 0,
    };
    let who = Removed::Members(vec![]);
    let mut listed = vec![
        ("genesis", false, Body::Genesis(genesis)),
        ("environment", false, renamed(0).body),
        ("invite", false, Body::Invite(invite)),
        ("uninvite", false, Body::Uninvite(Uninvite { invite: EntryHash([1; 32]) })),
        ("remove", false, Body::Remove(Remove { who, reason: Reason::Retired })),
        ("leave", false, Body::Leave),
        ("policy", false, Body::Policy(policy)),
    ];
    for root in [ROOT, DeliveriesRoot::ZERO] {
        let (batch, environment, generation) = (BatchId([1; 16]), EnvironmentId([1; 16]), 1);
        let (items, strays, versions) = (vec![], vec![], vec![]);
        let push = Push { batch, environment, items, strays: vec![], root };
        let (recipients, differs) = (vec![], vec![]);
        let share = Share { batch, environment, versions, recipients, differs, strays, root };
        listed.extend([
            ("rekey", root == ROOT, Body::Rekey(Rekey { generation, commitment, root })),
            ("push", root == ROOT, Body::Push(push)),
            ("share", root == ROOT, Body::Share(share)),
        ]);
    }
    for grant in [GRANT, None] {
        let (member, role, scope) = (MemberId([1; 32]), Role::Reader, Scope::All);
        let change = Change { member, role, scope: scope.clone(), grant };
        let admit = Admit {
            recipient: identity().recipient().clone(),
            person: PersonId([1; 16]),
            role,
            scope,
            how: How::OutOfBand,
            proof: None,
            person_proof: None,
            grant,
            label: label(0),
        };
        listed.push(("change", grant.is_some(), Body::Change(change)));
        listed.push(("admit", grant.is_some(), Body::Admit(Box::new(admit))));
    }
    listed
}

#[test]
fn every_kind_has_its_word_and_says_whether_it_delivers() {
    for (word, delivers, body) in bodies() {
        assert_eq!((body.kind(), body.delivers()), (word, delivers));
    }
}
