//! Bytes: flipped, foreign, endless, arbitrary; what they show; what survives a crash.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Duration, Instant},
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    crypto::{derive_key, hash, label, sha256},
    encoding::{from_base64, to_base64, to_hex},
    log::{Body, Role, Scope, SignedEntry, archive},
    secret::SecretBytes,
    sync::{self, Clashes},
    vault::{MemoryVault, StoredIdentity, Vault, VaultKind, VaultLock},
    wire::Bytes,
};
use agentsecrets_hostile::{
    Answer, Asked, Device, Team, attack, code,
    device::{identity, signing_key},
    lies,
    team::Place,
};

/// After a lie the value is the old one or the new one, and the head one that honest members signed.
fn unharmed(device: &Device, place: Place, log: &[Vec<u8>], what: &str) {
    let value = device.value(place, "API_KEY");
    let good = ["fake-one", "fake-two"];
    assert!(value.as_deref().is_none_or(|value| good.contains(&value)), "{what}: {value:?}");
    let head = device.head(place.0);
    let there = log.get(head.seq as usize).map(|bytes| SignedEntry::parse(bytes).unwrap().head());
    assert_eq!(there, Some(head), "{what}");
}

#[test]
fn i10_a_flipped_bit_in_any_byte_is_refused_and_never_becomes_a_value() {
    let (team, writer) = Team::pair();
    let place = team.development();
    team.founder.put(place, "API_KEY", "fake-two").unwrap();
    let log = team.relay.entries(team.workspace);
    let delivered = team.relay.delivered(team.workspace, &writer.id()).pop().unwrap();
    let sealed = delivered.parts[0].clone().unwrap();
    let entry = log.last().unwrap().clone();
    attack();
    // Each byte of the newest entry, and each byte of the box, a bit of it.
    for number in 0..entry.len() {
        let device = writer.restarted(|_| true);
        team.relay.lie(lies::log_pages(move |_, page| {
            if let Some(Bytes(last)) = page.entries.last_mut() {
                last[number] ^= 1 << (number % 8);
            }
        }));
        device.pull(team.workspace).unwrap_err();
        unharmed(&device, place, &log, "an entry's byte");
    }
    writer.follow(team.workspace).unwrap_err();
    team.relay.repent();
    writer.follow(team.workspace).unwrap();
    for number in 0..sealed.len() {
        let device = writer.restarted(|_| true);
        team.relay.lie(lies::deliveries(move |_, page| {
            let last = page.deliveries.last_mut().and_then(|last| last.parts[0].as_mut());
            if let Some(Bytes(sealed)) = last {
                sealed[number] ^= 1 << (number % 8);
            }
        }));
        device.pull(team.workspace).unwrap_err();
        unharmed(&device, place, &log, "a box's byte");
    }
    // Bits of whole answers, wherever they fall.
    for number in 0..400 {
        let device = writer.restarted(|_| true);
        team.relay.lie(lies::flip(|_| true, number * 61));
        let _ = device.pull(team.workspace);
        unharmed(&device, place, &log, "an answer's byte");
    }
}

