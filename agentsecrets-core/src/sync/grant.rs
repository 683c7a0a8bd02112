//! Receives the workspace key: with the admission, with a wider scope, and after each Rekey.

use super::{relay::Relay, replica::Replica, session::Session};
use crate::{
    encoding::{MemberId, SealedHash},
    error::{Error, ErrorCode, Result},
    log::deliveries::{leaf, sealed_hash, verify},
    wire::{Bytes, Received},
    workspace_key,
};

/// Takes the workspace key over once this device is admitted, and each generation after a Rekey.
pub(super) async fn receive(session: &mut Session, replica: &mut Replica) -> Result<()> {
    let Some(grant) = wanted_grant(session, replica)? else {
        return joined(session, replica).await;
    };
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    let page = relay.deliveries(grant.seq.checked_sub(1)).await?;
    let received = page.deliveries.into_iter().find(|received| received.seq == grant.seq);
    let sealed = received.and_then(|received| listed(session, replica, &grant, received));
    let sealed = sealed.ok_or_else(|| {
        let cause = "the relay does not hand over the workspace key's grant";
        Error::new(ErrorCode::DeliveryWithheld, cause)
    })?;
    let state = replica.state()?;
    let from = state.members().get(&grant.from);
    let from =
        from.ok_or_else(|| Error::new(ErrorCode::GrantMismatch, "the grant's author is unknown"))?;
    let sender = (&grant.from, from.recipient.box_key());
    let commitments = state.key_commitments();
    let key = workspace_key::unwrap(&session.identity, sender, replica.id, commitments, &sealed)?;
    if grant.generation.is_some_and(|generation| generation != key.generation()) {
        return Err(Error::new(ErrorCode::GrantMismatch, "the grant lacks the newest generation"));
    }
    replica.settings.key = Some(key);
    replica.settings.joining = None;
    replica.store_settings(session).await
}

/// The grant that brings this device to the newest generation.
struct WantedGrant {
    seq: u64,
    from: MemberId,
    /// By its hash, or under the root of a Rekey.
    hash: Option<SealedHash>,
    /// What the key must reach; of a first grant, whatever the log had then.
    generation: Option<u32>,
}

fn wanted_grant(session: &Session, replica: &Replica) -> Result<Option<WantedGrant>> {
    let (state, me) = (replica.state()?, replica.me(session)?);
    let held = replica.settings.key.as_ref().map(|key| key.generation());
    if !me.holds_key() || held == Some(state.generation()) {
        return Ok(None);
    }
    let granted = me.grant.map_or(0, |grant| grant.seq);
    let newest = state.rekeys().last().filter(|rekey| rekey.seq > granted);
    let by_rekey = newest.map(|rekey| WantedGrant {
        seq: rekey.seq,
        from: rekey.author,
        hash: None,
        generation: Some(state.generation()),
    });
    let by_admission = || {
        me.grant.map(|grant| WantedGrant {
            seq: grant.seq,
            from: grant.from,
            hash: Some(grant.hash),
            generation: None,
        })
    };
    Ok(by_rekey.or_else(by_admission))
}

/// The sealed grant, where it is the one that the signed entry lists for this device.
fn listed(
    session: &Session,
    replica: &Replica,
    grant: &WantedGrant,
    received: Received,
) -> Option<Vec<u8>> {
    let Bytes(sealed) = received.parts.into_iter().next().flatten()?;
    let hash = sealed_hash(&sealed);
    let right = match grant.hash {
        Some(expected) => expected == hash,
        None => {
            let state = replica.state.as_ref()?;
            let root = &state.rekeys().iter().find(|rekey| rekey.seq == grant.seq)?.root;
            let (me, holders) = (session.identity.id(), state.key_holders_before(grant.seq));
            let index = holders.iter().position(|id| *id == me)?;
            let path: Vec<_> = received.path.iter().map(|node| node.0).collect();
            verify(leaf(&me, &[hash]), index, holders.len(), &path, root)
        }
    };
    right.then_some(sealed)
}

/// Admitted without a grant: nothing to wait for any more.
async fn joined(session: &Session, replica: &mut Replica) -> Result<()> {
    match replica.settings.joining.take() {
        Some(_) => replica.store_settings(session).await,
        None => Ok(()),
    }
}
