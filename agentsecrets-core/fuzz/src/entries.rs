//! Entries and parcels, as a relay hands them out.

use std::cell::OnceCell;

use agentsecrets_core::{
    ErrorCode,
    encoding::{BatchId, EnvironmentId, MemberId, WorkspaceId, encode, parse},
    log::{Body, SignedEntry, State, archive},
    parcel::{Envelope, Parcel, ParcelItem, pack},
};

use crate::{
    input::Input,
    story::{Story, entry_after},
};

thread_local! {
    static STORY: OnceCell<Story> = const { OnceCell::new() };
}

pub(crate) fn with_story(run: impl FnOnce(&Story)) {
    STORY.with(|story| run(story.get_or_init(Story::whole)));
}

/// The first byte chooses: an entry as it came; a body signed by a member as the next entry; a log
/// as text; a stored state.
pub fn entry(data: &[u8]) {
    let mut input = Input(data);
    match input.below(4) {
        0 => received(input.0),
        1 => signed(input.below(4), input.0),
        2 => exported(input.0),
        _ => stored(input.0),
    }
}

fn received(bytes: &[u8]) {
    let Ok(entry) = SignedEntry::parse(bytes) else { return };
    let (body, signature) = bytes.split_at(bytes.len() - 64);
    assert_eq!(entry.bytes(), bytes);
    assert_eq!([encode(entry.entry()).as_slice(), signature].concat(), bytes);
    with_story(|story| apply_to(&story.state, &entry));
    if let Ok(state) = State::genesis(&entry) {
        assert_eq!(parse::<State>(&encode(&state), ErrorCode::MalformedEntry, "state"), Ok(state));
    }
    assert_eq!(body.len() + signature.len(), bytes.len());
}

/// Only the rules can refuse these.
fn signed(author: usize, bytes: &[u8]) {
    let Ok(body) = parse::<Body>(bytes, ErrorCode::MalformedEntry, "body") else { return };
    assert_eq!(encode(&body), bytes);
    with_story(|story| {
        let cast = &story.cast;
        let author = [&cast.founder, &cast.writer, &cast.reader, &cast.agent][author];
        let signed = entry_after(&story.state, author, body).sign(author);
        apply_to(&story.state, &signed.expect("an entry of ordinary size"));
    });
}

/// Refused with the state as it was, or taken and the next head.
fn apply_to(state: &State, entry: &SignedEntry) {
    let mut next = state.clone();
    match next.apply(entry) {
        Err(_) => assert_eq!(&next, state),
        Ok(()) => {
            assert_eq!((next.head(), next.head().seq), (entry.head(), state.head().seq + 1));
            assert_eq!(
                parse::<State>(&encode(&next), ErrorCode::MalformedEntry, "state").as_ref(),
                Ok(&next)
            );
        }
    }
}

fn exported(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok((state, entries)) = archive::verify(text, None) {
        assert_eq!(archive::write(state.workspace(), &entries), text);
    }
}

fn stored(bytes: &[u8]) {
    if let Ok(state) = parse::<State>(bytes, ErrorCode::VaultDamaged, "state") {
        assert_eq!(encode(&state), bytes);
    }
}

pub(crate) fn envelope() -> Envelope {
    Envelope {
        workspace: WorkspaceId([1; 32]),
        batch: BatchId([2; 16]),
        author: MemberId([3; 32]),
        recipient: MemberId([4; 32]),
        environment: EnvironmentId([5; 16]),
    }
}

/// What a sealed box holds once it is open: the padded whole, or what stands after the envelope.
pub fn parcel(data: &[u8]) {
    let mut input = Input(data);
    match input.below(2) {
        0 => padded(input.0),
        _ => padded(&pad(&[&[1, 1, 6], encode(&envelope()).as_slice(), input.0].concat())),
    }
}

fn padded(bytes: &[u8]) {
    let Ok(parcel) = Parcel::parse(bytes, &envelope()) else { return };
    assert_eq!(pad(&encode(&parcel)), bytes);
    let items: Vec<&ParcelItem> = parcel.items.iter().collect();
    let packed = pack(&parcel.envelope, &parcel.environment_label, &items);
    // Nobody packs an empty parcel; it may be read all the same.
    assert!(items.is_empty() || (packed.len() == 1 && packed[0].as_slice() == bytes));
    for item in &parcel.items {
        let (workspace, environment) = (envelope().workspace, envelope().environment);
        let twin = item.expose_copy();
        assert_eq!(
            item.commitment(workspace, environment),
            twin.commitment(workspace, environment)
        );
    }
}

/// As `spec/parcel.md` has it: length, content, zeros up to a power of two from 256 on.
pub(crate) fn pad(content: &[u8]) -> Vec<u8> {
    let mut bytes = [&(content.len() as u32).to_le_bytes(), content].concat();
    bytes.resize(bytes.len().max(256).next_power_of_two(), 0);
    bytes
}
