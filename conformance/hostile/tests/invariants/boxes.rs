//! What is sealed, and what becomes a value.

use agentsecrets_core::{
    ErrorCode,
    crypto::Entropy,
    encoding::{BatchId, EnvironmentId, MemberId, SealedHash, SecretId, WorkspaceId},
    log::{Role, Scope, deliveries},
    parcel::{Envelope, ParcelItem, pack},
    sealed_box,
    sync::{self, Clashes},
    wire::{Bytes, DeliveriesPage},
    workspace_key::Subject,
};
use agentsecrets_hostile::{
    Answer, Device, Forger, Team, attack, code, lies,
    team::{Place, whole},
};

/// The environment stays as it was, with this error, and whatever happened to values, the log went on.
fn stays(device: &Device, place: Place, expected: ErrorCode) {
    let name = agentsecrets_core::name::SecretName::parse("API_KEY").unwrap();
    let held = |snapshot: agentsecrets_core::snapshot::Snapshot| {
        let value = snapshot.value(&name).map(|value| value.expose().to_vec());
        (value, snapshot.head, snapshot.secrets.len())
    };
    let before = held(device.snapshot(place));
    assert_eq!(code(device.pull(place.0)), expected);
    assert_eq!(held(device.snapshot(place)), before, "the environment changed");
}

/// A writer who works with the relay, and a reader to deceive.
fn with_forger() -> (Team, Device, Device) {
    let (team, forger) = Team::pair();
    let victim = team.admit(3, Role::Writer, Scope::All);
    (team, forger, victim)
}

/// Makes every delivery look as if it were the one that the relay made itself.
fn relays_own(page: &mut DeliveriesPage, sealed: &[u8]) {
    for received in &mut page.deliveries {
        received.parts = vec![Some(Bytes(sealed.to_vec()))];
        received.hashes = vec![deliveries::sealed_hash(sealed)];
    }
}

fn expose(device: &Device, place: Place, name: &str) -> ParcelItem {
    let name = agentsecrets_core::name::SecretName::parse(name).unwrap();
    let snapshot = device.snapshot(place);
    let held = snapshot.by_name(&name).unwrap();
    held.item(held.newest().unwrap().version).unwrap()
}

#[test]
fn i04_a_box_sealed_by_the_relay_never_becomes_a_value() {
    let (team, forger, victim) = with_forger();
    let place = team.development();
    forger.put(place, "API_KEY", "fake-two").unwrap();
    let state = team.relay.state(team.workspace);
    let carrier = *state.carriers().values().last().unwrap();
    // All that the relay can know, and more: everything but the salt and the value is right.
    let mut item = expose(&forger, place, "API_KEY");
    (item.salt, item.value) = ([1; 32], agentsecrets_core::secret::SecretBytes::copy_of(b"evil"));
    let envelope = Envelope {
        workspace: team.workspace,
        batch: carrier.batch,
        author: carrier.author,
        recipient: victim.id(),
        environment: place.1,
    };
    let padded = &pack(&envelope, "development", &[&item])[0];
    let to = *victim.identity().recipient().box_key();
    let sealed = sealed_box::seal(&to, padded, &mut Entropy::new([5; 32]));
    team.relay.lie(lies::deliveries(move |_, page| relays_own(page, &sealed)));
    attack();
    stays(&victim, place, ErrorCode::DeliveryWithheld);
    team.relay.repent();
    victim.pull(team.workspace).unwrap();
    assert_eq!(victim.value(place, "API_KEY").as_deref(), Some("fake-two"));
}

#[test]
fn i05_a_valid_box_under_no_signed_root_is_ignored_and_reported() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    // A push that the relay takes and answers with an error; then another value.
    team.relay.forget();
    team.relay.lie(|asked, honest| match asked.is_commit() {
        true => Answer::bytes(403, b"{}".to_vec()),
        false => honest(asked),
    });
    author.put(place, "API_KEY", "fake-never-committed").unwrap_err();
    let lost = team.relay.commits().pop().unwrap();
    let mut to_victim = lost.deliveries.into_iter().filter(|one| one.recipient == victim.id());
    let sealed = to_victim.next().unwrap().ciphertext.unwrap().0;
    team.relay.repent();
    author.put(place, "API_KEY", "fake-two").unwrap();
    team.relay.lie(lies::deliveries(move |_, page| relays_own(page, &sealed)));
    attack();
    stays(&victim, place, ErrorCode::DeliveryWithheld);
}

