//! `.agentsecrets.toml`: which workspace a folder belongs to. It holds no secret; it is for git.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use crate::{
    encoding::WorkspaceId,
    error::{Error, ErrorCode, Result},
};

const HEADER: &str =
    "# The agentsecrets workspace of this folder. It holds no secret; commit it.\n";
/// Far more than three settings need.
const MAX_FILE: u64 = 64 * 1024;

/// What a project file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The relay's address; none for a local workspace.
    pub relay: Option<String>,
    /// The environment to use where none is named.
    pub environment: Option<String>,
}

impl ProjectFile {
    /// The file's name.
    pub const NAME: &'static str = ".agentsecrets.toml";

    /// The nearest project file, from this folder upward, and its path.
    ///
    /// # Errors
    /// `project_file`, with the path: a file that cannot be read is not passed over.
    pub fn find(from: &Path) -> Result<Option<(PathBuf, Self)>> {
        let from = std::path::absolute(from).map_err(|error| cannot("be found", from, &error))?;
        for folder in from.ancestors() {
            let path = folder.join(Self::NAME);
            if let Some(text) = read(&path).map_err(|error| cannot("be read", &path, &error))? {
                let file = Self::parse(&text).map_err(|error| at(&path, error.message()))?;
                return Ok(Some((path, file)));
            }
        }
        Ok(None)
    }

    /// From the text of a project file.
    ///
    /// # Errors
    /// `project_file`, with the line, for a key that is unknown, a value that is none, or no workspace.
    pub fn parse(text: &str) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|error| {
            bad_line(text, error.span().map_or(0, |span| span.start), "it is not TOML")
        })?;
        let mut file = Self { workspace: WorkspaceId::ZERO, relay: None, environment: None };
        let mut named = false;
        for (key, value) in table.get_ref() {
            let place = |why| bad_line(text, key.span().start, why);
            let value = value.get_ref().as_str().ok_or_else(|| place("the value is not a string"));
            match key.get_ref().as_ref() {
                "workspace" => {
                    file.workspace = WorkspaceId::from_hex(value?)
                        .ok_or_else(|| place("a workspace id is 64 hexadecimal digits"))?;
                    named = true;
                }
                "relay" => file.relay = not_empty(value?),
                "environment" => file.environment = not_empty(value?),
                // Its name is not repeated: somebody may have put a secret here.
                _ => return Err(place("a key is workspace, relay or environment")),
            }
        }
        if named { Ok(file) } else { Err(bad("it names no workspace")) }
    }

    /// Writes the file into the folder, whole or not at all, and gives its path.
    ///
    /// # Errors
    /// `project_file`, with the path.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(Self::NAME);
        let new = folder.join(format!("{}.new", Self::NAME));
        replace(folder, &new, &path, self.text().as_bytes())
            .inspect_err(|_| drop(fs::remove_file(&new)))
            .map_err(|error| cannot("be written", &path, &error))?;
        Ok(path)
    }

    fn text(&self) -> String {
        let Self { workspace, relay, environment } = self;
        let mut text = format!("{HEADER}workspace = \"{workspace}\"\n");
        for (key, value) in [("relay", relay), ("environment", environment)] {
            if let Some(value) = value {
                text += &format!("{key} = \"{}\"\n", escape(value));
            }
        }
        text
    }
}

fn not_empty(value: &str) -> Option<String> {
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// As a TOML basic string.
fn escape(value: &str) -> String {
    let one = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    value.chars().map(one).collect()
}

/// The file's text; `None` where there is no file.
fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(text))
}

fn replace(folder: &Path, new: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    // What a crash left behind, or a link that somebody planted.
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    // A folder can be opened and synced on Unix alone.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn bad(why: &str) -> Error {
    Error::new(ErrorCode::ProjectFile, why.to_owned())
}

fn bad_line(text: &str, offset: usize, why: &str) -> Error {
    let line = 1 + text.bytes().take(offset).filter(|b| *b == b'\n').count();
    bad(&format!("line {line}: {why}"))
}

fn at(path: &Path, why: &str) -> Error {
    bad(&format!("{}: {why}", path.display()))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    at(path, &format!("it cannot {what}: {}", error.kind()))
}
