//! Inputs to begin with, made of real values: `cargo run --example seeds` writes them.

use agentsecrets_core::{
    config::ProjectFile,
    crypto::Entropy,
    encoding::{EntryHash, Head, MemberId, WorkspaceId, encode},
    identity::{Destination, IdentityString},
    invitation::{Invitation, Token},
    log::{ack::Ack, archive},
    parcel::pack,
    secret_policy::SecretPolicy,
    wire::{Acks, Bytes, LogPage},
    workspace_key::WorkspaceKey,
};

use crate::{entries, small, story, story::Story, vaults};

/// The list of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "identity" => identities(),
        "invitation" => invitations(),
        "entry" => entries(),
        "parcel" => parcels(),
        "grants_acks" => grants_acks(),
        "dotenv" => texts(&["A=1\nB='two words'\n# note\nexport C=\"x\\ny\"\n", "{\"A\": \"1\"}"]),
        "project_file" => project_files(),
        "vault_file" => vaults::seeds(),
        "answers" => answers(),
        "problem" => problems(),
        "machine" => machines(),
        "sealed_box" => boxes(),
        "verdict" => signatures(),
        "redactor" => echoes(),
        "secret_policy" => policies(),
        _ => games(),
    }
}

/// The value, then texts in which it stands as it is, in base64, in hexadecimal, and under escapes.
fn echoes() -> Vec<Vec<u8>> {
    let value = b"\x00\x03fake+";
    let texts: [&[u8]; 4] = [
        b"key=\x00;",
        b"Basic \x01 and \x02",
        b"{\"a\":\"f\\u0061ke+\"}",
        b"q=fake%2b&r=f%61ke%2B",
    ];
    texts.map(|text| after(value, text)).to_vec()
}

/// Each as JSON, and as the bytes that a parcel carries.
fn policies() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"access":"readable"}"#,
        r#"{"access":"use-only","sign":true,"environment":true}"#,
        r#"{"access":"use-only","rules":[{"host":"api.example","methods":["GET","POST"],
            "paths":["/v1/**","/v1/*/a","/v1/b/a"],"places":["bearer","basic:bot","query:key"]}]}"#,
        r#"{"access":"use-only","rules":[{"scheme":"http","host":"[::1]","port":8080,"private":true,
            "methods":["DELETE"],"paths":["/"],"places":["header:X-Key:Bot"],"response_limit":1},
            {"host":"127.0.0.1","methods":["PUT"],"paths":["/a%20b"],"places":["json:/a/b","form:key"]}]}"#,
    ];
    let as_bytes = |text: &&str| {
        let policy = SecretPolicy::from_json(text).expect("a policy");
        after(&[0], &policy.to_bytes())
    };
    let in_json = |text: &&str| after(&[1], text.as_bytes());
    texts.iter().map(as_bytes).chain(texts.iter().map(in_json)).chain([vec![0]]).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn after(first: &[u8], rest: &[u8]) -> Vec<u8> {
    [first, rest].concat()
}

fn head() -> Head {
    Head { seq: 7, hash: EntryHash([8; 32]) }
}

fn identities() -> Vec<Vec<u8>> {
    let identity = || small::person(small::FROM);
    let relay = "https://relay.example".to_owned();
    let destination = Destination { workspace: WorkspaceId([3; 32]), relay, head: head() };
    vec![
        IdentityString::new(&identity(), None).expose().expose().to_vec(),
        IdentityString::new(&identity(), Some(destination)).expose().expose().to_vec(),
        identity().recipient().to_string().into_bytes(),
        encode(identity().recipient()),
        identity().expose_words().expose().to_vec(),
    ]
}

fn invitation() -> Invitation {
    let token = Token::generate(&mut Entropy::new([5; 32]));
    let (workspace, relay) = (WorkspaceId([3; 32]), "https://relay.example".to_owned());
    Invitation::new(workspace, EntryHash([4; 32]), MemberId([5; 32]), head(), relay, 9, token)
}