#[test]
fn i40_other_forms_trailing_bytes_and_unknown_versions_or_suites_are_refused() {
    let (team, writer) = Team::pair();
    let log = team.relay.entries(team.workspace);
    let newest = SignedEntry::parse(log.last().unwrap()).unwrap();
    let mut entry = newest.entry().clone();
    (entry.seq, entry.prev) = (newest.head().seq + 1, newest.hash());
    entry.body = Body::Policy(agentsecrets_core::policy::Policy::default());
    let good = entry.sign(&identity(1, agentsecrets_core::identity::Kind::Human)).unwrap();
    let body = &good.bytes()[..good.bytes().len() - 64];
    let changed = |place: usize, byte: u8| {
        let mut body = body.to_vec();
        body[place] = byte;
        body
    };
    let kind = body.len() - agentsecrets_core::encoding::encode(&good.entry().body).len();
    let forms = [
        changed(0, 2),
        changed(0, 0),
        changed(1, 2),
        changed(1, 0),
        changed(2, 5),
        changed(kind, 12),
        [body, &[0]].concat(),
        body[..body.len() - 1].to_vec(),
    ];
    attack();
    for (number, form) in forms.into_iter().enumerate() {
        // Signed by an owner: only the form is wrong.
        let signature = signing_key(1).sign(&form);
        let bytes = [form.as_slice(), &signature.0].concat();
        let mut log = log.clone();
        log.push(bytes);
        team.relay.lie(lies::log_of(log));
        let head = writer.head(team.workspace);
        assert_eq!(code(writer.follow(team.workspace)), ErrorCode::MalformedEntry, "{number}");
        assert_eq!(writer.head(team.workspace), head);
    }
    // Bytes in JSON have one form too.
    for form in ["=", "\n", " "] {
        team.relay.lie(lies::json(move |_, answer| {
            if let Some(entry) = answer["entries"].get_mut(0) {
                *entry = format!("{}{form}", entry.as_str().unwrap()).into();
            }
        }));
        assert_eq!(code(writer.follow(team.workspace)), ErrorCode::RelayMalformed, "{form:?}");
    }
}

#[test]
fn i41_a_ciphertexts_length_depends_on_the_bucket_alone() {
    let (team, writer) = Team::pair();
    let place = team.development();
    attack();
    let lengths = |values: &[usize]| -> BTreeSet<(usize, usize)> {
        let lengths = values.iter().map(|size| {
            team.relay.forget();
            let name = format!("N{}_{}", "X".repeat(size % 40), team.relay.writes());
            writer.put(place, &name, &"v".repeat(*size)).unwrap();
            let commit = team.relay.commits().pop().unwrap();
            let sealed: BTreeSet<usize> = commit
                .deliveries
                .iter()
                .map(|one| one.ciphertext.as_ref().unwrap().0.len())
                .collect();
            assert_eq!(sealed.len(), 1, "members' boxes differ in length");
            (*sealed.first().unwrap(), commit.entries[0].0.len())
        });
        lengths.collect()
    };
    for (sizes, bucket) in [(&[0, 1, 17, 60, 99, 130][..], 512), (&[600, 651, 660], 1024)] {
        let lengths = lengths(sizes);
        assert_eq!(lengths.len(), 1, "{lengths:?}");
        assert_eq!(lengths.first().unwrap().0, bucket + sealed_overhead());
    }
}

fn sealed_overhead() -> usize {
    agentsecrets_core::sealed_box::SEAL_OVERHEAD
}

/// A text in the forms in which it might be found: raw, hexadecimal, base64 at each alignment.
fn forms(what: &[u8]) -> Vec<Vec<u8>> {
    let mut forms =
        vec![what.to_vec(), to_hex(what).into_bytes(), to_hex(what).to_uppercase().into_bytes()];
    for shift in 0..3_usize {
        let text = to_base64(&[&vec![0; shift][..], what].concat());
        // Characters that other bytes beside it have a share in are left out.
        let first = (shift * 8).div_ceil(6);
        let whole = (shift + what.len()) * 8 / 6;
        let form = text.as_bytes()[first..whole].to_vec();
        forms.push(
            form.iter()
                .map(|c| match c {
                    b'-' => b'+',
                    b'_' => b'/',
                    c => *c,
                })
                .collect(),
        );
        forms.push(form);
    }
    forms.retain(|form| form.len() >= 4);
    forms
}

/// Everything that came in: targets, headers, bodies, and what base64 in them stands for.
fn held(seen: &[(Asked, Answer)]) -> Vec<Vec<u8>> {
    let mut held = Vec::new();
    for (asked, answer) in seen {
        held.push(asked.target.clone().into_bytes());
        held.extend(asked.headers.iter().map(|(_, value)| value.clone().into_bytes()));
        for body in [&asked.body, &answer.body] {
            let text = String::from_utf8_lossy(body).into_owned();
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
            held.extend(words.filter_map(from_base64));
            held.push(body.clone());
        }
    }
    held
}