#[test]
fn i06_an_inside_that_contradicts_its_entry_is_refused() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    let twists: [fn(&mut Envelope); 5] = [
        |envelope| envelope.author = MemberId([1; 32]),
        |envelope| envelope.recipient = MemberId([1; 32]),
        |envelope| envelope.workspace = WorkspaceId([1; 32]),
        |envelope| envelope.batch = BatchId([1; 16]),
        |envelope| envelope.environment = EnvironmentId([1; 16]),
    ];
    attack();
    for twist in twists {
        let mut forger = Forger::of(&team, &author);
        let version = forger.next(&author, place, "API_KEY", "fake-twisted");
        let push = forger.push(place.1, vec![version], |_, envelope, _| twist(envelope));
        assert_eq!(forger.commit(push).status, 201);
        stays(&victim, place, ErrorCode::Unreadable);
        // The next good version heals it, for everybody.
        heal(&team, &author, place);
        victim.pull(team.workspace).unwrap();
    }
}

/// The author, whose vault knows nothing of what the forger wrote in its name, sets a new value.
fn heal(team: &Team, author: &Device, place: Place) {
    let mut forger = Forger::of(team, author);
    let mut next = forger.next(author, place, "API_KEY", "fake-good");
    let versions = forger.state.secrets()[&next.item.secret].versions.len() as u64;
    (next.item.version, next.sealed.version) = (versions + 1, versions + 1);
    let commitment = next.sealed.commitment(team.workspace, place.1);
    next.item.operation = agentsecrets_core::log::entry::Operation::Put(commitment);
    let push = forger.push(place.1, vec![next], |_, _, _| {});
    assert_eq!(forger.commit(push).status, 201);
    author.pull(team.workspace).unwrap();
}

#[test]
fn i07_two_parcels_or_two_items_swapped_are_refused() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    author.put(place, "API_KEY", "fake-two").unwrap();
    author.put(place, "OTHER", "fake-other").unwrap();
    // Two members': the relay hands the author's box to the victim.
    let own = team.relay.delivered(team.workspace, &author.id());
    team.relay.lie(lies::deliveries(move |_, page| {
        for received in &mut page.deliveries {
            if let Some(other) = own.iter().find(|other| other.seq == received.seq) {
                received.parts = other.parts.iter().map(|part| part.clone().map(Bytes)).collect();
                received.hashes.clone_from(&other.hashes);
            }
        }
    }));
    attack();
    stays(&victim, place, ErrorCode::DeliveryWithheld);
    // Two entries'.
    team.relay.lie(lies::deliveries(|_, page| {
        let end = page.deliveries.len();
        let [.., one, other] = &mut page.deliveries[..end] else { return };
        std::mem::swap(&mut one.parts, &mut other.parts);
        std::mem::swap(&mut one.hashes, &mut other.hashes);
    }));
    stays(&victim, place, ErrorCode::DeliveryWithheld);
    team.relay.repent();
    victim.pull(team.workspace).unwrap();
    // Two items', by the author: each value under the other's name.
    let mut forger = Forger::of(&team, &author);
    let versions = ["API_KEY", "OTHER"].map(|name| forger.next(&author, place, name, name));
    let push = forger.push(place.1, versions.into(), |_, _, items| {
        let [one, other] = &mut items[..] else { return };
        std::mem::swap(&mut one.value, &mut other.value);
        std::mem::swap(&mut one.salt, &mut other.salt);
    });
    assert_eq!(forger.commit(push).status, 201);
    stays(&victim, place, ErrorCode::Unreadable);
}