fn reply() -> Vec<u8> {
    encode(&invitation().accept(&small::person(small::TO), "desk", &mut Entropy::new([6; 32])))
}

fn invitations() -> Vec<Vec<u8>> {
    let line = format!("{} {}\n", WorkspaceId([3; 32]), head());
    let texts = [invitation().expose().expose().to_vec(), head().to_string().into_bytes()];
    [texts.to_vec(), vec![line.into_bytes(), reply()]].concat()
}

fn entries() -> Vec<Vec<u8>> {
    let story = Story::whole();
    let whole = story.entries.iter().map(|entry| after(&[0], entry.bytes()));
    let bodies = story.entries.iter().map(|entry| after(&[1, 0], &encode(&entry.entry().body)));
    let begin = Story::begin();
    let text = archive::write(begin.state.workspace(), &begin.entries);
    let state = after(&[3], &encode(&begin.state));
    whole.chain(bodies).chain([after(&[2], text.as_bytes()), state]).collect()
}

fn parcels() -> Vec<Vec<u8>> {
    let item = story::parcel_item(story::PORT, 1, "PORT", "8080");
    let padded = pack(&entries::envelope(), "development", &[&item]);
    // What stands after length, header and envelope.
    let length = u32::from_le_bytes([padded[0][0], padded[0][1], padded[0][2], padded[0][3]]);
    let begin = 4 + 3 + encode(&entries::envelope()).len();
    let inside = &padded[0][begin..4 + length as usize];
    vec![after(&[0], &padded[0]), after(&[1], inside)]
}

fn grants_acks() -> Vec<Vec<u8>> {
    let mut entropy = Entropy::new([7; 32]);
    let key = WorkspaceKey::generate(&mut entropy);
    let two = key.with_next_generation(&mut entropy);
    let by = small::person(small::FROM);
    let missing = vec![story::version(story::PORT, 1), story::version(story::PORT, 2)];
    let ack = Ack::new(small::WORKSPACE, by.id(), head(), 5, missing);
    vec![
        after(&[0], &[small::grant_prefix(), encode(&key)].concat()),
        after(&[1], &encode(&key)),
        after(&[1], &encode(&two)),
        after(&[2], &[7; 80]),
        after(&[3], &encode(&ack)),
        after(&[4], &ack.sign(&by)),
        after(&[5], &reply()),
    ]
}

fn project_files() -> Vec<Vec<u8>> {
    let id = WorkspaceId([3; 32]);
    let file = format!(
        "# {}\nworkspace = \"{id}\"\nrelay = \"https://relay.example\"\n",
        ProjectFile::NAME
    );
    vec![file.clone().into_bytes(), format!("{file}environment = \"a\\u0007\\\"b\"\n").into_bytes()]
}

fn answers() -> Vec<Vec<u8>> {
    let story = Story::begin();
    let entries = vec![Bytes(story.entries[0].bytes()[..40].to_vec())];
    let head = story.state.head().into();
    let page = serde_json::to_vec(&LogPage { entries, head, more: false }).expect("JSON");
    let acks = serde_json::to_vec(&Acks { acks: vec![Bytes(vec![1, 2])] }).expect("JSON");
    let deliveries = "{\"deliveries\":[{\"seq\":1,\"parts\":[null,\"AQ\"],\"hashes\":[],\"path\":[]}],\"more\":false}";
    let ids = format!("{{\"workspace\":\"{}\",\"reply\":\"AQ\"}}", WorkspaceId([3; 32]));
    let commit = format!(
        "{{\"workspace\":\"{}\",\"entries\":[\"AQ\"],\"deliveries\":[{{\"entry\":0,\"part\":0,\"recipient\":\"{}\",\"ciphertext\":\"AQ\"}}],\"absent\":[1]}}",
        WorkspaceId([3; 32]),
        MemberId([5; 32])
    );
    let plain = |head: &str| after(&[0], format!("HTTP/1.1 {head}").as_bytes());
    vec![
        after(&[1], &page),
        after(&[1], &acks),
        after(&[1], deliveries.as_bytes()),
        after(&[1], ids.as_bytes()),
        after(&[1], commit.as_bytes()),
        after(&[1], b"{\"ack\":\"AQ\"}"),
        plain("200 OK\r\ncontent-length: 14\r\n\r\n{\"acks\":[\"AQ\"]}"),
        plain("200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{\"a\r\n0\r\n\r\n"),
        plain("429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"),
        plain("200 OK\r\ncontent-type: text/html\r\n\r\n<p>"),
    ]
}