fn nowhere(held: &[Vec<u8>], what: &[u8], which: &str) {
    for form in forms(what) {
        let found = held.iter().any(|bytes| bytes.windows(form.len()).any(|part| part == form));
        assert!(!found, "the relay holds {which}");
    }
}

/// Unsalted digests of a value that a dictionary would try.
fn digests(value: &[u8]) -> Vec<Vec<u8>> {
    let labels = [
        label::ITEM_COMMITMENT,
        label::NAME_COMMITMENT,
        label::POLICY_COMMITMENT,
        label::SEALED_HASH,
        label::ENTRY_HASH,
        label::WORKSPACE_KEY_COMMITMENT,
    ];
    let mut digests = vec![sha256(value).to_vec()];
    for label in labels {
        digests.push(hash(label, &[value]).to_vec());
        digests.push(agentsecrets_core::crypto::commit(label, &[0; 32], value).to_vec());
        digests.push(derive_key(label, value).expose().to_vec());
    }
    digests
}

#[test]
fn i42_what_the_relay_ever_held_shows_no_name_value_label_or_unsalted_digest() {
    attack();
    let (team, writer) = Team::pair();
    let place = team.development();
    let names = ["ZEBRA_TOKEN", "QUAGGA_URL", "PIN_CODE"];
    let values = ["fake-zebra-value", "https://quagga.invalid/x", "4711-okapi"];
    for (name, value) in names.iter().zip(values) {
        writer.put(place, name, value).unwrap();
    }
    writer.put(place, "ZEBRA_TOKEN", "fake-zebra-second").unwrap();
    let reader = team.admit(3, Role::Reader, Scope::All);
    let sync = |start| sync::sync(start, team.workspace, None, Clashes::Refuse);
    team.founder.client.run(sync).unwrap();
    reader.pull(team.workspace).unwrap();
    assert_eq!(reader.value(place, "PIN_CODE").as_deref(), Some("4711-okapi"));
    let held = held(&team.relay.seen());
    let texts = names.iter().chain(&values).chain(&[
        "fake-zebra-second",
        "fake-one",
        "API_KEY",
        "laptop",
        "device-2",
        "device-3",
        "development",
        "production",
    ]);
    for text in texts {
        nowhere(&held, text.as_bytes(), text);
        digests(text.as_bytes()).iter().for_each(|digest| nowhere(&held, digest, "a digest"));
    }
}

/// The most memory that this process ever had resident, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

const CHILD: &str = "AGENTSECRETS_HOSTILE_CHILD";

#[test]
fn i43_oversized_or_endless_answers_cost_bounded_memory_and_time() {
    if std::env::var_os(CHILD).is_some() {
        return measured();
    }
    let name = "bytes::i43_oversized_or_endless_answers_cost_bounded_memory_and_time";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
    attack();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let text = String::from_utf8_lossy(&child.stdout).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("MiB")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    lines.iter().for_each(|line| shown(line));
}

#[allow(clippy::print_stdout)]
fn shown(line: &str) {
    println!("{line}");
}

fn measured() {
    let (team, writer) = Team::pair();
    let answers = [("endless", lies::endless()), ("oversized", lies::oversized())];
    attack();
    for (word, answer) in answers {
        let (before, start) = (peak(), Instant::now());
        let vault = writer.dump();
        team.relay.lie(lies::always(answer));
        assert_eq!(code(writer.pull(team.workspace)), ErrorCode::RelayTooLarge);
        let (more, time) = ((peak() - before) >> 20, start.elapsed());
        shown(&format!("{word}: {more} MiB more at the peak, {} ms", time.as_millis()));
        assert!(more < 64 && time < Duration::from_secs(15));
        assert_eq!(writer.dump(), vault);
    }
}

