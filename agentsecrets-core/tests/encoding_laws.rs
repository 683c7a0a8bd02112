//! Every encoded structure has one form: what parses encodes to the bytes that came in, and bytes that
//! are cut off or go on are refused.

#![allow(clippy::unwrap_used)]

mod story;

use agentsecrets_core::{
    ErrorCode,
    crypto::{BoxSecretKey, Entropy, Signature, crypto_box, derive_key, label},
    encoding::{
        BatchId, Commitment, DeliveriesRoot, EntryHash, EnvironmentId, Head, MemberId, PersonId,
        SealedHash, SecretId, WorkspaceId, encode, parse,
    },
    fingerprint::HeadFile,
    identity::{Destination, Identity, IdentityString, Kind, Recipient},
    invitation::{Invitation, InvitationReply, Token},
    log::{
        Body, Entry, Role, Scope, ScopeItem, SignedEntry, State,
        ack::{Ack, MAX_MISSING},
        archive,
        entry::{
            Action, Admit, Change, Create, Environment, Genesis, Invite, Item, Operation, Push,
            Reason, Rekey, Remove, Removed, Share, Stray, Uninvite, VersionRef,
        },
        membership::How,
    },
    name::SecretName,
    parcel::{Envelope, Parcel, ParcelItem, pack},
    policy::{Policy, Staleness},
    secret::{Key, SecretBytes},
    snapshot::{Attempt, GivenUp, Held, HeldValue, HeldVersion, Left, Local, Snapshot},
    workspace_key::{SealedLabel, WorkspaceKey, unwrap, wrap},
};
use borsh::{BorshDeserialize, BorshSerialize};
use proptest::prelude::*;
use story::Story;

/// Parses, and gives back what the parsed value encodes to.
type Reader<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// The law itself, with a few changed bytes: refused, or read as exactly those bytes.
fn law(bytes: &[u8], read: Reader<'_>, random: &mut Random) {
    assert_eq!(read(bytes).as_deref(), Some(bytes), "does not read back");
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_none(), "cut off at {length} of {}", bytes.len());
    }
    assert!(read(&[bytes, &[0]].concat()).is_none(), "goes on");
    assert!(read(&[bytes, bytes].concat()).is_none(), "stands twice");
    for _ in 0..bytes.len().min(200) {
        let mut other = bytes.to_vec();
        other[random.below(bytes.len())] ^= 1 << random.below(8);
        let again = read(&other);
        assert!(again.is_none_or(|again| again == other), "a second form");
    }
}

fn read<T: BorshDeserialize + BorshSerialize>(bytes: &[u8]) -> Option<Vec<u8>> {
    parse::<T>(bytes, ErrorCode::MalformedEntry, "structure").ok().map(|value| encode(&value))
}

