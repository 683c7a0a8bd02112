//! The vault of sealed files: one for each key, under a root key that is kept elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    MemoryVault, StoredIdentity, Vault, VaultKind, VaultLock, VaultOptions,
    file::FileRoot,
    files,
    root::{KeyId, Root, RootStore, key_id},
};
use crate::{
    crypto::{self, label},
    encoding::{Header, encode, parse, tag, to_hex},
    error::{Error, ErrorCode, Result},
    secret::{Key, SecretBytes},
};

const MAGIC: &[u8; 8] = b"ASVAULT\n";
const FORMAT: u8 = 1;
/// Magic, format, id of the root key.
const HEADER: usize = 8 + 1 + 8;
/// How long changes to a whole vault wait for other processes.
const LOCK_WAIT: Duration = Duration::from_secs(20);

/// What a file holds once it is opened.
#[derive(BorshSerialize, BorshDeserialize)]
struct Content {
    header: Header<{ tag::VAULT_FILE }>,
    key: String,
    bytes: SecretBytes,
}

struct SealedVault {
    home: PathBuf,
    store: Box<dyn RootStore>,
    /// Read once per process: some keychains ask each time.
    root: Mutex<Option<Root>>,
    process: u32,
}

/// Opens a vault; nothing is written, and the root key is not touched yet.
///
/// # Errors
/// `vault_kind_mismatch`, `vault_key_file`, `unsupported`, `vault_io`.
pub fn open(options: &VaultOptions) -> Result<Box<dyn Vault>> {
    match options.kind {
        VaultKind::Memory => Ok(Box::new(MemoryVault::default())),
        _ => Ok(Box::new(SealedVault::open(options)?)),
    }
}

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
    let vault = SealedVault::open(options)?;
    let _lock = vault.lock(LOCK_WAIT)?;
    let mut root = vault.fresh_root()?;
    if root.previous.is_none() {
        root.previous = Some(std::mem::replace(&mut root.key, Key::new(random()?)));
    }
    let named = key_file.is_some() || passphrase_file.is_some();
    let unlock = if named {
        VaultOptions { key_file, passphrase_file, ..options.clone() }
    } else {
        options.clone()
    };
    let vault = SealedVault::open(&unlock)?;
    vault.keep(root)?;
    for (path, content) in vault.contents()? {
        vault.write(&content)?;
        // Names come from the root key, so the file of the old name is surplus.
        if path != vault.path(&content.key)? {
            files::remove(&path)?;
        }
    }
    let mut root = vault.fresh_root()?;
    root.previous = None;
    vault.keep(root)
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
    let new = root_store(to)?;
    new.store(&root)?;
    // From here on the new kind counts; a crash before leaves the old one.
    files::replace(&kind_file(&to.home), to.kind.as_str().as_bytes())?;
    if from.kind == to.kind { Ok(()) } else { old.store.remove() }
}

fn root_store(options: &VaultOptions) -> Result<Box<dyn RootStore>> {
    match options.kind {
        VaultKind::File => Ok(Box::new(FileRoot::new(options)?)),
        #[cfg(feature = "keychain")]
        VaultKind::Keychain => Ok(Box::new(super::keychain::KeychainRoot::new(options))),
        kind => Err(Error::new(
            ErrorCode::Unsupported,
            format!("this build has no {} vault", kind.as_str()),
        )),
    }
}

fn kind_file(home: &Path) -> PathBuf {
    home.join("vault.kind")
}

impl SealedVault {
    fn open(options: &VaultOptions) -> Result<Self> {
        check_kind(options)?;
        let (home, process) = (options.home.clone(), std::process::id());
        Ok(Self { home, store: root_store(options)?, root: Mutex::new(None), process })
    }

