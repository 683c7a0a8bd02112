//! Begins a workspace, local or on a relay, and publishes a local one.

use std::collections::BTreeMap;

use super::{
    batch::{Batch, Parts, message},
    io::Machine,
    relay::{Outcome, Relay},
    replica::{Replica, Settings, Unpublished, keys, load},
    session::{Session, Start},
};
use crate::{
    encoding::{EnvironmentId, Head, PersonId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    identity::Destination,
    log::{
        Body, Entry, SignedEntry, State,
        entry::{Action, Environment, Genesis},
    },
    policy::Policy,
    weakened,
    workspace_key::{Subject, WorkspaceKey, check_label},
};

/// Environments that every workspace begins with.
pub const FIRST_ENVIRONMENTS: [&str; 3] = ["development", "staging", "production"];
/// Bytes of entries in one request when a log is published; a single entry may be longer.
const PAGE_BYTES: usize = 2 << 20;
/// Entries in one request: what a relay takes.
const PAGE: usize = 500;
/// Longest address of a relay: it has to fit into an invitation code.
const LONGEST_ADDRESS: usize = 300;

/// Begins a workspace whose only member is this device; without a relay it stays in the vault.
pub fn create(
    start: Start,
    name: String,
    label: String,
    relay: Option<String>,
) -> Machine<WorkspaceId> {
    start.machine(async move |mut session| {
        check_label(&name)?;
        check_label(&label)?;
        relay.as_deref().map_or(Ok(()), check_relay)?;
        let key = WorkspaceKey::generate(&mut session.entropy);
        let genesis = genesis(&mut session, &key, &name, &label)?;
        let state = State::genesis(&genesis)?;
        let settings = Settings {
            relay: relay.unwrap_or_default(),
            anchors: Vec::new(),
            joining: None,
            tokens: Vec::new(),
            key: Some(key),
            branches: 0,
        };
        let mut replica = Replica { id: state.workspace(), settings, state: None };
        let batch = environments(&mut session, &replica, &state)?;
        let entries: Vec<SignedEntry> = [genesis].into_iter().chain(batch.entries).collect();
        begin(&mut session, &mut replica, batch.state, &entries).await?;
        Ok(replica.id)
    })
}

fn genesis(
    session: &mut Session,
    key: &WorkspaceKey,
    name: &str,
    label: &str,
) -> Result<SignedEntry> {
    let (me, zero) = (session.identity.id(), WorkspaceId::ZERO);
    let commitment = key.commitments().first().copied();
    let genesis = Genesis {
        founder: session.identity.recipient().clone(),
        person: PersonId(session.entropy.bytes()),
        policy: Policy::default(),
        key_commitment: commitment
            .ok_or_else(|| Error::new(ErrorCode::Internal, "a fresh key has no generation"))?,
        name: key.seal_label(zero, Subject::Workspace, name.as_bytes(), &mut session.entropy),
        label: key.seal_label(zero, Subject::Member(me), label.as_bytes(), &mut session.entropy),
    };
    Entry::genesis(session.io.now(), me, genesis).sign(&session.identity)
}

fn environments(session: &mut Session, replica: &Replica, state: &State) -> Result<Batch> {
    let mut batch = Batch::on(state);
    for label in FIRST_ENVIRONMENTS {
        let id = EnvironmentId(session.entropy.bytes());
        let subject = Subject::Environment(id);
        let label =
            replica.key()?.seal_label(replica.id, subject, label.as_bytes(), &mut session.entropy);
        batch.add(
            session,
            Body::Environment(Environment { id, action: Action::Create, label }),
            Parts::new(),
        )?;
    }
    Ok(batch)
}

/// Settings first: the key must not be lost once the log is out. Nothing stays after a refusal.
async fn begin(
    session: &mut Session,
    replica: &mut Replica,
    state: State,
    entries: &[SignedEntry],
) -> Result<()> {
    if !replica.is_local() {
        // A crash after the relay has it and before the pin is here leaves this to go by.
        replica.settings.anchors.push(state.head());
    }
    replica.store_settings(session).await?;
    let sent = match replica.is_local() {
        true => Ok(()),
        false => publish(session, replica, entries, Some(&vec![Parts::new(); entries.len()])).await,
    };
    if let Err(error) = sent {
        session.io.remove(keys::settings(&replica.id)).await?;
        return Err(error);
    }
    replica.advance(session, state, entries).await?;
    // From now on the pin alone says how far the log reaches.
    replica.settings.anchors.clear();
    replica.store_settings(session).await
}

/// Brings entries to the relay, page by page; without `deliveries` where nobody has them any more.
pub(super) async fn publish(
    session: &mut Session,
    replica: &Replica,
    entries: &[SignedEntry],
    deliveries: Option<&[Parts]>,
) -> Result<()> {
    let mut done = 0;
    while done < entries.len() {
        let page = done..done + fitting(&entries[done..]);
        let parts = deliveries.map(|deliveries| &deliveries[page.clone()]);
        let commit = message(session, replica, &entries[page.clone()], parts).await?;
        let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
        if let Outcome::Moved = relay.commit(&commit).await? {
            return Err(Error::new(
                ErrorCode::AlreadyPublished,
                "the relay has another continuation of this workspace",
            ));
        }
        done = page.end;
    }
    Ok(())
}

/// How many of the first entries fit into one request.
fn fitting(entries: &[SignedEntry]) -> usize {
    let mut size = 0;
    let fits = entries.iter().take(PAGE).take_while(|entry| {
        size += entry.bytes().len();
        size <= PAGE_BYTES
    });
    fits.count().max(1)
}

fn check_relay(address: &str) -> Result<()> {
    match address.len() <= LONGEST_ADDRESS {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("a relay's address has at most {LONGEST_ADDRESS} bytes"),
        )),
    }
}