/// Structures of any shape from 32 bytes.
struct Random(Entropy);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        (u64::from_le_bytes(self.0.bytes()) % end as u64) as usize
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.0.bytes()) >> self.below(64)
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| one(self)).collect()
    }

    fn maybe<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| one(self))
    }

    fn some_bytes(&mut self) -> Vec<u8> {
        (0..self.below(40)).map(|_| self.0.bytes::<1>()[0]).collect()
    }

    fn text(&mut self) -> String {
        (0..self.below(20)).map(|_| ['a', 'Z', '\u{e9}', '\u{1f511}'][self.below(4)]).collect()
    }

    fn name(&mut self) -> SecretName {
        let mut name = ["A", "b", "_"][self.below(3)].to_owned();
        (0..self.below(20)).for_each(|_| name.push(['A', 'z', '0', '_'][self.below(4)]));
        SecretName::parse(&name).unwrap()
    }

    fn identity(&mut self) -> Identity {
        let kind = Kind::ALL[self.below(4)];
        Identity::from_seed(self.0.key(), kind)
    }

    fn recipient(&mut self) -> Recipient {
        self.identity().recipient().clone()
    }

    fn head(&mut self) -> Head {
        Head { seq: self.number(), hash: EntryHash(self.0.bytes()) }
    }

    fn label(&mut self) -> SealedLabel {
        SealedLabel { generation: self.number() as u32, ciphertext: self.some_bytes() }
    }

    fn commitment(&mut self) -> Commitment {
        Commitment(self.0.bytes())
    }

    fn environment(&mut self) -> EnvironmentId {
        EnvironmentId(self.0.bytes())
    }

    fn secret(&mut self) -> SecretId {
        SecretId(self.0.bytes())
    }

    fn member(&mut self) -> MemberId {
        MemberId(self.0.bytes())
    }

    fn version(&mut self) -> VersionRef {
        VersionRef { secret: self.secret(), version: self.number() }
    }

    fn stray(&mut self) -> Stray {
        Stray { member: self.member(), environment: self.environment(), version: self.version() }
    }

    fn role(&mut self) -> Role {
        Role::ALL[self.below(4)]
    }

    fn scope(&mut self) -> Scope {
        if self.flip() {
            return Scope::All;
        }
        Scope::Only(self.list(|random| ScopeItem {
            environment: random.environment(),
            secrets: random.maybe(|random| random.list(Self::secret)),
        }))
    }

    fn policy(&mut self) -> Policy {
        let staleness = [Staleness::Warns, Staleness::BlocksPush, Staleness::BlocksBoth];
        Policy {
            freshness_seconds: self.number(),
            staleness: staleness[self.below(3)],
            first_use: self.flip(),
            retention_days: self.number() as u32,
        }
    }

    fn operation(&mut self) -> Operation {
        if self.flip() { Operation::Delete } else { Operation::Put(self.commitment()) }
    }

    fn item(&mut self) -> Item {
        Item {
            secret: self.secret(),
            version: self.number(),
            operation: self.operation(),
            create: self.maybe(|r| Create { name_commitment: r.commitment(), name: r.label() }),
            policy: self.maybe(Self::commitment),
            differs_from: self.list(Self::version),
        }
    }

    fn admit(&mut self) -> Admit {
        let how = [
            How::Founder,
            How::Invitation(EntryHash(self.0.bytes())),
            How::OutOfBand,
            How::FirstUse,
        ];
        Admit {
            recipient: self.recipient(),
            person: PersonId(self.0.bytes()),
            role: self.role(),
            scope: self.scope(),
            how: how[self.below(4)],
            proof: self.maybe(|random| Signature(random.0.bytes())),
            person_proof: self.maybe(|random| (random.member(), Signature(random.0.bytes()))),
            grant: self.maybe(|random| SealedHash(random.0.bytes())),
            label: self.label(),
        }
    }

    fn body(&mut self, kind: usize) -> Body {
        match kind {
            0 => Body::Genesis(Genesis {
                founder: self.recipient(),
                person: PersonId(self.0.bytes()),
                policy: self.policy(),
                key_commitment: self.commitment(),
                name: self.label(),
                label: self.label(),
            }),
            1 => Body::Environment(Environment {
                id: self.environment(),
                action: [Action::Create, Action::Rename, Action::Archive][self.below(3)],
                label: self.label(),
            }),
            2 => Body::Invite(Invite {
                key: *self.recipient().verifying_key(),
                role: self.role(),
                scope: self.scope(),
                expires: self.number(),
            }),
            3 => Body::Uninvite(Uninvite { invite: EntryHash(self.0.bytes()) }),
            4 => Body::Admit(Box::new(self.admit())),
            5 => Body::Change(Change {
                member: self.member(),
                role: self.role(),
                scope: self.scope(),
                grant: self.maybe(|random| SealedHash(random.0.bytes())),
            }),
            6 => Body::Remove(Remove {
                who: match self.flip() {
                    true => Removed::Persons(self.list(|random| PersonId(random.0.bytes()))),
                    false => Removed::Members(self.list(Self::member)),
                },
                reason: Reason::ALL[self.below(4)],
            }),
            7 => Body::Leave,
            8 => Body::Rekey(Rekey {
                generation: self.number() as u32,
                commitment: self.commitment(),
                root: DeliveriesRoot(self.0.bytes()),
            }),
            9 => Body::Push(Push {
                batch: BatchId(self.0.bytes()),
                environment: self.environment(),
                items: self.list(Self::item),
                strays: self.list(Self::stray),
                root: DeliveriesRoot(self.0.bytes()),
            }),
            10 => Body::Share(Share {
                batch: BatchId(self.0.bytes()),
                environment: self.environment(),
                versions: self.list(Self::version),
                recipients: self.list(Self::member),
                differs: self.list(|random| (random.version(), random.version())),
                strays: self.list(Self::stray),
                root: DeliveriesRoot(self.0.bytes()),
            }),
            _ => Body::Policy(self.policy()),
        }
    }

    fn entry(&mut self, kind: usize) -> SignedEntry {
        let author = self.identity();
        let mut entry = Entry::genesis(self.number(), author.id(), self.genesis());
        entry.workspace = WorkspaceId(self.0.bytes());
        (entry.seq, entry.prev) = (self.number(), EntryHash(self.0.bytes()));
        entry.body = self.body(kind);
        entry.sign(&author).unwrap()
    }

    fn genesis(&mut self) -> Genesis {
        let Body::Genesis(genesis) = self.body(0) else { unreachable!() };
        genesis
    }

    fn envelope(&mut self) -> Envelope {
        Envelope {
            workspace: WorkspaceId(self.0.bytes()),
            batch: BatchId(self.0.bytes()),
            author: self.member(),
            recipient: self.member(),
            environment: self.environment(),
        }
    }

    fn value(&mut self) -> SecretBytes {
        SecretBytes::new(self.some_bytes())
    }

    fn parcel_item(&mut self) -> ParcelItem {
        ParcelItem {
            secret: self.secret(),
            version: self.number(),
            name: self.name(),
            name_salt: self.0.bytes(),
            policy: self.some_bytes(),
            policy_salt: self.0.bytes(),
            salt: self.0.bytes(),
            value: self.value(),
        }
    }

    fn held(&mut self) -> Held {
        Held {
            id: self.secret(),
            name: self.name(),
            name_salt: self.0.bytes(),
            policy: self.some_bytes(),
            policy_salt: self.0.bytes(),
            versions: self.list(|random| HeldVersion {
                version: random.number(),
                author: random.member(),
                time: random.number(),
                value: random.maybe(|random| HeldValue {
                    salt: random.0.bytes(),
                    commitment: random.commitment(),
                    value: random.value(),
                }),
            }),
            given_up: self
                .list(|random| GivenUp { time: random.number(), value: random.maybe(Self::value) }),
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            workspace: WorkspaceId(self.0.bytes()),
            environment: self.environment(),
            label: self.text(),
            head: self.maybe(Self::head),
            synced_at: self.number(),
            secrets: self.list(Self::held).into(),
            shadowed: self.list(Self::secret),
            local: self
                .list(|random| Local {
                    name: random.name(),
                    base: random.maybe(|random| (random.secret(), random.number())),
                    time: random.number(),
                    value: random.maybe(Self::value),
                })
                .into(),
            left: self.list(|random| Left {
                name: random.name(),
                value: random.value(),
                members: random.list(Self::member),
            }),
            attempts: self.list(|random| Attempt {
                seq: random.number(),
                batch: BatchId(random.0.bytes()),
                time: random.number(),
                recipients: random.list(Self::member),
                puts: random.list(|random| (random.parcel_item(), random.commitment())),
                deletions: random.list(|random| (random.secret(), random.number())),
            }),
        }
    }
}

