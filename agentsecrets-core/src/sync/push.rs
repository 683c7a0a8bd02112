//! Push: turns changes made here into signed entries, seals them to everybody in scope, commits.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    acks,
    batch::{Batch, Consignment, Parts, REBASES, contended, root_of, seal_parcels},
    follow::follow,
    io::Machine,
    names,
    pull::{self, Clashes},
    relay::Outcome,
    replica::Replica,
    session::{Session, Start},
};
use crate::{
    encoding::{BatchId, Commitment, EnvironmentId, Head, MemberId, SecretId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{
        Body, State,
        entry::{Create, Item, Operation, Push, Stray, VersionRef},
        exposure::{Rotation, rotations},
        state::put_ids,
    },
    name::SecretName,
    parcel::{self, ParcelItem},
    secret::SecretBytes,
    snapshot::{Attempt, Held, Left, Local, Snapshot},
    weakened,
    workspace_key::Subject,
};

/// Items of one entry: keeps it far below 1 MiB.
const ITEMS: usize = 500;

/// What a push did.
#[derive(Debug)]
pub struct Pushed {
    /// The head afterwards.
    pub head: Head,
    /// Names set or deleted.
    pub names: Vec<SecretName>,
}

/// What a push does although it would refuse by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insist {
    /// Changes that clash with somebody else's become the next version on top of theirs.
    pub mine: bool,
    /// Values go out although they have left this device for a member who is removed since; the
    /// entry says so, and exposure counts it.
    pub sent_to_removed: bool,
}

impl From<bool> for Insist {
    fn from(mine: bool) -> Self {
        Self { mine, sent_to_removed: false }
    }
}

/// Pushes what was changed here in one environment.
pub fn push(
    start: Start,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    insist: impl Into<Insist>,
) -> Machine<Pushed> {
    let insist = insist.into();
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        push_one(&mut session, &mut replica, environment, insist).await
    })
}

async fn push_one(
    session: &mut Session,
    replica: &mut Replica,
    environment: EnvironmentId,
    insist: Insist,
) -> Result<Pushed> {
    let mine = insist.mine || weakened::skips(45);
    let clashes = if mine { Clashes::Keep } else { Clashes::Refuse };
    for _ in 0..REBASES {
        follow(session, replica).await?;
        replica.may_write(session, &environment)?;
        acks::check_push(session, replica).await?;
        let (_, mut snapshot) = pull::pull_one(session, replica, environment, clashes).await?;
        if mine {
            rebase(replica, &mut snapshot)?;
        }
        let names: Vec<SecretName> =
            snapshot.local.iter().map(|local| local.name.clone()).collect();
        if names.is_empty() {
            return Ok(Pushed { head: replica.state()?.head(), names });
        }
        if !insist.sent_to_removed {
            check_left(replica.state()?, &snapshot)?;
        }
        let attempt = attempt(session, replica, &mut snapshot).await?;
        if let Outcome::Accepted(head) = attempt {
            return Ok(Pushed { head, names });
        }
    }
    Err(contended())
}

/// A value that somebody has who may not have it any more is no good as a new one.
fn check_left(state: &State, snapshot: &Snapshot) -> Result<()> {
    let gone =
        snapshot.local.iter().filter(|local| left_of(state, snapshot, local).next().is_some());
    let names: Vec<&str> = gone.map(|local| local.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let cause = format!("already sealed for a member who is removed since: {}", names.join(", "));
    Err(Error::new(ErrorCode::SentToRemoved, cause))
}

/// Who got the value of a change in a push that was refused, and may not read it now.
fn left_of<'a>(
    state: &'a State,
    snapshot: &'a Snapshot,
    change: &'a Local,
) -> impl Iterator<Item = &'a MemberId> {
    let same = |left: &&Left| {
        let value = change.value.as_ref();
        left.name == change.name && value.is_some_and(|value| value.ct_eq(left.value.expose()))
    };
    let reads = |id: &MemberId| {
        let scope = state.active(id).map(|member| member.scope());
        scope.is_some_and(|scope| match change.base {
            Some((secret, _)) => scope.holds(&snapshot.environment, &secret),
            None => scope.holds_environment(&snapshot.environment),
        })
    };
    let left = snapshot.left.iter().filter(same).flat_map(|left| &left.members);
    left.filter(move |id| !reads(id))
}