/// Numbers that repeat from run to run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

fn odd(dice: &mut Dice) -> serde_json::Value {
    use serde_json::json;
    let odd = [
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(""),
        json!("AAAA"),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!(true),
        json!({"seq": u64::MAX, "hash": "00"}),
        json!("0".repeat(64)),
        json!([{"seq": 0, "parts": [null], "hashes": [], "path": []}]),
        json!([to_base64(&[1, 1, 2])]),
        json!({"seq": u64::MAX, "hash": "0".repeat(64)}),
    ];
    odd[dice.roll(odd.len())].clone()
}

/// An answer with one thing in it changed, or something else altogether.
fn arbitrary(honest: Answer, dice: &mut Dice) -> Answer {
    let statuses = [200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 422, 500];
    let status = statuses[dice.roll(statuses.len())];
    let mut value = honest.value();
    match dice.roll(4) {
        0 => {
            let bytes = (0..dice.roll(200)).map(|_| dice.roll(256) as u8).collect();
            return Answer::bytes(status, bytes);
        }
        1 => {
            let fields = ["entries", "head", "more", "deliveries", "server_time", "code", "reply"];
            let mut made = serde_json::Map::new();
            for field in fields {
                made.insert(field.to_owned(), odd(dice));
            }
            value = made.into();
        }
        2 => {
            if let Some(fields) = value.as_object_mut() {
                let names: Vec<String> = fields.keys().cloned().collect();
                if !names.is_empty() {
                    let name = names[dice.roll(names.len())].clone();
                    fields.insert(name, odd(dice));
                }
            }
        }
        _ => {
            let list = ["entries", "deliveries"][dice.roll(2)];
            if let Some(list) = value.get_mut(list).and_then(|list| list.as_array_mut()) {
                list.truncate(dice.roll(3));
                if let Some(first) = list.first_mut().and_then(|first| first.as_object_mut()) {
                    let fields = ["seq", "parts", "hashes", "path"];
                    first.insert(fields[dice.roll(4)].to_owned(), odd(dice));
                }
            }
        }
    }
    Answer::json(if dice.roll(2) == 0 { 200 } else { status }, &value)
}

#[test]
fn i44_arbitrary_answers_never_panic() {
    let (team, writer) = Team::pair();
    let place = team.development();
    let applicant = team.applicant(9, Role::Reader, Scope::All);
    let log = team.relay.entries(team.workspace);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    attack();
    for round in 0..400 {
        let dice = std::sync::Mutex::new(Dice(dice.roll(usize::MAX) as u64 | 1));
        team.relay.lie(move |asked, honest| {
            // Nothing reaches the honest relay that would change it.
            let honest =
                if asked.writes() { Answer::bytes(201, b"{}".to_vec()) } else { honest(asked) };
            arbitrary(honest, &mut dice.lock().unwrap())
        });
        let device = writer.restarted(|_| true);
        match round % 4 {
            0 => drop(device.put(place, "API_KEY", "fake-two")),
            1 => drop(
                team.founder
                    .restarted(|_| true)
                    .client
                    .run(|start| sync::admit_replies(start, team.workspace, true)),
            ),
            2 => drop(applicant.restarted(|_| true).pull(team.workspace)),
            _ => drop(device.pull(team.workspace)),
        }
        if round % 4 != 0 {
            unharmed(&device, place, &log, "arbitrary");
        }
    }
}