fn read_entry(bytes: &[u8]) -> Option<Vec<u8>> {
    let signed = SignedEntry::parse(bytes).ok()?;
    assert_eq!(signed.bytes(), bytes);
    Some([encode(signed.entry()), bytes[bytes.len() - 64..].to_vec()].concat())
}

/// A signature's bytes are free, so cutting an entry off is refused by the form of what is left.
fn entry_law(entry: &SignedEntry, random: &mut Random) {
    let bytes = entry.bytes();
    let body = encode(entry.entry());
    assert_eq!(read_entry(bytes).as_deref(), Some(bytes));
    law(&body, &read::<Entry>, random);
    assert!((0..bytes.len()).all(|length| SignedEntry::parse(&bytes[..length]).is_err()));
    assert!(SignedEntry::parse(&[bytes, &[0]].concat()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn entries_of_every_kind_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        for kind in 0..12 {
            let entry = random.entry(kind);
            // The kind stands after header, workspace, seq, prev, time and author.
            prop_assert_eq!(usize::from(entry.bytes()[115]), kind);
            entry_law(&entry, &mut random);
        }
    }

    #[test]
    fn policies_labels_scopes_and_heads_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        law(&encode(&random.policy()), &read::<Policy>, &mut random);
        law(&encode(&random.label()), &read::<SealedLabel>, &mut random);
        law(&encode(&random.scope()), &read::<Scope>, &mut random);
        let head = random.head();
        law(&encode(&head), &read::<Head>, &mut random);
        prop_assert_eq!(Head::parse(&head.to_string()), Some(head));
    }

    #[test]
    fn acks_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        let by = random.identity();
        let (workspace, head) = (WorkspaceId(random.0.bytes()), random.head());
        let missing = random.list(Random::version);
        let ack = Ack::new(workspace, by.id(), head, random.number(), missing);
        law(&encode(&ack), &read::<Ack>, &mut random);
        let signed = ack.sign(&by);
        let open = |bytes: &[u8]| Ack::open(bytes, |_| Some(*by.recipient().verifying_key())).ok();
        prop_assert_eq!(open(&signed).map(|ack| ack.sign(&by)), Some(signed.clone()));
        prop_assert!((0..signed.len()).all(|length| open(&signed[..length]).is_none()));
        prop_assert!(open(&[signed.as_slice(), &[0]].concat()).is_none());
        for place in 0..signed.len() {
            let mut other = signed.clone();
            other[place] ^= 1 << random.below(8);
            prop_assert!(open(&other).is_none(), "byte {} changed", place);
        }
        let many = (0..=MAX_MISSING as u64).map(|version| VersionRef { version, ..random.version() });
        let ack = Ack::new(workspace, by.id(), head, 0, many.collect());
        prop_assert_eq!(open(&ack.sign(&by)).map(|ack| ack.missing.len()), Some(MAX_MISSING));
    }

    #[test]
    fn head_files_have_one_form_save_the_end_of_their_line(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        let file = HeadFile { workspace: WorkspaceId(random.0.bytes()), head: random.head() };
        let text = file.to_string();
        let line = text.trim_end();
        prop_assert!(text.ends_with('\n') && line.len() + 1 == text.len());
        for end in ["", "\n", "\r\n"] {
            prop_assert_eq!(HeadFile::parse(&format!("{line}{end}")), Some(file));
        }
        prop_assert!((0..line.len()).all(|length| HeadFile::parse(&line[..length]).is_none()));
        for other in [format!("{line} x"), format!(" {line}"), line.replacen(' ', "  ", 1)] {
            prop_assert_eq!(HeadFile::parse(&other), None);
        }
        prop_assert_eq!(HeadFile::parse(&text.repeat(2)), None);
        for place in 0..line.len() {
            let mut other = line.as_bytes().to_vec();
            other[place] ^= 1 << random.below(7);
            let other = String::from_utf8(other).unwrap();
            let again = HeadFile::parse(&other).map(|file| file.to_string());
            prop_assert!(again.is_none_or(|again| again.trim_end() == other.trim_end()), "{}", other);
        }
    }

    #[test]
    fn snapshots_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        law(&encode(&random.snapshot()), &read::<Snapshot>, &mut random);
    }

    #[test]
    fn recipients_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        let recipient = random.recipient();
        law(&encode(&recipient), &|bytes| Some(encode(&Recipient::from_bytes(bytes).ok()?)), &mut random);
        prop_assert_eq!(Recipient::parse(&recipient.to_string()).unwrap(), recipient);
    }

    #[test]
    fn replies_to_invitations_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        let (invitation, joiner) = (invitation(&mut random), random.identity());
        let label = random.text();
        let reply = invitation.accept(&joiner, &label, &mut random.0);
        law(&encode(&reply), &|bytes| Some(encode(&InvitationReply::parse(bytes).ok()?)), &mut random);
    }

    #[test]
    fn parcels_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        let (envelope, label) = (random.envelope(), random.text());
        let mut items = random.list(Random::parcel_item);
        items.push(random.parcel_item());
        let padded = pack(&envelope, &label, &items.iter().collect::<Vec<_>>());
        prop_assert_eq!(padded.len(), 1);
        law(&padded[0], &|bytes| {
            let parcel = Parcel::parse(bytes, &envelope).ok()?;
            let items: Vec<_> = parcel.items.iter().collect();
            Some(pack(&parcel.envelope, &parcel.environment_label, &items)[0].to_vec())
        }, &mut random);
        let content = &padded[0][4..4 + u32::from_le_bytes(padded[0][..4].try_into().unwrap()) as usize];
        law(content, &read::<Parcel>, &mut random);
    }

    #[test]
    fn grants_have_one_form(seed in any::<[u8; 32]>(), generations in 1..4_usize) {
        let mut random = Random(Entropy::new(seed));
        let (from_seed, to) = (random.0.bytes::<32>(), random.identity());
        let from = Identity::from_seed(Key::new(from_seed), Kind::Human);
        let opening = BoxSecretKey::new(derive_key(label::OPENING_KEY, &from_seed));
        let keys: Vec<[u8; 32]> = (0..generations).map(|_| random.0.bytes()).collect();
        let key: WorkspaceKey = parse(&encode(&keys), ErrorCode::GrantMismatch, "key").unwrap();
        let (workspace, commitments) = (WorkspaceId(random.0.bytes()), key.commitments());
        // As `spec/parcel.md` has it: header, workspace, from, to, generations.
        let plain = [&[1, 1, 7], workspace.0.as_slice(), &from.id().0, &to.id().0, &encode(&keys)].concat();
        let opens = |plain: &[u8]| {
            let boxed = crypto_box(&opening, to.recipient().box_key(), plain, &mut Entropy::new(seed));
            let sender = (&from.id(), from.recipient().box_key());
            unwrap(&to, sender, workspace, &commitments, &boxed).ok()
        };
        prop_assert_eq!(opens(&plain).unwrap().commitments(), commitments.clone());
        prop_assert!((0..plain.len()).all(|length| opens(&plain[..length]).is_none()));
        prop_assert!(opens(&[plain.as_slice(), &[0]].concat()).is_none());
        for place in 0..plain.len() {
            let mut other = plain.clone();
            other[place] ^= 1 << random.below(8);
            prop_assert!(opens(&other).is_none(), "byte {} changed", place);
        }
        let boxed = wrap(&from, to.recipient(), workspace, &key, &mut Entropy::new(seed));
        prop_assert_eq!(boxed.len(), plain.len() + 40);
    }

    #[test]
    fn invitation_codes_and_identity_strings_have_one_form(seed in any::<[u8; 32]>()) {
        let mut random = Random(Entropy::new(seed));
        let code = invitation(&mut random).expose();
        string_law(code.expose(), &mut random, &|text| {
            Some(Invitation::parse(text).ok()?.expose().expose().to_vec())
        });
        let destination = random.maybe(|random| Destination {
            workspace: WorkspaceId(random.0.bytes()),
            relay: random.text(),
            head: random.head(),
        });
        let string = IdentityString::new(&random.identity(), destination).expose();
        string_law(string.expose(), &mut random, &|text| {
            Some(IdentityString::parse(text).ok()?.expose().expose().to_vec())
        });
        let recipient = random.recipient().to_string();
        string_law(recipient.as_bytes(), &mut random, &|text| {
            Some(Recipient::parse(text).ok()?.to_string().into_bytes())
        });
    }
}

