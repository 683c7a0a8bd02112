//! invite, invitations, uninvite, admit, members, safety-number.

use std::{
    io::IsTerminal,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::EntryHash,
    fingerprint::SafetyNumber,
    identity::Recipient,
    log::membership::How,
    report::{self, When},
    sync::{self, Clashes, Management, Newcomer, Offer},
};
use serde::Serialize;

use crate::{
    context::{Context, check_label, role},
    output::{bytes, line, listing, note, value},
    time::words,
};

const POLL: Duration = Duration::from_secs(1);

pub(crate) fn invite(
    context: &Context,
    role_word: &str,
    scope: &[String],
    expires: Duration,
    wait: bool,
) -> Result<()> {
    let role = role(role_word)?;
    let view = context.fresh_view(false)?;
    let scope = context.scope(&view, scope)?;
    let at = SystemTime::now() + expires;
    let expires_at =
        at.duration_since(UNIX_EPOCH).map(|since| since.as_millis() as u64).unwrap_or_default();
    let workspace = context.workspace()?;
    let offer = Offer { role, scope, expires: expires_at };
    let invitation = context.client().run(|start| sync::invite(start, workspace, offer))?;
    let id = invitation.invite;
    bytes(invitation.expose().expose())?;
    line("")?;
    note(&format!(
        "hand this code over by a way that the relay does not see; it admits one device until {}",
        When(expires_at)
    ));
    if wait { wait_for_reply(context, &id, expires) } else { Ok(()) }
}

fn wait_for_reply(context: &Context, id: &EntryHash, longest: Duration) -> Result<()> {
    let since = Instant::now();
    loop {
        context.sync(None, Clashes::Keep)?;
        let view = context.view()?;
        if view.state()?.open_invitation(id).is_none() {
            return Ok(());
        }
        if since.elapsed() > longest {
            return Err(Error::new(ErrorCode::InvitationExpired, "nobody joined in time"));
        }
        thread::sleep(POLL);
    }
}

pub(crate) fn invitations(context: &Context) -> Result<()> {
    let view = context.fresh_view(false)?;
    let rows = report::invitations(&view)?;
    listing(context.json, &rows, &["id", "role", "scope", "author", "expires"], |row| {
        vec![
            row.id[..12].to_owned(),
            row.role.to_owned(),
            row.scope.join(" "),
            row.author.clone(),
            words(row.expires),
        ]
    })
}

pub(crate) fn uninvite(context: &Context, prefix: &str) -> Result<()> {
    let view = context.fresh_view(false)?;
    let state = view.state()?;
    let open = state.invitations().keys().filter(|id| state.open_invitation(id).is_some());
    let found: Vec<EntryHash> =
        open.filter(|id| id.to_string().starts_with(prefix)).copied().collect();
    let [id] = found.as_slice() else {
        return Err(Error::new(
            ErrorCode::InvitationUnknown,
            format!("{} open invitations begin with {prefix:?}", found.len()),
        )
        .with_hint("agentsecrets invitations"));
    };
    let (workspace, change) = (context.workspace()?, Management::Uninvite(*id));
    context.client().run(|start| sync::manage(start, workspace, change)).map(drop)
}

pub(crate) fn admit(
    context: &Context,
    recipient: Option<String>,
    role_word: &str,
    scope: &[String],
    label: Option<String>,
) -> Result<()> {
    let workspace = context.workspace()?;
    let Some(recipient) = recipient else {
        let admitted = context.client().run(|start| sync::admit_replies(start, workspace, true))?;
        if admitted.is_empty() {
            note("nobody waits for admission");
        }
        return admitted.iter().try_for_each(|admitted| line(&admitted.label));
    };
    let recipient = Recipient::parse(&recipient)?;
    let label = label.unwrap_or_else(|| {
        format!("{}-{}", recipient.kind().as_str(), &recipient.id().to_string()[..8])
    });
    check_label(&label)?;
    let view = context.fresh_view(false)?;
    let newcomer = Newcomer {
        recipient,
        role: role(role_word)?,
        scope: context.scope(&view, scope)?,
        label,
        how: (How::OutOfBand, None),
    };
    let admitted = context.client().run(|start| sync::admit(start, workspace, newcomer))?;
    line(&admitted.label)
}

pub(crate) fn list(context: &Context, offline: bool) -> Result<()> {
    let view = context.fresh_view(offline)?;
    let rows = report::members(&view)?;
    listing(context.json, &rows, &["label", "role", "scope", "kind", "how", "fingerprint"], |row| {
        let label = if row.me { format!("{} (this device)", row.label) } else { row.label.clone() };
        vec![
            label,
            row.role.to_owned(),
            row.scope.join(" "),
            row.kind.to_owned(),
            row.how.to_owned(),
            row.fingerprint.clone(),
        ]
    })
}

#[derive(Serialize)]
struct Compared {
    member: String,
    safety_number: String,
}

pub(crate) fn safety_number(context: &Context, member: &str, confirm: bool) -> Result<()> {
    let view = context.view()?;
    let (id, _) = view.member(member)?;
    if confirm {
        let workspace = view.workspace();
        context.client().run(|start| sync::confirm(start, workspace, id))?;
    }
    let number = SafetyNumber::of(&view.workspace(), &view.me(), &id).to_string();
    if context.json {
        return value(&Compared { member: view.member_label(&id), safety_number: number });
    }
    line(&number)?;
    if std::io::stdout().is_terminal() {
        note(&format!(
            "read it to the owner of {member} by voice; their device must show the same"
        ));
    }
    Ok(())
}
