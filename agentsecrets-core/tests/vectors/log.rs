//! Logs as a whole: what they fold to, and what is no log.

use agentsecrets_core::{
    crypto::Signature,
    encoding::{BatchId, DeliveriesRoot, MemberId, encode},
    log::{
        Body, Member, SignedEntry, State, archive,
        entry::{Item, Operation, Removed, Stray},
        exposure::{exposure, rotations},
        state::SecretState,
    },
};
use serde_json::{Value, json};

use crate::{
    Vectors, hex,
    story::{self, *},
};

pub(crate) fn vectors() -> Vectors {
    Vectors::from([
        ("log-whole", whole_log()),
        ("log-exposure", exposed()),
        ("log-chain", chain()),
        ("log-bytes", bytes()),
        ("log-signatures", signatures()),
        ("log-exported", exported()),
    ])
}

/// A log entry by entry, with who receives, and what it folds to.
fn folded(scenario: &str, entries: &[SignedEntry]) -> Value {
    let mut state: Option<State> = None;
    let mut listed = Vec::new();
    for entry in entries {
        let recipients = state.as_ref().map(|state| state.expected_deliveries(entry.entry()));
        let recipients: Vec<String> =
            recipients.iter().flatten().map(MemberId::to_string).collect();
        listed.push(json!({
            "bytes": hex(entry.bytes()),
            "hash": entry.hash().to_string(),
            "recipients": recipients,
        }));
        match &mut state {
            Some(state) => state.apply(entry).unwrap(),
            None => state = Some(State::genesis(entry).unwrap()),
        }
    }
    json!({"scenario": scenario, "entries": listed, "state": state_of(&state.unwrap())})
}

fn state_of(state: &State) -> Value {
    let members = state.members().iter().map(|(id, member)| member_of(state, id, member));
    let environments = state
        .environments()
        .iter()
        .map(|(id, known)| json!({"id": hex(id.0), "archived": known.archived}));
    let secrets = state.secrets().iter().map(|(id, secret)| secret_of(&id.0, secret));
    let open = state.invitations().keys().filter(|id| state.open_invitation(id).is_some());
    let rotations = rotations(state).into_values().map(|rotation| {
        json!({
            "secret": hex(rotation.secret.0),
            "versions": rotation.versions,
            "readers": rotation.readers.iter().map(MemberId::to_string).collect::<Vec<_>>(),
        })
    });
    json!({
        "workspace": state.workspace().to_string(),
        "head": state.head().to_string(),
        "generation": state.generation(),
        "needs_rekey": state.needs_rekey(),
        "policy": hex(encode(state.policy())),
        "members": members.collect::<Vec<_>>(),
        "environments": environments.collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
        "open_invitations": open.map(|id| id.to_string()).collect::<Vec<_>>(),
        "rotations": rotations.collect::<Vec<_>>(),
    })
}

fn member_of(state: &State, id: &MemberId, member: &Member) -> Value {
    let exposed: Vec<String> = exposure(state, id)
        .into_iter()
        .map(|version| format!("{}:{}", hex(version.secret.0), version.version))
        .collect();
    json!({
        "id": id.to_string(),
        "active": member.is_active(),
        "person": hex(member.person.0),
        "role": hex(encode(&member.role())),
        "scope": hex(encode(member.scope())),
        "exposed": exposed,
    })
}

fn secret_of(id: &[u8; 16], secret: &SecretState) -> Value {
    let versions = secret.versions.iter().map(|version| match version.operation {
        Operation::Put(commitment) => json!(hex(commitment.0)),
        Operation::Delete => Value::Null,
    });
    json!({
        "id": hex(id),
        "environment": hex(secret.environment.0),
        "versions": versions.collect::<Vec<_>>(),
    })
}

fn whole_log() -> Value {
    folded("a workspace with every kind of entry", &Story::whole().entries)
}

