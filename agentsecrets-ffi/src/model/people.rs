//! What a client does about members.

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::Head,
    fingerprint::{SafetyNumber, head_words},
    invitation::Invitation,
    log::{
        Role, Scope, ScopeItem,
        entry::{Reason, Remove, Removed},
    },
    report,
    secret::SecretBytes,
    sync::{self, Offer, View},
};

use super::{Client, json};

impl Client {
    /// Begins a workspace, local where `relay` is empty; its id in hexadecimal.
    ///
    /// # Errors
    /// `invalid_argument`, those of relay and vault.
    pub fn create(&self, name: &str, label: &str, relay: &str) -> Result<String> {
        let (name, label) = (name.to_owned(), label.to_owned());
        let relay = Some(relay.to_owned()).filter(|relay| !relay.is_empty());
        let id = self.core.run(|start| sync::create(start, name, label, relay))?;
        self.enter(id);
        Ok(id.to_string())
    }

    /// Publishes a local workspace.
    ///
    /// # Errors
    /// `already_published`, those of the relay.
    pub fn connect(&self, relay: &str) -> Result<()> {
        let (workspace, relay) = (self.workspace()?, relay.to_owned());
        self.core.run(|start| sync::connect(start, workspace, relay)).map(drop)
    }

    /// A code for one newcomer, secret until it is used. `scope` has items of `ENV` or
    /// `ENV:NAME,NAME`, separated by blanks; empty is all. `expires` in milliseconds since 1970, 0
    /// is never.
    ///
    /// # Errors
    /// `invalid_argument`, `forbidden`, `unknown_environment`, `unknown_secret`.
    pub fn invite(&self, role: &str, scope: &str, expires: u64) -> Result<SecretBytes> {
        let (role, scope) = (role_of(role)?, scope_of(&self.view()?, scope)?);
        let (workspace, offer) = (self.workspace()?, Offer { role, scope, expires });
        let invitation = self.core.run(|start| sync::invite(start, workspace, offer))?;
        Ok(invitation.expose())
    }

    /// Answers an invitation; the workspace's id in hexadecimal.
    ///
    /// # Errors
    /// Those of invitations, 11x; `workspace_exists`.
    pub fn join(&self, code: &str, label: &str) -> Result<String> {
        let invitation = Invitation::parse(code)?;
        let (workspace, label) = (invitation.workspace, label.to_owned());
        self.core.run(|start| sync::join(start, invitation, label))?;
        self.enter(workspace);
        Ok(workspace.to_string())
    }

    /// Admits whoever answered an invitation made here; how many.
    ///
    /// # Errors
    /// Those of the relay, `forbidden`.
    pub fn admit(&self) -> Result<u64> {
        let workspace = self.workspace()?;
        let admitted = self.core.run(|start| sync::admit_replies(start, workspace, true))?;
        Ok(admitted.len() as u64)
    }

    /// Members: `members`.
    ///
    /// # Errors
    /// `no_workspace`, those of the vault.
    pub fn members(&self) -> Result<String> {
        json(&report::members(&self.view()?)?)
    }

    /// Ends memberships: of the member's person, or of this one device; with `rekey`, the next
    /// generation of the workspace key begins. A reason is `departed` (also if empty), `lost-device`,
    /// `compromised` or `retired`.
    ///
    /// # Errors
    /// `unknown_member`, `forbidden`.
    pub fn remove(&self, member: &str, reason: &str, device: bool, rekey: bool) -> Result<()> {
        let reason = if reason.is_empty() { Some(Reason::Departed) } else { Reason::parse(reason) };
        let reason = reason.ok_or_else(|| {
            let cause = "a reason is departed, lost-device, compromised or retired";
            Error::new(ErrorCode::InvalidArgument, cause)
        })?;
        let (view, workspace) = (self.view()?, self.workspace()?);
        let (id, found) = view.member(member)?;
        let who =
            if device { Removed::Members(vec![id]) } else { Removed::Persons(vec![found.person]) };
        let remove = Remove { who, reason };
        self.core.run(|start| sync::remove(start, workspace, remove, rekey)).map(drop)
    }

    /// The 60 digits that both devices must show.
    ///
    /// # Errors
    /// `unknown_member`.
    pub fn safety_number(&self, member: &str) -> Result<String> {
        let view = self.view()?;
        let (id, _) = view.member(member)?;
        Ok(SafetyNumber::of(&view.workspace(), &view.me(), &id).to_string())
    }

    /// The newest entry known here, as `SEQ:HEX`.
    ///
    /// # Errors
    /// `not_admitted`.
    pub fn head(&self) -> Result<String> {
        Ok(self.view()?.state()?.head().to_string())
    }

    /// Eight words for it.
    ///
    /// # Errors
    /// `not_admitted`.
    pub fn head_words(&self) -> Result<String> {
        let view = self.view()?;
        Ok(head_words(&view.workspace(), &view.state()?.head()))
    }

    /// Brings back to a restored relay what it lost; how many entries.
    ///
    /// # Errors
    /// `fork`, `not_admitted`.
    pub fn repush(&self) -> Result<u64> {
        let workspace = self.workspace()?;
        self.core.run(|start| sync::repush(start, workspace)).map(|done| done.entries as u64)
    }

    /// Leaves this history for the relay's, if that contains a confirmed head.
    ///
    /// # Errors
    /// `invalid_argument`, `fork`, `withheld`.
    pub fn adopt(&self, head: &str) -> Result<()> {
        let head = Head::parse(head)
            .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "a head is SEQ:HEX"))?;
        let workspace = self.workspace()?;
        self.core.run(|start| sync::adopt(start, workspace, head)).map(drop)
    }
}

pub(super) fn role_of(word: &str) -> Result<Role> {
    Role::parse(word).ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgument, "a role is owner, admin, writer or reader")
    })
}

pub(super) fn scope_of(view: &View, words: &str) -> Result<Scope> {
    let items = words.split_whitespace().map(|word| scope_item(view, word));
    let items = items.collect::<Result<Vec<_>>>()?;
    Ok(if items.is_empty() { Scope::All } else { Scope::only(items) })
}

fn scope_item(view: &View, word: &str) -> Result<ScopeItem> {
    let Some((label, names)) = word.split_once(':') else {
        return Ok(ScopeItem { environment: view.environment(word)?, secrets: None });
    };
    let environment = view.environment(label)?;
    let known =
        view.names(&agentsecrets_core::snapshot::Snapshot::empty(view.workspace(), environment));
    let id = |name: &str| {
        let found = known.iter().find(|(_, known)| known.as_str() == name).map(|(id, _)| *id);
        found.ok_or_else(|| Error::new(ErrorCode::UnknownSecret, "the scope names no known secret"))
    };
    let secrets = names.split(',').map(id).collect::<Result<Vec<_>>>()?;
    Ok(ScopeItem { environment, secrets: Some(secrets) })
}
