//! Gives a secret another policy: its value once more, as the next version, under the new policy.
//!
//! The value's commitment holds the policy too, so a policy never changes without a version: whoever
//! holds the newest version knows what it may be used for.

use super::{
    acks,
    batch::{Batch, REBASES, contended},
    follow::follow,
    io::Machine,
    pull::{self, Clashes},
    push::{self, Sealed},
    relay::Outcome,
    replica::Replica,
    session::{Session, Start},
};
use crate::{
    encoding::{EnvironmentId, Head, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{
        Role,
        entry::{Item, Operation},
    },
    name::SecretName,
    parcel::{self, ParcelItem},
    secret_policy::SecretPolicy,
    snapshot::{Attempt, Snapshot},
};

/// Sets the policy of a secret, or takes it away; nothing is written where it is the one in force.
///
/// # Errors
/// `forbidden` for all but admins; `unknown_secret`; `conflict` where the secret has a change that was not
/// pushed; those of a push.
pub fn set_secret_policy(
    start: Start,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    name: SecretName,
    policy: Option<SecretPolicy>,
) -> Machine<Head> {
    let policy = policy.map_or_else(Vec::new, |policy| policy.to_bytes());
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            may_decide(&session, &replica, &environment)?;
            acks::check_push(&mut session, &replica).await?;
            let keep = Clashes::Keep;
            let (_, mut snapshot) =
                pull::pull_one(&mut session, &replica, environment, keep).await?;
            let Some(attempt) = attempt(&mut session, &replica, &snapshot, &name, &policy)? else {
                return Ok(replica.state()?.head());
            };
            let (batch, attempt) = attempt;
            snapshot.attempts.push(attempt);
            let outcome = push::commit(&mut session, &mut replica, &mut snapshot, &batch).await?;
            if let Outcome::Accepted(head) = outcome {
                return Ok(head);
            }
        }
        Err(contended())
    })
}

fn may_decide(session: &Session, replica: &Replica, environment: &EnvironmentId) -> Result<()> {
    replica.may_write(session, environment)?;
    match replica.me(session)?.role() >= Role::Admin {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::Forbidden, "it takes the role admin")),
    }
}

/// The entry, unless the policy is this one already.
fn attempt(
    session: &mut Session,
    replica: &Replica,
    snapshot: &Snapshot,
    name: &SecretName,
    policy: &[u8],
) -> Result<Option<(Batch, Attempt)>> {
    if snapshot.local(name).is_some() {
        let cause = format!("{name} has a change that was not pushed yet");
        return Err(Error::new(ErrorCode::Conflict, cause).with_hint("agentsecrets secrets push"));
    }
    let unknown = || Error::new(ErrorCode::UnknownSecret, format!("there is no secret {name}"));
    let held = snapshot.by_name(name).ok_or_else(unknown)?;
    if held.policy == policy {
        return Ok(None);
    }
    let newest = held.newest().ok_or_else(unknown)?.version;
    let live = held.item(newest).ok_or_else(unknown)?;
    let item = ParcelItem {
        version: newest + 1,
        policy: policy.to_vec(),
        policy_salt: parcel::salt(&mut session.entropy),
        salt: parcel::salt(&mut session.entropy),
        ..live
    };
    let commitment = item.commitment(replica.id, snapshot.environment);
    let entry = Item {
        secret: item.secret,
        version: item.version,
        operation: Operation::Put(commitment),
        create: None,
        policy: Some(item.policy_commitment()),
        differs_from: Vec::new(),
    };
    let mut batch = Batch::on(replica.state()?);
    let sealed = Sealed {
        items: vec![entry],
        puts: vec![(item, commitment)],
        deletions: Vec::new(),
        strays: Vec::new(),
    };
    let attempt = push::seal_entry(session, replica, snapshot.environment, sealed, &mut batch)?;
    Ok(Some((batch, attempt)))
}
