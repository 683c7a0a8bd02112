//! The root in the OS keychain: one small item per user and home.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use keyring_core::{CredentialStore, Entry, Error as KeychainError, error::PlatformError};

use super::{
    VaultKind, VaultOptions,
    root::{Root, RootStore},
};
use crate::{
    crypto::{self, label},
    encoding::{from_hex, to_hex},
    error::{Error, ErrorCode, Result},
    secret::SecretBytes,
};

const SERVICE: &str = "agentsecrets";
/// What an item holds on Windows, the least of all systems.
const LARGEST: usize = 2560;
/// Nobody is there to answer a prompt.
const UNATTENDED: Duration = Duration::from_secs(3);
const ATTENDED: Duration = Duration::from_secs(60);

/// One item; its name tells homes apart.
pub(super) struct KeychainRoot {
    user: String,
    deadline: Duration,
}

impl KeychainRoot {
    pub(super) fn new(options: &VaultOptions) -> Self {
        let home = std::path::absolute(&options.home).unwrap_or_else(|_| options.home.clone());
        let name: [u8; 8] =
            crypto::hash_long(label::VAULT_KEYCHAIN_ITEM, &[home.as_os_str().as_encoded_bytes()]);
        let deadline = if options.unattended { UNATTENDED } else { ATTENDED };
        Self { user: format!("root-{}", to_hex(&name)), deadline }
    }

    /// The store is opened, used and dropped on a thread of its own: it panics under some async
    /// runtimes, and hangs where the service does not answer. Then the thread is left to itself.
    fn call<T: Send + 'static>(
        &self,
        job: impl Fn(&Entry) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<Option<T>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let user = self.user.clone();
        let work = move || drop(sender.send(with_entry(&user, &job)));
        thread::Builder::new()
            .name("agentsecrets-keychain".into())
            .spawn(work)
            .map_err(|_| Error::new(ErrorCode::KeychainFailed, "no thread can be started"))?;
        match receiver.recv_timeout(self.deadline) {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(KeychainError::NoEntry)) => Ok(None),
            Ok(Err(error)) => Err(translate(error)),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::new(
                ErrorCode::KeychainTimeout,
                format!("the OS keychain does not answer within {} s", self.deadline.as_secs()),
            )),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(Error::new(ErrorCode::KeychainFailed, "the keychain's thread ended early"))
            }
        }
    }
}

/// The same limit on every system, so that a vault that works on one works on all.
fn item(root: &Root) -> Result<SecretBytes> {
    let text = SecretBytes::new(to_hex(root.encode().expose()).into_bytes());
    match text.expose().len() <= LARGEST {
        true => Ok(text),
        false => Err(Error::new(
            ErrorCode::InvalidArgument,
            "the device's label is too long for a keychain's item",
        )),
    }
}

/// On Linux a service that restarts meanwhile needs a second try; elsewhere that would ask twice.
fn with_entry<T>(
    user: &str,
    job: &dyn Fn(&Entry) -> Result<T, KeychainError>,
) -> Result<T, KeychainError> {
    let once = || job(&open_store()?.build(SERVICE, user, None)?);
    match once() {
        Err(KeychainError::PlatformFailure(_)) if cfg!(target_os = "linux") => once(),
        result => result,
    }
}

#[allow(unreachable_code, reason = "one arm for each system")]
fn open_store() -> Result<Arc<CredentialStore>, KeychainError> {
    #[cfg(target_os = "linux")]
    return Ok(zbus_secret_service_keyring_store::Store::new()?);
    #[cfg(target_os = "macos")]
    return Ok(apple_native_keyring_store::keychain::Store::new()?);
    #[cfg(target_os = "windows")]
    return Ok(windows_native_keyring_store::Store::new()?);
    Err(KeychainError::NotSupportedByStore("no OS keychain on this system".into()))
}

