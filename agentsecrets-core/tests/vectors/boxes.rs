//! Sealed boxes, parcels, commitments, deliveries, the workspace key and labels.

use agentsecrets_core::{
    crypto::{BoxSecretKey, Entropy, derive_key, label},
    encoding::{BatchId, EnvironmentId, MemberId, SealedHash, SecretId, WorkspaceId},
    identity::{Identity, Kind},
    log::deliveries::{leaf, path, root, sealed_hash},
    parcel::{Envelope, Parcel, ParcelItem, pack},
    sealed_box,
    workspace_key::{SealedLabel, Subject, WorkspaceKey, unwrap, wrap},
};
use serde_json::{Value, json};

use crate::{
    Vectors, hex,
    story::{DATABASE_URL, DEVELOPMENT, PORT, identity, parcel_item},
};

const WORKSPACE: WorkspaceId = WorkspaceId([0x77; 32]);

pub(crate) fn vectors() -> Vectors {
    Vectors::from([
        ("parcel-opened", opened()),
        ("parcel-refused", refused()),
        ("deliveries", deliveries()),
        ("workspace-key", keys()),
        ("labels", labels()),
    ])
}

fn envelope(author: &Identity, recipient: &Identity) -> Envelope {
    Envelope {
        workspace: WORKSPACE,
        batch: BatchId([0xb1; 16]),
        author: author.id(),
        recipient: recipient.id(),
        environment: DEVELOPMENT,
    }
}

fn expected(envelope: &Envelope) -> Value {
    json!({
        "workspace": hex(envelope.workspace.0),
        "batch": hex(envelope.batch.0),
        "author": hex(envelope.author.0),
        "recipient": hex(envelope.recipient.0),
        "environment": hex(envelope.environment.0),
    })
}

/// Values of every shape: text, bytes, none, long, with a policy.
fn items() -> Vec<ParcelItem> {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut items = vec![
        parcel_item(DATABASE_URL, 3, "DATABASE_URL", "postgres://app:fake@db.invalid/acme"),
        parcel_item(PORT, 1, "PORT", ""),
        parcel_item(SecretId([0x53; 16]), 7, "GREETING", "Grüße, 世界 🌍\nzweite Zeile"),
        parcel_item(SecretId([0x54; 16]), 1, "_bytes", ""),
    ];
    items[3].value = bytes.into();
    items[1].policy = b"fake policy".to_vec();
    items
}

fn opened() -> Value {
    let (author, recipient) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let (envelope, items) = (envelope(&author, &recipient), items());
    let all: Vec<&ParcelItem> = items.iter().collect();
    let padded = pack(&envelope, "development", &all).remove(0);
    let sealed =
        sealed_box::seal(recipient.recipient().box_key(), &padded, &mut Entropy::new([5; 32]));
    let listed = items.iter().map(|item| {
        json!({
            "secret": hex(item.secret.0),
            "version": item.version,
            "name": item.name.as_str(),
            "policy": hex(&item.policy),
            "value": hex(item.value.expose()),
            "commitment": hex(item.commitment(WORKSPACE, DEVELOPMENT).0),
            "name_commitment": hex(item.name_commitment().0),
            "policy_commitment": hex(item.policy_commitment().0),
        })
    });
    json!({
        "scenario": "a parcel of four secrets, opened by its recipient",
        "recipient_seed": hex([2; 32]),
        "expected": expected(&envelope),
        "sealed": hex(&sealed),
        "sealed_hash": hex(sealed_hash(&sealed).0),
        "environment_label": "development",
        "items": listed.collect::<Vec<_>>(),
    })
}

fn refused() -> Value {
    let (author, recipient) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let envelope = envelope(&author, &recipient);
    let item = parcel_item(DATABASE_URL, 3, "DATABASE_URL", "postgres://app:fake@db.invalid/acme");
    let padded = pack(&envelope, "development", &[&item]).remove(0);
    let key = recipient.recipient().box_key();
    let opening_key = BoxSecretKey::new(derive_key(label::OPENING_KEY, &[2; 32]));
    let judge = |claim: &str, sealed: Vec<u8>| {
        let parsed = sealed_box::open(&opening_key, &sealed)
            .and_then(|opened| Parcel::parse(opened.expose(), &envelope).map(drop));
        let verdict = parsed.map_or_else(|error| error.code().as_str(), |()| "accepted");
        json!({"claim": claim, "sealed": hex(&sealed), "verdict": verdict})
    };
    let inside = |claim: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut padded = padded.to_vec();
        change(&mut padded);
        judge(claim, sealed_box::seal(key, &padded, &mut Entropy::new([6; 32])))
    };
    let sealed = sealed_box::seal(key, &padded, &mut Entropy::new([6; 32]));
    let outside = |claim: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut sealed = sealed.clone();
        change(&mut sealed);
        judge(claim, sealed)
    };
    let place = |field: usize| 4 + 3 + [0, 32, 48, 80, 112][field];
    let mut cases = vec![
        outside("as it was sealed", &|_| ()),
        outside("a bit of the ephemeral key is flipped", &|bytes| bytes[0] ^= 1),
        outside("a bit of the tag is flipped", &|bytes| bytes[32] ^= 1),
        outside("the last bit is flipped", &|bytes| *bytes.last_mut().unwrap() ^= 0x80),
        outside("cut off", &|bytes| bytes.truncate(bytes.len() - 1)),
        outside("too short for a box", &|bytes| bytes.truncate(47)),
        outside("an ephemeral key of low order", &|bytes| bytes[..32].fill(0)),
        outside("an ephemeral key with its top bit set", &|bytes| bytes[31] |= 0x80),
        inside("a length that is too great", &|bytes| bytes[0] += 1),
        inside("a length that is too small", &|bytes| bytes[0] -= 1),
        inside("padding that is not zero", &|bytes| *bytes.last_mut().unwrap() = 1),
        inside("the next bucket", &|bytes| bytes.resize(bytes.len() * 2, 0)),
        inside("no bucket", &|bytes| bytes.push(0)),
        inside("version 2", &|bytes| bytes[4] = 2),
        inside("another type", &|bytes| bytes[6] = 7),
    ];
    for (field, claim) in
        ["workspace", "batch", "author", "recipient", "environment"].iter().enumerate()
    {
        cases.push(inside(&format!("another {claim}"), &|bytes| bytes[place(field)] ^= 1));
    }
    json!({
        "scenario": "boxes and parcels that are refused",
        "recipient_seed": hex([2; 32]),
        "expected": expected(&envelope),
        "cases": cases,
    })
}

