//! What a client does about members.

use std::sync::Arc;

use crate::{client::NativeClient, errors::Result, secret::NativeSecret};

#[uniffi::export]
impl NativeClient {
    /// Begins a workspace.
    pub fn create(&self, name: String, label: String, relay: String) -> Result<String> {
        Ok(self.0.create(&name, &label, &relay)?)
    }

    /// Publishes a local workspace.
    pub fn connect(&self, relay: String) -> Result<()> {
        Ok(self.0.connect(&relay)?)
    }

    /// A code for one newcomer.
    pub fn invite(&self, role: String, scope: String, expires: u64) -> Result<Arc<NativeSecret>> {
        Ok(NativeSecret::of(self.0.invite(&role, &scope, expires)?))
    }

    /// Open invitations.
    pub fn invitations(&self) -> Result<String> {
        Ok(self.0.invitations()?)
    }

    /// Withdraws an invitation.
    pub fn uninvite(&self, id: String) -> Result<()> {
        Ok(self.0.uninvite(&id)?)
    }

    /// Answers an invitation.
    pub fn join(&self, code: Arc<NativeSecret>, label: String) -> Result<String> {
        Ok(self.0.join(code.text()?, &label)?)
    }

    /// Admits whoever answered.
    pub fn admit(&self) -> Result<u64> {
        Ok(self.0.admit()?)
    }

    /// Admits a recipient whose string came out of band.
    pub fn admit_recipient(
        &self,
        recipient: String,
        role: String,
        scope: String,
        label: String,
    ) -> Result<String> {
        Ok(self.0.admit_recipient(&recipient, &role, &scope, &label)?)
    }

    /// Members.
    pub fn members(&self) -> Result<String> {
        Ok(self.0.members()?)
    }

    /// Ends memberships.
    pub fn remove(&self, member: String, reason: String, device: bool, rekey: bool) -> Result<()> {
        Ok(self.0.remove(&member, &reason, device, rekey)?)
    }

    /// Ends this device's own membership.
    pub fn leave(&self) -> Result<()> {
        Ok(self.0.leave()?)
    }

    /// Another role.
    pub fn set_role(&self, member: String, role: String) -> Result<()> {
        Ok(self.0.set_role(&member, &role)?)
    }

    /// Another scope.
    pub fn set_scope(&self, member: String, scope: String) -> Result<()> {
        Ok(self.0.set_scope(&member, &scope)?)
    }

    /// The 60 digits.
    pub fn safety_number(&self, member: String) -> Result<String> {
        Ok(self.0.safety_number(&member)?)
    }

    /// They were compared.
    pub fn confirm(&self, member: String) -> Result<()> {
        Ok(self.0.confirm(&member)?)
    }

    /// Who is how many entries behind.
    pub fn team(&self) -> Result<String> {
        Ok(self.0.team()?)
    }
}
