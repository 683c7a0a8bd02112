//! Exchanges acks: tells the others which head this device has seen, and compares theirs with the
//! log. What the relay cannot forge, two clients on two branches cannot both pass.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    branch,
    follow::follow,
    io::Machine,
    relay::Relay,
    replica::{Replica, keys, load, store},
    session::{Session, Start},
};
use crate::{
    encoding::{Head, MemberId, PersonId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    fingerprint::Fingerprint,
    log::{
        State,
        ack::{Ack, Freshness, Witness},
        entry::VersionRef,
    },
    policy::Staleness,
    weakened,
    wire::Bytes,
};

/// An ack is sent again after this time, so that others see this device alive.
const RENEW: u64 = 3_600_000;
/// Pieces of evidence that a vault keeps: one would do.
const MOST_EVIDENCE: usize = 16;

/// What this device knows of what others have seen.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
struct Record {
    /// Newest ack of each member, with its signature.
    acks: BTreeMap<MemberId, Vec<u8>>,
    /// Newest time that each author signed an entry with.
    entries: BTreeMap<MemberId, u64>,
    /// Entries before this number are in `entries`.
    counted: u64,
    /// Persons who were members when the head was last fresh.
    known: BTreeSet<PersonId>,
    /// Members whose safety number was compared on this device.
    confirmed: BTreeSet<MemberId>,
    /// What this device acked last, and when.
    acked: Option<(Head, u64)>,
    /// How often this device adopted another history.
    adopted: u32,
}

/// Evidence that there are two histories.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
struct Evidence {
    time: u64,
    held: Head,
    shown: Vec<u8>,
}

/// What one member last said of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The member.
    pub member: MemberId,
    /// Its newest entry and when it said so; `None` where it never did.
    pub ack: Option<(u64, u64)>,
    /// How many of its live versions it could not get.
    pub missing: usize,
}

/// Fetches the others' acks and compares them with the log.
///
/// # Errors
/// `fork` where a member has seen another entry; `withheld` where one has seen further than the
/// relay shows; `stale` where the policy blocks pulling.
pub(super) async fn compare(session: &mut Session, replica: &mut Replica) -> Result<Freshness> {
    let mut record: Record = load(session, keys::acks(&replica.id)).await?.unwrap_or_default();
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    let shown = relay.acks().await?;
    take(replica.state()?, &mut record, &shown);
    count_entries(session, replica, &mut record).await?;
    let mut newest = opened(replica.state()?, &record);
    if newest
        .values()
        .any(|ack| replica.state.as_ref().is_some_and(|state| ack.seq > state.head().seq))
    {
        follow(session, replica).await?;
    }
    let left = branch::load_all(session, replica).await?;
    // Who has not left a branch yet that this device left says nothing of this one.
    newest.retain(|_, ack| !left.iter().any(|branch| branch.holds(ack.head())));
    for (id, ack) in &newest {
        check(session, replica, id, ack).await?;
    }
    let freshness = judge(session, replica.state()?, &mut record, &newest);
    store(session, keys::acks(&replica.id), &record).await?;
    blocked(replica.state()?, freshness, Staleness::BlocksBoth).map(|()| freshness)
}

/// Keeps acks that verify and are newer than what was there.
fn take(state: &State, record: &mut Record, shown: &[Bytes]) {
    for Bytes(bytes) in shown {
        let Some(ack) = open(state, bytes) else { continue };
        let known = record.acks.get(&ack.member).and_then(|bytes| open(state, bytes));
        if known.is_none_or(|known| ack.supersedes(&known)) {
            record.acks.insert(ack.member, bytes.clone());
        }
    }
}

fn open(state: &State, bytes: &[u8]) -> Option<Ack> {
    let key_of = |id: &MemberId| state.members().get(id).map(|member| *member.verifying_key());
    Ack::open(bytes, key_of).ok().filter(|ack| ack.workspace == state.workspace())
}

/// Acks of who is a member now: one who left may say what it likes.
fn opened(state: &State, record: &Record) -> BTreeMap<MemberId, Ack> {
    let active = record.acks.iter().filter(|(id, _)| state.active(id).is_some());
    active.filter_map(|(id, bytes)| Some((*id, open(state, bytes)?))).collect()
}

async fn count_entries(session: &Session, replica: &Replica, record: &mut Record) -> Result<()> {
    let next = replica.state()?.head().seq + 1;
    if record.counted < next {
        for entry in replica.log_from(session, record.counted).await? {
            let newest = record.entries.entry(entry.entry().author).or_default();
            *newest = entry.entry().time.max(*newest);
        }
        record.counted = next;
    }
    Ok(())
}

async fn check(session: &Session, replica: &Replica, id: &MemberId, ack: &Ack) -> Result<()> {
    let head = replica.state()?.head();
    let who = Fingerprint::of(id);
    if ack.seq > head.seq {
        let cause = format!(
            "member {who} has seen entry {}; the relay shows {} as newest",
            ack.seq, head.seq
        );
        return Err(Error::new(ErrorCode::Withheld, cause));
    }
    let own = replica.entry(session, ack.seq).await?.map(|entry| entry.head());
    if own == Some(ack.head()) || weakened::skips(24) {
        return Ok(());
    }
    keep_evidence(session, replica, Bytes(crate::encoding::encode(ack))).await?;
    let cause = format!("member {who} has seen another entry {} than this device", ack.seq);
    Err(Error::new(ErrorCode::Fork, cause))
}