/// Who was removed keeps what it read; a value that returns and a deletion clear nothing.
fn exposed() -> Value {
    let mut story = Story::whole();
    let key = |number: u8| Operation::Put(commitment(number));
    for (number, operation, differs) in [
        (3, key(3), vec![1, 2]),
        (4, key(4), vec![3]),
        (5, Operation::Delete, vec![]),
        (6, key(6), vec![2, 3, 4]),
    ] {
        let mut item = Item {
            secret: DATABASE_URL,
            version: number,
            operation,
            create: None,
            policy: None,
            differs_from: differs
                .into_iter()
                .map(|old| story::version(DATABASE_URL, old))
                .collect(),
        };
        item.differs_from.sort_unstable();
        let deleted = item.operation == Operation::Delete;
        let root = if deleted { DeliveriesRoot::ZERO } else { some_root() };
        let mut body = push(BatchId([number as u8; 16]), vec![item], root);
        if let (6, Body::Push(push)) = (number, &mut body) {
            let version = story::version(PORT, 9);
            let member = story.cast.leaver.id();
            push.strays = vec![Stray { member, environment: DEVELOPMENT, version }];
        }
        story.add(|cast| &cast.writer, body);
        if number == 3 {
            let reader = story.cast.reader.id();
            story.add(|cast| &cast.founder, remove(Removed::Members(vec![reader])));
        }
    }
    folded("what members could read, and what needs a new value", &story.entries)
}

pub(crate) fn some_root() -> DeliveriesRoot {
    DeliveriesRoot([0xee; 32])
}

/// One case: entries that are appended to the first `after` of `log-whole`; the last one is judged.
pub(crate) fn case(claim: &str, after: usize, entries: &[Vec<u8>]) -> Value {
    let whole = Story::whole().entries;
    let mut state = (after > 0).then(|| State::genesis(&whole[0]).unwrap());
    if let Some(state) = &mut state {
        whole[1..after].iter().for_each(|entry| state.apply(entry).unwrap());
    }
    let mut verdict = "accepted";
    for (index, bytes) in entries.iter().enumerate() {
        let judged = SignedEntry::parse(bytes).and_then(|entry| match &mut state {
            Some(state) => state.apply(&entry),
            None => State::genesis(&entry).map(|genesis| state = Some(genesis)),
        });
        if let Err(error) = judged {
            assert_eq!(index + 1, entries.len(), "{claim}: {error}");
            verdict = error.code().as_str();
        }
    }
    let entries: Vec<String> = entries.iter().map(hex).collect();
    json!({"claim": claim, "after": after, "entries": entries, "verdict": verdict})
}

pub(crate) fn cases(scenario: &str, cases: Vec<Value>) -> Value {
    json!({"scenario": scenario, "log": "log-whole", "cases": cases})
}

fn chain() -> Value {
    let story = Story::whole();
    let whole: Vec<Vec<u8>> = story.entries.iter().map(|entry| entry.bytes().to_vec()).collect();
    let count = whole.len();
    let mut listed = vec![
        case("the next entry follows", 5, &whole[5..6]),
        case("an entry is missing", 5, &whole[6..7]),
        case("an entry comes twice", 6, &whole[5..6]),
        case("a log does not begin with Genesis", 0, &whole[1..2]),
        case("Genesis comes again", count, &whole[..1]),
    ];
    let place = |claim: &str, change: &dyn Fn(&mut agentsecrets_core::log::Entry)| {
        let mut entry =
            entry_after(&story.state, &story.cast.founder, Body::Policy(Default::default()));
        change(&mut entry);
        let signed = entry.sign(&story.cast.founder).unwrap();
        case(claim, count, &[signed.bytes().to_vec()])
    };
    listed.push(place("a policy in its place", &|_| ()));
    listed.push(place("one too far", &|entry| entry.seq += 1));
    listed.push(place("after another entry", &|entry| entry.prev.0[31] ^= 1));
    listed.push(place("of another workspace", &|entry| entry.workspace.0[0] ^= 1));
    listed.push(place("an earlier time is no reason", &|entry| entry.time = 0));
    cases("entries in another place than their own", listed)
}

