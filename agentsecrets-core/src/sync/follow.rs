//! Follows the log: fetches what is new, verifies it link by link, and moves the pin.

use std::time::Duration;

use super::{acks, grant, relay::Relay, replica::Replica, session::Session};
use crate::{
    encoding::{Head, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{SignedEntry, State},
    weakened,
    wire::{Bytes, LogPage},
};

/// What helps where the relay lost its end by an accident, and its operator says so.
const RESTORED: &str =
    "agentsecrets workspace repush   # where the relay was restored from an older backup";

/// Brings the log up to what the relay shows. The pin moves apart from values: whatever happens to
/// deliveries later, entries seen here stay seen.
pub(super) async fn follow(session: &mut Session, replica: &mut Replica) -> Result<()> {
    follow_for(session, replica, Duration::ZERO).await.map(drop)
}

/// As [`follow`], but waits up to `wait` for news; says whether there was any.
pub(super) async fn follow_for(
    session: &mut Session,
    replica: &mut Replica,
    wait: Duration,
) -> Result<bool> {
    if replica.is_local() {
        return Ok(false);
    }
    check_pinned(replica)?;
    let before = replica.state.as_ref().map(State::head);
    // A long poll follows a look at the pin.
    let mut shown = !wait.is_zero();
    let mut page = fetch(session, replica, wait, shown).await?;
    loop {
        let (more, held) = (page.more, replica.state.as_ref().map(State::head));
        take(session, replica, page).await?;
        if !more {
            break;
        }
        // A page full with the pinned entry alone is the first one; a later one must bring news.
        if shown && replica.state.as_ref().map(State::head) == held {
            return Err(Error::new(
                ErrorCode::RelayMalformed,
                "the relay says that there is more of the log and does not show it",
            ));
        }
        shown = true;
        page = fetch(session, replica, Duration::ZERO, shown).await?;
    }
    check_reach(replica)?;
    grant::receive(session, replica).await?;
    Ok(replica.state.as_ref().map(State::head) != before)
}

/// Asks from the pinned entry on, so that the relay has to show that it still has it; after that
/// entry where it has been `shown` just before.
async fn fetch(
    session: &mut Session,
    replica: &Replica,
    wait: Duration,
    shown: bool,
) -> Result<LogPage> {
    let pin = replica.state.as_ref().map(State::head);
    let after = pin.and_then(|pin| if shown { Some(pin.seq) } else { pin.seq.checked_sub(1) });
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    let mut page = relay.log(after, wait).await?;
    if let (Some(pin), false) = (pin, shown) {
        let first = page.entries.first().cloned();
        let verdict = check_pin(&mut page, pin);
        if let (Err(error), Some(first)) = (&verdict, first) {
            keep_evidence(session, replica, error, &first).await?;
        }
        verdict?;
    }
    Ok(page)
}

fn check_pin(page: &mut LogPage, pin: Head) -> Result<()> {
    if page.entries.is_empty() && weakened::skips_any(&[13, 19]) {
        return Ok(());
    }
    if page.entries.is_empty() && !weakened::skips(44) {
        let (shown, held) = (page.head.seq, pin.seq);
        return Err(match shown < held {
            true => Error::new(
                ErrorCode::Rollback,
                format!(
                    "the relay shows entry {shown} as newest; this device has seen entry {held}"
                ),
            )
            .with_hint(RESTORED),
            false => Error::new(
                ErrorCode::Withheld,
                format!("the relay does not show entry {held}, which this device has seen"),
            ),
        });
    }
    let shown = SignedEntry::parse(&page.entries.remove(0).0)?;
    if shown.head() != pin && !weakened::skips_any(&[14, 15, 25]) {
        return Err(Error::new(
            ErrorCode::Fork,
            format!("the relay shows another entry {} than this device has seen", pin.seq),
        ));
    }
    Ok(())
}

/// An entry in the place of the pinned one, signed by a member, shows to anybody that there are two
/// histories; the vault keeps it.
async fn keep_evidence(
    session: &Session,
    replica: &Replica,
    error: &Error,
    Bytes(shown): &Bytes,
) -> Result<()> {
    let (Some(state), true) = (&replica.state, error.code() == ErrorCode::Fork) else {
        return Ok(());
    };
    let shown = SignedEntry::parse(shown)?;
    let author = state.members().get(&shown.entry().author);
    let signed = author.is_some_and(|author| shown.verify(author.verifying_key()).is_ok());
    match signed && shown.entry().seq == state.head().seq {
        true => acks::keep_evidence(session, replica, Bytes(shown.bytes().to_vec())).await,
        false => Ok(()),
    }
}

async fn take(session: &Session, replica: &mut Replica, page: LogPage) -> Result<()> {
    let mut state = replica.state.clone();
    let mut taken = Vec::with_capacity(page.entries.len());
    let verdict = page.entries.iter().try_for_each(|Bytes(bytes)| {
        let entry = SignedEntry::parse(bytes)?;
        check_anchors(replica, &entry)?;
        match &mut state {
            Some(state) => state.apply(&entry)?,
            None => state = Some(genesis(&entry, replica.id)?),
        }
        taken.push(entry);
        Ok(())
    });
    if let (Some(state), false) = (state, taken.is_empty()) {
        // Also before an error: good entries that came before a bad one count.
        replica.advance(session, state, &taken).await?;
    }
    verdict
}

fn genesis(entry: &SignedEntry, id: WorkspaceId) -> Result<State> {
    if entry.hash().0 != id.0 {
        return Err(Error::new(ErrorCode::Fork, "the relay shows the log of another workspace"));
    }
    State::genesis(entry)
}

/// Entries that this device was told of out of band must be those very entries.
fn check_anchors(replica: &Replica, entry: &SignedEntry) -> Result<()> {
    let head = entry.head();
    match replica.settings.anchors.iter().any(|told| told.seq == head.seq && *told != head) {
        true => Err(Error::new(
            ErrorCode::Fork,
            format!("entry {} is another one than this device was told of", head.seq),
        )),
        false => Ok(()),
    }
}

/// Without a pin something else must say how far the log reaches, or the relay could cut it anywhere.
fn check_pinned(replica: &Replica) -> Result<()> {
    let told = replica.state.is_some() || !replica.settings.anchors.is_empty();
    match told || weakened::skips(19) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::Unpinned,
            "this vault holds neither a pin nor a head that the log must reach",
        )),
    }
}

/// The log must reach the heads of the invitation and of the identity string.
fn check_reach(replica: &Replica) -> Result<()> {
    let shown = replica.state()?.head().seq;
    match replica.settings.anchors.iter().find(|told| told.seq > shown) {
        Some(told) if !weakened::skips(18) => Err(Error::new(
            ErrorCode::Rollback,
            format!(
                "the log ends at entry {shown}, before entry {}, which this device was told of",
                told.seq
            ),
        )),
        _ => Ok(()),
    }
}
