//! What a client does about roles, environments, policy and the log as a whole.

use std::time::Duration;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::{EntryHash, Head},
    identity::Recipient,
    log::{archive, membership::How},
    policy::Staleness,
    report,
    sync::{self, Clashes, Management, Newcomer},
};
use serde::Serialize;

use super::{
    Client, json,
    people::{role_of, scope_of},
};

const STALENESS: [(Staleness, &str); 3] = [
    (Staleness::Warns, "warns"),
    (Staleness::BlocksPush, "blocks-push"),
    (Staleness::BlocksBoth, "blocks-both"),
];

#[derive(Serialize)]
struct PolicyRow {
    fresh_seconds: u64,
    stale: &'static str,
}

#[derive(Serialize)]
struct Verified {
    workspace: String,
    entries: usize,
    head: String,
    members: usize,
}

impl Client {
    /// Admits a recipient whose string came out of band, without an invitation; its label.
    ///
    /// # Errors
    /// `malformed_recipient`, `already_member`, `forbidden`, those of the relay.
    pub fn admit_recipient(
        &self,
        recipient: &str,
        role: &str,
        scope: &str,
        label: &str,
    ) -> Result<String> {
        let (view, workspace) = (self.view()?, self.workspace()?);
        let newcomer = Newcomer {
            recipient: Recipient::parse(recipient)?,
            role: role_of(role)?,
            scope: scope_of(&view, scope)?,
            label: label.to_owned(),
            how: (How::OutOfBand, None),
        };
        self.core.run(|start| sync::admit(start, workspace, newcomer)).map(|done| done.label)
    }

    /// Ends this device's own membership; what its vault holds, it still holds.
    ///
    /// # Errors
    /// `refused_entry` for the last owner, those of the relay.
    pub fn leave(&self) -> Result<()> {
        let workspace = self.workspace()?;
        self.core.run(|start| sync::leave(start, workspace)).map(drop)
    }

