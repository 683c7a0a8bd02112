//! Brings back to a relay the end of the log that it lost: only when a person says so, because a relay
//! that was not restored from a backup has rolled back.

use super::{
    batch::{REBASES, contended},
    found::publish,
    io::Machine,
    relay::Relay,
    replica::Replica,
    session::{Session, Start},
};
use crate::{
    encoding::{Head, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::SignedEntry,
};

/// What a repush brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repushed {
    /// The head that the relay has now.
    pub head: Head,
    /// How many entries it lacked.
    pub entries: usize,
    /// How many of them list values or keys that nobody has in sealed form any more: whoever holds
    /// them in clear shares them anew with who reports them missing.
    pub absent: usize,
}

/// Sends the entries that the relay lacks, as they were signed. May be repeated after a failure, and
/// by several members.
///
/// # Errors
/// `fork` where the relay continued another way; `not_admitted` where it does not know this device
/// yet, because it was admitted by a lost entry; `no_relay`.
pub fn repush(start: Start, workspace: WorkspaceId) -> Machine<Repushed> {
    start.machine(async move |mut session| {
        let replica = Replica::load(&session, workspace).await?;
        if replica.is_local() {
            return Err(Error::new(ErrorCode::NoRelay, "the workspace is local"));
        }
        for _ in 0..REBASES {
            let lost = lost(&mut session, &replica).await?;
            match publish(&mut session, &replica, &lost, None).await {
                // Another member repushes at the same time.
                Err(error) if error.code() == ErrorCode::AlreadyPublished => {}
                done => return done.and_then(|()| report(&replica, &lost)),
            }
        }
        Err(contended())
    })
}

fn report(replica: &Replica, lost: &[SignedEntry]) -> Result<Repushed> {
    let absent = lost.iter().filter(|entry| entry.entry().body.delivers()).count();
    Ok(Repushed { head: replica.state()?.head(), entries: lost.len(), absent })
}

/// Entries after the relay's head, which must stand in this device's log.
async fn lost(session: &mut Session, replica: &Replica) -> Result<Vec<SignedEntry>> {
    let pin = replica.state()?.head();
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    let shown = relay.head(pin.seq).await.map_err(elsewhere)?;
    if shown.is_some_and(|shown| shown.seq > pin.seq) {
        return Ok(Vec::new());
    }
    if let Some(shown) = shown {
        let own = replica.entry(session, shown.seq).await?;
        if own.is_none_or(|own| own.head() != shown) {
            let cause = format!("the relay has another entry {} than this device", shown.seq);
            return Err(Error::new(ErrorCode::Fork, cause));
        }
    }
    let first = shown.map_or(0, |shown| shown.seq + 1);
    let mut entries = replica.log_from(session, first).await?;
    entries.retain(|entry| entry.entry().seq >= first);
    Ok(entries)
}

fn elsewhere(error: Error) -> Error {
    match error.code() {
        ErrorCode::NotAdmitted => {
            error.with_hint("agentsecrets workspace repush   # on the device of an earlier member")
        }
        _ => error,
    }
}