/// The keychain's own texts are not passed on: some hold the secret.
fn translate(error: KeychainError) -> Error {
    let code = match error {
        KeychainError::NoStorageAccess(cause) => reason(&cause).or(Some(ErrorCode::NoKeychain)),
        KeychainError::PlatformFailure(cause) => reason(&cause),
        KeychainError::NoDefaultStore | KeychainError::NotSupportedByStore(_) => {
            Some(ErrorCode::NoKeychain)
        }
        _ => None,
    };
    let code = code.unwrap_or(ErrorCode::KeychainFailed);
    let cause = match code {
        ErrorCode::NoKeychain => "this session has no OS keychain that answers",
        ErrorCode::KeychainLocked => "the OS keychain is locked",
        _ => "the OS keychain refuses the call",
    };
    Error::new(code, cause)
}

#[cfg(target_os = "linux")]
fn reason(cause: &PlatformError) -> Option<ErrorCode> {
    use secret_service::Error as Service;
    use zbus::Error as Bus;
    match cause.downcast_ref()? {
        // A prompt that was dismissed, as one that no desktop can show.
        Service::Locked | Service::Prompt | Service::PromptDisconnected => {
            Some(ErrorCode::KeychainLocked)
        }
        // No default keyring; no address of a bus that is one.
        Service::NoResult | Service::Unavailable => Some(ErrorCode::NoKeychain),
        // No bus at its address.
        Service::Zbus(Bus::Connection(..)) => Some(ErrorCode::NoKeychain),
        Service::Zbus(Bus::MethodError(name, ..)) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown" => Some(ErrorCode::NoKeychain),
            "org.freedesktop.Secret.Error.IsLocked" => Some(ErrorCode::KeychainLocked),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(target_os = "macos")]
fn reason(cause: &PlatformError) -> Option<ErrorCode> {
    match cause.downcast_ref::<security_framework::base::Error>()?.code() {
        // No interaction allowed, wrong password, dismissed.
        -25308 | -25293 | -128 => Some(ErrorCode::KeychainLocked),
        _ => None,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn reason(_: &PlatformError) -> Option<ErrorCode> {
    None
}

impl RootStore for KeychainRoot {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    fn load(&self) -> Result<Option<Root>> {
        let damaged = || Error::new(ErrorCode::VaultDamaged, "the keychain's item is damaged");
        let Some(text) = self.call(|entry| entry.get_secret().map(SecretBytes::new))? else {
            return Ok(None);
        };
        let bytes =
            std::str::from_utf8(text.expose()).ok().and_then(from_hex).map(SecretBytes::new);
        Root::parse(&bytes.ok_or_else(damaged)?).map(Some)
    }

    /// ASCII: one keychain damages other bytes.
    fn store(&self, root: &Root) -> Result<()> {
        let text = item(root)?;
        self.call(move |entry| entry.set_secret(text.expose())).map(drop)
    }

    fn remove(&self) -> Result<()> {
        self.call(|entry| entry.delete_credential()).map(drop)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("vault", format!("OS keychain, item {SERVICE} {}", self.user))];
        if let Some(file) = keyring_in_clear() {
            let cause = format!(
                "WARNING: {} is a keyring with a blank password, which writes secrets in clear",
                file.display()
            );
            facts.push(("keychain", cause));
        }
        facts
    }
}

/// A GNOME keyring with a blank password is a text file.
fn keyring_in_clear() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data =
        data.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")))?;
    let files = std::fs::read_dir(data.join("keyrings")).ok()?;
    files.filter_map(|file| Some(file.ok()?.path())).find(|path| begins_as_text(path))
}

/// No more of it is read: what follows are other programs' secrets.
fn begins_as_text(path: &Path) -> bool {
    let mut start = [0; 9];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && &start == b"[keyring]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Kind, secret::Key, vault::StoredIdentity};

    #[test]
    fn an_item_keeps_to_the_smallest_keychains_limit() {
        let labelled = |length| {
            let label = "x".repeat(length);
            let identity = StoredIdentity { seed: Key::new([1; 32]), kind: Kind::Human, label };
            // The largest there is: a rekey is under way.
            let (key, previous) = (Key::new([2; 32]), Some(Key::new([3; 32])));
            item(&Root { key, previous, identity: Some(identity) })
        };
        assert!(labelled(1024).unwrap().expose().is_ascii());
        assert_eq!(labelled(1280).unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}
