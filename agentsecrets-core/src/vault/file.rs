//! The root in a file, sealed under a key of the host's or a passphrase.

use std::path::{Path, PathBuf};

use super::{
    VaultKind, VaultOptions, files,
    root::{Root, RootStore},
};
use crate::{
    crypto::{self, label},
    encoding::from_hex,
    error::{Error, ErrorCode, Result},
    secret::{Key, SecretBytes},
};

const MAGIC: &[u8; 8] = b"ASROOT\r\n";
const FORMAT: u8 = 1;
/// Magic, format, way of unlocking, salt, check.
const HEADER: usize = 8 + 1 + 1 + 16 + 16;

/// What unlocks the root.
enum Unlock {
    KeyFile(PathBuf),
    PassphraseFile(PathBuf),
}

/// `home/root`.
pub(super) struct FileRoot {
    path: PathBuf,
    unlock: Unlock,
}

impl FileRoot {
    pub(super) fn new(options: &VaultOptions) -> Result<Self> {
        let unlock = match (&options.key_file, &options.passphrase_file) {
            (Some(file), None) => Unlock::KeyFile(file.clone()),
            (None, Some(file)) => Unlock::PassphraseFile(file.clone()),
            (None, None) => {
                return Err(key_file("a file vault needs a key file or a passphrase file"));
            }
            (Some(_), Some(_)) => {
                return Err(key_file(
                    "a key file and a passphrase file are named; one of them opens the vault",
                ));
            }
        };
        Ok(Self { path: options.home.join("root"), unlock })
    }

    fn way(&self) -> u8 {
        match self.unlock {
            Unlock::KeyFile(_) => 0,
            Unlock::PassphraseFile(_) => 1,
        }
    }

    fn key(&self, salt: &[u8; 16]) -> Result<Key> {
        match &self.unlock {
            Unlock::KeyFile(path) => read_key(path),
            Unlock::PassphraseFile(path) => read_passphrase(path, salt),
        }
    }

    fn open(&self, bytes: &[u8]) -> Result<Root> {
        let damaged = || Error::new(ErrorCode::VaultDamaged, "the vault's root is damaged");
        let (header, sealed) = bytes.split_at_checked(HEADER).ok_or_else(damaged)?;
        if &header[..8] != MAGIC {
            return Err(damaged());
        }
        if header[8] > FORMAT {
            return Err(Error::new(
                ErrorCode::VaultNewer,
                format!("the vault has format {}; this is for format {FORMAT}", header[8]),
            ));
        }
        if header[9] != self.way() {
            let cause = "the vault is unlocked by the other of key file and passphrase";
            return Err(Error::new(ErrorCode::WrongVaultKey, cause));
        }
        let salt: &[u8; 16] = header[10..26].try_into().map_err(|_| damaged())?;
        let key = self.key(salt)?;
        if !crypto::same(&header[26..], &check(&key, salt)) {
            return Err(Error::new(
                ErrorCode::WrongVaultKey,
                "the key or passphrase does not open this vault",
            ));
        }
        Root::parse(&crypto::decrypt(&key, header, sealed).ok_or_else(damaged)?)
    }
}

impl RootStore for FileRoot {
    fn kind(&self) -> VaultKind {
        VaultKind::File
    }

    fn load(&self) -> Result<Option<Root>> {
        files::read(&self.path)?.map(|bytes| self.open(bytes.expose())).transpose()
    }

    fn store(&self, root: &Root) -> Result<()> {
        let salt: [u8; 16] = super::sealed::random()?;
        let key = self.key(&salt)?;
        let mut bytes =
            [MAGIC.as_slice(), &[FORMAT, self.way()], &salt, &check(&key, &salt)].concat();
        let sealed =
            crypto::encrypt(&key, super::sealed::random()?, &bytes, root.encode().expose());
        bytes.extend_from_slice(&sealed);
        files::replace(&self.path, &bytes)
    }

    fn remove(&self) -> Result<()> {
        files::remove(&self.path)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let (what, path) = match &self.unlock {
            Unlock::KeyFile(path) => ("key file", path),
            Unlock::PassphraseFile(path) => ("passphrase file", path),
        };
        vec![("vault", format!("file, unlocked by the {what} {}", path.display()))]
    }
}

/// Tells a wrong key from a damaged file; says nothing of the key.
fn check(key: &Key, salt: &[u8; 16]) -> [u8; 16] {
    crypto::hash_long(label::VAULT_KEY_CHECK, &[key.expose(), salt])
}

fn read_key(path: &Path) -> Result<Key> {
    let bytes = private(path)?;
    let raw = Key::from_slice(bytes.expose());
    let text = || Some(SecretBytes::new(from_hex(std::str::from_utf8(trimmed(&bytes)).ok()?)?));
    raw.or_else(|| Key::from_slice(text()?.expose()))
        .ok_or_else(|| key_file("the key file holds neither 32 bytes nor 64 hexadecimal digits"))
}

fn read_passphrase(path: &Path, salt: &[u8; 16]) -> Result<Key> {
    let bytes = private(path)?;
    match trimmed(&bytes) {
        b"" => Err(key_file(format!("{} is empty", path.display()))),
        passphrase => crypto::passphrase_key(passphrase, salt),
    }
}

fn private(path: &Path) -> Result<SecretBytes> {
    let bytes = files::read(path).ok().flatten();
    let bytes = bytes.ok_or_else(|| key_file(format!("{} cannot be read", path.display())))?;
    match files::is_open_to_others(path) {
        true => Err(key_file(format!("{} can be read by others than its owner", path.display()))
            .with_hint(format!("chmod 600 {}", path.display()))),
        false => Ok(bytes),
    }
}

fn trimmed(bytes: &SecretBytes) -> &[u8] {
    let bytes = bytes.expose();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn key_file(cause: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::VaultKeyFile, cause)
}
