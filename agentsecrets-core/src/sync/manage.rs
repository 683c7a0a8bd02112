//! Operations of one entry: environments, withdrawn invitations, the policy; and local changes.

use super::{
    batch::{Batch, Parts, REBASES, contended},
    follow::follow,
    io::Machine,
    relay::Outcome,
    replica::Replica,
    session::{Session, Start},
};
use crate::{
    encoding::{EntryHash, EnvironmentId, Head, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{
        Body, Role,
        entry::{Action, Environment, Uninvite},
    },
    name::SecretName,
    parcel::MAX_VALUE,
    policy::Policy,
    secret::SecretBytes,
    workspace_key::Subject,
};

/// A change to the workspace that takes one entry.
#[derive(Clone, Debug)]
pub enum Management {
    /// A new environment with this label.
    CreateEnvironment(String),
    /// Another label.
    RenameEnvironment(EnvironmentId, String),
    /// It takes no more pushes.
    ArchiveEnvironment(EnvironmentId),
    /// Withdraws an invitation.
    Uninvite(EntryHash),
    /// A new policy.
    Policy(Policy),
}

/// Writes the entry.
pub fn manage(start: Start, workspace: WorkspaceId, change: Management) -> Machine<Head> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            let body = body(&mut session, &replica, &change)?;
            let mut batch = Batch::on(replica.state()?);
            batch.add(&session, body, Parts::new())?;
            if let Outcome::Accepted(head) = batch.commit(&mut session, &mut replica).await? {
                return Ok(head);
            }
        }
        Err(contended())
    })
}

fn body(session: &mut Session, replica: &Replica, change: &Management) -> Result<Body> {
    let least = if matches!(change, Management::Policy(_)) { Role::Owner } else { Role::Admin };
    if replica.me(session)?.role() < least {
        return Err(Error::new(ErrorCode::Forbidden, format!("it takes the role {least}")));
    }
    Ok(match change {
        Management::CreateEnvironment(label) => {
            let id = EnvironmentId(session.entropy.bytes());
            environment(session, replica, id, Action::Create, label)?
        }
        Management::RenameEnvironment(id, label) => {
            environment(session, replica, *id, Action::Rename, label)?
        }
        Management::ArchiveEnvironment(id) => {
            let label = replica.environment_label(*id).unwrap_or_default();
            environment(session, replica, *id, Action::Archive, &label)?
        }
        Management::Uninvite(invite) => Body::Uninvite(Uninvite { invite: *invite }),
        Management::Policy(policy) => Body::Policy(*policy),
    })
}

fn environment(
    session: &mut Session,
    replica: &Replica,
    id: EnvironmentId,
    action: Action,
    label: &str,
) -> Result<Body> {
    check_label(replica, id, label)?;
    let sealed = replica.key()?.seal_label(
        replica.id,
        Subject::Environment(id),
        label.as_bytes(),
        &mut session.entropy,
    );
    Ok(Body::Environment(Environment { id, action, label: sealed }))
}

/// Labels go on command lines and into file names; two environments never share one.
fn check_label(replica: &Replica, id: EnvironmentId, label: &str) -> Result<()> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if label.is_empty() || label.len() > 64 || !label.chars().all(plain) {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "an environment's label is 1 to 64 letters, digits, dots, hyphens or underscores",
        ));
    }
    let others = replica
        .state()?
        .environments()
        .iter()
        .filter(|(other, state)| **other != id && !state.archived);
    let mut labels = others.filter_map(|(other, _)| replica.environment_label(*other));
    match labels.any(|other| other == label) {
        true => Err(Error::new(
            ErrorCode::EnvironmentExists,
            format!("there is an environment {label}"),
        )),
        false => Ok(()),
    }
}

/// Records changes of values in the vault, to be pushed later; `None` deletes.
pub fn change(
    start: Start,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    changes: Vec<(SecretName, Option<SecretBytes>)>,
) -> Machine<()> {
    start.machine(async move |session| {
        let replica = Replica::load(&session, workspace).await?;
        replica.may_write(&session, &environment)?;
        let mut snapshot = replica.snapshot(&session, environment).await?;
        for (name, value) in changes {
            if value.as_ref().is_some_and(|value| value.len() > MAX_VALUE) {
                return Err(Error::new(
                    ErrorCode::ValueTooLarge,
                    format!("the value of {name} has more than {MAX_VALUE} bytes"),
                ));
            }
            replica.may_change(&session, &snapshot, &name)?;
            snapshot.change(name, value, session.io.now())?;
        }
        replica.store_snapshot(&session, &snapshot).await
    })
}