#[test]
fn i45_of_concurrent_pushes_one_wins_and_no_acknowledged_version_is_overwritten() {
    let (team, writer) = Team::pair();
    let place = team.development();
    team.founder.change(place, "API_KEY", Some("fake-of-founder")).unwrap();
    writer.change(place, "API_KEY", Some("fake-of-writer")).unwrap();
    attack();
    team.founder.push(place).unwrap();
    assert_eq!(code(writer.push(place)), ErrorCode::Conflict);
    assert_eq!(writer.value(place, "API_KEY").as_deref(), Some("fake-of-writer"), "kept here");
    let mine = |start| sync::push(start, place.0, place.1, true);
    writer.client.run(mine).unwrap();
    team.founder.pull(team.workspace).unwrap();
    assert_eq!(team.founder.value(place, "API_KEY").as_deref(), Some("fake-of-writer"));
    let secret = team.secret(place, "API_KEY");
    let snapshot = team.founder.snapshot(place);
    let second = snapshot.held(&secret).unwrap().version(2).unwrap();
    assert_eq!(second.value.as_ref().unwrap().value.expose(), b"fake-of-founder");
    // Another secret: the second one rebases.
    team.founder.change(place, "OF_FOUNDER", Some("fake")).unwrap();
    writer.change(place, "OF_WRITER", Some("fake")).unwrap();
    team.founder.push(place).unwrap();
    writer.push(place).unwrap();
    // A relay that says for ever that somebody was first.
    team.relay.lie(|asked, honest| match asked.is_commit() {
        true => Answer::bytes(409, br#"{"code":"head_moved"}"#.to_vec()),
        false => honest(asked),
    });
    team.relay.forget();
    assert_eq!(code(writer.put(place, "API_KEY", "fake-never")), ErrorCode::Contended);
    assert!(team.relay.seen().len() < 100);
}

/// A vault that fails from some write on, as a full disk or a killed process does.
struct Failing {
    inner: MemoryVault,
    left: AtomicUsize,
}

impl Failing {
    fn spend(&self) -> Result<()> {
        let spent = self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        spent.map(drop).map_err(|_| Error::new(ErrorCode::VaultIo, "the device is off"))
    }
}

impl Vault for Failing {
    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }

    fn identity(&self) -> Result<Option<StoredIdentity>> {
        self.inner.identity()
    }

    fn store_identity(&self, identity: &StoredIdentity) -> Result<()> {
        self.spend()?;
        self.inner.store_identity(identity)
    }

    fn load(&self, key: &str) -> Result<Option<SecretBytes>> {
        self.inner.load(key)
    }

    fn store(&self, key: &str, bytes: &SecretBytes) -> Result<()> {
        self.spend()?;
        self.inner.store(key, bytes)
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.spend()?;
        self.inner.remove(key)
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        self.inner.keys(prefix)
    }

    fn lock(&self, wait: Duration) -> Result<VaultLock> {
        self.inner.lock(wait)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

#[test]
fn i46_a_crash_at_every_write_leaves_an_openable_vault_that_goes_on() {
    let (team, writer) = Team::pair();
    let place = team.development();
    attack();
    let mut crashes = 0;
    for writes in 0.. {
        team.founder.put(place, "OTHERS", &format!("fake-{writes}")).unwrap();
        let (name, value) = (format!("NAME_{writes}"), format!("fake-value-{writes}"));
        writer.pull(team.workspace).unwrap();
        writer.change(place, &name, Some(&value)).unwrap();
        writer.change(place, "API_KEY", Some(&value)).unwrap();
        let vault = Failing { inner: MemoryVault::default(), left: AtomicUsize::new(usize::MAX) };
        for (key, bytes) in writer.dump() {
            vault.inner.store(&key, &SecretBytes::copy_of(&bytes)).unwrap();
        }
        vault.left.store(writes, SeqCst);
        let human = agentsecrets_core::identity::Kind::Human;
        let device = Device::on(writer.seed(), human, Box::new(vault));
        let result = device.push(place).and_then(|_| device.pull(team.workspace));
        // On the same vault, after the restart.
        let after = device.restarted(|_| true);
        after.push(place).unwrap();
        after.pull(team.workspace).unwrap();
        team.founder.pull(team.workspace).unwrap();
        for device in [&after, &team.founder] {
            assert_eq!(device.value(place, &name).as_deref(), Some(value.as_str()), "{writes}");
            assert_eq!(device.value(place, "API_KEY").as_deref(), Some(value.as_str()), "{writes}");
        }
        assert!(
            after.snapshot(place).local.is_empty() && after.snapshot(place).shadowed.is_empty()
        );
        // The twin that crashed goes on as the writer.
        writer_takes(&writer, &after);
        crashes += usize::from(result.is_err());
        if result.is_ok() {
            break;
        }
    }
    assert!(crashes >= 4, "only {crashes} writes");
}

fn writer_takes(writer: &Device, after: &Device) {
    let vault = writer.client.vault();
    for (key, bytes) in after.dump() {
        vault.store(&key, &SecretBytes::copy_of(&bytes)).unwrap();
    }
}

#[test]
fn i47_private_keys_appear_in_no_request_log_debug_text_or_error() {
    attack();
    let (team, writer) = Team::pair();
    let place = team.development();
    let invitation = team.invite(Role::Reader, Scope::All);
    let mut texts = vec![
        format!("{:?} {:#?}", writer.identity(), writer.client),
        format!("{:?} {:?}", writer, writer.identity().expose_seed()),
        format!("{invitation:?} {:?}", writer.view(team.workspace)),
        format!("{:?}", writer.snapshot(place)),
    ];
    writer.put(place, "API_KEY", "fake-two").unwrap();
    for answer in
        [lies::html(), Answer::bytes(403, b"{}".to_vec()), Answer::bytes(200, b"{".to_vec())]
    {
        team.relay.lie(lies::always(answer));
        let error = writer.put(place, "API_KEY", "fake-three").unwrap_err();
        texts.push(format!("{error} {error:?} {}", error.hint()));
    }
    let mut held = held(&team.relay.seen());
    held.extend(texts.into_iter().map(String::into_bytes));
    for seed in [1_u8, 2] {
        let seed = [seed; 32];
        nowhere(&held, &seed, "a seed");
        for derived in [label::SIGNING_KEY, label::OPENING_KEY] {
            nowhere(&held, derive_key(derived, &seed).expose(), "a private key");
        }
        let listed = format!("{seed:?}");
        nowhere(&held, listed.trim_matches(['[', ']']).as_bytes(), "a seed as a list");
    }
    for held in held {
        assert!(!held.windows(9).any(|part| part == b"fake-two\"" || part == b"fake-thre"));
    }
}

#[test]
fn i48_an_exported_log_verifies_offline_and_any_edit_is_caught() {
    let (team, writer) = Team::pair();
    writer.put(team.development(), "API_KEY", "fake-two").unwrap();
    let entries = writer.client.read(|start| sync::entries(start, team.workspace)).unwrap();
    let (text, head) = (archive::write(team.workspace, &entries), writer.head(team.workspace));
    attack();
    assert_eq!(archive::verify(&text, Some(head)).unwrap().0.head(), head);
    let caught = |text: &str| archive::verify(text, Some(head)).is_err();
    // Whole lines, each still ended as the format wants: cut at every line; each line dropped, doubled, moved.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for cut in 0..lines.len() {
        assert!(caught(&lines[..cut].concat()), "cut at {cut}");
    }
    for place in 0..lines.len() {
        let mut edited = lines.clone();
        edited.remove(place);
        assert!(caught(&edited.concat()), "without line {place}");
        edited.insert(place, lines[place]);
        edited.insert(place, lines[place]);
        assert!(caught(&edited.concat()), "line {place} twice");
        let mut edited = lines.clone();
        edited.swap(place, (place + 1) % lines.len());
        assert!(caught(&edited.concat()), "line {place} moved");
    }
    for place in (0..text.len()).step_by(7) {
        let mut edited = text.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        assert!(caught(&String::from_utf8(edited).unwrap()), "character {place}");
    }
}