fn deliveries() -> Value {
    let trees = (0..=9_u8).map(|size| {
        let leaves: Vec<_> = (0..size)
            .map(|n| leaf(&MemberId([n; 32]), &vec![SealedHash([0xc0 | n; 32]); usize::from(n % 3)]))
            .collect();
        let paths = (0..leaves.len()).map(|index| {
            json!(path(&leaves, index).iter().map(hex).collect::<Vec<_>>())
        });
        let recipients = (0..size).map(|n| {
            json!({"recipient": hex([n; 32]), "parts": vec![hex([0xc0 | n; 32]); usize::from(n % 3)]})
        });
        json!({
            "recipients": recipients.collect::<Vec<_>>(),
            "root": hex(root(&leaves).0),
            "paths": paths.collect::<Vec<_>>(),
        })
    });
    json!({"scenario": "deliveries trees of 0 to 9 recipients", "trees": trees.collect::<Vec<_>>()})
}

/// Two generations on their way to a member.
fn keys() -> Value {
    let (from, to) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let mut entropy = Entropy::new([7; 32]);
    let key = WorkspaceKey::generate(&mut entropy).with_next_generation(&mut entropy);
    let boxed = wrap(&from, to.recipient(), WORKSPACE, &key, &mut entropy);
    let commitments: Vec<String> = key.commitments().iter().map(|one| hex(one.0)).collect();
    let sender = |id: MemberId| (id, *from.recipient().box_key());
    let judge = |claim: &str, boxed: Vec<u8>, from_id: MemberId, workspace: WorkspaceId| {
        let (id, key_of) = sender(from_id);
        let opened = unwrap(&to, (&id, &key_of), workspace, &key.commitments(), &boxed);
        let verdict = opened.map_or_else(|error| error.code().as_str(), |_| "accepted");
        json!({"claim": claim, "box": hex(&boxed), "from": hex(from_id.0), "workspace": hex(workspace.0), "verdict": verdict})
    };
    let flipped = |place: usize| {
        let mut boxed = boxed.clone();
        boxed[place] ^= 1;
        boxed
    };
    json!({
        "scenario": "the workspace key's grant from the seed 01 × 32 to the seed 02 × 32",
        "from": hex(borsh::to_vec(from.recipient()).unwrap()),
        "to": hex(borsh::to_vec(to.recipient()).unwrap()),
        "to_seed": hex([2; 32]),
        "commitments": commitments,
        "cases": [
            judge("as it was wrapped", boxed.clone(), from.id(), WORKSPACE),
            judge("a flipped nonce", flipped(0), from.id(), WORKSPACE),
            judge("a flipped tag", flipped(24), from.id(), WORKSPACE),
            judge("cut off", boxed[..boxed.len() - 1].to_vec(), from.id(), WORKSPACE),
            judge("of another author", boxed.clone(), to.id(), WORKSPACE),
            judge("for another workspace", boxed.clone(), from.id(), WorkspaceId([0x78; 32])),
        ],
    })
}

fn labels() -> Value {
    let mut entropy = Entropy::new([7; 32]);
    let key = WorkspaceKey::generate(&mut entropy).with_next_generation(&mut entropy);
    let (environment, member) = (EnvironmentId([0xd1; 16]), MemberId([0x11; 32]));
    let long = "x".repeat(1024);
    let subjects = [
        ("workspace", Subject::Workspace, "acme"),
        ("member", Subject::Member(member), "laptop"),
        ("environment", Subject::Environment(environment), ""),
        ("secret", Subject::Secret(environment, DATABASE_URL), "DATABASE_URL\nbackend"),
        ("secret", Subject::Secret(environment, PORT), long.as_str()),
    ];
    let made = subjects.map(|(kind, subject, text)| {
        let SealedLabel { generation, ciphertext } =
            key.seal_label(WORKSPACE, subject, text.as_bytes(), &mut entropy);
        let subject = hex(borsh::to_vec(&subject).unwrap());
        json!({"kind": kind, "subject": subject, "generation": generation, "ciphertext": hex(ciphertext), "text": text})
    });
    let (from, to) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let boxed = wrap(&from, to.recipient(), WORKSPACE, &key, &mut entropy);
    json!({
        "scenario": "labels under generation 1 of the key that the grant carries",
        "workspace": hex(WORKSPACE.0),
        "grant": {
            "box": hex(boxed),
            "from": hex(borsh::to_vec(from.recipient()).unwrap()),
            "to": hex(borsh::to_vec(to.recipient()).unwrap()),
            "to_seed": hex([2; 32]),
        },
        "labels": made.to_vec(),
    })
}
