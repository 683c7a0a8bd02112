//! What a client does about environments, policy and the log as a whole.

use agentsecrets::model;

use crate::{client::NativeClient, errors::Result};

#[uniffi::export]
impl NativeClient {
    /// Begins the next generation of the workspace key.
    pub fn rekey(&self) -> Result<()> {
        Ok(self.0.rekey()?)
    }

    /// Environments.
    pub fn environments(&self) -> Result<String> {
        Ok(self.0.environments()?)
    }

    /// A new environment.
    pub fn create_environment(&self, label: String) -> Result<()> {
        Ok(self.0.create_environment(&label)?)
    }

    /// Another label.
    pub fn rename_environment(&self, label: String, to: String) -> Result<()> {
        Ok(self.0.rename_environment(&label, &to)?)
    }

    /// It takes no more pushes.
    pub fn archive_environment(&self, label: String) -> Result<()> {
        Ok(self.0.archive_environment(&label)?)
    }

    /// The owner's policy.
    pub fn policy(&self) -> Result<String> {
        Ok(self.0.policy()?)
    }

    /// Another policy.
    pub fn set_policy(&self, fresh_seconds: u64, stale: String) -> Result<()> {
        Ok(self.0.set_policy(fresh_seconds, &stale)?)
    }

    /// The log as a trail.
    pub fn audit(&self) -> Result<String> {
        Ok(self.0.audit()?)
    }

    /// Who could read what.
    pub fn exposure(&self, member: String) -> Result<String> {
        Ok(self.0.exposure(&member)?)
    }

    /// The newest entry known here.
    pub fn head(&self) -> Result<String> {
        Ok(self.0.head()?)
    }

    /// Eight words for it.
    pub fn head_words(&self) -> Result<String> {
        Ok(self.0.head_words()?)
    }

    /// The log as a text.
    pub fn export(&self) -> Result<String> {
        Ok(self.0.export()?)
    }

    /// Brings back to a restored relay what it lost.
    pub fn repush(&self) -> Result<u64> {
        Ok(self.0.repush()?)
    }

    /// Leaves this history for the relay's.
    pub fn adopt(&self, head: String) -> Result<()> {
        Ok(self.0.adopt(&head)?)
    }
}

/// Folds an exported log.
#[uniffi::export]
pub fn verify(log: String, head: String) -> Result<String> {
    Ok(model::verify(&log, &head)?)
}