/// Puts changes that clash on top of the live versions.
fn rebase(replica: &Replica, snapshot: &mut Snapshot) -> Result<()> {
    let known = names::of(replica, snapshot);
    for (name, base) in pull::clashing(replica.state()?, snapshot, &known.names) {
        if let Some(local) = snapshot.local.last_mut(&name) {
            local.base = base;
        }
    }
    Ok(())
}

async fn attempt(
    session: &mut Session,
    replica: &mut Replica,
    snapshot: &mut Snapshot,
) -> Result<Outcome> {
    let batch = build(session, replica, snapshot)?;
    commit(session, replica, snapshot, &batch).await
}

/// Commits a batch whose attempts stand in the snapshot, and settles them.
pub(super) async fn commit(
    session: &mut Session,
    replica: &mut Replica,
    snapshot: &mut Snapshot,
    batch: &Batch,
) -> Result<Outcome> {
    // Before the bytes leave: after a crash, the log tells from this what became of them.
    if !weakened::skips(46) {
        replica.store_snapshot(session, snapshot).await?;
    }
    let before = replica.state()?.head();
    let outcome = batch.commit(session, replica).await?;
    if matches!(outcome, Outcome::Accepted(_)) {
        let complete = snapshot.head == Some(before);
        reconcile(session, replica.state()?, snapshot);
        if complete {
            snapshot.head = Some(replica.state()?.head());
        }
        snapshot.shadowed =
            names::of(replica, snapshot).shadowed.iter().map(|(id, _)| *id).collect();
        replica.store_snapshot(session, snapshot).await?;
    }
    Ok(outcome)
}

fn build(session: &mut Session, replica: &Replica, snapshot: &mut Snapshot) -> Result<Batch> {
    let mut batch = Batch::on(replica.state()?);
    let mut changes: Vec<&Local> = snapshot.local.iter().collect();
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    let (rotations, mut attempts) = (rotations(replica.state()?), Vec::new());
    for chunk in changes.chunks(ITEMS) {
        let draft = Draft::new(replica, snapshot, &rotations);
        attempts.push(add_entry(session, draft, chunk, &mut batch)?);
    }
    snapshot.attempts.extend(attempts);
    Ok(batch)
}

fn add_entry(
    session: &mut Session,
    mut draft: Draft<'_>,
    changes: &[&Local],
    batch: &mut Batch,
) -> Result<Attempt> {
    for change in changes {
        draft.add(session, change)?;
    }
    let Draft { replica, snapshot, items, puts, deletions, .. } = draft;
    let strays = strays(&batch.state, snapshot, &puts);
    let sealed = Sealed { items, puts, deletions, strays };
    seal_entry(session, replica, snapshot.environment, sealed, batch)
}

/// What one entry of a push says, and the values that go out with it.
pub(super) struct Sealed {
    pub(super) items: Vec<Item>,
    pub(super) puts: Vec<(ParcelItem, Commitment)>,
    pub(super) deletions: Vec<(SecretId, u64)>,
    pub(super) strays: Vec<Stray>,
}

/// Seals the values to everybody in scope, and adds the entry that carries them.
pub(super) fn seal_entry(
    session: &mut Session,
    replica: &Replica,
    environment: EnvironmentId,
    sealed: Sealed,
    batch: &mut Batch,
) -> Result<Attempt> {
    let Sealed { items, puts, deletions, strays } = sealed;
    let (seq, id) = (batch.next_seq(), BatchId(session.entropy.bytes()));
    let secrets = put_ids(&items);
    let recipients: Vec<MemberId> =
        batch.state.recipients_before(seq, &environment, &secrets).copied().collect();
    let label = replica.environment_label(environment).unwrap_or_default();
    let consignment =
        Consignment { batch: id, author: session.identity.id(), environment, label: &label };
    let values: Vec<&ParcelItem> = puts.iter().map(|(item, _)| item).collect();
    let parts: Parts =
        seal_parcels(&batch.state, &consignment, &recipients, &values, &mut session.entropy)?;
    let push = Push { batch: id, environment, items, strays, root: root_of(&parts) };
    batch.add(session, Body::Push(push), parts)?;
    Ok(Attempt { seq, batch: id, time: session.io.now(), recipients, puts, deletions })
}

