//! Where things are: the project file `.agentsecrets.toml` and the variables `AGENTSECRETS_*`.
//!
//! Read only when the host calls [`config::Config::discover`]; the same for every language and the command.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    encoding::WorkspaceId,
    error::{Error, ErrorCode, Result},
    identity::IdentityString,
};

/// The project file: which workspace a folder belongs to. It holds no secret and is meant for git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The relay's address; none for a local workspace.
    pub relay: Option<String>,
    /// The environment where none is named.
    pub environment: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    workspace: String,
    relay: Option<String>,
    environment: Option<String>,
}

impl ProjectFile {
    /// Its name.
    pub const NAME: &str = ".agentsecrets.toml";

    /// Reads the text of a project file.
    ///
    /// # Errors
    /// `project_file` with the line; unknown keys are refused.
    pub fn parse(text: &str) -> Result<Self> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            bad(format!("line {line}: {}", error.message()))
        })?;
        let workspace = WorkspaceId::from_hex(&written.workspace);
        let workspace = workspace.ok_or_else(|| bad("`workspace` is not 64 hexadecimal digits"))?;
        Ok(Self { workspace, relay: written.relay, environment: written.environment })
    }

    /// The project file of a folder or of the nearest folder above it, with its path.
    ///
    /// # Errors
    /// `project_file`.
    pub fn find(from: &Path) -> Result<Option<(PathBuf, Self)>> {
        for folder in from.ancestors() {
            let path = folder.join(Self::NAME);
            if path.is_file() {
                return Self::read(&path).map(|file| Some((path, file)));
            }
        }
        Ok(None)
    }

    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| bad(format!("{}: {}", path.display(), error.kind())))?;
        Self::parse(&text).map_err(|error| bad(format!("{}: {}", path.display(), error.message())))
    }

    /// Writes it into a folder, whole or not at all; returns its path.
    ///
    /// # Errors
    /// `project_file`.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(Self::NAME);
        let temporary = folder.join(format!("{}.new", Self::NAME));
        let written =
            fs::write(&temporary, self.text()?).and_then(|()| fs::rename(&temporary, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(bad(format!("{}: {}", path.display(), error.kind())));
        }
        Ok(path)
    }

    fn text(&self) -> Result<String> {
        let Self { workspace, relay, environment } = self.clone();
        let written = Written { workspace: workspace.to_string(), relay, environment };
        let text = toml::to_string(&written).map_err(|_| bad("it cannot be written as TOML"))?;
        Ok(format!(
            "# agentsecrets: which workspace this folder belongs to. No secret; commit it.\n{text}"
        ))
    }
}

/// Everything that was found.
#[derive(Debug)]
pub struct Config {
    /// `AGENTSECRETS_VAULT`: keychain, file or memory.
    pub vault: Option<String>,
    /// `AGENTSECRETS_VAULT_KEY_FILE`; for a file vault else `$CREDENTIALS_DIRECTORY/agentsecrets-vault-key`.
    pub vault_key_file: Option<PathBuf>,
    /// `AGENTSECRETS_VAULT_PASSPHRASE_FILE`.
    pub vault_passphrase_file: Option<PathBuf>,
    /// `AGENTSECRETS_HOME`, else the user's data folder.
    pub home: PathBuf,
    /// `AGENTSECRETS_IDENTITY`, a whole identity string.
    pub identity: Option<IdentityString>,
    /// `AGENTSECRETS_ENV`.
    pub environment: Option<String>,
    /// `AGENTSECRETS_WORKSPACE`, in hexadecimal.
    pub workspace: Option<WorkspaceId>,
    /// `AGENTSECRETS_RELAY`.
    pub relay: Option<String>,
    /// The project file with its path.
    pub project: Option<(PathBuf, ProjectFile)>,
}

/// Reads one variable.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Config {
    /// From the working folder and this process's variables.
    ///
    /// # Errors
    /// `project_file`, `malformed_identity`, `invalid_argument`.
    pub fn discover() -> Result<Self> {
        let folder = env::current_dir()
            .map_err(|error| bad(format!("the working folder: {}", error.kind())))?;
        Self::discover_in(&folder, &|name| env::var_os(name))
    }

    /// From a folder and variables of the host's choice. A variable that is empty is not set.
    ///
    /// # Errors
    /// `project_file`, `malformed_identity`, `invalid_argument`.
    pub fn discover_in(folder: &Path, variable: Variable<'_>) -> Result<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let vault = text(&set, "AGENTSECRETS_VAULT")?;
        let workspace = text(&set, "AGENTSECRETS_WORKSPACE")?;
        let workspace = workspace.map(|hex| {
            WorkspaceId::from_hex(&hex)
                .ok_or_else(|| wrong("AGENTSECRETS_WORKSPACE", "is not 64 hexadecimal digits"))
        });
        Ok(Self {
            vault_key_file: set("AGENTSECRETS_VAULT_KEY_FILE")
                .map(PathBuf::from)
                .or_else(|| credential(&set, vault.as_deref())),
            vault,
            vault_passphrase_file: set("AGENTSECRETS_VAULT_PASSPHRASE_FILE").map(PathBuf::from),
            home: home(&set)?,
            identity: identity(&set)?,
            environment: text(&set, "AGENTSECRETS_ENV")?,
            workspace: workspace.transpose()?,
            relay: text(&set, "AGENTSECRETS_RELAY")?,
            project: ProjectFile::find(folder)?,
        })
    }

    /// The environment: of the variable, else of the project.
    pub fn environment(&self) -> Option<&str> {
        let project = self.project.as_ref().and_then(|(_, project)| project.environment.as_deref());
        self.environment.as_deref().or(project)
    }

    /// The workspace: of the variable, else of the project, else of the identity string.
    pub fn workspace(&self) -> Option<WorkspaceId> {
        let project = self.project.as_ref().map(|(_, project)| project.workspace);
        let destination = self.identity.as_ref().and_then(IdentityString::destination);
        self.workspace.or(project).or(destination.map(|destination| destination.workspace))
    }

    /// The relay: of the variable, else of the project, else of the identity string.
    pub fn relay(&self) -> Option<&str> {
        let project = self.project.as_ref().and_then(|(_, project)| project.relay.as_deref());
        let destination = self.identity.as_ref().and_then(IdentityString::destination);
        let destination = destination
            .map(|destination| destination.relay.as_str())
            .filter(|relay| !relay.is_empty());
        self.relay.as_deref().or(project).or(destination)
    }
}

