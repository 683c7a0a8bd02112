//! Where an identity, a vault and a workspace are found.

use std::path::PathBuf;

use agentsecrets_core::{
    Error, ErrorCode, Result, config::Config as CoreConfig, encoding::WorkspaceId,
    identity::IdentityString,
};

/// Settings, by hand or found.
#[derive(Debug)]
pub struct Config(pub(super) CoreConfig);

impl Config {
    /// Nothing set.
    pub fn empty() -> Self {
        Self(CoreConfig {
            vault: None,
            vault_key_file: None,
            vault_passphrase_file: None,
            home: PathBuf::new(),
            identity: None,
            environment: None,
            workspace: None,
            relay: None,
            project: None,
        })
    }

    /// From `AGENTSECRETS_*` and the project file from the working folder upward.
    ///
    /// # Errors
    /// `invalid_argument`, `malformed_identity`, `project_file`.
    pub fn discover() -> Result<Self> {
        CoreConfig::discover().map(Self)
    }

    /// Sets one field. Keys: `vault`, `vault_key_file`, `vault_passphrase_file`, `home`, `identity`,
    /// `environment`, `workspace`, `relay`.
    ///
    /// # Errors
    /// `invalid_argument`, `malformed_identity`. The value is not repeated.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let config = &mut self.0;
        match key {
            "vault" => config.vault = Some(value.to_owned()),
            "vault_key_file" => config.vault_key_file = Some(value.into()),
            "vault_passphrase_file" => config.vault_passphrase_file = Some(value.into()),
            "home" => config.home = value.into(),
            "identity" => config.identity = Some(IdentityString::parse(value)?),
            "environment" => config.environment = Some(value.to_owned()),
            "workspace" => config.workspace = Some(workspace(value)?),
            "relay" => config.relay = Some(value.to_owned()),
            _ => return Err(Error::new(ErrorCode::InvalidArgument, "no setting has this key")),
        }
        Ok(())
    }
}

pub(super) fn workspace(hex: &str) -> Result<WorkspaceId> {
    WorkspaceId::from_hex(hex).ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgument, "a workspace is 64 hexadecimal digits, lower case")
    })
}
