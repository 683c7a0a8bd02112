//! Admits newcomers: by the replies to invitations, or by a recipient string; and shares with them.

use super::{
    acks::Reports,
    batch::{Batch, Parts, REBASES, contended},
    follow::follow,
    io::Machine,
    pull::{Clashes, pull_one, readable},
    relay::{Outcome, Relay},
    replica::Replica,
    session::{Session, Start},
    share::add_shares,
};
use crate::{
    crypto::Signature,
    encoding::{EntryHash, MemberId, PersonId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    fingerprint::Fingerprint,
    identity::Recipient,
    invitation::{self, InvitationReply},
    log::{
        Body, Role, Scope, deliveries::sealed_hash, entry::Admit, membership::How,
        state::InvitationState,
    },
    snapshot::Snapshot,
    weakened,
    workspace_key::{Subject, check_label, wrap},
};

/// Somebody who was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The member.
    pub member: MemberId,
    /// Its label.
    pub label: String,
    /// Its role.
    pub role: Role,
}

/// Somebody to admit.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Public half.
    pub recipient: Recipient,
    /// Role.
    pub role: Role,
    /// Scope.
    pub scope: Scope,
    /// Label, for the members.
    pub label: String,
    /// Why the key is believed; by an invitation, with the proof.
    pub how: (How, Option<Signature>),
}

/// Admits a recipient whose string came out of band.
pub fn admit(start: Start, workspace: WorkspaceId, newcomer: Newcomer) -> Machine<Admitted> {
    start.machine(async move |mut session| {
        check_label(&newcomer.label)?;
        let mut replica = Replica::load(&session, workspace).await?;
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            let newcomers = std::slice::from_ref(&newcomer);
            if let Some(admitted) = commit(&mut session, &mut replica, newcomers).await? {
                return admitted.into_iter().next().ok_or_else(contended);
            }
        }
        Err(contended())
    })
}

/// Admits whoever replied to invitations: to own ones, or with `all` to any.
pub fn admit_replies(start: Start, workspace: WorkspaceId, all: bool) -> Machine<Vec<Admitted>> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        follow(&mut session, &mut replica).await?;
        replies(&mut session, &mut replica, all).await
    })
}

pub(super) async fn replies(
    session: &mut Session,
    replica: &mut Replica,
    all: bool,
) -> Result<Vec<Admitted>> {
    if replica.is_local() || replica.me(session)?.role() < Role::Admin {
        return Ok(Vec::new());
    }
    for _ in 0..REBASES {
        let newcomers = newcomers(session, replica, all).await?;
        if newcomers.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(admitted) = commit(session, replica, &newcomers).await? {
            return Ok(admitted);
        }
        follow(session, replica).await?;
    }
    Err(contended())
}

/// Whoever replied to an open invitation with a proof that verifies.
async fn newcomers(session: &mut Session, replica: &Replica, all: bool) -> Result<Vec<Newcomer>> {
    let state = replica.state()?;
    let rank = replica.me(session)?.role();
    let own = |id: &EntryHash| replica.settings.tokens.iter().any(|(token, _)| token == id);
    let now = session.io.now();
    let open = state
        .invitations()
        .iter()
        .filter(|(id, _)| state.open_invitation(id).is_some() && (all || own(id)));
    let open = open.filter(|(_, invitation)| {
        let expires = invitation.invite.expires;
        rank.rules_over(invitation.invite.role) && (expires == 0 || now <= expires)
    });
    let open: Vec<_> = open.collect();
    let mut newcomers: Vec<Newcomer> = Vec::new();
    for (id, invitation) in open {
        let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
        let Some(reply) = relay.reply(id).await? else { continue };
        let newcomer = newcomer(replica, id, invitation, &reply);
        // Keys that answer two invitations use up one; the fold would refuse the whole batch.
        newcomers
            .extend(newcomer.filter(|one| !newcomers.iter().any(|other| share_key(one, other))));
    }
    Ok(newcomers)
}

fn share_key(one: &Newcomer, other: &Newcomer) -> bool {
    one.recipient.verifying_key() == other.recipient.verifying_key()
        || one.recipient.box_key() == other.recipient.box_key()
}

/// A reply that is damaged or not by the token's holder counts for nothing, as if there were none.
fn newcomer(
    replica: &Replica,
    id: &EntryHash,
    invitation: &InvitationState,
    reply: &[u8],
) -> Option<Newcomer> {
    let reply = InvitationReply::parse(reply).ok()?;
    let InvitationReply { recipient, proof, .. } = &reply;
    let (key, author) = (&invitation.invite.key, &invitation.author);
    let proven = invitation::verify_proof(key, &replica.id, id, author, recipient, proof);
    if proven.is_err() && !weakened::skips_any(&[1, 2]) {
        return None;
    }
    let state = replica.state.as_ref()?;
    if state.members().contains_key(&recipient.id()) || state.knows_key_of(recipient) {
        return None;
    }
    let token = replica.settings.tokens.iter().find(|(token, _)| token == id);
    let label = token.and_then(|(_, token)| reply.label(token, &replica.id, id).ok());
    Some(Newcomer {
        recipient: recipient.clone(),
        role: invitation.invite.role,
        scope: invitation.invite.scope.clone(),
        label: label.unwrap_or_else(|| Fingerprint::of(&recipient.id()).to_string()),
        how: (How::Invitation(*id), Some(*proof)),
    })
}

/// One batch: each Admit with its grant, then Shares of what this device holds; `None` where
/// somebody else's commit came first.
async fn commit(
    session: &mut Session,
    replica: &mut Replica,
    newcomers: &[Newcomer],
) -> Result<Option<Vec<Admitted>>> {
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for environment in readable(session, replica)? {
        snapshots.push(pull_one(session, replica, environment, Clashes::Keep).await?.1);
    }
    let mut batch = Batch::on(replica.state()?);
    for newcomer in newcomers {
        add_admit(session, replica, &mut batch, newcomer)?;
        let to = newcomer.recipient.id();
        for snapshot in &snapshots {
            add_shares(session, replica, &mut batch, snapshot, &to, &Reports::new())?;
        }
    }
    Ok(match batch.commit(session, replica).await? {
        Outcome::Moved => None,
        Outcome::Accepted(_) => Some(newcomers.iter().map(Newcomer::admitted).collect()),
    })
}

fn add_admit(
    session: &mut Session,
    replica: &Replica,
    batch: &mut Batch,
    newcomer: &Newcomer,
) -> Result<()> {
    let Newcomer { recipient, role, scope, label, how } = newcomer;
    if batch.state.members().contains_key(&recipient.id()) {
        return Err(Error::new(ErrorCode::AlreadyMember, "this identity is or was a member"));
    }
    let key = replica.key()?;
    let grant = (!scope.is_blind())
        .then(|| wrap(&session.identity, recipient, replica.id, key, &mut session.entropy));
    let subject = Subject::Member(recipient.id());
    let admit = Admit {
        recipient: recipient.clone(),
        person: PersonId(session.entropy.bytes()),
        role: *role,
        scope: scope.clone(),
        how: how.0,
        proof: how.1,
        person_proof: None,
        grant: grant.as_deref().map(sealed_hash),
        label: key.seal_label(replica.id, subject, label.as_bytes(), &mut session.entropy),
    };
    let parts: Parts = grant.map(|grant| (recipient.id(), vec![grant])).into_iter().collect();
    batch.add(session, Body::Admit(Box::new(admit)), parts)
}

impl Newcomer {
    fn admitted(&self) -> Admitted {
        Admitted { member: self.recipient.id(), label: self.label.clone(), role: self.role }
    }
}