/// What the entry says of values that left before.
fn strays(state: &State, snapshot: &Snapshot, puts: &[(ParcelItem, Commitment)]) -> Vec<Stray> {
    let of = |(item, _): &(ParcelItem, Commitment)| {
        let change = snapshot.local(&item.name);
        let version = VersionRef { secret: item.secret, version: item.version };
        // Who was a member on another history alone cannot be named here; that this vault still tells.
        let known = |id: &&MemberId| state.members().contains_key(*id);
        let members: Vec<MemberId> = change
            .map(|change| left_of(state, snapshot, change).filter(known).copied().collect())
            .unwrap_or_default();
        let environment = snapshot.environment;
        members.into_iter().map(move |member| Stray { member, environment, version })
    };
    let mut strays: Vec<Stray> = puts.iter().flat_map(of).collect();
    strays.sort_unstable();
    strays.dedup();
    strays
}

/// One entry's items, with the values that are sealed.
struct Draft<'a> {
    replica: &'a Replica,
    snapshot: &'a Snapshot,
    items: Vec<Item>,
    puts: Vec<(ParcelItem, Commitment)>,
    deletions: Vec<(SecretId, u64)>,
    rotations: &'a BTreeMap<SecretId, Rotation>,
}

impl<'a> Draft<'a> {
    fn new(
        replica: &'a Replica,
        snapshot: &'a Snapshot,
        rotations: &'a BTreeMap<SecretId, Rotation>,
    ) -> Self {
        let (items, puts, deletions) = (Vec::new(), Vec::new(), Vec::new());
        Self { replica, snapshot, items, puts, deletions, rotations }
    }