fn problems() -> Vec<Vec<u8>> {
    let of = |status: u16, wait: &[u8], body: &str| {
        [&(status - 100).to_le_bytes(), wait, body.as_bytes()].concat()
    };
    vec![
        of(401, &[0], "{\"code\":\"clock_skew\",\"server_time\":1767225600}"),
        of(429, &[1, 5], "{\"code\":\"rate_limited\",\"status\":429,\"title\":\"slow\"}"),
        of(503, &[0], "{\"code\":\"storage_full\"}"),
        of(404, &[0], "{\"code\":\"unknown_workspace\"}"),
        of(400, &[0], "<html>"),
        of(200, &[0], "{\"entries\":[],\"head\":{\"seq\":1,\"hash\":\"\"},\"more\":true}"),
    ]
}

/// Who, then an operation and the answers to its steps; see `machine`.
fn machines() -> Vec<Vec<u8>> {
    let each = (0..10).map(|operation| after(&[operation & 1, operation], &[0; 24]));
    let loses = (0..10).map(|operation| [&[1, operation, 0, 0, 0, 1][..], &[1; 12]].concat());
    let stops = (2..12).map(|steps| [&[1, 2][..], &vec![0; steps], &[255, 0]].concat());
    each.chain(loses).chain(stops).collect()
}

fn boxes() -> Vec<Vec<u8>> {
    let seed = [8; 32];
    let key =
        agentsecrets_core::crypto::BoxSecretKey::new(agentsecrets_core::secret::Key::new(seed));
    let sealed = agentsecrets_core::sealed_box::seal(
        &key.public_key(),
        b"fake value",
        &mut Entropy::new([1; 32]),
    );
    vec![
        [&[0], &seed[..], b"fake value"].concat(),
        [&[1], &seed[..], &[9, 0, 3], b"fake value"].concat(),
        [&[2], &seed[..], &sealed].concat(),
        [&[2], &seed[..], &[0; 48]].concat(),
        after(&[3], &[9; 32]),
        after(&[3], &[0; 32]),
    ]
}

fn signatures() -> Vec<Vec<u8>> {
    let with = |changes: &[u8]| [&[4; 32], changes, b"a message"].concat();
    let mut all = vec![with(&[0; 9])];
    for what in 0..7 {
        all.push(with(&[1, what, 3, 0, 0, 0, 0, 0, 0]));
        all.push(with(&[2, what, 1, 2, 0, 0, 0, 0, 0]));
        all.push(with(&[2, what, 1, 3, 0, 0, 0, 0, 0]));
    }
    all
}

/// Author, kind, and what the kind takes, with the two bytes after it that a right entry has.
fn games() -> Vec<Vec<u8>> {
    let environment = [0, 0, 0, 0, 0, 0, 0];
    // Environment, items, secret, odd..., as `apply` reads them.
    let push = [0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let again = [0, 8, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    let rekey = [0, 7, 0, 0, 0, 0, 0];
    let admit = [0, 3, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let policy = [0, 10, 1, 0, 0];
    let mut all = Vec::new();
    for tail in
        [&push[..], &again, &rekey, &admit, &policy, &[1, 6, 0, 0], &[0, 4, 1, 1, 0, 0, 0, 0, 0]]
    {
        all.push([&environment, &push[..], tail].concat());
        all.push([&admit, &environment[..], tail, &rekey].concat());
    }
    all
}
