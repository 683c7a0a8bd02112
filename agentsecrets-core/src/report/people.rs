//! Members, invitations, environments, and how far each member has read.

use serde::Serialize;

use super::When;
use crate::{
    encoding::MemberId,
    error::Result,
    fingerprint::Fingerprint,
    log::{Member, Scope, ScopeItem, membership::How},
    snapshot::Snapshot,
    sync::{Seen, View},
};

/// A member, present or former.
#[derive(Clone, Debug, Serialize)]
pub struct MemberRow {
    /// Label.
    pub label: String,
    /// Id, in hexadecimal.
    pub id: String,
    /// Fingerprint.
    pub fingerprint: String,
    /// `human`, `agent`, `ci` or `recovery`.
    pub kind: &'static str,
    /// `owner`, `admin`, `writer` or `reader`.
    pub role: &'static str,
    /// `all`, or environments with their secrets.
    pub scope: Vec<String>,
    /// `founder`, `invitation`, `out_of_band` or `first_use`.
    pub how: &'static str,
    /// Label of who admitted it.
    pub admitted_by: String,
    /// Number of the entry that admitted it.
    pub since: u64,
    /// Whether it is one now.
    pub active: bool,
    /// Whether it is this device.
    pub me: bool,
}

/// All members, former ones too.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn members(view: &View) -> Result<Vec<MemberRow>> {
    Ok(view.state()?.members().iter().map(|(id, member)| row(view, id, member)).collect())
}

fn row(view: &View, id: &MemberId, member: &Member) -> MemberRow {
    MemberRow {
        label: view.member_label(id),
        id: id.to_string(),
        fingerprint: Fingerprint::of(id).to_string(),
        kind: member.kind().as_str(),
        role: member.role().as_str(),
        scope: scope_words(view, member.scope()),
        how: how_word(&member.how),
        admitted_by: view.member_label(&member.admitted_by),
        since: member.admitted(),
        active: member.is_active(),
        me: *id == view.me(),
    }
}

const fn how_word(how: &How) -> &'static str {
    match how {
        How::Founder => "founder",
        How::Invitation(_) => "invitation",
        How::OutOfBand => "out_of_band",
        How::FirstUse => "first_use",
    }
}

/// A scope as `--scope` takes it.
pub fn scope_words(view: &View, scope: &Scope) -> Vec<String> {
    let Scope::Only(items) = scope else { return vec!["all".to_owned()] };
    let word = |item: &ScopeItem| {
        let label = view.environment_label(&item.environment);
        let Some(secrets) = &item.secrets else { return label };
        let names = view.names(&Snapshot::empty(view.workspace(), item.environment));
        let name = |id| names.get(id).map_or_else(|| format!("{id}"), |name| name.to_string());
        format!("{label}:{}", secrets.iter().map(name).collect::<Vec<_>>().join(","))
    };
    items.iter().map(word).collect()
}

/// An open invitation.
#[derive(Clone, Debug, Serialize)]
pub struct InvitationRow {
    /// Hash of its entry, in hexadecimal.
    pub id: String,
    /// Role that it offers.
    pub role: &'static str,
    /// Scope that it offers.
    pub scope: Vec<String>,
    /// Label of who made it.
    pub author: String,
    /// Until when it admits.
    pub expires: When,
}

/// Open invitations.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn invitations(view: &View) -> Result<Vec<InvitationRow>> {
    let state = view.state()?;
    let open = state.invitations().iter().filter(|(id, _)| state.open_invitation(id).is_some());
    Ok(open
        .map(|(id, invitation)| InvitationRow {
            id: id.to_string(),
            role: invitation.invite.role.as_str(),
            scope: scope_words(view, &invitation.invite.scope),
            author: view.member_label(&invitation.author),
            expires: When(invitation.invite.expires),
        })
        .collect())
}

/// An environment.
#[derive(Clone, Debug, Serialize)]
pub struct EnvironmentRow {
    /// Label.
    pub name: String,
    /// Id, in hexadecimal.
    pub id: String,
    /// How many live secrets it has.
    pub secrets: usize,
    /// Whether this device may read of it.
    pub in_scope: bool,
    /// Whether it takes no more pushes.
    pub archived: bool,
}

/// Environments by label.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn environments(view: &View) -> Result<Vec<EnvironmentRow>> {
    let state = view.state()?;
    let scope = state.active(&view.me()).map(|me| me.scope());
    let live = |id| state.secrets_of(id).filter(|(_, one)| one.live_commitment().is_some()).count();
    let rows = state.environments().iter().map(|(id, environment)| EnvironmentRow {
        name: view.environment_label(id),
        id: id.to_string(),
        secrets: live(*id),
        in_scope: scope.is_some_and(|scope| scope.touches(id)),
        archived: environment.archived,
    });
    let mut rows: Vec<EnvironmentRow> = rows.collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}

/// How far a member has read, as it last signed it.
#[derive(Clone, Debug, Serialize)]
pub struct TeamRow {
    /// Label.
    pub member: String,
    /// Its newest entry; `None` where it never said one.
    pub seq: Option<u64>,
    /// How many entries that is behind this device.
    pub behind: Option<u64>,
    /// When it said so.
    pub seen_at: Option<When>,
    /// Live versions that it could not get.
    pub missing: usize,
}

/// What members say of the log.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn team(view: &View, seen: Vec<Seen>) -> Result<Vec<TeamRow>> {
    let head = view.state()?.head().seq;
    let row = |seen: Seen| TeamRow {
        member: view.member_label(&seen.member),
        seq: seen.ack.map(|(seq, _)| seq),
        behind: seen.ack.map(|(seq, _)| head.saturating_sub(seq)),
        seen_at: seen.ack.map(|(_, at)| When(at)),
        missing: seen.missing,
    };
    Ok(seen.into_iter().map(row).collect())
}
