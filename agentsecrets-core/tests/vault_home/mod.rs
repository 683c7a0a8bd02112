//! A vault in a temporary folder, and this test binary as another process.
#![allow(dead_code, unreachable_pub)] // Each test file uses a part.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use agentsecrets_core::{
    ErrorCode, Result,
    identity::Kind,
    secret::{Key, SecretBytes},
    vault::{self, StoredIdentity, Vault, VaultKind, VaultOptions},
};

pub const WAIT: Duration = Duration::from_secs(20);
const CHILD: &str = "VAULT_TEST_CHILD";
const FOLDER: &str = "VAULT_TEST_FOLDER";

/// A home and the files that unlock it, in one folder.
pub struct Place {
    folder: PathBuf,
    _own: Option<tempfile::TempDir>,
}

impl Place {
    pub fn new() -> Self {
        let own = tempfile::tempdir().unwrap();
        let place = Self { folder: own.path().to_owned(), _own: Some(own) };
        fs::write(place.file("key"), [7; 32]).unwrap();
        fs::write(place.file("other-key"), [8; 32]).unwrap();
        fs::write(place.file("passphrase"), "correct horse\n").unwrap();
        ["key", "other-key", "passphrase"].iter().for_each(|name| own_alone(&place.file(name)));
        place
    }

    /// The place of the parent process, if this process is a child that plays this part.
    pub fn of_child(part: &str) -> Option<Self> {
        let plays = std::env::var(CHILD).is_ok_and(|word| word == part);
        plays.then(|| Self { folder: std::env::var_os(FOLDER).unwrap().into(), _own: None })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.file("home")
    }

    pub fn options(&self) -> VaultOptions {
        self.with_key("key")
    }

    pub fn with_key(&self, name: &str) -> VaultOptions {
        VaultOptions { key_file: Some(self.file(name)), ..self.bare(VaultKind::File) }
    }

    pub fn with_passphrase(&self, name: &str) -> VaultOptions {
        VaultOptions { passphrase_file: Some(self.file(name)), ..self.bare(VaultKind::File) }
    }

    pub fn bare(&self, kind: VaultKind) -> VaultOptions {
        let home = self.home();
        VaultOptions { kind, home, key_file: None, passphrase_file: None, unattended: true }
    }

    pub fn open(&self) -> Box<dyn Vault> {
        vault::open(&self.options()).unwrap()
    }

    /// A vault with an identity and one value under each key.
    pub fn filled(keys: &[&str]) -> Self {
        let place = Self::new();
        let vault = place.open();
        vault.store_identity(&identity()).unwrap();
        keys.iter().for_each(|key| set(&*vault, key, key));
        place
    }

    pub fn sealed_files(&self) -> Vec<PathBuf> {
        files_under(&self.home().join("sealed"))
    }

    /// This binary as another process that runs the test of this name in this place.
    pub fn child(&self, part: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        self.as_child(&mut command, part);
        command
    }

    /// The same under a limit that `sh` sets.
    pub fn child_under(&self, limit: &str, part: &str) -> Command {
        let mut command = Command::new("sh");
        let script = format!("{limit}; exec \"$0\" \"$@\"");
        self.child_by(command.arg("-c").arg(script), part);
        command
    }

    /// The same, started by a program that runs its arguments.
    pub fn child_by<'a>(&self, program: &'a mut Command, part: &str) -> &'a mut Command {
        program.arg(std::env::current_exe().unwrap());
        self.as_child(program, part);
        program
    }

    fn as_child(&self, command: &mut Command, part: &str) {
        command.args(["--exact", part, "--include-ignored", "--nocapture"]);
        command.env(CHILD, part).env(FOLDER, &self.folder).stdout(Stdio::piped());
    }
}

/// Waits until a child has written its ready file.
pub fn until_ready(place: &Place, child: &mut Child) {
    while !place.file("ready").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended early");
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::remove_file(place.file("ready")).unwrap();
}

pub fn identity() -> StoredIdentity {
    StoredIdentity { seed: Key::new([0xA5; 32]), kind: Kind::Human, label: "laptop".into() }
}

pub fn set(vault: &dyn Vault, key: &str, text: &str) {
    vault.store(key, &SecretBytes::copy_of(text.as_bytes())).unwrap();
}

pub fn get(vault: &dyn Vault, key: &str) -> Option<String> {
    let bytes = vault.load(key).unwrap()?;
    Some(String::from_utf8(bytes.expose().to_vec()).unwrap())
}

pub fn code<T>(result: Result<T>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_under(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

pub fn own_alone(path: &Path) {
    #[cfg(unix)]
    mode(path, 0o600);
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(unix)]
pub fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a child to its end; shows what it said where it failed.
pub fn succeeds(child: &mut Command) {
    let output = child.output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "{child:?}\n{said}");
}