    fn cached(&self) -> Result<MutexGuard<'_, Option<Root>>> {
        if std::process::id() != self.process {
            return Err(Error::new(ErrorCode::VaultForked, "the vault was opened before fork()"));
        }
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        if root.is_none() {
            *root = self.store.load()?;
        }
        Ok(root)
    }

    /// The root as it is now, for a writer; the first writer makes it.
    fn fresh_root(&self) -> Result<Root> {
        match self.store.load()? {
            Some(root) => Ok(root),
            None => Ok(Root::new(Key::new(random()?))),
        }
    }

    /// Stores the root before anything is sealed under it.
    fn keep(&self, root: Root) -> Result<()> {
        files::make_folder(&self.home)?;
        self.store.store(&root)?;
        let (path, kind) = (kind_file(&self.home), self.store.kind().as_str());
        if files::read(&path)?.is_none_or(|word| word.expose() != kind.as_bytes()) {
            files::replace(&path, kind.as_bytes())?;
        }
        *self.root.lock().unwrap_or_else(PoisonError::into_inner) = Some(root);
        Ok(())
    }

    fn ensure_root(&self) -> Result<()> {
        if self.cached()?.is_some() {
            return Ok(());
        }
        self.keep(self.fresh_root()?)
    }

    /// The file of a key; its name tells nothing without the root key.
    fn path(&self, key: &str) -> Result<PathBuf> {
        let root = self.cached()?;
        let root = root.as_ref().ok_or_else(no_root)?;
        Ok(self.home.join("sealed").join(file_name(&root.key, key)))
    }

    fn write(&self, content: &Content) -> Result<()> {
        self.ensure_root()?;
        let path = self.path(&content.key)?;
        let root = self.cached()?;
        let root = root.as_ref().ok_or_else(no_root)?;
        let mut bytes = [MAGIC.as_slice(), &[FORMAT], &key_id(&root.key)].concat();
        let plain = SecretBytes::new(encode(content));
        let sealed =
            crypto::encrypt(&files_key(&root.key), random()?, &data(&bytes, &path), plain.expose());
        bytes.extend_from_slice(&sealed);
        files::replace(&path, &bytes)
    }

    fn read(&self, path: &Path) -> Result<Option<Content>> {
        let Some(bytes) = files::read(path)? else { return Ok(None) };
        let damaged =
            || Error::new(ErrorCode::VaultDamaged, format!("{} is damaged", path.display()));
        let (header, sealed) = bytes.expose().split_at_checked(HEADER).ok_or_else(damaged)?;
        if &header[..8] != MAGIC {
            return Err(damaged());
        }
        if header[8] > FORMAT {
            return Err(Error::new(
                ErrorCode::VaultNewer,
                format!("{} has format {}; this is for format {FORMAT}", path.display(), header[8]),
            ));
        }
        let id: KeyId = header[9..].try_into().map_err(|_| damaged())?;
        let root = self.cached()?;
        let key = root.as_ref().ok_or_else(no_root)?.key_of(&id).ok_or_else(damaged)?;
        let plain =
            crypto::decrypt(&files_key(key), &data(header, path), sealed).ok_or_else(damaged)?;
        parse(plain.expose(), ErrorCode::VaultDamaged, "vault file").map(Some)
    }

    /// Every file with its content.
    fn contents(&self) -> Result<Vec<(PathBuf, Content)>> {
        let Ok(folder) = fs::read_dir(self.home.join("sealed")) else { return Ok(Vec::new()) };
        let mut paths: Vec<PathBuf> = folder.filter_map(|file| Some(file.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_none());
        paths.sort();
        paths
            .into_iter()
            .filter_map(|path| self.read(&path).map(|content| Some((path, content?))).transpose())
            .collect()
    }

    /// The content under a key: by its name, else by the name it had under the previous root key.
    fn find(&self, key: &str) -> Result<Option<Content>> {
        let names: Vec<PathBuf> = match self.cached()?.as_ref() {
            None => return Ok(None),
            Some(root) => {
                let keys = [Some(&root.key), root.previous.as_ref()].into_iter().flatten();
                keys.map(|root| self.home.join("sealed").join(file_name(root, key))).collect()
            }
        };
        for path in names {
            if let Some(content) = self.read(&path)? {
                return if content.key == key { Ok(Some(content)) } else { Err(no_root()) };
            }
        }
        Ok(None)
    }
}

fn check_kind(options: &VaultOptions) -> Result<()> {
    let Some(word) = files::read(&kind_file(&options.home))? else { return Ok(()) };
    let word = String::from_utf8_lossy(word.expose()).trim().to_owned();
    match word == options.kind.as_str() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::VaultKindMismatch,
            format!(
                "the vault in {} is of the kind {word}, not {}",
                options.home.display(),
                options.kind.as_str()
            ),
        )),
    }
}

fn no_root() -> Error {
    Error::new(ErrorCode::VaultDamaged, "the vault's files are there and its root is not")
}

fn files_key(root: &Key) -> Key {
    crypto::derive_key(label::VAULT_FILES, root.expose())
}

fn file_name(root: &Key, key: &str) -> String {
    to_hex(&crypto::hash_long::<16>(label::VAULT_FILE_NAME, &[root.expose(), key.as_bytes()]))
}

/// Associated data: the header and the file's own name, so that files cannot be exchanged.
fn data(header: &[u8], path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [header, name.as_bytes()].concat()
}

pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| {
        Error::new(ErrorCode::Internal, "the operating system gives no random bytes")
    })?;
    Ok(bytes)
}

impl Vault for SealedVault {
    fn kind(&self) -> VaultKind {
        self.store.kind()
    }

    fn identity(&self) -> Result<Option<StoredIdentity>> {
        let root = self.cached()?;
        let identity = root.as_ref().and_then(|root| root.identity.as_ref());
        Ok(identity.map(|identity| StoredIdentity {
            seed: Key::new(*identity.seed.expose()),
            kind: identity.kind,
            label: identity.label.clone(),
        }))
    }

    fn store_identity(&self, identity: &StoredIdentity) -> Result<()> {
        let mut root = self.fresh_root()?;
        root.identity = Some(StoredIdentity {
            seed: Key::new(*identity.seed.expose()),
            kind: identity.kind,
            label: identity.label.clone(),
        });
        self.keep(root)
    }

    fn load(&self, key: &str) -> Result<Option<SecretBytes>> {
        Ok(self.find(key)?.map(|content| content.bytes))
    }

    fn store(&self, key: &str, bytes: &SecretBytes) -> Result<()> {
        self.write(&Content {
            header: Header,
            key: key.to_owned(),
            bytes: SecretBytes::copy_of(bytes.expose()),
        })
    }

    fn remove(&self, key: &str) -> Result<()> {
        if self.cached()?.is_none() {
            return Ok(());
        }
        files::remove(&self.path(key)?)
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        if self.cached()?.is_none() {
            return Ok(Vec::new());
        }
        let mut keys: Vec<String> =
            self.contents()?.into_iter().map(|(_, content)| content.key).collect();
        keys.retain(|key| key.starts_with(prefix));
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    fn lock(&self, wait: Duration) -> Result<VaultLock> {
        files::lock(&self.home, wait)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = self.store.facts();
        facts.push(("sealed files", self.home.join("sealed").display().to_string()));
        facts
    }
}
