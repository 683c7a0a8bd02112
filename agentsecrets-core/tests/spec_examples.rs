//! The worked examples of `spec/*.md` are what this code makes, and its tables name every label and
//! every type.

#![allow(clippy::unwrap_used)]

mod story;

use std::{fmt::Write, path::Path};

use agentsecrets_core::{
    crypto::{Entropy, SEAL_OVERHEAD, derive_key, hash, label},
    encoding::{
        BatchId, EntryHash, EnvironmentId, Head, SealedHash, WorkspaceId, encode, to_base64, to_hex,
    },
    fingerprint::{Fingerprint, SafetyNumber},
    identity::{IdentityString, Kind},
    invitation::{Invitation, Token},
    log::{Body, ack::Ack, deliveries, entry::VersionRef},
    parcel::{Envelope, pack},
    policy::Policy,
    sealed_box,
    secret::SecretBytes,
    workspace_key::{Subject, WorkspaceKey},
};
use story::{DATABASE_URL, DEVELOPMENT, Story, identity, parcel_item};

const WRITE: &str =
    "AGENTSECRETS_WRITE_DOCS=1 cargo test -p agentsecrets-core --test spec_examples";

/// A page whose blocks under `<!-- example: NAME -->` hold the examples given.
fn page(file: &str, examples: &[(&str, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec").join(file);
    let committed = std::fs::read_to_string(&path).unwrap();
    let mut wanted = committed.clone();
    for (name, example) in examples {
        let begin = format!("<!-- example: {name} -->\n```text\n");
        assert!(wanted.contains(&begin), "{file} has no {name}");
        let start = wanted.find(&begin).unwrap() + begin.len();
        let end = start + wanted[start..].find("```\n").unwrap();
        wanted.replace_range(start..end, example);
    }
    assert_eq!(committed.matches("<!-- example: ").count(), examples.len(), "{file}");
    if std::env::var_os("AGENTSECRETS_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
        return;
    }
    assert!(
        committed == wanted,
        "the examples of spec/{file} are not current; write them again:\n{WRITE}"
    );
}

/// Lines `name  hexadecimal`, 32 bytes a line.
fn fields<'a>(parts: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> String {
    let mut lines = String::new();
    for (name, bytes) in parts {
        let mut name = name;
        for chunk in bytes.chunks(32) {
            writeln!(lines, "{name:<20}{}", to_hex(chunk)).unwrap();
            name = "";
        }
    }
    lines
}

/// The same lines, after a look that together they are the structure.
fn whole<const N: usize>(structure: &[u8], parts: [(&str, Vec<u8>); N]) -> String {
    let joined: Vec<u8> = parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(joined, structure);
    fields(parts)
}

/// A long text, 96 characters a line.
fn text(name: &str, text: &SecretBytes) -> String {
    let mut lines = format!("{name}\n");
    for chunk in text.expose().chunks(96) {
        writeln!(lines, "    {}", std::str::from_utf8(chunk).unwrap()).unwrap();
    }
    lines
}

#[test]
fn the_encoding_page_is_current() {
    let head = Head { seq: 7, hash: EntryHash([0xab; 32]) };
    let policy = Policy::default();
    page(
        "encoding.md",
        &[
            (
                "head",
                whole(
                    &encode(&head),
                    [("seq", 7_u64.to_le_bytes().to_vec()), ("hash", vec![0xab; 32])],
                ) + &format!("as text             {head}\n"),
            ),
            (
                "policy",
                whole(
                    &encode(&policy),
                    [
                        ("freshness_seconds", policy.freshness_seconds.to_le_bytes().to_vec()),
                        ("staleness", vec![0]),
                        ("first_use", vec![0]),
                        ("retention_days", vec![0; 4]),
                    ],
                ),
            ),
            ("hash", {
                let digest = hash(label::SEALED_HASH, &[b"fake"]);
                fields([("hash", digest.to_vec())])
                    + &format!("in JSON             {}\n", to_base64(&digest))
            }),
        ],
    );
}

#[test]
fn the_encoding_page_names_every_label_and_every_type() {
    let spec = include_str!("../spec/encoding.md");
    let labels = include_str!("../src/crypto.rs").lines().filter_map(|line| {
        line.split_once("\"agentsecrets v1 ").map(|(_, rest)| rest.split('"').next().unwrap())
    });
    let mut count = 0;
    for label in labels {
        assert!(spec.contains(&format!("| `{label}` |")), "label {label}");
        count += 1;
    }
    assert!(count >= 20);
    let tags = include_str!("../src/encoding.rs").lines().filter_map(|line| {
        let (name, number) = line.trim().strip_prefix("pub const ")?.split_once(": u8 = ")?;
        Some((name, number.trim_end_matches(';')))
    });
    let mut count = 0;
    for (name, number) in tags.filter(|(name, _)| !matches!(*name, "VERSION" | "SUITE")) {
        assert!(spec.contains(&format!("| {number} | `{name}` |")), "type {name}");
        count += 1;
    }
    assert!(count >= 15);
}

#[test]
fn the_identity_page_is_current() {
    let (one, two) = (identity(1, Kind::Human), identity(2, Kind::Ci));
    let recipient = one.recipient();
    let bytes = encode(recipient);
    let nonce = derive_key(label::RECIPIENT_NONCE, &[1; 32]).expose()[..16].to_vec();
    let workspace = WorkspaceId([0x77; 32]);
    let token = Token::generate(&mut Entropy::new([3; 32]));
    let head = Head { seq: 4, hash: EntryHash([0xab; 32]) };
    let invite = EntryHash([0xab; 32]);
    let code = Invitation::new(
        workspace,
        invite,
        one.id(),
        head,
        "https://relay.example".to_owned(),
        1_767_312_000_000,
        token,
    );
    page(
        "identity.md",
        &[
            (
                "recipient",
                whole(
                    &bytes,
                    [
                        ("header", vec![1, 1, 1]),
                        ("ed25519", recipient.verifying_key().as_bytes().to_vec()),
                        ("x25519", recipient.box_key().as_bytes().to_vec()),
                        ("kind", vec![0]),
                        ("nonce", nonce),
                        ("signature", bytes[84..].to_vec()),
                    ],
                ),
            ),
            (
                "names",
                fields([("id", one.id().0.to_vec())])
                    + &format!("fingerprint         {}\n", Fingerprint::of(&one.id()))
                    + &text(
                        "recipient string, in one line",
                        &recipient.to_string().into_bytes().into(),
                    )
                    + &text(
                        "identity string, in one line",
                        &IdentityString::new(&one, None).expose(),
                    )
                    + &text("recovery words, in one line", &one.expose_words()),
            ),
            ("safety-number", format!("{}\n", SafetyNumber::of(&workspace, &one.id(), &two.id()))),
            ("invitation", text("invitation code, in one line", &code.expose())),
        ],
    );
}

/// The writer's word on the story's head, without one value.
fn ack(story: &Story) -> String {
    let (writer, head) = (&story.cast.writer, story.state.head());
    let missing = vec![VersionRef { secret: DATABASE_URL, version: 2 }];
    let time = story::BEGIN + 60_000;
    let bytes = Ack::new(story.state.workspace(), writer.id(), head, time, missing).sign(writer);
    whole(
        &bytes,
        [
            ("header", vec![1, 1, 5]),
            ("workspace", story.state.workspace().0.to_vec()),
            ("member", writer.id().0.to_vec()),
            ("adopted", vec![0; 4]),
            ("seq", head.seq.to_le_bytes().to_vec()),
            ("hash", head.hash.0.to_vec()),
            ("time", time.to_le_bytes().to_vec()),
            ("missing", vec![1, 0, 0, 0]),
            ("  secret", DATABASE_URL.0.to_vec()),
            ("  version", 2_u64.to_le_bytes().to_vec()),
            ("signature", bytes[bytes.len() - 64..].to_vec()),
        ],
    )
}

#[test]
fn the_log_page_is_current() {
    let story = Story::whole();
    let genesis = &story.entries[0];
    let Body::Genesis(body) = &genesis.entry().body else { unreachable!() };
    let signature = |bytes: &[u8]| bytes[bytes.len() - 64..].to_vec();
    let time = |n: u64| (story::BEGIN + 1000 * n).to_le_bytes().to_vec();
    let founder = story.cast.founder.id().0.to_vec();
    let policy = &story.entries[4];
    let Body::Policy(new) = &policy.entry().body else { unreachable!() };
    let last = &story.entries[story.entries.len() - 1];
    let Body::Rekey(rekey) = &last.entry().body else { unreachable!() };
    let ids = [[0x11; 32], [0x22; 32], [0x33; 32]].map(agentsecrets_core::encoding::MemberId);
    let parts = SealedHash([0xcc; 32]);
    let leaves = ids.map(|id| deliveries::leaf(&id, &[parts]));
    let root = deliveries::root(&leaves);
    let path: Vec<u8> = deliveries::path(&leaves, 1).concat();
    page(
        "log.md",
        &[
            ("ack", ack(&story)),
            (
                "genesis",
                whole(
                    genesis.bytes(),
                    [
                        ("header", vec![1, 1, 2]),
                        ("workspace", vec![0; 32]),
                        ("seq", vec![0; 8]),
                        ("prev", vec![0; 32]),
                        ("time", time(0)),
                        ("author", founder.clone()),
                        ("kind", vec![0]),
                        ("founder", encode(&body.founder)),
                        ("person", body.person.0.to_vec()),
                        ("policy", encode(&body.policy)),
                        ("key_commitment", body.key_commitment.0.to_vec()),
                        ("name", encode(&body.name)),
                        ("label", encode(&body.label)),
                        ("signature", signature(genesis.bytes())),
                    ],
                ) + &fields([("hash", genesis.hash().0.to_vec())]),
            ),
            (
                "policy",
                whole(
                    policy.bytes(),
                    [
                        ("header", vec![1, 1, 2]),
                        ("workspace", genesis.hash().0.to_vec()),
                        ("seq", 4_u64.to_le_bytes().to_vec()),
                        ("prev", story.entries[3].hash().0.to_vec()),
                        ("time", time(4)),
                        ("author", founder.clone()),
                        ("kind", vec![11]),
                        ("policy", encode(new)),
                        ("signature", signature(policy.bytes())),
                    ],
                ) + &fields([("hash", policy.hash().0.to_vec())]),
            ),
            (
                "rekey",
                whole(
                    last.bytes(),
                    [
                        ("header", vec![1, 1, 2]),
                        ("workspace", genesis.hash().0.to_vec()),
                        ("seq", last.entry().seq.to_le_bytes().to_vec()),
                        ("prev", last.entry().prev.0.to_vec()),
                        ("time", time(last.entry().seq)),
                        ("author", founder),
                        ("kind", vec![8]),
                        ("generation", 1_u32.to_le_bytes().to_vec()),
                        ("commitment", rekey.commitment.0.to_vec()),
                        ("root", rekey.root.0.to_vec()),
                        ("signature", signature(last.bytes())),
                    ],
                ) + &fields([("hash", last.hash().0.to_vec())]),
            ),
            (
                "deliveries",
                fields([
                    ("leaf 0", leaves[0].to_vec()),
                    ("leaf 1", leaves[1].to_vec()),
                    ("leaf 2", leaves[2].to_vec()),
                    ("root", root.0.to_vec()),
                    ("path of leaf 1", path),
                ]),
            ),
        ],
    );
}

#[test]
fn the_parcel_page_is_current() {
    let item = parcel_item(DATABASE_URL, 1, "DATABASE_URL", "postgres://app:fake@db.invalid/acme");
    let to = identity(2, Kind::Human);
    let workspace = WorkspaceId([0x77; 32]);
    let envelope = Envelope {
        workspace,
        batch: BatchId([0xb1; 16]),
        author: identity(1, Kind::Human).id(),
        recipient: to.id(),
        environment: DEVELOPMENT,
    };
    let padded = pack(&envelope, "development", &[&item]).remove(0);
    let length = u32::from_le_bytes(padded[..4].try_into().unwrap()) as usize;
    let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let sealed = sealed_box::seal(to.recipient().box_key(), &padded, &mut Entropy::new([5; 32]));
    assert_eq!(sealed.len(), padded.len() + SEAL_OVERHEAD);
    let key = WorkspaceKey::generate(&mut Entropy::new([6; 32]));
    let subject = Subject::Environment(EnvironmentId([0xd1; 16]));
    let name = key.seal_label(workspace, subject, b"development", &mut Entropy::new([7; 32]));
    page(
        "parcel.md",
        &[
            (
                "parcel",
                whole(
                    &padded,
                    [
                        ("length", (length as u32).to_le_bytes().to_vec()),
                        ("header", vec![1, 1, 6]),
                        ("workspace", workspace.0.to_vec()),
                        ("batch", vec![0xb1; 16]),
                        ("author", envelope.author.0.to_vec()),
                        ("recipient", envelope.recipient.0.to_vec()),
                        ("environment", vec![0xd1; 16]),
                        ("environment_label", counted(b"development")),
                        ("items", vec![1, 0, 0, 0]),
                        ("  secret", vec![0x51; 16]),
                        ("  version", 1_u64.to_le_bytes().to_vec()),
                        ("  name", counted(b"DATABASE_URL")),
                        ("  name_salt", vec![0xa1; 32]),
                        ("  policy", counted(b"")),
                        ("  policy_salt", vec![0xa2; 32]),
                        ("  salt", vec![0xa3; 32]),
                        ("  value", counted(item.value.expose())),
                        ("zeros", vec![0; padded.len() - 4 - length]),
                    ],
                ),
            ),
            (
                "commitments",
                fields([
                    ("value", item.commitment(workspace, DEVELOPMENT).0.to_vec()),
                    ("name", item.name_commitment().0.to_vec()),
                    ("policy", item.policy_commitment().0.to_vec()),
                ]),
            ),
            (
                "sealed",
                fields([
                    ("ephemeral key", sealed[..32].to_vec()),
                    ("tag", sealed[32..48].to_vec()),
                    ("length", (sealed.len() as u32).to_be_bytes().to_vec()),
                    ("sealed hash", deliveries::sealed_hash(&sealed).0.to_vec()),
                ]),
            ),
            (
                "label",
                whole(
                    &encode(&name),
                    [
                        ("generation", vec![0; 4]),
                        ("length", (name.ciphertext.len() as u32).to_le_bytes().to_vec()),
                        ("nonce", name.ciphertext[..24].to_vec()),
                        ("ciphertext", name.ciphertext[24..88].to_vec()),
                        ("tag", name.ciphertext[88..].to_vec()),
                    ],
                ) + &fields([("key commitment", key.commitments()[0].0.to_vec())]),
            ),
        ],
    );
}