/// Publishes a local workspace: the unchanged chain, in order. May be repeated after a failure.
pub fn connect(start: Start, workspace: WorkspaceId, relay: String) -> Machine<Head> {
    start.machine(async move |mut session| {
        check_relay(&relay)?;
        let mut replica = Replica::load(&session, workspace).await?;
        if !replica.is_local() {
            return Err(Error::new(
                ErrorCode::AlreadyPublished,
                "the workspace has a relay already",
            ));
        }
        let entries = replica.log(&session).await?;
        let deliveries = kept_deliveries(&session, &replica, &entries).await?;
        replica.settings.relay = relay;
        publish(&mut session, &replica, &entries, Some(&deliveries)).await?;
        replica.store_settings(&session).await?;
        session.io.remove(keys::unpublished(&workspace)).await?;
        Ok(replica.state()?.head())
    })
}

async fn kept_deliveries(
    session: &Session,
    replica: &Replica,
    entries: &[SignedEntry],
) -> Result<Vec<Parts>> {
    let kept: Unpublished =
        load(session, keys::unpublished(&replica.id)).await?.unwrap_or_default();
    let mut by_entry: BTreeMap<u64, Parts> = BTreeMap::new();
    for (seq, to, parts) in kept.deliveries {
        by_entry.entry(seq).or_default().insert(to, parts);
    }
    Ok(entries
        .iter()
        .map(|entry| by_entry.remove(&entry.entry().seq).unwrap_or_default())
        .collect())
}

/// Makes the workspace that an identity string leads to known to this vault, and its head one that
/// the log must contain.
///
/// # Errors
/// `fork` where the vault's log holds another entry of that number.
pub fn attach(start: Start, destination: Destination) -> Machine<WorkspaceId> {
    start.machine(async move |session| {
        let Destination { workspace, relay, head } = destination;
        let known: Option<Settings> = load(&session, keys::settings(&workspace)).await?;
        let fresh = Settings {
            relay,
            anchors: Vec::new(),
            joining: None,
            tokens: Vec::new(),
            key: None,
            branches: 0,
        };
        let state = load(&session, keys::state(&workspace)).await?;
        let mut replica = Replica { id: workspace, settings: known.unwrap_or(fresh), state };
        if !replica.settings.anchors.contains(&head) {
            check_held(&session, &replica, head).await?;
            replica.settings.anchors.push(head);
            replica.store_settings(&session).await?;
        }
        Ok(workspace)
    })
}

/// What this vault holds already must agree with a head that it is told of.
async fn check_held(session: &Session, replica: &Replica, told: Head) -> Result<()> {
    let behind = replica.state.as_ref().is_none_or(|state| state.head().seq < told.seq);
    if behind || weakened::skips(24) {
        return Ok(());
    }
    match replica.log(session).await?.iter().any(|entry| entry.head() == told) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::Fork,
            format!("this device holds another entry {} than the one told of", told.seq),
        )),
    }
}