/// Bytes of an entry without its signature, signed by the seed `byte` × 32.
pub(crate) fn signed(byte: u8, body: &[u8]) -> Vec<u8> {
    let Signature(signature) = sign(byte, body);
    [body, &signature].concat()
}

fn bytes() -> Value {
    let story = Story::whole();
    let after = story.entries.len();
    let good = story.next(&story.cast.founder, Body::Policy(Default::default()));
    let body = &good.bytes()[..good.bytes().len() - 64];
    let edit = |claim: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body.to_vec();
        change(&mut body);
        case(claim, after, &[signed(1, &body)])
    };
    let kind = 3 + 32 + 8 + 32 + 8 + 32;
    let listed = vec![
        edit("as it should be", &|_| ()),
        edit("version 2", &|bytes| bytes[0] = 2),
        edit("suite 2", &|bytes| bytes[1] = 2),
        edit("another type", &|bytes| bytes[2] = 5),
        edit("a kind that there is not", &|bytes| bytes[kind] = 12),
        edit("a staleness that there is not", &|bytes| bytes[kind + 9] = 3),
        edit("a bool of 2", &|bytes| bytes[kind + 10] = 2),
        edit("a byte after the end", &|bytes| bytes.push(0)),
        edit("a byte less", &|bytes| bytes.truncate(bytes.len() - 1)),
        case("no bytes", after, &[Vec::new()]),
        case("a signature alone", after, &[vec![1; 64]]),
    ];
    cases("bytes that are no entry", listed)
}

fn signatures() -> Value {
    let story = Story::whole();
    let after = story.entries.len();
    let good = story.next(&story.cast.founder, Body::Policy(Default::default()));
    let body = &good.bytes()[..good.bytes().len() - 64];
    let edit = |claim: &str, place: usize, by: u8| {
        let mut bytes = good.bytes().to_vec();
        bytes[body.len() + place] ^= by;
        case(claim, after, &[bytes])
    };
    let listed = vec![
        case("by its author", after, &[good.bytes().to_vec()]),
        case("by another member's key", after, &[signed(2, body)]),
        case("by an outsider's key", after, &[signed(9, body)]),
        edit("a bit of R is flipped", 0, 1),
        edit("a bit of S is flipped", 32, 1),
        edit("S is not reduced", 63, 0x80),
        case("all zero", after, &[[body, &[0; 64]].concat()]),
    ];
    cases("signatures of an owner's policy", listed)
}

fn exported() -> Value {
    let story = Story::whole();
    let text = archive::write(story.state.workspace(), &story.entries[..4]);
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[&str]| lines.join("\n") + "\n";
    let listed = [
        ("as exported", text.clone()),
        ("without its last entry: an older log", join(&lines[..4])),
        ("without its last line feed", text.trim_end().to_owned()),
        ("with carriage returns", text.replace('\n', "\r\n")),
        ("with an empty line", text.clone() + "\n"),
        ("an entry is missing", join(&[lines[0], lines[1], lines[3], lines[4]])),
        ("of another workspace", text.replacen(&lines[0][20..], &"ab".repeat(32), 1)),
        ("of another version", text.replacen("v1", "v2", 1)),
        ("with padding", text.replacen(lines[2], &format!("{}=", lines[2]), 1)),
    ];
    let listed = listed.map(|(claim, text)| {
        let verdict = match archive::verify(&text, None) {
            Ok((state, _)) => json!({"head": state.head().to_string()}),
            Err(error) => json!({"error": error.code().as_str()}),
        };
        json!({"claim": claim, "text": text, "verdict": verdict})
    });
    json!({"scenario": "logs as text", "cases": listed.to_vec()})
}
