//! The vault of sealed files: one for each key, under a root key that is kept elsewhere.

use std::{
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

/// What a file holds once it is opened.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Content {
    header: Header<{ tag::VAULT_FILE }>,
    pub(super) key: String,
    bytes: SecretBytes,
}

pub(super) struct SealedVault {
    pub(super) home: PathBuf,
    pub(super) store: Box<dyn RootStore>,
    /// Read anew only when its mark changes: some keychains ask each time.
    known: Mutex<Known>,
    pub(super) process: u32,
}

/// The root as this process has read it, and the mark it had.
#[derive(Default)]
struct Known {
    root: Option<Root>,
    mark: Option<Vec<u8>>,
}

/// Where a value stands: by the root key, and by the one before it while a rekey runs.
pub(super) struct Names {
    pub(super) current: PathBuf,
    former: Option<PathBuf>,
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

pub(super) fn root_store(options: &VaultOptions) -> Result<Box<dyn RootStore>> {
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

pub(super) fn kind_file(home: &Path) -> PathBuf {
    home.join("vault.kind")
}

impl SealedVault {
    pub(super) fn open(options: &VaultOptions) -> Result<Self> {
        check_kind(options)?;
        let (home, process) = (options.home.clone(), std::process::id());
        Ok(Self { home, store: root_store(options)?, known: Mutex::default(), process })
    }

    /// After a fork two processes would write under what only one of them has read.
    fn same_process(&self) -> Result<()> {
        match std::process::id() == self.process {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::VaultForked, "the vault was opened before fork()")),
        }
    }