fn invitation(random: &mut Random) -> Invitation {
    let token = Token::generate(&mut random.0);
    let (workspace, inviter) = (WorkspaceId(random.0.bytes()), random.member());
    let invite = EntryHash(random.0.bytes());
    let (head, relay, expires) = (random.head(), random.text(), random.number());
    Invitation::new(workspace, invite, inviter, head, relay, expires, token)
}

/// A wrong, missing or further character is refused; so is every second text of the same bytes.
fn string_law(text: &[u8], random: &mut Random, read: &dyn Fn(&str) -> Option<Vec<u8>>) {
    let text = std::str::from_utf8(text).unwrap();
    assert_eq!(read(text).unwrap(), text.as_bytes());
    assert!((0..text.len()).all(|length| read(&text[..length]).is_none()));
    let separator = text.find('1').unwrap();
    for place in separator + 1..text.len() {
        let mut other = text.as_bytes().to_vec();
        let letter = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"[random.below(32)];
        if std::mem::replace(&mut other[place], letter) != letter {
            assert!(read(std::str::from_utf8(&other).unwrap()).is_none(), "letter {place}");
        }
    }
    for other in second_texts(text) {
        assert!(read(&other).is_none(), "{other} is a second text");
    }
}

/// Texts with a right checksum whose spare bits are not zero, or with five spare bits too many.
fn second_texts(text: &str) -> Vec<String> {
    use bech32::{
        Bech32m, Fe32, Hrp,
        primitives::decode::CheckedHrpstring,
        primitives::iter::{ByteIterExt, Fe32IterExt},
    };
    let checked = CheckedHrpstring::new::<Bech32m>(text).unwrap();
    let prefix: Hrp = checked.hrp();
    let bytes: Vec<u8> = checked.byte_iter().collect();
    let groups: Vec<Fe32> = bytes.iter().copied().bytes_to_fes().collect();
    let spare = groups.len() * 5 - bytes.len() * 8;
    let mut others = vec![[groups.as_slice(), &[Fe32::Q]].concat()];
    for bit in 0..spare {
        let mut other = groups.clone();
        let last = other.pop().unwrap();
        other.push(Fe32::try_from(last.to_u8() ^ (1 << bit)).unwrap());
        others.push(other);
    }
    others
        .into_iter()
        .map(|groups| groups.into_iter().with_checksum::<Bech32m>(&prefix).chars().collect())
        .collect()
}