fn text(set: Variable<'_>, name: &str) -> Result<Option<String>> {
    let value = set(name).map(OsString::into_string);
    value.transpose().map_err(|_| wrong(name, "is not text"))
}

/// The string is secret: what passes through here is wiped.
fn identity(set: Variable<'_>) -> Result<Option<IdentityString>> {
    let Some(value) = set("AGENTSECRETS_IDENTITY") else { return Ok(None) };
    let value = value.into_string().map(Zeroizing::new);
    let value = value.map_err(|_| wrong("AGENTSECRETS_IDENTITY", "is not text"))?;
    IdentityString::parse(&value).map(Some)
}

/// What a service manager hands over.
fn credential(set: Variable<'_>, vault: Option<&str>) -> Option<PathBuf> {
    let path = PathBuf::from(set("CREDENTIALS_DIRECTORY")?).join("agentsecrets-vault-key");
    (vault == Some("file") && path.is_file()).then_some(path)
}

fn home(set: Variable<'_>) -> Result<PathBuf> {
    if let Some(home) = set("AGENTSECRETS_HOME") {
        return Ok(PathBuf::from(home));
    }
    let below = |name: &str, path: &str| set(name).map(|base| PathBuf::from(base).join(path));
    let data = if cfg!(target_os = "windows") {
        below("LOCALAPPDATA", "agentsecrets")
    } else if cfg!(target_os = "macos") {
        below("HOME", "Library/Application Support/agentsecrets")
    } else {
        below("XDG_DATA_HOME", "agentsecrets")
            .or_else(|| below("HOME", ".local/share/agentsecrets"))
    };
    data.ok_or_else(|| wrong("AGENTSECRETS_HOME", "is not set, and there is no home folder"))
}

fn bad(cause: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::ProjectFile, cause)
}

fn wrong(name: &str, what: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("{name} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "abababababababababababababababababababababababababababababababab";

    fn found(folder: &Path, variables: &[(&str, &str)]) -> Result<Config> {
        let variable = |name: &str| {
            let all = [("HOME", "/home/nobody")];
            let mut all = all.iter().chain(variables);
            all.find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        Config::discover_in(folder, &variable)
    }

    #[test]
    fn the_project_file_is_found_from_below_and_variables_win() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        let workspace = WorkspaceId::from_hex(ID).unwrap();
        let project = ProjectFile {
            workspace,
            relay: Some("https://relay.invalid".into()),
            environment: Some("stage \"x\"".into()),
        };
        project.write(folder.path()).unwrap();
        let config = found(&below, &[("AGENTSECRETS_ENV", "")]).unwrap();
        assert_eq!(config.project.as_ref().unwrap().1, project);
        assert_eq!(config.environment(), Some("stage \"x\""));
        assert_eq!(
            (config.workspace(), config.relay()),
            (Some(workspace), Some("https://relay.invalid"))
        );
        let config = found(
            &below,
            &[("AGENTSECRETS_ENV", "production"), ("AGENTSECRETS_RELAY", "http://127.0.0.1:1")],
        )
        .unwrap();
        assert_eq!(
            (config.environment(), config.relay()),
            (Some("production"), Some("http://127.0.0.1:1"))
        );
    }

    #[test]
    fn a_bad_project_file_is_named_with_its_line() {
        for text in [
            "workspace = 7",
            &format!("workspace = \"{ID}\"\nwat = 1"),
            "workspace = \"ab\"",
            "not toml",
        ] {
            assert_eq!(
                ProjectFile::parse(text).unwrap_err().code(),
                ErrorCode::ProjectFile,
                "{text}"
            );
        }
        let error = ProjectFile::parse(&format!("workspace = \"{ID}\"\nwat = 1")).unwrap_err();
        assert!(error.message().contains("line 2"), "{error}");
    }

    #[test]
    fn bad_variables_are_named_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for (name, code) in [
            ("AGENTSECRETS_WORKSPACE", ErrorCode::InvalidArgument),
            ("AGENTSECRETS_IDENTITY", ErrorCode::MalformedIdentity),
        ] {
            let error = found(folder.path(), &[(name, "fake-nonsense")]).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(!error.message().contains("fake-nonsense"));
        }
    }
}