#[test]
fn i08_swapped_or_other_names_are_refused_and_a_second_secret_of_a_name_is_never_loaded() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    attack();
    // A label of another secret; a parcel with another name than the label; one with another name
    // than the commitment.
    for case in 0..3 {
        let mut forger = Forger::of(&team, &author);
        let mut version = forger.creation(place.1, "HARMLESS", "fake");
        let other = agentsecrets_core::name::SecretName::parse("NODE_OPTIONS").unwrap();
        let create = version.item.create.as_mut().unwrap();
        match case {
            0 => {
                let subject = Subject::Secret(place.1, SecretId([1; 16]));
                create.name = forger.label(subject, "HARMLESS");
            }
            1 => {
                version.sealed.name = other;
                create.name_commitment = version.sealed.name_commitment();
            }
            _ => version.sealed.name = other,
        }
        let commitment = version.sealed.commitment(team.workspace, place.1);
        version.item.operation = agentsecrets_core::log::entry::Operation::Put(commitment);
        let (secret, ended) = (version.item.secret, version.item.version + 1);
        let push = forger.push(place.1, vec![version], |_, _, _| {});
        assert_eq!(forger.commit(push).status, 201);
        stays(&victim, place, ErrorCode::Unreadable);
        assert_eq!(victim.value(place, "NODE_OPTIONS"), None);
        forger.delete(place.1, secret, ended);
        victim.pull(team.workspace).unwrap();
    }
    // A second live secret of one name, or of one that differs in case alone.
    for name in ["API_KEY", "api_key"] {
        let mut forger = Forger::of(&team, &author);
        let version = forger.creation(place.1, name, "fake-shadow");
        let push = forger.push(place.1, vec![version], |_, _, _| {});
        assert_eq!(forger.commit(push).status, 201);
        let pulled = victim.pull(team.workspace).unwrap();
        assert!(pulled.iter().any(|one| !one.duplicates.is_empty()), "not reported");
        assert_eq!(victim.value(place, "API_KEY").as_deref(), Some("fake-one"));
        assert_ne!(victim.value(place, name).as_deref(), Some("fake-shadow"));
    }
}

#[test]
fn i09_an_item_of_another_environment_or_version_is_refused() {
    let (team, author, victim) = with_forger();
    let (place, other) = (team.development(), team.staging());
    author.put(other, "ELSEWHERE", "fake-elsewhere").unwrap();
    let elsewhere = expose(&author, other, "ELSEWHERE");
    let old = expose(&author, place, "API_KEY");
    attack();
    for extra in [old, elsewhere] {
        let mut forger = Forger::of(&team, &author);
        let version = forger.next(&author, place, "API_KEY", "fake-next");
        let push =
            forger.push(place.1, vec![version], |_, _, items| items.push(extra.expose_copy()));
        assert_eq!(forger.commit(push).status, 201);
        stays(&victim, place, ErrorCode::Unreadable);
        heal(&team, &author, place);
        victim.pull(team.workspace).unwrap();
    }
}

#[test]
fn i11_a_failed_decryption_never_yields_data() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    let mut forger = Forger::of(&team, &author);
    let version = forger.next(&author, place, "API_KEY", "fake-garbage");
    let push = forger.push_sealed(place.1, vec![version], |_, sealed| {
        sealed.iter_mut().for_each(|sealed| *sealed.last_mut().unwrap() ^= 1);
    });
    assert_eq!(forger.commit(push).status, 201);
    attack();
    stays(&victim, place, ErrorCode::Unreadable);
    let key = agentsecrets_core::crypto::derive_key(
        agentsecrets_core::crypto::label::OPENING_KEY,
        &[3; 32],
    );
    let key = agentsecrets_core::crypto::BoxSecretKey::new(key);
    let mut entropy = Entropy::new([1; 32]);
    let sealed = sealed_box::seal(&key.public_key(), b"fake", &mut entropy);
    for place in 32..sealed.len() {
        let mut other = sealed.clone();
        other[place] ^= 1;
        assert_eq!(code(sealed_box::open(&key, &other)), ErrorCode::OpenFailed);
    }
}

#[test]
fn i12_pull_is_atomic_per_environment_and_a_poisoned_parcel_hides_no_removal() {
    let (team, author, victim) = with_forger();
    let (place, other) = (team.development(), team.staging());
    author.put(place, "FINE", "fake-fine").unwrap();
    author.put(other, "ELSEWHERE", "fake-elsewhere").unwrap();
    let mut forger = Forger::of(&team, &author);
    let version = forger.next(&author, place, "API_KEY", "fake-poison");
    let push =
        forger.push(place.1, vec![version], |_, envelope, _| envelope.batch = BatchId([1; 16]));
    assert_eq!(forger.commit(push).status, 201);
    Forger::of_founder(&team).remove(&[author.id()]);
    attack();
    let pull = |start| sync::pull(start, team.workspace, None, Clashes::Refuse);
    let report = victim.client.run(pull).unwrap();
    let of = |id| &report.environments.iter().find(|(other, _)| *other == id).unwrap().1;
    assert_eq!(of(place.1).as_ref().err().map(|e| e.code()), Some(ErrorCode::Unreadable));
    assert!(of(other.1).is_ok());
    assert_eq!(victim.value(place, "FINE"), None, "half an environment");
    assert_eq!(victim.value(place, "API_KEY").as_deref(), Some("fake-one"));
    assert_eq!(victim.value(other, "ELSEWHERE").as_deref(), Some("fake-elsewhere"));
    let view = victim.view(team.workspace);
    assert!(view.state().unwrap().active(&author.id()).is_none(), "the removal is hidden");
}

