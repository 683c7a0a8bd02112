//! Leaves the history that this device holds for another one, whose head a person confirmed by
//! another way than the relay. Nothing of the old one is lost: it is kept as a branch, and what this
//! device wrote on it becomes changes to push.

use super::{
    acks,
    branch::{self, Branch},
    io::Machine,
    relay::Relay,
    replica::{Replica, keys, load},
    session::{Session, Start},
};
use crate::{
    encoding::{Head, MemberId, SecretId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{
        SignedEntry, State,
        entry::{Operation, VersionRef},
        exposure::exposure,
    },
    name::SecretName,
    secret::SecretBytes,
    snapshot::{HeldVersion, Left, Snapshot},
    wire::Bytes,
};

/// What an adoption did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The head that was left.
    pub left: Head,
    /// The head from now on: the one confirmed, or a later one that follows it.
    pub head: Head,
    /// Entries that the history left has and this one has not.
    pub entries: usize,
    /// Names of values written here that are changes to push now.
    pub unpushed: Vec<SecretName>,
}

/// Adopts the relay's history if it contains `head`. May be repeated after a failure.
///
/// # Errors
/// `invalid_argument` where the own history contains that head; `fork` where the relay's has another
/// entry of that number; `withheld` where it does not reach it; `not_admitted` where this device is
/// no member on it; `no_relay`.
pub fn adopt(start: Start, workspace: WorkspaceId, head: Head) -> Machine<Adopted> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        if replica.is_local() {
            return Err(Error::new(ErrorCode::NoRelay, "the workspace is local"));
        }
        let left = replica.state()?.head();
        let number = unfinished(&session, &replica).await?;
        if number.is_none()
            && replica.entry(&session, head.seq).await?.is_some_and(|e| e.head() == head)
        {
            let cause = format!("entry {} is that very entry here: nothing to adopt", head.seq);
            return Err(Error::new(ErrorCode::InvalidArgument, cause));
        }
        let (state, entries) = other_history(&mut session, &replica, head).await?;
        let number = match number {
            Some(number) => number,
            None => keep(&session, &replica, &entries).await?,
        };
        let branch = branch::load_one(&session, &replica, number).await?;
        let branch = branch.ok_or_else(|| {
            Error::new(ErrorCode::VaultDamaged, "the vault lacks the history that is left")
        })?;
        let unpushed = settle(&session, &mut replica, &state, &branch, (number, head)).await?;
        let common = (left.seq + 1).saturating_sub(branch.entries.len() as u64);
        let common = usize::try_from(common).unwrap_or_default();
        let new = entries.get(common..).unwrap_or_default();
        // Log and state last: until then, the adoption can be begun again.
        replica.advance(&session, state, new).await?;
        let head = replica.state()?.head();
        Ok(Adopted { left, head, entries: branch.entries.len(), unpushed })
    })
}

