//! The files of a vault: its root, and what is sealed under it.

use std::{fs, path::PathBuf};

use agentsecrets_core::{
    crypto::{decrypt, derive_key, encrypt, label},
    encoding::encode,
    secret::{Key, SecretBytes},
    vault::{self, StoredIdentity, Vault, VaultKind, VaultOptions},
};
use tempfile::TempDir;

use crate::input::Input;

const KEY: [u8; 32] = [7; 32];
/// Magic, format, way of unlocking, salt, check.
const ROOT_HEADER: usize = 8 + 1 + 1 + 16 + 16;
/// Magic, format, id of the root key.
const FILE_HEADER: usize = 8 + 1 + 8;
const NAME: &str = "a/key";

thread_local! {
    static HOME: Home = Home::new();
}

/// A folder in memory, where there is one: nothing here has to be durable.
pub(crate) fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let folder = memory.is_dir().then(|| TempDir::new_in(memory).ok()).flatten();
    folder.unwrap_or_else(|| TempDir::new().expect("a folder"))
}

/// A vault with one value, and where its bytes stand.
struct Home {
    folder: TempDir,
    root: Vec<u8>,
    sealed: Vec<u8>,
    path: PathBuf,
    root_key: Key,
}

/// The first byte chooses: a sealed file, whole or its inside; the root, whole or its inside.
pub fn vault_file(data: &[u8]) {
    let mut input = Input(data);
    HOME.with(|home| match input.below(4) {
        0 => home.sealed(input.0),
        1 => home.content(input.0),
        2 => home.root(input.0),
        _ => home.root_content(input.0),
    });
}

impl Home {
    fn new() -> Self {
        let folder = folder();
        fs::write(folder.path().join("key"), KEY).expect("a key file");
        private(&folder.path().join("key"));
        let options = options(&folder);
        let vault = vault::open(&options).expect("a vault");
        vault.store(NAME, &SecretBytes::copy_of(b"fake value")).expect("a value");
        let sealed: Vec<_> =
            fs::read_dir(folder.path().join("home/sealed")).expect("files").collect();
        let path = sealed[0].as_ref().expect("a file").path();
        let root = fs::read(folder.path().join("home/root")).expect("a root");
        let plain = decrypt(&Key::new(KEY), &root[..ROOT_HEADER], &root[ROOT_HEADER..]);
        let root_key = Key::from_slice(&plain.expect("a root").expose()[..32]).expect("a key");
        let sealed = fs::read(&path).expect("a sealed file");
        Self { folder, root, sealed, path, root_key }
    }

    fn open(&self) -> Box<dyn Vault> {
        vault::open(&options(&self.folder)).expect("a vault")
    }

    /// Either the very bytes that were sealed, or refused.
    fn sealed(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).expect("a file");
        assert_eq!(self.open().load(NAME).is_ok(), bytes == self.sealed);
        let _ = self.open().keys("");
    }

    fn content(&self, plain: &[u8]) {
        let header = &self.sealed[..FILE_HEADER];
        let name = self.path.file_name().expect("a name").to_string_lossy();
        let key = derive_key(label::VAULT_FILES, self.root_key.expose());
        let data = [header, name.as_bytes()].concat();
        let sealed = encrypt(&key, [0; 24], &data, plain);
        fs::write(&self.path, [header, &sealed].concat()).expect("a file");
        if let Ok(Some(value)) = self.open().load(NAME) {
            let of = |text: &[u8]| [&(text.len() as u32).to_le_bytes(), text].concat();
            let form = [&[1, 1, 13], of(NAME.as_bytes()).as_slice(), &of(value.expose())].concat();
            assert_eq!(form, plain);
        }
        let _ = self.open().keys("");
    }

    /// Only what the holder of the key file has sealed opens.
    fn root(&self, bytes: &[u8]) {
        let (header, sealed) = bytes.split_at(bytes.len().min(ROOT_HEADER));
        let genuine = decrypt(&Key::new(KEY), header, sealed).is_some();
        self.with_root(bytes, |vault| assert!(genuine || vault.identity().is_err()));
    }

    fn root_content(&self, plain: &[u8]) {
        let header = &self.root[..ROOT_HEADER];
        let sealed = encrypt(&Key::new(KEY), [0; 24], header, plain);
        let bytes = [header, &sealed].concat();
        self.with_root(&bytes, |vault| {
            let Ok(identity) = vault.identity() else { return };
            let end = identity.map_or(vec![0], |identity| stored(&identity));
            assert!(plain.ends_with(&end) && plain.len() > 32);
        });
    }

    fn with_root(&self, bytes: &[u8], look: impl FnOnce(&dyn Vault)) {
        let path = self.folder.path().join("home/root");
        fs::write(&path, bytes).expect("a root");
        look(self.open().as_ref());
        fs::write(&path, &self.root).expect("the root");
    }
}

/// As a root ends with it.
fn stored(identity: &StoredIdentity) -> Vec<u8> {
    [&[1], encode(identity).as_slice()].concat()
}

fn options(folder: &TempDir) -> VaultOptions {
    VaultOptions {
        kind: VaultKind::File,
        home: folder.path().join("home"),
        key_file: Some(folder.path().join("key")),
        passphrase_file: None,
        unattended: true,
    }
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}

/// What such a vault holds: its files and their insides, as inputs.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    HOME.with(|home| {
        let plain = decrypt(&Key::new(KEY), &home.root[..ROOT_HEADER], &home.root[ROOT_HEADER..]);
        let content =
            [&[1, 1, 13, 5, 0, 0, 0], NAME.as_bytes(), &[2, 0, 0, 0, b'o', b'k']].concat();
        let inside = plain.expect("a root");
        vec![
            [&[0], home.sealed.as_slice()].concat(),
            [&[1], content.as_slice()].concat(),
            [&[2], home.root.as_slice()].concat(),
            [&[3], inside.expose()].concat(),
            [
                &[3],
                &[5; 32][..],
                &[0],
                &stored(&StoredIdentity {
                    seed: Key::new([6; 32]),
                    kind: agentsecrets_core::identity::Kind::Ci,
                    label: "job".to_owned(),
                }),
            ]
            .concat(),
        ]
    })
}