#[test]
fn i20_old_deliveries_with_new_entries_are_refused() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    let old = team.relay.delivered(team.workspace, &victim.id()).pop().unwrap();
    author.put(place, "API_KEY", "fake-two").unwrap();
    let parts: Vec<_> = old.parts.iter().map(|part| part.clone().map(Bytes)).collect();
    let hashes: Vec<SealedHash> = old.hashes.clone();
    team.relay.lie(lies::deliveries(move |_, page| {
        for received in &mut page.deliveries {
            (received.parts, received.hashes) = (parts.clone(), hashes.clone());
        }
    }));
    attack();
    stays(&victim, place, ErrorCode::DeliveryWithheld);
    team.relay.lie(lies::deliveries(|_, page| page.deliveries.clear()));
    stays(&victim, place, ErrorCode::DeliveryWithheld);
}

#[test]
fn i28_a_client_never_seals_outside_the_folds_scope_and_refuses_a_share_that_does() {
    let (team, author) = Team::pair();
    let (place, other) = (team.development(), team.staging());
    author.put(other, "ELSEWHERE", "fake-elsewhere").unwrap();
    let reader = team.admit(4, Role::Reader, whole(place));
    let blind = team.admit(
        5,
        Role::Reader,
        agentsecrets_hostile::team::single(place, team.secret(place, "API_KEY")),
    );
    attack();
    team.relay.forget();
    author.put(other, "ELSEWHERE", "fake-two").unwrap();
    author.change(place, "API_KEY", Some("fake-two")).unwrap();
    author.put(place, "SECOND", "fake-second").unwrap();
    for commit in team.relay.commits() {
        for delivery in commit.deliveries {
            let sealed = delivery.ciphertext.unwrap().0;
            let Some(seed) = [4, 5].into_iter().find(|seed| {
                agentsecrets_hostile::device::identity(
                    *seed,
                    agentsecrets_core::identity::Kind::Human,
                )
                .id()
                    == delivery.recipient
            }) else {
                continue;
            };
            let key = agentsecrets_core::crypto::derive_key(
                agentsecrets_core::crypto::label::OPENING_KEY,
                &[seed; 32],
            );
            let key = agentsecrets_core::crypto::BoxSecretKey::new(key);
            let opened = sealed_box::open(&key, &sealed).unwrap();
            let has = |what: &[u8]| opened.expose().windows(what.len()).any(|part| part == what);
            assert!(
                !has(b"ELSEWHERE") && (seed != 5 || !has(b"SECOND")),
                "sealed outside of the scope"
            );
        }
    }
    let _ = (&reader, &blind);
    // A writer's Share to a reader who may not have it: nobody's fold takes it.
    let mut forger = Forger::of(&team, &author);
    let item = expose(&author, other, "ELSEWHERE");
    let (entry, _) = forger.share(other.1, &[item], &[reader.id()]);
    let mut log = team.relay.entries(team.workspace);
    log.push(entry.bytes().to_vec());
    team.relay.lie(lies::log_of(log));
    assert_eq!(code(team.founder.follow(team.workspace)), ErrorCode::RefusedEntry);
}

#[test]
fn i35_a_value_that_misses_its_commitment_is_refused() {
    let (team, author, victim) = with_forger();
    let place = team.development();
    let mut forger = Forger::of(&team, &author);
    let version = forger.next(&author, place, "API_KEY", "fake-for-all");
    let to = victim.id();
    let push = forger.push(place.1, vec![version], |recipient, _, items| {
        if *recipient == to {
            items[0].value = agentsecrets_core::secret::SecretBytes::copy_of(b"fake-for-one");
        }
    });
    assert_eq!(forger.commit(push).status, 201);
    attack();
    stays(&victim, place, ErrorCode::Unreadable);
}
