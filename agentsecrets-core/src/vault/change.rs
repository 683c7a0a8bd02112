//! Changes to a whole vault: another root key, another way to keep it.

use std::{path::PathBuf, time::Duration};

use super::{
    Vault, VaultKind, VaultOptions, files,
    root::Root,
    sealed::{SealedVault, kind_file, random, root_store},
};
use crate::{
    error::{Error, ErrorCode, Result},
    secret::Key,
};

/// How long changes to a whole vault wait for other processes.
const LOCK_WAIT: Duration = Duration::from_secs(20);

/// Seals everything under a new root key, which a new key file or passphrase unlocks where one is
/// given. May be repeated after a crash: until it is done, both keys open.
///
/// # Errors
/// Those of opening and writing.
pub fn rekey(
    options: &VaultOptions,
    key_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
) -> Result<()> {
    let unlock = unlock(options, key_file, passphrase_file)?;
    let (old, new) = (SealedVault::open(options)?, SealedVault::open(&unlock)?);
    let _lock = old.lock(LOCK_WAIT)?;
    let mut root = root_of(&old, &new)?;
    if root.previous.is_none() {
        root.previous = Some(std::mem::replace(&mut root.key, Key::new(random()?)));
    }
    new.keep(root)?;
    seal_anew(&new)?;
    let mut root = new.fresh_root()?;
    root.previous = None;
    new.keep(root)
}

/// What opens the vault once it is sealed anew.
fn unlock(
    options: &VaultOptions,
    key_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
) -> Result<VaultOptions> {
    if key_file.is_none() && passphrase_file.is_none() {
        return Ok(options.clone());
    }
    if options.kind != VaultKind::File {
        let cause = "a key file or passphrase file opens a vault of the kind file alone";
        return Err(Error::new(ErrorCode::InvalidArgument, cause)
            .with_hint("agentsecrets vault move --to file --key-file FILE"));
    }
    Ok(VaultOptions { key_file, passphrase_file, ..options.clone() })
}

/// A rekey that was cut off may have sealed the root under the new key already.
fn root_of(old: &SealedVault, new: &SealedVault) -> Result<Root> {
    match old.fresh_root() {
        Err(error) if error.code() == ErrorCode::WrongVaultKey => new.fresh_root(),
        root => root,
    }
}

/// Names come from the root key, so that what has the current name is sealed under it.
fn seal_anew(vault: &SealedVault) -> Result<()> {
    for (path, content) in vault.contents()? {
        let names = vault.names(&content.key)?;
        let current = names.map(|names| names.current).filter(|current| *current != path);
        match current.map(|current| files::read(&current)).transpose()? {
            None => {}
            Some(None) => vault.write(&content)?,
            // Written after an earlier rekey was cut off, so newer.
            Some(Some(_)) => files::remove(&path)?,
        }
    }
    vault.sweep()
}

/// Hands the root of one home over to another kind; files stay as they are.
///
/// # Errors
/// Those of both kinds.
pub fn move_to(from: &VaultOptions, to: &VaultOptions) -> Result<()> {
    if from.home != to.home || VaultKind::Memory == to.kind {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "a vault moves between keychain and file, within its folder",
        ));
    }
    let old = SealedVault::open(from)?;
    let _lock = old.lock(LOCK_WAIT)?;
    let root = old.fresh_root()?;
    root_store(to)?.store(&root)?;
    // From here on the new kind counts; a crash before leaves the old one.
    files::replace(&kind_file(&to.home), to.kind.as_str().as_bytes())?;
    if from.kind == to.kind { Ok(()) } else { old.store.remove() }
}
