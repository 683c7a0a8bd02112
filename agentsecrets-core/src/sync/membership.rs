//! Ends and changes memberships, and begins generations of the workspace key.

use super::{
    acks::Reports,
    batch::{Batch, Parts, REBASES, contended, root_of},
    follow::follow,
    io::Machine,
    pull::{Clashes, pull_one, readable},
    relay::Outcome,
    replica::Replica,
    session::{Session, Start},
    share::add_shares,
};
use crate::{
    encoding::{Head, MemberId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    identity::Recipient,
    log::{
        Body, Member, Role, Scope,
        deliveries::sealed_hash,
        entry::{Change, Rekey, Remove},
    },
    workspace_key::{WorkspaceKey, wrap, wrap_many},
};

/// What a removal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Whose memberships ended.
    pub removed: Vec<MemberId>,
    /// Whether a new generation of the workspace key began with it.
    pub rekeyed: bool,
    /// The head afterwards.
    pub head: Head,
}

/// Ends memberships. With `rekey`, the next generation of the workspace key begins in the same
/// commit, where this device may begin one: names and labels to come stay secret to who left.
pub fn remove(
    start: Start,
    workspace: WorkspaceId,
    remove: Remove,
    rekey: bool,
) -> Machine<Removal> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            let mut batch = Batch::on(replica.state()?);
            let removed = batch.state.removed_by(&remove);
            removed.iter().try_for_each(|id| known(&batch, id))?;
            let body = Body::Remove(remove.clone());
            batch.add(&session, body, Parts::new()).map_err(forbidden)?;
            let key = match rekey && may_rekey(replica.me(&session)?) && batch.state.needs_rekey() {
                true => Some(add_rekey(&mut session, &replica, &mut batch)?),
                false => None,
            };
            if let Outcome::Accepted(head) = batch.commit(&mut session, &mut replica).await? {
                let rekeyed = key.is_some();
                take_key(&session, &mut replica, key).await?;
                return Ok(Removal { removed, rekeyed, head });
            }
        }
        Err(contended())
    })
}

/// Ends this device's own membership; what its vault holds stays.
pub fn leave(start: Start, workspace: WorkspaceId) -> Machine<Head> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            replica.me(&session)?;
            let mut batch = Batch::on(replica.state()?);
            batch.add(&session, Body::Leave, Parts::new()).map_err(forbidden)?;
            if let Outcome::Accepted(head) = batch.commit(&mut session, &mut replica).await? {
                return Ok(head);
            }
        }
        Err(contended())
    })
}

/// Begins the next generation of the workspace key.
pub fn rekey(start: Start, workspace: WorkspaceId) -> Machine<Head> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            if !may_rekey(replica.me(&session)?) {
                return Err(Error::new(
                    ErrorCode::Forbidden,
                    "it takes an admin who holds the workspace key",
                ));
            }
            let mut batch = Batch::on(replica.state()?);
            let key = add_rekey(&mut session, &replica, &mut batch)?;
            if let Outcome::Accepted(head) = batch.commit(&mut session, &mut replica).await? {
                take_key(&session, &mut replica, Some(key)).await?;
                return Ok(head);
            }
        }
        Err(contended())
    })
}

/// Gives a member another role or scope; `None` keeps what it is. What comes into its scope and
/// this device holds is shared in the same commit.
pub fn change_member(
    start: Start,
    workspace: WorkspaceId,
    member: MemberId,
    role: Option<Role>,
    scope: Option<Scope>,
) -> Machine<Head> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            let wanted = (role, scope.clone());
            let outcome = try_change(&mut session, &mut replica, member, wanted).await?;
            if let Outcome::Accepted(head) = outcome {
                return Ok(head);
            }
        }
        Err(contended())
    })
}

async fn try_change(
    session: &mut Session,
    replica: &mut Replica,
    id: MemberId,
    (role, scope): (Option<Role>, Option<Scope>),
) -> Result<Outcome> {
    let mut batch = Batch::on(replica.state()?);
    known(&batch, &id)?;
    let member = batch.state.active(&id).cloned().ok_or_else(nobody)?;
    let role = role.unwrap_or(member.role());
    let scope = scope.unwrap_or_else(|| member.scope().clone());
    let widens = member.scope().is_blind() && !scope.is_blind();
    let grant = match widens {
        true => Some(wrap(
            &session.identity,
            &member.recipient,
            replica.id,
            replica.key()?,
            &mut session.entropy,
        )),
        false => None,
    };
    let change = Change { member: id, role, scope, grant: grant.as_deref().map(sealed_hash) };
    let parts: Parts = grant.map(|grant| (id, vec![grant])).into_iter().collect();
    batch.add(session, Body::Change(change), parts).map_err(forbidden)?;
    for environment in readable(session, replica)? {
        let (_, snapshot) = pull_one(session, replica, environment, Clashes::Keep).await?;
        add_shares(session, replica, &mut batch, &snapshot, &id, &Reports::new())?;
    }
    batch.commit(session, replica).await
}

fn may_rekey(me: &Member) -> bool {
    me.role() >= Role::Admin && !me.scope().is_blind()
}

/// Adds a Rekey with a grant for every holder of the key, this device included: after a crash it
/// receives the key like everybody else.
fn add_rekey(session: &mut Session, replica: &Replica, batch: &mut Batch) -> Result<WorkspaceKey> {
    let key = replica.key()?.with_next_generation(&mut session.entropy);
    let holders = batch.state.key_holders_before(batch.next_seq());
    let recipient = |id| Ok(&batch.state.active(id).ok_or_else(nobody)?.recipient);
    let recipients: Vec<&Recipient> = holders.iter().map(recipient).collect::<Result<_>>()?;
    let grants = wrap_many(&session.identity, &recipients, replica.id, &key, &mut session.entropy);
    let parts: Parts =
        holders.iter().copied().zip(grants.into_iter().map(|one| vec![one])).collect();
    let commitment = key.commitments().pop();
    let rekey = Rekey {
        generation: key.generation(),
        commitment: commitment
            .ok_or_else(|| Error::new(ErrorCode::Internal, "a key has no generation"))?,
        root: root_of(&parts),
    };
    batch.add(session, Body::Rekey(rekey), parts).map_err(forbidden)?;
    Ok(key)
}

async fn take_key(
    session: &Session,
    replica: &mut Replica,
    key: Option<WorkspaceKey>,
) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    replica.settings.key = Some(key);
    replica.store_settings(session).await
}

fn known(batch: &Batch, id: &MemberId) -> Result<()> {
    batch.state.active(id).map(drop).ok_or_else(nobody)
}

fn nobody() -> Error {
    Error::new(ErrorCode::UnknownMember, "it is no member now")
}

/// What the fold refuses in an entry of one's own is a right that one lacks.
fn forbidden(error: Error) -> Error {
    match error.code() {
        ErrorCode::RefusedEntry => Error::new(ErrorCode::Forbidden, error.message().to_owned()),
        _ => error,
    }
}
