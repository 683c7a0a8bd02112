//! Identities and what people compare, invitations, acks, signed requests.

use agentsecrets_core::{
    crypto::{Entropy, derive_key, label},
    encoding::{EntryHash, Head, MemberId, WorkspaceId, encode},
    fingerprint::{Fingerprint, HeadFile, SafetyNumber, head_words},
    identity::{IdentityString, Kind, Recipient},
    invitation::{Invitation, Token, verify_proof},
    log::{ack::Ack, entry::VersionRef},
    message::Method,
    request_signature,
};
use serde_json::{Value, json};

use crate::{
    Vectors, hex,
    story::{BEGIN, DATABASE_URL, PORT, identity, sign},
};

const WORKSPACE: WorkspaceId = WorkspaceId([0x77; 32]);

pub(crate) fn vectors() -> Vectors {
    Vectors::from([
        ("identities", identities()),
        ("recipients-refused", recipients()),
        ("comparisons", comparisons()),
        ("invitation", invitation()),
        ("acks", acks()),
        ("requests", requests()),
    ])
}

fn utf8(secret: &agentsecrets_core::secret::SecretBytes) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

fn identities() -> Value {
    let kinds = [Kind::Human, Kind::Agent, Kind::Ci, Kind::Recovery];
    let made = kinds.into_iter().zip(1_u8..).map(|(kind, seed)| {
        let identity = identity(seed, kind);
        json!({
            "seed": hex([seed; 32]),
            "kind": seed - 1,
            "recipient": hex(encode(identity.recipient())),
            "recipient_string": identity.recipient().to_string(),
            "identity_string": utf8(&IdentityString::new(&identity, None).expose()),
            "id": identity.id().to_string(),
            "fingerprint": Fingerprint::of(&identity.id()).to_string(),
            "words": utf8(&identity.expose_words()),
        })
    });
    json!({"scenario": "identities of known seeds", "identities": made.collect::<Vec<_>>()})
}

fn recipients() -> Value {
    let good = encode(identity(1, Kind::Human).recipient());
    let judge = |claim: &str, bytes: Vec<u8>| {
        let parsed = Recipient::from_bytes(&bytes).and_then(|recipient| recipient.verify());
        json!({"claim": claim, "bytes": hex(&bytes), "accepted": parsed.is_ok()})
    };
    // Signed by the very key, so that only the form or the other key can be wrong.
    let edit = |claim: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good[..84].to_vec();
        change(&mut bytes);
        let signature = sign(1, &bytes);
        judge(claim, [bytes, signature.0.to_vec()].concat())
    };
    let flipped = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    let prime = |last: u8| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (last, 0x7f);
        key
    };
    let cases = vec![
        judge("as it should be", good.clone()),
        judge("cut off", good[..good.len() - 1].to_vec()),
        judge("too long", [good.clone(), vec![0]].concat()),
        judge("a flipped signature", flipped(84)),
        judge("a nonce that was not signed", flipped(70)),
        edit("version 2", &|bytes| bytes[0] = 2),
        edit("a kind that there is not", &|bytes| bytes[67] = 4),
        edit("an X25519 key of zero", &|bytes| bytes[35..67].fill(0)),
        edit("an X25519 key of one", &|bytes| {
            bytes[35..67].fill(0);
            bytes[35] = 1;
        }),
        edit("an X25519 key that is the prime", &|bytes| {
            bytes[35..67].copy_from_slice(&prime(0xed))
        }),
        edit("an X25519 key beyond the prime", &|bytes| {
            bytes[35..67].copy_from_slice(&prime(0xf6))
        }),
        edit("an X25519 key with its top bit set", &|bytes| bytes[66] |= 0x80),
        edit("an Ed25519 key of small order", &|bytes| {
            bytes[3..35].fill(0);
            bytes[3] = 1;
        }),
    ];
    json!({"scenario": "recipients that are refused", "cases": cases})
}

fn comparisons() -> Value {
    let ids: Vec<MemberId> = [1, 2, 3].map(|seed| identity(seed, Kind::Human).id()).to_vec();
    let pairs = [(0, 1), (1, 0), (0, 2), (1, 2)].map(|(one, other)| {
        let number = SafetyNumber::of(&WORKSPACE, &ids[one], &ids[other]).to_string();
        json!({"one": hex(ids[one].0), "other": hex(ids[other].0), "safety_number": number})
    });
    let heads = [0, 7, 1 << 40].map(|seq| {
        let head = Head { seq, hash: EntryHash([0xab; 32]) };
        json!({
            "head": head.to_string(),
            "words": head_words(&WORKSPACE, &head),
            "file": HeadFile { workspace: WORKSPACE, head }.to_string(),
        })
    });
    json!({
        "scenario": "what people compare",
        "workspace": hex(WORKSPACE.0),
        "pairs": pairs.to_vec(),
        "heads": heads.to_vec(),
    })
}