    fn add(&mut self, session: &mut Session, change: &Local) -> Result<()> {
        match (&change.value, change.base) {
            (Some(value), None) => self.create(session, change, value),
            (Some(value), Some((id, base))) => self.put(session, id, base + 1, value),
            (None, Some((id, base))) => {
                self.deletions.push((id, base + 1));
                self.items.push(item(id, base + 1, Operation::Delete, None));
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn create(&mut self, session: &mut Session, change: &Local, value: &SecretBytes) -> Result<()> {
        let id = SecretId(session.entropy.bytes());
        let parcel_item = ParcelItem {
            secret: id,
            version: 1,
            name: change.name.clone(),
            name_salt: parcel::salt(&mut session.entropy),
            policy: Vec::new(),
            policy_salt: parcel::salt(&mut session.entropy),
            salt: parcel::salt(&mut session.entropy),
            value: SecretBytes::copy_of(value.expose()),
        };
        let subject = Subject::Secret(self.snapshot.environment, id);
        let text = change.name.as_str().as_bytes();
        let name =
            self.replica.key()?.seal_label(self.replica.id, subject, text, &mut session.entropy);
        let create = Create { name_commitment: parcel_item.name_commitment(), name };
        self.take(parcel_item, Some(create));
        Ok(())
    }

    fn put(
        &mut self,
        session: &mut Session,
        id: SecretId,
        version: u64,
        value: &SecretBytes,
    ) -> Result<()> {
        let held = self.snapshot.held(&id).ok_or_else(|| {
            Error::new(ErrorCode::VersionNotHeld, "the secret's salts are not in this vault")
        })?;
        let parcel_item = ParcelItem {
            secret: id,
            version,
            name: held.name.clone(),
            name_salt: held.name_salt,
            policy: held.policy.clone(),
            policy_salt: held.policy_salt,
            salt: parcel::salt(&mut session.entropy),
            value: SecretBytes::copy_of(value.expose()),
        };
        let differs_from = self.differs_from(held, value);
        self.take(parcel_item, None);
        if let Some(item) = self.items.last_mut() {
            item.differs_from = differs_from;
        }
        Ok(())
    }

    /// Versions that somebody could read who no longer may, and whose values this vault has tested
    /// to be other ones. Nothing is said of others: the relay sees it.
    fn differs_from(&self, held: &Held, value: &SecretBytes) -> Vec<VersionRef> {
        let Some(rotation) = self.rotations.get(&held.id) else { return Vec::new() };
        let other = |version: &&u64| {
            let old = held.version(**version).and_then(|version| version.value.as_ref());
            old.is_some_and(|old| !old.value.ct_eq(value.expose()))
        };
        let versions = rotation.versions.iter().filter(other);
        versions.map(|version| VersionRef { secret: held.id, version: *version }).collect()
    }

    fn take(&mut self, parcel_item: ParcelItem, create: Option<Create>) {
        let commitment = parcel_item.commitment(self.replica.id, self.snapshot.environment);
        self.items.push(item(
            parcel_item.secret,
            parcel_item.version,
            Operation::Put(commitment),
            create,
        ));
        self.puts.push((parcel_item, commitment));
    }
}

fn item(secret: SecretId, version: u64, operation: Operation, create: Option<Create>) -> Item {
    Item { secret, version, operation, create, policy: None, differs_from: Vec::new() }
}

/// Settles attempts whose fate the log tells: accepted ones are held and their changes dropped,
/// refused ones forgotten, for the change is still there. Those beyond the head may yet arrive.
pub(super) fn reconcile(session: &Session, state: &State, snapshot: &mut Snapshot) {
    let me = session.identity.id();
    let head = state.head().seq;
    let (settled, open): (Vec<Attempt>, Vec<Attempt>) =
        std::mem::take(&mut snapshot.attempts).into_iter().partition(|attempt| attempt.seq <= head);
    snapshot.attempts = open;
    for attempt in settled {
        let carrier = state.carriers().get(&attempt.seq);
        if carrier.is_some_and(|carrier| carrier.batch == attempt.batch && carrier.author == me) {
            accept(snapshot, attempt, me);
        } else {
            refuse(snapshot, attempt);
        }
    }
    let Snapshot { left, local, .. } = snapshot;
    left.retain(|left| {
        let value = local.named(&left.name).next().and_then(|local| local.value.as_ref());
        value.is_some_and(|value| value.ct_eq(left.value.expose()))
    });
}

fn accept(snapshot: &mut Snapshot, attempt: Attempt, me: MemberId) {
    let mut done = BTreeSet::new();
    for (item, commitment) in attempt.puts {
        rest_on(snapshot, &item.name, (item.secret, item.version), Some(&item.value), &mut done);
        snapshot.hold(item, me, attempt.time, commitment);
    }
    for (id, version) in attempt.deletions {
        let Some(name) = snapshot.held(&id).map(|held| held.name.clone()) else { continue };
        rest_on(snapshot, &name, (id, version), None, &mut done);
        snapshot.hold_deletion(&id, version, me, attempt.time);
    }
    snapshot.local.retain(|local| !done.contains(&local.name));
}

/// The relay has the sealed bytes of a push that it refused, and so may whoever they are for.
fn refuse(snapshot: &mut Snapshot, attempt: Attempt) {
    for (item, _) in attempt.puts {
        let members = attempt.recipients.clone();
        snapshot.left.push(Left { name: item.name, value: item.value, members });
    }
}

/// A change that was pushed is done; one made after it now stands on what was pushed.
fn rest_on(
    snapshot: &mut Snapshot,
    name: &SecretName,
    version: (SecretId, u64),
    pushed: Option<&SecretBytes>,
    done: &mut BTreeSet<SecretName>,
) {
    let Some(local) = snapshot.local.last_mut(name) else { return };
    let same = match (&local.value, pushed) {
        (Some(value), Some(pushed)) => value.ct_eq(pushed.expose()),
        (value, pushed) => value.is_none() && pushed.is_none(),
    };
    if same {
        done.insert(name.clone());
    } else {
        local.base = Some(version);
    }
}