#[test]
fn a_whole_logs_entries_and_its_state_have_one_form() {
    let mut random = Random(Entropy::new([1; 32]));
    let story = Story::whole();
    for entry in &story.entries {
        entry_law(entry, &mut random);
    }
    law(&encode(&story.state), &read::<State>, &mut random);
}

#[test]
fn an_exported_log_has_one_form() {
    let mut random = Random(Entropy::new([2; 32]));
    let story = Story::whole();
    let text = archive::write(story.state.workspace(), &story.entries);
    let read = |text: &str| {
        let (state, entries) = archive::verify(text, None).ok()?;
        Some(archive::write(state.workspace(), &entries))
    };
    assert_eq!(read(&text).as_deref(), Some(text.as_str()));
    let ends: Vec<_> = text.match_indices('\n').map(|(place, _)| place + 1).collect();
    for length in (0..text.len()).step_by(7).chain(ends.iter().map(|end| end - 1)) {
        // At the end of a line it is an older log: the head tells.
        let older = ends[1..].contains(&length);
        assert_eq!(read(&text[..length]).is_some(), older, "cut off at {length}");
        let with_head = archive::verify(&text[..length], Some(story.state.head()));
        assert!(with_head.is_err(), "cut off at {length}, with a head");
    }
    for second in [
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        format!(" {text}"),
        text.replacen('\n', "\n\n", 1),
        text.to_uppercase(),
        text.repeat(2),
    ] {
        assert!(read(&second).is_none(), "a second form");
    }
    for _ in 0..300 {
        let mut other = text.clone().into_bytes();
        let place = random.below(other.len());
        other[place] ^= 1 << random.below(7);
        let other = String::from_utf8(other).unwrap();
        assert!(read(&other).is_none(), "byte {place} changed");
    }
}

#[test]
fn maps_and_sets_out_of_order_are_refused() {
    let state = encode(&Story::whole().state);
    let keys: Vec<_> = Story::whole().state.members().keys().copied().collect();
    let (one, other) = (keys[0], keys[1]);
    let place = |id: &MemberId| state.windows(32).position(|window| window == id.0).unwrap();
    let (a, b) = (place(&one), place(&other));
    let mut swapped = state.clone();
    swapped[a..a + 32].copy_from_slice(&other.0);
    swapped[b..b + 32].copy_from_slice(&one.0);
    assert!(read::<State>(&swapped).is_none());
}

#[test]
fn lengths_beyond_the_end_take_no_memory() {
    for length in [u32::MAX, 1 << 31, 1 << 20] {
        let bytes = [&[1, 1, 6], [0; 128].as_slice(), &length.to_le_bytes()].concat();
        assert!(read::<Parcel>(&bytes).is_none());
        assert!(read::<Snapshot>(&[[0; 48].as_slice(), &length.to_le_bytes()].concat()).is_none());
    }
}