    fn known(&self) -> Result<MutexGuard<'_, Known>> {
        self.same_process()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = self.mark()?;
        if known.root.is_none() || known.mark != mark {
            *known = Known::default();
            *known = Known { root: self.load_root()?, mark };
        }
        Ok(known)
    }

    /// A random word, another one each time the root is replaced by any process.
    fn mark(&self) -> Result<Option<Vec<u8>>> {
        Ok(files::read(&self.mark_file())?.map(|word| word.expose().to_vec()))
    }

    fn mark_file(&self) -> PathBuf {
        self.home.join("root.mark")
    }

    /// A recorded kind says that there was a root: without it there is damage, and nothing new.
    fn load_root(&self) -> Result<Option<Root>> {
        match self.store.load()? {
            None if files::read(&kind_file(&self.home))?.is_some() => Err(no_root()),
            root => Ok(root),
        }
    }

    /// The root as it is now, for a writer; the first writer makes it.
    pub(super) fn fresh_root(&self) -> Result<Root> {
        self.same_process()?;
        match self.load_root()? {
            Some(root) => Ok(root),
            None => Ok(Root::new(Key::new(random()?))),
        }
    }

    /// Stores the root before anything is sealed under it.
    pub(super) fn keep(&self, root: Root) -> Result<()> {
        self.store.store(&root)?;
        let (path, kind) = (kind_file(&self.home), self.store.kind().as_str());
        if files::read(&path)?.is_none() {
            files::replace(&path, kind.as_bytes())?;
        }
        let mark = to_hex(&random::<8>()?).into_bytes();
        files::replace(&self.mark_file(), &mark)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Known { root: Some(root), mark: Some(mark) };
        Ok(())
    }

    fn ensure_root(&self) -> Result<()> {
        if self.known()?.root.is_some() {
            return Ok(());
        }
        self.keep(self.fresh_root()?)
    }

    fn folder(&self) -> PathBuf {
        self.home.join("sealed")
    }

    /// The files of a key, if there is a root; their names tell nothing without it.
    pub(super) fn names(&self, key: &str) -> Result<Option<Names>> {
        Ok(self.names_by(&*self.known()?, key))
    }

    fn names_by(&self, known: &Known, key: &str) -> Option<Names> {
        let root = known.root.as_ref()?;
        let path = |root| self.folder().join(file_name(root, key));
        Some(Names { current: path(&root.key), former: root.previous.as_ref().map(path) })
    }

    pub(super) fn write(&self, content: &Content) -> Result<()> {
        self.ensure_root()?;
        let names = self.names(&content.key)?.ok_or_else(no_root)?;
        let bytes = self.seal(&names.current, content)?;
        files::replace(&names.current, &bytes)?;
        // What an interrupted rekey left is older than this.
        names.former.map_or(Ok(()), |former| files::remove(&former))
    }

    fn seal(&self, path: &Path, content: &Content) -> Result<Vec<u8>> {
        let known = self.known()?;
        let key = &known.root.as_ref().ok_or_else(no_root)?.key;
        let mut bytes = [MAGIC.as_slice(), &[FORMAT], &key_id(key)].concat();
        let plain = SecretBytes::new(encode(content));
        let sealed =
            crypto::encrypt(&files_key(key), random()?, &data(&bytes, path), plain.expose());
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    fn read(&self, path: &Path) -> Result<Option<Content>> {
        files::read(path)?.map(|bytes| unseal(&*self.known()?, path, bytes.expose())).transpose()
    }

    /// Every file with its content. Begins again where a rekey has moved files meanwhile.
    pub(super) fn contents(&self) -> Result<Vec<(PathBuf, Content)>> {
        loop {
            let mark = self.mark()?;
            let contents: Result<Vec<Option<_>>> = files::names(&self.folder())?
                .into_iter()
                .filter(|path| path.extension().is_none())
                .map(|path| Ok(self.read(&path)?.map(|content| (path, content))))
                .collect();
            match contents.map(|contents| contents.into_iter().collect::<Option<Vec<_>>>()) {
                Ok(Some(contents)) => return Ok(contents),
                Err(error) if self.mark()? == mark => return Err(error),
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// The content under a key. Looks again where a rekey has moved files meanwhile.
    fn find(&self, key: &str) -> Result<Option<Content>> {
        loop {
            let known = self.known()?;
            let Some(names) = self.names_by(&known, key) else { return Ok(None) };
            match first(&known, &names) {
                Ok(Some(content)) if content.key == key => return Ok(Some(content)),
                Ok(Some(_)) => return Err(damaged(&names.current)),
                found if self.mark()? == known.mark => return found,
                _ => {}
            }
        }
    }

    /// What a crash left half written; for the holder of the lock.
    pub(super) fn sweep(&self) -> Result<()> {
        let names = files::names(&self.folder())?;
        let mut strays = names.iter().filter(|path| path.extension().is_some());
        strays.try_for_each(|path| files::remove(path))
    }
}

/// The current name again after the former one: a rekey writes the one, then removes the other.
fn first(known: &Known, names: &Names) -> Result<Option<Content>> {
    let read = |path: &Path| -> Result<Option<Content>> {
        files::read(path)?.map(|bytes| unseal(known, path, bytes.expose())).transpose()
    };
    let current = read(&names.current)?;
    let Some(former) = names.former.as_ref().filter(|_| current.is_none()) else {
        return Ok(current);
    };
    match read(former)? {
        None => read(&names.current),
        content => Ok(content),
    }
}

/// The content of a file's bytes, by the root that is known.
fn unseal(known: &Known, path: &Path, bytes: &[u8]) -> Result<Content> {
    let damaged = || damaged(path);
    let (header, sealed) = bytes.split_at_checked(HEADER).ok_or_else(damaged)?;
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
    let key = known.root.as_ref().ok_or_else(no_root)?.key_of(&id).ok_or_else(damaged)?;
    let plain =
        crypto::decrypt(&files_key(key), &data(header, path), sealed).ok_or_else(damaged)?;
    parse(plain.expose(), ErrorCode::VaultDamaged, "vault file")
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

fn damaged(path: &Path) -> Error {
    Error::new(ErrorCode::VaultDamaged, format!("{} is damaged", path.display()))
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

/// Copies of a seed are rare enough to be named.
fn copy_of(identity: &StoredIdentity) -> StoredIdentity {
    let StoredIdentity { seed, kind, label } = identity;
    StoredIdentity { seed: Key::new(*seed.expose()), kind: *kind, label: label.clone() }
}

impl Vault for SealedVault {
    fn kind(&self) -> VaultKind {
        self.store.kind()
    }

    fn identity(&self) -> Result<Option<StoredIdentity>> {
        let known = self.known()?;
        Ok(known.root.as_ref().and_then(|root| root.identity.as_ref()).map(copy_of))
    }

    fn store_identity(&self, identity: &StoredIdentity) -> Result<()> {
        let mut root = self.fresh_root()?;
        root.identity = Some(copy_of(identity));
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
        let Some(names) = self.names(key)? else { return Ok(()) };
        // In this order: a crash in between must not bring an older value back.
        names.former.map_or(Ok(()), |former| files::remove(&former))?;
        files::remove(&names.current)
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        if self.known()?.root.is_none() {
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
        self.same_process()?;
        files::lock(&self.home, wait)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = self.store.facts();
        facts.push(("sealed files", self.folder().display().to_string()));
        facts
    }
}
