//! What the project file and the `AGENTSECRETS_*` variables say; read only when the host asks.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    encoding::WorkspaceId,
    error::{Error, ErrorCode, Result},
    identity::IdentityString,
};

mod project_file;
#[cfg(test)]
mod tests;

pub use project_file::ProjectFile;

const VAULTS: [&str; 3] = ["keychain", "file", "memory"];
/// The name under which systemd and its like hand over the vault's key.
const CREDENTIAL: &str = "agentsecrets-vault-key";

/// The settings of a process. A field is what was said in one place; [`environment`], [`workspace`]
/// and [`relay`] weigh the places against each other.
///
/// [`environment`]: Config::environment
/// [`workspace`]: Config::workspace
/// [`relay`]: Config::relay
#[derive(Debug)]
pub struct Config {
    /// `AGENTSECRETS_VAULT`: `keychain`, `file` or `memory`.
    pub vault: Option<String>,
    /// `AGENTSECRETS_VAULT_KEY_FILE`, or the credential that the service manager hands over.
    pub vault_key_file: Option<PathBuf>,
    /// `AGENTSECRETS_VAULT_PASSPHRASE_FILE`.
    pub vault_passphrase_file: Option<PathBuf>,
    /// `AGENTSECRETS_HOME`, or the user's data folder; empty where the vault is in memory and no
    /// folder is known.
    pub home: PathBuf,
    /// `AGENTSECRETS_IDENTITY`. The process's own environment still holds the text.
    pub identity: Option<IdentityString>,
    /// `AGENTSECRETS_ENV`.
    pub environment: Option<String>,
    /// `AGENTSECRETS_WORKSPACE`.
    pub workspace: Option<WorkspaceId>,
    /// `AGENTSECRETS_RELAY`.
    pub relay: Option<String>,
    /// The nearest project file, and where it is.
    pub project: Option<(PathBuf, ProjectFile)>,
}

impl Config {
    /// From the variables of this process and its working folder.
    ///
    /// # Errors
    /// As [`Config::discover_in`].
    pub fn discover() -> Result<Self> {
        let folder = std::env::current_dir().map_err(|error| {
            let cause = format!("the working folder cannot be found: {}", error.kind());
            Error::new(ErrorCode::InvalidArgument, cause)
        })?;
        Self::discover_in(&folder, &|name| std::env::var_os(name))
    }

    /// From these variables and this folder. A variable that is empty counts as not set; a relative
    /// path begins at the folder.
    ///
    /// # Errors
    /// `invalid_argument` or `malformed_identity`, with the variable's name; `project_file`.
    pub fn discover_in(folder: &Path, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variables = Variables { folder, variable };
        let vault = variables.vault()?;
        let passphrase_file = variables.path("AGENTSECRETS_VAULT_PASSPHRASE_FILE");
        let key_file = variables.path("AGENTSECRETS_VAULT_KEY_FILE").or_else(|| {
            let wanted = vault.as_deref() == Some("file") && passphrase_file.is_none();
            wanted.then(|| variables.credential()).flatten()
        });
        Ok(Self {
            home: variables.home(vault.as_deref())?,
            vault,
            vault_key_file: key_file,
            vault_passphrase_file: passphrase_file,
            identity: variables.identity()?,
            environment: variables.text("AGENTSECRETS_ENV")?,
            workspace: variables.workspace()?,
            relay: variables.text("AGENTSECRETS_RELAY")?,
            project: ProjectFile::find(folder)?,
        })
    }

    /// The environment: of the variable, else of the project file.
    pub fn environment(&self) -> Option<&str> {
        let project = || self.project_file()?.environment.as_deref();
        self.environment.as_deref().or_else(project)
    }

    /// The workspace: of the variable, else of the project file, else of the identity string.
    pub fn workspace(&self) -> Option<WorkspaceId> {
        let project = || self.project_file().map(|project| project.workspace);
        let identity = || Some(self.identity.as_ref()?.destination()?.workspace);
        self.workspace.or_else(project).or_else(identity)
    }

    /// The relay's address: of the variable, else of the project file, else of the identity string.
    pub fn relay(&self) -> Option<&str> {
        let project = || self.project_file()?.relay.as_deref();
        let identity = || Some(self.identity.as_ref()?.destination()?.relay.as_str());
        let found = self.relay.as_deref().or_else(project).or_else(identity);
        found.filter(|relay| !relay.is_empty())
    }

    fn project_file(&self) -> Option<&ProjectFile> {
        self.project.as_ref().map(|(_, file)| file)
    }
}

struct Variables<'a> {
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let text = |value: OsString| value.into_string().map_err(|_| refused(name, "is not UTF-8"));
        self.get(name).map(text).transpose()
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|path| self.folder.join(path))
    }

    /// A folder that must not depend on where the process happens to be.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    fn vault(&self) -> Result<Option<String>> {
        let name = "AGENTSECRETS_VAULT";
        let word = self.text(name)?;
        if word.as_deref().is_none_or(|word| VAULTS.contains(&word)) {
            return Ok(word);
        }
        Err(refused(name, "is not keychain, file or memory"))
    }

    fn workspace(&self) -> Result<Option<WorkspaceId>> {
        let name = "AGENTSECRETS_WORKSPACE";
        let parse = |text: String| {
            WorkspaceId::from_hex(&text)
                .ok_or_else(|| refused(name, "is not a workspace id of 64 hexadecimal digits"))
        };
        self.text(name)?.map(parse).transpose()
    }

    fn identity(&self) -> Result<Option<IdentityString>> {
        let name = "AGENTSECRETS_IDENTITY";
        let parse = |value: OsString| {
            let bytes = Zeroizing::new(value.into_encoded_bytes());
            let text = std::str::from_utf8(&bytes).map_err(|_| refused(name, "is not UTF-8"))?;
            IdentityString::parse(text)
                .map_err(|error| Error::new(error.code(), format!("{name}: {}", error.message())))
        };
        self.get(name).map(parse).transpose()
    }

    fn credential(&self) -> Option<PathBuf> {
        let file = self.absolute("CREDENTIALS_DIRECTORY")?.join(CREDENTIAL);
        file.is_file().then_some(file)
    }

    fn home(&self, vault: Option<&str>) -> Result<PathBuf> {
        let data = || self.data_folder(std::env::consts::OS).map(|data| data.join("agentsecrets"));
        match self.path("AGENTSECRETS_HOME").or_else(data) {
            Some(home) => Ok(home),
            // Nothing is written then, and a container that brings its identity may have no home.
            None if vault == Some("memory") => Ok(PathBuf::new()),
            None => Err(refused("AGENTSECRETS_HOME", "is not set, and no home folder is known")
                .with_hint("AGENTSECRETS_HOME=FOLDER agentsecrets doctor")),
        }
    }

    /// Where an operating system keeps a user's data.
    fn data_folder(&self, os: &str) -> Option<PathBuf> {
        let below = |name, rest| Some(self.absolute(name)?.join(rest));
        match os {
            "windows" => self
                .absolute("LOCALAPPDATA")
                .or_else(|| Some(self.absolute("USERPROFILE")?.join("AppData").join("Local"))),
            "macos" | "ios" => below("HOME", "Library/Application Support"),
            _ => self.absolute("XDG_DATA_HOME").or_else(|| below("HOME", ".local/share")),
        }
    }
}

/// The variable's content is not repeated: it may be a value in the wrong place.
fn refused(name: &str, why: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("{name} {why}"))
        .with_hint(format!("unset {name}   # or set it as the documentation says"))
}
