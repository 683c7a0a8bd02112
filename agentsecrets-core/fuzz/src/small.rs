//! Grants, acks and replies to invitations: small structures that the relay carries.

use agentsecrets_core::{
    ErrorCode,
    crypto::{BoxSecretKey, Entropy, SigningKey, crypto_box, derive_key, label},
    encoding::{WorkspaceId, encode, parse},
    identity::{Identity, Kind},
    invitation::InvitationReply,
    log::ack::{Ack, MAX_MISSING},
    secret::Key,
    workspace_key::{WorkspaceKey, unwrap},
};

use crate::input::Input;

pub(crate) const FROM: [u8; 32] = [1; 32];
pub(crate) const TO: [u8; 32] = [2; 32];
pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId([3; 32]);

pub(crate) fn person(seed: [u8; 32]) -> Identity {
    Identity::from_seed(Key::new(seed), Kind::Human)
}

/// The first byte chooses: a grant's inside, whole or after its envelope; a grant as it came; an
/// ack's inside, signed by whom it names; an ack as it came; a reply.
pub fn grants_acks(data: &[u8]) {
    let mut input = Input(data);
    match input.below(6) {
        0 => grant(input.0),
        1 => grant(&[grant_prefix().as_slice(), input.0].concat()),
        2 => boxed(input.0),
        3 => ack(input.0),
        4 => received_ack(input.0),
        _ => reply(input.0),
    }
}

/// Header, workspace, from, to.
pub(crate) fn grant_prefix() -> Vec<u8> {
    let (from, to) = (person(FROM).id(), person(TO).id());
    [&[1, 1, 7], WORKSPACE.0.as_slice(), &from.0, &to.0].concat()
}

fn grant(plain: &[u8]) {
    let (from, to) = (person(FROM), person(TO));
    let opening = BoxSecretKey::new(derive_key(label::OPENING_KEY, &FROM));
    let boxed = crypto_box(&opening, to.recipient().box_key(), plain, &mut Entropy::new([9; 32]));
    // The commitments of the very key inside, if there is one: only the form can refuse it then.
    let inside = plain.strip_prefix(grant_prefix().as_slice()).unwrap_or_default();
    let key = parse::<WorkspaceKey>(inside, ErrorCode::GrantMismatch, "key").ok();
    let commitments = key.as_ref().map(WorkspaceKey::commitments).unwrap_or_default();
    let sender = (&from.id(), from.recipient().box_key());
    let opened = unwrap(&to, sender, WORKSPACE, &commitments, &boxed);
    assert_eq!(opened.is_ok(), key.is_some() && !commitments.is_empty());
    if let Ok(key) = opened {
        assert_eq!([grant_prefix(), encode(&key)].concat(), plain);
    }
}

/// Nobody but the sender makes a box that opens.
fn boxed(bytes: &[u8]) {
    let (from, to) = (person(FROM), person(TO));
    let sender = (&from.id(), from.recipient().box_key());
    assert!(unwrap(&to, sender, WORKSPACE, &[], bytes).is_err());
}

fn ack(body: &[u8]) {
    let key = SigningKey::from_seed(&derive_key(label::SIGNING_KEY, &FROM));
    let bytes = [body, &key.sign(body).0].concat();
    let Ok(ack) = Ack::open(&bytes, |_| Some(key.verifying_key())) else { return };
    assert_eq!(encode(&ack), body);
    assert_eq!(ack.sign(&person(FROM)), bytes);
    assert!(ack.missing.len() <= MAX_MISSING && ack.missing.is_sorted());
    assert!(!ack.supersedes(&ack));
}

/// A signature that the fuzzer finds would be a forgery.
fn received_ack(bytes: &[u8]) {
    let key = *person(TO).recipient().verifying_key();
    assert!(Ack::open(bytes, |_| Some(key)).is_err());
    assert!(Ack::open(bytes, |_| None).is_err());
}

fn reply(bytes: &[u8]) {
    if let Ok(reply) = InvitationReply::parse(bytes) {
        assert_eq!(encode(&reply), bytes);
        let _ = reply.recipient.verify();
    }
}