/// Keeps what showed a fork, beside what was there.
pub(super) async fn keep_evidence(
    session: &Session,
    replica: &Replica,
    Bytes(shown): Bytes,
) -> Result<()> {
    let key = keys::evidence(&replica.id);
    let mut kept: Vec<Evidence> = load(session, key.clone()).await?.unwrap_or_default();
    if kept.len() < MOST_EVIDENCE && kept.iter().all(|evidence| evidence.shown != shown) {
        kept.push(Evidence { time: session.io.now(), held: replica.state()?.head(), shown });
        store(session, key, &kept).await?;
    }
    Ok(())
}

fn judge(
    session: &Session,
    state: &State,
    record: &mut Record,
    acks: &BTreeMap<MemberId, Ack>,
) -> Freshness {
    let me = session.identity.id();
    let active = state.members().values().filter(|member| member.is_active());
    let persons: BTreeSet<PersonId> = active.map(|member| member.person).collect();
    if record.known.is_empty() {
        // Whoever is a member at the first sync stands in the history that the invitation vouches for.
        record.known.clone_from(&persons);
    }
    let witness = Witness {
        state,
        me: &me,
        acks,
        entries: &record.entries,
        known: &record.known,
        confirmed: &record.confirmed,
    };
    let freshness = witness.freshness(session.io.now());
    if matches!(freshness, Freshness::Fresh { .. }) {
        record.known = persons;
    }
    freshness
}

fn blocked(state: &State, freshness: Freshness, least: Staleness) -> Result<()> {
    let policy = state.policy().staleness;
    let blocks = policy == Staleness::BlocksBoth || policy == least;
    match freshness {
        Freshness::Stale { age } if blocks && policy != Staleness::Warns => Err(Error::new(
            ErrorCode::Stale,
            format!(
                "nobody else has been heard of for {} hours, and the policy blocks this",
                age / 3_600_000
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses a push where the policy says so.
pub(super) async fn check_push(session: &mut Session, replica: &Replica) -> Result<()> {
    let state = replica.state()?;
    if replica.is_local() || state.policy().staleness == Staleness::Warns {
        return Ok(());
    }
    let mut record: Record = load(session, keys::acks(&replica.id)).await?.unwrap_or_default();
    count_entries(session, replica, &mut record).await?;
    let acks = opened(state, &record);
    let freshness = judge(session, state, &mut record, &acks);
    blocked(state, freshness, Staleness::BlocksPush)
}

/// Says which head this device has seen, where that is news.
pub(super) async fn send(
    session: &mut Session,
    replica: &Replica,
    missing: Vec<VersionRef>,
) -> Result<()> {
    let mut record: Record = load(session, keys::acks(&replica.id)).await?.unwrap_or_default();
    let (state, now) = (replica.state()?, session.io.now());
    let head = state.head();
    let said =
        record.acked.is_some_and(|(acked, time)| acked == head && now < time.saturating_add(RENEW));
    // Members go on helping whom they hear lack something, until it says otherwise.
    let mut acks = opened(state, &record);
    let reported = acks.remove(&session.identity.id()).is_some_and(|ack| !ack.missing.is_empty());
    if said && missing.is_empty() && !reported {
        return Ok(());
    }
    let ack = Ack::new(replica.id, session.identity.id(), head, now, missing)
        .after_adoptions(record.adopted)
        .sign(&session.identity);
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    relay.put_ack(ack).await?;
    record.acked = Some((head, now));
    store(session, keys::acks(&replica.id), &record).await
}

/// What each member last said of the log, from the vault.
pub fn team(start: Start, workspace: WorkspaceId) -> Machine<Vec<Seen>> {
    start.machine(async move |session| {
        let replica = Replica::load(&session, workspace).await?;
        let record: Record = load(&session, keys::acks(&workspace)).await?.unwrap_or_default();
        let state = replica.state()?;
        let acks = opened(state, &record);
        let (me, head) = (session.identity.id(), state.head().seq);
        let active = state.members().iter().filter(|(_, member)| member.is_active());
        Ok(active
            .map(|(id, _)| {
                let said = acks.get(id).map(|ack| (ack.seq, ack.time));
                // Of itself, this device knows better than its last ack.
                let ack = if *id == me { Some((head, session.io.now())) } else { said };
                Seen { member: *id, ack, missing: acks.get(id).map_or(0, |ack| ack.missing.len()) }
            })
            .collect())
    })
}

/// Forgets what was said of a history that this device leaves.
pub(super) async fn leave_branch(session: &Session, replica: &Replica) -> Result<()> {
    let held: Record = load(session, keys::acks(&replica.id)).await?.unwrap_or_default();
    let adopted = replica.settings.branches;
    let Record { known, confirmed, .. } = held;
    let record = Record { known, confirmed, adopted, ..Record::default() };
    store(session, keys::acks(&replica.id), &record).await
}

/// Versions that each member's newest ack reports missing, and the entry up to which it looked.
pub(super) type Reports = BTreeMap<MemberId, (u64, BTreeSet<VersionRef>)>;

/// What members report missing, from the vault.
pub(super) async fn reports(session: &Session, replica: &Replica) -> Result<Reports> {
    let record: Record = load(session, keys::acks(&replica.id)).await?.unwrap_or_default();
    let acks = opened(replica.state()?, &record).into_iter();
    let reporting = acks.filter(|(_, ack)| !ack.missing.is_empty());
    Ok(reporting.map(|(id, ack)| (id, (ack.seq, ack.missing.into_iter().collect()))).collect())
}

/// Remembers that a member's safety number was compared on this device.
pub fn confirm(start: Start, workspace: WorkspaceId, member: MemberId) -> Machine<()> {
    start.machine(async move |session| {
        let mut record: Record = load(&session, keys::acks(&workspace)).await?.unwrap_or_default();
        record.confirmed.insert(member);
        store(&session, keys::acks(&workspace), &record).await
    })
}