/// The number under which an adoption that was interrupted has kept this very history.
async fn unfinished(session: &Session, replica: &Replica) -> Result<Option<u32>> {
    let held = replica.state()?.head();
    let newest = replica.settings.branches;
    for number in [newest.saturating_sub(1), newest] {
        let kept = branch::load_one(session, replica, number).await?;
        if kept.is_some_and(|kept| kept.state.head() == held) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The relay's log, folded in memory, with the confirmed head in it.
async fn other_history(
    session: &mut Session,
    replica: &Replica,
    head: Head,
) -> Result<(State, Vec<SignedEntry>)> {
    let mut folded: Option<State> = None;
    let mut entries = Vec::new();
    loop {
        let after = folded.as_ref().map(|state| state.head().seq);
        let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
        let page = relay.log(after, std::time::Duration::ZERO).await?;
        let news = !page.entries.is_empty();
        for Bytes(bytes) in &page.entries {
            let entry = SignedEntry::parse(bytes)?;
            take(&mut folded, replica.id, &entry)?;
            check(&entry, head)?;
            entries.push(entry);
        }
        if !page.more || !news {
            break;
        }
    }
    let state = folded.filter(|state| state.head().seq >= head.seq).ok_or_else(|| {
        let cause = format!("the relay does not show entry {}, which was confirmed", head.seq);
        Error::new(ErrorCode::Withheld, cause)
    })?;
    match state.active(&session.identity.id()) {
        Some(_) => Ok((state, entries)),
        None => Err(Error::new(ErrorCode::NotAdmitted, "on that history this device is no member")),
    }
}

fn take(folded: &mut Option<State>, id: WorkspaceId, entry: &SignedEntry) -> Result<()> {
    match folded {
        Some(state) => state.apply(entry),
        None if entry.hash().0 == id.0 => {
            *folded = Some(State::genesis(entry)?);
            Ok(())
        }
        None => Err(Error::new(ErrorCode::Fork, "the relay shows the log of another workspace")),
    }
}

fn check(entry: &SignedEntry, confirmed: Head) -> Result<()> {
    match entry.entry().seq == confirmed.seq && entry.head() != confirmed {
        true => Err(Error::new(
            ErrorCode::Fork,
            format!("the relay shows another entry {} than was confirmed", confirmed.seq),
        )),
        false => Ok(()),
    }
}

/// Keeps the history that is left, before anything else changes.
async fn keep(session: &Session, replica: &Replica, other: &[SignedEntry]) -> Result<u32> {
    let own = replica.log(session).await?;
    let common =
        own.iter().zip(other).take_while(|(own, other)| own.head() == other.head()).count();
    let mut snapshots = Vec::new();
    for environment in replica.state()?.environments().keys() {
        let key = keys::environment(&replica.id, environment);
        snapshots.extend(load::<Snapshot>(session, key).await?);
    }
    let state = replica.state()?.clone();
    let entries = own[common..].iter().map(|entry| entry.bytes().to_vec()).collect();
    let (branch, number) =
        (Branch { time: session.io.now(), state, entries, snapshots }, replica.settings.branches);
    branch::keep(session, replica, number, &branch).await?;
    Ok(number)
}

/// Brings settings, acks and values in line with the other history.
async fn settle(
    session: &Session,
    replica: &mut Replica,
    state: &State,
    branch: &Branch,
    (number, head): (u32, Head),
) -> Result<Vec<SecretName>> {
    let settings = &mut replica.settings;
    settings.branches = number + 1;
    settings.anchors = vec![head];
    settings.joining = None;
    settings.key = settings.key.take().and_then(|key| key.known_to(state.key_commitments()));
    replica.store_settings(session).await?;
    acks::leave_branch(session, replica).await?;
    let mut unpushed = Vec::new();
    for held in &branch.snapshots {
        let mut snapshot = replica.snapshot(session, held.environment).await?;
        unpushed.extend(carry_over(session, state, branch, held, &mut snapshot)?);
        replica.store_snapshot(session, &snapshot).await?;
    }
    unpushed.sort_unstable();
    unpushed.dedup();
    Ok(unpushed)
}

/// Keeps what both histories hold; what this device wrote on the one it leaves becomes a change,
/// which counts as received by whoever it was sealed to there.
fn carry_over(
    session: &Session,
    state: &State,
    branch: &Branch,
    before: &Snapshot,
    snapshot: &mut Snapshot,
) -> Result<Vec<SecretName>> {
    snapshot.keep_versions(|id, version| is_in(state, *id, version));
    let me = session.identity.id();
    let lost = before.secrets.iter().filter_map(|held| {
        let newest = held.newest()?;
        let own = newest.author == me && !is_in(state, held.id, newest);
        own.then_some((held, newest))
    });
    let mut names = Vec::new();
    for (held, newest) in lost {
        if snapshot.local(&held.name).is_some() {
            continue;
        }
        let Some(value) = &newest.value else { continue };
        let copy = || SecretBytes::copy_of(value.value.expose());
        let version = VersionRef { secret: held.id, version: newest.version };
        let members = readers(branch, version, &me);
        snapshot.left.push(Left { name: held.name.clone(), value: copy(), members });
        snapshot.change(held.name.clone(), Some(copy()), session.io.now())?;
        names.push(held.name.clone());
    }
    Ok(names)
}

fn is_in(state: &State, id: SecretId, held: &HeldVersion) -> bool {
    let version = state.secrets().get(&id).and_then(|secret| secret.version(held.version));
    version.is_some_and(|version| match (&version.operation, &held.value) {
        (Operation::Put(commitment), Some(value)) => *commitment == value.commitment,
        (Operation::Delete, None) => true,
        _ => false,
    })
}

fn readers(branch: &Branch, version: VersionRef, me: &MemberId) -> Vec<MemberId> {
    let others = branch.state.members().keys().filter(|id| *id != me);
    others.filter(|id| exposure(&branch.state, id).contains(&version)).copied().collect()
}