fn invitation() -> Value {
    let mut entropy = Entropy::new([3; 32]);
    let (inviter, invitee) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let token = Token::generate(&mut entropy);
    let (key, invite) = (token.verifying_key(), EntryHash([0xab; 32]));
    let head = Head { seq: 4, hash: EntryHash([0xcd; 32]) };
    let relay = "https://relay.example".to_owned();
    let code = Invitation::new(WORKSPACE, invite, inviter.id(), head, relay.clone(), BEGIN, token);
    let text = utf8(&code.expose());
    let reply = code.accept(&invitee, "desk", &mut entropy);
    let other = identity(3, Kind::Human);
    let judge =
        |claim: &str, workspace: &WorkspaceId, invite: &EntryHash, recipient: &Recipient| {
            let verified =
                verify_proof(&key, workspace, invite, &inviter.id(), recipient, &reply.proof);
            json!({
                "claim": claim,
                "workspace": hex(workspace.0),
                "invite": hex(invite.0),
                "recipient": hex(encode(recipient)),
                "accepted": verified.is_ok(),
            })
        };
    let me = invitee.recipient();
    json!({
        "scenario": "an invitation, its reply, and proofs for something else",
        "code": text,
        "workspace": hex(WORKSPACE.0),
        "invite": hex(invite.0),
        "inviter": hex(inviter.id().0),
        "head": head.to_string(),
        "relay": relay,
        "expires": BEGIN,
        "key": hex(key.as_bytes()),
        "reply": hex(encode(&reply)),
        "label": "desk",
        "proofs": [
            judge("as it was made", &WORKSPACE, &invite, me),
            judge("another key than the invitee's", &WORKSPACE, &invite, other.recipient()),
            judge("another invitation", &WORKSPACE, &EntryHash([0xac; 32]), me),
            judge("another workspace", &WorkspaceId([0x78; 32]), &invite, me),
        ],
    })
}

fn acks() -> Value {
    let me = identity(1, Kind::Human);
    let head = Head { seq: 7, hash: EntryHash([0xab; 32]) };
    let missing = vec![
        VersionRef { secret: DATABASE_URL, version: 2 },
        VersionRef { secret: PORT, version: 1 },
    ];
    let ack = |adopted: u32, seq: u64, time: u64, missing: &[VersionRef]| {
        let head = Head { seq, ..head };
        Ack::new(WORKSPACE, me.id(), head, time, missing.to_vec()).after_adoptions(adopted)
    };
    let judge = |claim: &str, bytes: Vec<u8>| {
        let key = |_: &MemberId| Some(*me.recipient().verifying_key());
        let opened = Ack::open(&bytes, key);
        let verdict = opened.map_or_else(|error| error.code().as_str(), |_| "accepted");
        json!({"claim": claim, "bytes": hex(&bytes), "verdict": verdict})
    };
    let good = ack(0, 7, BEGIN, &missing).sign(&me);
    let body = &good[..good.len() - 64];
    let edit = |claim: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body.to_vec();
        change(&mut body);
        let signature = sign(1, &body);
        judge(claim, [body, signature.0.to_vec()].concat())
    };
    let cases = vec![
        judge("as it should be", good.clone()),
        judge("nothing missing", ack(0, 7, BEGIN, &[]).sign(&me)),
        judge("by another key", [body, &sign(2, body).0].concat()),
        judge("cut off", good[..good.len() - 1].to_vec()),
        edit("version 2", &|bytes| bytes[0] = 2),
        edit("another type", &|bytes| bytes[2] = 2),
        edit("a byte after the end", &|bytes| bytes.push(0)),
        edit("missing versions out of order", &|bytes| {
            let end = bytes.len();
            let (first, second) = (bytes[end - 48..end - 24].to_vec(), bytes[end - 24..].to_vec());
            bytes[end - 48..].copy_from_slice(&[second, first].concat());
        }),
        edit("a missing version twice", &|bytes| {
            let end = bytes.len();
            bytes.copy_within(end - 48..end - 24, end - 24);
        }),
    ];
    let ranked = [ack(0, 9, 9, &[]), ack(1, 2, 1, &[]), ack(1, 3, 0, &[]), ack(1, 3, 5, &[])];
    json!({
        "scenario": "acks of the seed 01 × 32, and which of them replace which",
        "recipient": hex(encode(me.recipient())),
        "cases": cases,
        "in_order_of_rank": ranked.map(|ack| hex(ack.sign(&me))).to_vec(),
    })
}

fn requests() -> Value {
    let me = identity(1, Kind::Human);
    let key =
        agentsecrets_core::crypto::SigningKey::from_seed(&derive_key(label::SIGNING_KEY, &[1; 32]));
    let made = [
        (Method::Get, "relay.example", "/v1/info", "", ""),
        (
            Method::Get,
            "relay.example:8443",
            "/v1/workspaces/ab/log",
            "after=7&limit=500&wait=25",
            "",
        ),
        (Method::Post, "relay.example", "/v1/workspaces/sync", "", "{\"fake\":1}"),
        (Method::Put, "127.0.0.1:8787", "/v1/identities/ab", "", "\u{0}\u{1}"),
    ]
    .map(|(method, authority, path, query, body)| {
        let headers = request_signature::sign(
            &key,
            method,
            authority,
            path,
            query,
            body.as_bytes(),
            1_767_225_600,
            [0x42; 16],
        );
        json!({
            "method": method.as_str(),
            "authority": authority,
            "path": path,
            "query": query,
            "body": hex(body),
            "headers": headers.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
        })
    });
    json!({
        "scenario": "signed requests of the seed 01 × 32",
        "key": hex(me.recipient().verifying_key().as_bytes()),
        "requests": made.to_vec(),
    })
}