    /// Begins the next generation of the workspace key.
    ///
    /// # Errors
    /// `forbidden`, those of the relay.
    pub fn rekey(&self) -> Result<()> {
        let workspace = self.workspace()?;
        self.core.run(|start| sync::rekey(start, workspace)).map(drop)
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// `unknown_member`, `forbidden`, `invalid_argument`.
    pub fn set_role(&self, member: &str, role: &str) -> Result<()> {
        let (role, workspace) = (role_of(role)?, self.workspace()?);
        let id = self.view()?.member(member).map(|(id, _)| id)?;
        self.core.run(|start| sync::change_member(start, workspace, id, Some(role), None)).map(drop)
    }

    /// Gives a member another scope, as [`invite`](Self::invite) takes it.
    ///
    /// # Errors
    /// As [`set_role`](Self::set_role), and `unknown_environment`, `unknown_secret`.
    pub fn set_scope(&self, member: &str, scope: &str) -> Result<()> {
        let (view, workspace) = (self.view()?, self.workspace()?);
        let (id, _) = view.member(member)?;
        let scope = scope_of(&view, scope)?;
        self.core
            .run(|start| sync::change_member(start, workspace, id, None, Some(scope)))
            .map(drop)
    }

    /// Open invitations: `invitations`.
    ///
    /// # Errors
    /// `no_workspace`, those of the vault.
    pub fn invitations(&self) -> Result<String> {
        json(&report::invitations(&self.view()?)?)
    }

    /// Withdraws the open invitation whose id begins so.
    ///
    /// # Errors
    /// `invitation_unknown` where none does, or more than one; `forbidden`.
    pub fn uninvite(&self, id: &str) -> Result<()> {
        let view = self.view()?;
        let state = view.state()?;
        let open = state.invitations().keys().filter(|id| state.open_invitation(id).is_some());
        let found: Vec<EntryHash> =
            open.filter(|known| known.to_string().starts_with(id)).copied().collect();
        match found.as_slice() {
            [one] => self.manage(Management::Uninvite(*one)),
            found => Err(Error::new(
                ErrorCode::InvitationUnknown,
                format!("{} open invitations begin so", found.len()),
            )),
        }
    }

    fn manage(&self, change: Management) -> Result<()> {
        let workspace = self.workspace()?;
        self.core.run(|start| sync::manage(start, workspace, change)).map(drop)
    }

    /// A new environment.
    ///
    /// # Errors
    /// `environment_exists`, `forbidden`, `invalid_argument`.
    pub fn create_environment(&self, label: &str) -> Result<()> {
        self.manage(Management::CreateEnvironment(label.to_owned()))
    }

    /// Another label.
    ///
    /// # Errors
    /// `unknown_environment`, and as [`create_environment`](Self::create_environment).
    pub fn rename_environment(&self, label: &str, to: &str) -> Result<()> {
        let id = self.view()?.environment(label)?;
        self.manage(Management::RenameEnvironment(id, to.to_owned()))
    }

    /// It takes no more pushes.
    ///
    /// # Errors
    /// As [`rename_environment`](Self::rename_environment).
    pub fn archive_environment(&self, label: &str) -> Result<()> {
        let id = self.view()?.environment(label)?;
        self.manage(Management::ArchiveEnvironment(id))
    }

    /// The owner's policy: `policy`.
    ///
    /// # Errors
    /// `not_admitted`.
    pub fn policy(&self) -> Result<String> {
        let policy = *self.view()?.state()?.policy();
        let word = STALENESS.iter().find(|(staleness, _)| *staleness == policy.staleness);
        let stale = word.map_or("warns", |(_, word)| word);
        json(&PolicyRow { fresh_seconds: policy.freshness_seconds, stale })
    }

    /// After how many seconds without news a head is stale, and what that does: `warns`,
    /// `blocks-push`, `blocks-both`.
    ///
    /// # Errors
    /// `invalid_argument`, `forbidden`.
    pub fn set_policy(&self, fresh_seconds: u64, stale: &str) -> Result<()> {
        let mut policy = *self.view()?.state()?.policy();
        let staleness = STALENESS.iter().find(|(_, word)| *word == stale);
        let (staleness, _) = staleness.ok_or_else(|| {
            let cause = "stale is warns, blocks-push or blocks-both";
            Error::new(ErrorCode::InvalidArgument, cause)
        })?;
        (policy.freshness_seconds, policy.staleness) = (fresh_seconds, *staleness);
        self.manage(Management::Policy(policy))
    }

    /// Records that a member's safety number was compared.
    ///
    /// # Errors
    /// `unknown_member`.
    pub fn confirm(&self, member: &str) -> Result<()> {
        let (view, workspace) = (self.view()?, self.workspace()?);
        let (id, _) = view.member(member)?;
        self.core.run(|start| sync::confirm(start, workspace, id))
    }

    /// Who is how many entries behind, as each member last signed it.
    ///
    /// # Errors
    /// `no_workspace`, those of relay and vault.
    pub fn team(&self) -> Result<String> {
        let workspace = self.workspace()?;
        let none = Some(Vec::new());
        self.core.run(|start| sync::sync(start, workspace, none, Clashes::Keep))?;
        let seen = self.core.read(|start| sync::team(start, workspace))?;
        json(&report::team(&self.view()?, seen)?)
    }

    /// The log as a file that [`verify`] reads on any machine; it holds no value.
    ///
    /// # Errors
    /// `no_workspace`, those of the vault.
    pub fn export(&self) -> Result<String> {
        let workspace = self.workspace()?;
        let entries = self.core.read(|start| sync::entries(start, workspace))?;
        Ok(archive::write(workspace, &entries))
    }

    /// Waits up to `wait` for entries that are not known here, without a lock on the vault.
    pub(super) fn await_news(&self, wait: Duration) -> Result<bool> {
        let workspace = self.workspace()?;
        self.core.read(|start| sync::await_news(start, workspace, wait))
    }
}

/// Folds an exported log entry by entry; needs no secret: `verify`. With a head, the log must reach
/// exactly that far.
///
/// # Errors
/// Those of entries, 20x; `invalid_argument`.
pub fn verify(log: &str, head: &str) -> Result<String> {
    let parse = |text: &str| {
        Head::parse(text).ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "a head is SEQ:HEX"))
    };
    let head = Some(head).filter(|head| !head.is_empty()).map(parse).transpose()?;
    let (state, entries) = archive::verify(log, head)?;
    json(&Verified {
        workspace: state.workspace().to_string(),
        entries: entries.len(),
        head: state.head().to_string(),
        members: state.members().values().filter(|member| member.is_active()).count(),
    })
}
