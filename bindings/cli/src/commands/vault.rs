//! vault rekey, vault move. Both open the vault by themselves, for they change what opening means.

use agentsecrets_core::{
    Result,
    client::vault_options,
    config::Config,
    vault::{self, VaultKind, VaultOptions},
};

use crate::{args::Vault, output::note};

pub(crate) fn vault(command: Vault) -> Result<()> {
    let options = vault_options(&Config::discover()?)?;
    match command {
        Vault::Rekey { key_file, passphrase_file } => {
            vault::rekey(&options, key_file, passphrase_file)?;
            note("the vault is sealed under a new key");
        }
        Vault::Move { to, key_file, passphrase_file } => {
            let to = VaultOptions {
                kind: VaultKind::parse(&to)?,
                home: options.home.clone(),
                key_file,
                passphrase_file,
                unattended: options.unattended,
            };
            vault::move_to(&options, &to)?;
            note(&format!("the vault is of the kind {} now", to.kind.as_str()));
        }
    }
    Ok(())
}
