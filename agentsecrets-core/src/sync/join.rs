//! Invitations from both ends: the inviter's code and the invitee's reply.

use super::{
    batch::{Batch, Parts, REBASES, contended},
    follow::follow,
    io::Machine,
    relay::{Outcome, Relay},
    replica::{Joining, Replica, Settings, keys, load},
    session::{Session, Start},
};
use crate::{
    encoding::{EntryHash, WorkspaceId, encode},
    error::{Error, ErrorCode, Result},
    invitation::{Invitation, Token},
    log::{Body, Role, Scope, entry::Invite},
    workspace_key::check_label,
};

/// What an invitation offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Role.
    pub role: Role,
    /// Scope.
    pub scope: Scope,
    /// Milliseconds since 1970 after which it is refused; 0 is never.
    pub expires: u64,
}

/// Writes an Invite entry; the result's code is handed over out of band.
pub fn invite(start: Start, workspace: WorkspaceId, offer: Offer) -> Machine<Invitation> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        if replica.is_local() {
            return Err(Error::new(
                ErrorCode::NoRelay,
                "a local workspace has nowhere to invite to",
            ));
        }
        for _ in 0..REBASES {
            follow(&mut session, &mut replica).await?;
            if let Some(invitation) = try_invite(&mut session, &mut replica, &offer).await? {
                return Ok(invitation);
            }
        }
        Err(contended())
    })
}

async fn try_invite(
    session: &mut Session,
    replica: &mut Replica,
    offer: &Offer,
) -> Result<Option<Invitation>> {
    let me = replica.me(session)?;
    if !me.role().rules_over(offer.role) {
        return Err(Error::new(
            ErrorCode::Forbidden,
            format!("a member of role {} cannot invite a {}", me.role(), offer.role),
        ));
    }
    if !offer.scope.within(me.scope()) {
        return Err(Error::new(
            ErrorCode::OutOfScope,
            "the invitation reaches beyond this member's scope",
        ));
    }
    let token = Token::generate(&mut session.entropy);
    let Offer { role, scope, expires } = offer.clone();
    let invite = Invite { key: token.verifying_key(), role, scope, expires };
    let mut batch = Batch::on(replica.state()?);
    batch.add(session, Body::Invite(invite), Parts::new())?;
    let id = EntryHash(batch.state.head().hash.0);
    // Before the entry is out: without the token nobody could read the invitee's label.
    replica.settings.tokens.push((id, token.expose_copy()));
    replica.store_settings(session).await?;
    Ok(match batch.commit(session, replica).await? {
        Outcome::Moved => None,
        Outcome::Accepted(head) => {
            let relay = replica.settings.relay.clone();
            Some(Invitation::new(
                replica.id,
                id,
                session.identity.id(),
                head,
                relay,
                expires,
                token,
            ))
        }
    })
}

/// Forgets tokens of invitations that admit nobody any more.
pub(super) async fn forget_tokens(session: &Session, replica: &mut Replica) -> Result<()> {
    let Some(state) = &replica.state else { return Ok(()) };
    let before = replica.settings.tokens.len();
    replica.settings.tokens.retain(|(id, _)| state.open_invitation(id).is_some());
    match replica.settings.tokens.len() == before {
        true => Ok(()),
        false => replica.store_settings(session).await,
    }
}

/// Replies to an invitation; an admin's next sync admits this device.
pub fn join(start: Start, invitation: Invitation, label: String) -> Machine<WorkspaceId> {
    start.machine(async move |mut session| {
        check_label(&label)?;
        let workspace = invitation.workspace;
        if expired(invitation.expires, session.io.now()) {
            return Err(Error::new(ErrorCode::InvitationExpired, "the invitation's time is over"));
        }
        let known: Option<Settings> = load(&session, keys::settings(&workspace)).await?;
        let fresh = known.is_none();
        let settings = match known {
            Some(settings) => again(settings, &invitation.invite)?,
            None => first(&mut session, invitation, &label),
        };
        reply(&mut session, Replica { id: workspace, settings, state: None }, fresh).await?;
        Ok(workspace)
    })
}

fn expired(expires: u64, now: u64) -> bool {
    expires != 0 && now > expires
}

fn first(session: &mut Session, invitation: Invitation, label: &str) -> Settings {
    let (relay, head) = (invitation.relay.clone(), invitation.head);
    let (invite, expires) = (invitation.invite, invitation.expires);
    let reply = encode(&invitation.accept(&session.identity, label, &mut session.entropy));
    Settings {
        relay,
        anchors: vec![head],
        joining: Some(Joining { invite, expires, reply }),
        tokens: Vec::new(),
        key: None,
        branches: 0,
    }
}

/// The same code on the same device: a retry of the same reply.
fn again(settings: Settings, invite: &EntryHash) -> Result<Settings> {
    match &settings.joining {
        Some(joining) if joining.invite == *invite => Ok(settings),
        Some(_) => Err(Error::new(
            ErrorCode::WorkspaceExists,
            "this device has answered another invitation to this workspace",
        )),
        None => Err(Error::new(
            ErrorCode::AlreadyMember,
            "this device has joined this workspace before",
        )),
    }
}

/// Stored before it is sent; a definite refusal leaves the vault as it was.
async fn reply(session: &mut Session, replica: Replica, fresh: bool) -> Result<()> {
    let Some(Joining { invite, reply, .. }) = &replica.settings.joining else { return Ok(()) };
    replica.store_settings(session).await?;
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    let sent = relay.put_reply(invite, reply.clone()).await;
    if let (Err(_), true) = (&sent, fresh) {
        session.io.remove(keys::settings(&replica.id)).await?;
    }
    sent
}
