use std::fs;

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::{
    encoding::{EntryHash, Head},
    identity::{Destination, Identity, Kind},
    secret::Key,
};

/// Variables, each with its value.
type Said<'a> = &'a [(&'a str, &'a str)];

const PROJECT: WorkspaceId = WorkspaceId([1; 32]);
const LED_TO: WorkspaceId = WorkspaceId([3; 32]);

fn config(folder: &Path, variables: &[(&str, &str)]) -> Result<Config> {
    Config::discover_in(folder, &|name| {
        let home = [("HOME", "/h"), ("LOCALAPPDATA", "/h")];
        let found = variables.iter().chain(&home).find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(*value))
    })
}

fn refusal(folder: &Path, variables: &[(&str, &str)]) -> Error {
    config(folder, variables).unwrap_err()
}

fn project() -> ProjectFile {
    ProjectFile {
        workspace: PROJECT,
        relay: Some("https://relay.example".into()),
        environment: Some("staging".into()),
    }
}

fn identity(destination: Option<Destination>) -> String {
    let identity = Identity::from_seed(Key::new([7; 32]), Kind::Agent);
    let text = IdentityString::new(&identity, destination).expose();
    String::from_utf8(text.expose().to_vec()).unwrap()
}

fn led() -> String {
    let head = Head { seq: 1, hash: EntryHash([4; 32]) };
    let relay = "https://led.example".to_owned();
    identity(Some(Destination { workspace: LED_TO, relay, head }))
}

fn in_project() -> TempDir {
    let folder = tempdir().unwrap();
    project().write(folder.path()).unwrap();
    folder
}

#[test]
fn nothing_said_is_nothing() {
    let folder = tempdir().unwrap();
    let config = config(folder.path(), &[]).unwrap();
    assert_eq!((config.environment(), config.workspace(), config.relay()), (None, None, None));
    assert!(config.vault.is_none() && config.identity.is_none() && config.project.is_none());
    assert!(config.home.is_absolute() && config.home.ends_with("agentsecrets"));
}

#[test]
fn a_variable_outweighs_the_project_and_that_the_identity() {
    let folder = in_project();
    let led = led();
    let mut said = vec![("AGENTSECRETS_IDENTITY", led.as_str())];
    let project = config(folder.path(), &said).unwrap();
    assert_eq!(project.environment(), Some("staging"));
    assert_eq!(
        (project.workspace(), project.relay()),
        (Some(PROJECT), Some("https://relay.example"))
    );

    let elsewhere = tempdir().unwrap();
    let alone = config(elsewhere.path(), &said).unwrap();
    assert_eq!((alone.workspace(), alone.relay()), (Some(LED_TO), Some("https://led.example")));

    let id = WorkspaceId([2; 32]).to_string();
    said.extend([("AGENTSECRETS_ENV", "dev"), ("AGENTSECRETS_RELAY", "http://127.0.0.1:1")]);
    said.push(("AGENTSECRETS_WORKSPACE", &id));
    let variable = config(folder.path(), &said).unwrap();
    assert_eq!(variable.environment(), Some("dev"));
    assert_eq!(variable.workspace(), Some(WorkspaceId([2; 32])));
    assert_eq!(variable.relay(), Some("http://127.0.0.1:1"));
}

#[test]
fn an_empty_variable_is_not_set() {
    let folder = in_project();
    let names = ["VAULT", "VAULT_KEY_FILE", "VAULT_PASSPHRASE_FILE", "HOME", "IDENTITY", "ENV"];
    let names = names.into_iter().chain(["WORKSPACE", "RELAY"]);
    let names: Vec<_> = names.map(|name| format!("AGENTSECRETS_{name}")).collect();
    let said: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    let config = config(folder.path(), &said).unwrap();
    assert!(config.vault.is_none() && config.vault_key_file.is_none() && config.identity.is_none());
    assert_eq!((config.environment(), config.workspace()), (Some("staging"), Some(PROJECT)));
    assert!(config.home.ends_with("agentsecrets"));
}

#[test]
fn wrong_variables_are_refused_by_name_and_not_repeated() {
    let folder = tempdir().unwrap();
    let cases = [
        ("AGENTSECRETS_VAULT", ErrorCode::InvalidArgument),
        ("AGENTSECRETS_WORKSPACE", ErrorCode::InvalidArgument),
        ("AGENTSECRETS_IDENTITY", ErrorCode::MalformedIdentity),
    ];
    for (name, code) in cases {
        let error = refusal(folder.path(), &[(name, "hunter2")]);
        assert_eq!(error.code(), code);
        assert!(error.message().starts_with(name), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn debug_shows_no_seed() {
    let text = identity(None);
    let config = config(tempdir().unwrap().path(), &[("AGENTSECRETS_IDENTITY", &text)]).unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("IdentityString"), "{shown}");
    assert!(!shown.contains("7, 7") && !shown.contains(&text), "{shown}");
}

#[test]
fn the_service_managers_key_counts_only_for_a_file_vault_without_another_key() {
    let folder = tempdir().unwrap();
    let credentials = folder.path().to_str().unwrap();
    let given = ("CREDENTIALS_DIRECTORY", credentials);
    let file = ("AGENTSECRETS_VAULT", "file");
    let key = |said: &[(&str, &str)]| config(folder.path(), said).unwrap().vault_key_file;
    assert_eq!(key(&[file, given]), None, "no such credential");
    let credential = folder.path().join(CREDENTIAL);
    fs::write(&credential, [0; 32]).unwrap();
    assert_eq!(key(&[file, given]), Some(credential));
    assert_eq!(key(&[given]), None);
    assert_eq!(key(&[("AGENTSECRETS_VAULT", "memory"), given]), None);
    assert_eq!(key(&[file, given, ("AGENTSECRETS_VAULT_PASSPHRASE_FILE", "p")]), None);
    let named = ("AGENTSECRETS_VAULT_KEY_FILE", "key");
    assert_eq!(key(&[file, given, named]), Some(folder.path().join("key")));
}

#[test]
fn each_system_has_its_data_folder() {
    let cases: [(&str, Said, Option<&str>); 7] = [
        ("linux", &[("HOME", "/h")], Some("/h/.local/share")),
        ("linux", &[("HOME", "/h"), ("XDG_DATA_HOME", "/x")], Some("/x")),
        ("linux", &[("HOME", "/h"), ("XDG_DATA_HOME", "x")], Some("/h/.local/share")),
        ("linux", &[("HOME", "h")], None),
        (
            "macos",
            &[("HOME", "/h"), ("XDG_DATA_HOME", "/x")],
            Some("/h/Library/Application Support"),
        ),
        ("windows", &[("LOCALAPPDATA", "/l"), ("HOME", "/h")], Some("/l")),
        ("windows", &[("USERPROFILE", "/u")], Some("/u/AppData/Local")),
    ];
    // A path from the root is absolute on Unix alone.
    for (os, said, expected) in cases.into_iter().filter(|_| cfg!(unix)) {
        let variable = |name: &str| {
            said.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(*value))
        };
        let variables = Variables { folder: Path::new("/"), variable: &variable };
        assert_eq!(variables.data_folder(os), expected.map(PathBuf::from), "{os} {said:?}");
    }
}

#[test]
fn only_a_vault_in_memory_does_without_a_home() {
    let folder = tempdir().unwrap();
    let memory = |name: &str| (name == "AGENTSECRETS_VAULT").then(|| "memory".into());
    assert_eq!(Config::discover_in(folder.path(), &memory).unwrap().home, PathBuf::new());
    let error = Config::discover_in(folder.path(), &|_| None).unwrap_err();
    assert!(error.message().starts_with("AGENTSECRETS_HOME"), "{error}");
    let home = config(folder.path(), &[("AGENTSECRETS_HOME", "here")]).unwrap().home;
    assert_eq!(home, folder.path().join("here"));
}

#[test]
fn the_nearest_project_file_upward_is_found() {
    let folder = in_project();
    let deep = folder.path().join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    let (path, found) = ProjectFile::find(&deep).unwrap().unwrap();
    assert_eq!((path, found), (folder.path().join(ProjectFile::NAME), project()));
    let nearer = ProjectFile { environment: None, relay: None, ..project() };
    nearer.write(&folder.path().join("a")).unwrap();
    assert_eq!(ProjectFile::find(&deep).unwrap().unwrap().1, nearer);
}

#[test]
fn a_bad_project_file_is_refused_with_its_line_and_never_passed_over() {
    let folder = in_project();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let id = PROJECT.to_string();
    let cases = [
        (format!("workspace = \"{id}\"\n\nhunter2 = \"x\"\n"), "line 3"),
        (format!("workspace = \"{id}\"\n[hunter2]\na = 1\n"), "line 2"),
        (format!("workspace = \"{id}\"\nrelay = [\"hunter2\"]\n"), "line 2"),
        (format!("workspace = \"{id}\"\nworkspace = \"hunter2\"\n"), "line 2"),
        ("# c\nworkspace = \"hunter2\"\n".to_owned(), "line 2"),
        ("# c\n# c\nworkspace = \"hunter2\n".to_owned(), "line 3"),
        ("relay = \"hunter2\"\n".to_owned(), "it names no workspace"),
        (" ".repeat(70_000), "it cannot be read"),
    ];
    for (text, cause) in cases {
        let path = inner.join(ProjectFile::NAME);
        fs::write(&path, &text).unwrap();
        let error = refusal(&inner, &[]);
        assert_eq!(error.code(), ErrorCode::ProjectFile);
        let start = format!("{}: {cause}", path.display());
        assert!(error.message().starts_with(&start), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    fs::remove_file(inner.join(ProjectFile::NAME)).unwrap();
    fs::create_dir(inner.join(ProjectFile::NAME)).unwrap();
    assert_eq!(refusal(&inner, &[]).code(), ErrorCode::ProjectFile);
}

#[test]
fn writing_replaces_the_whole_file_and_leaves_nothing_beside_it() {
    let folder = in_project();
    fs::write(folder.path().join(".agentsecrets.toml.new"), "left by a crash").unwrap();
    let path = project().write(folder.path()).unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with("# The agentsecrets workspace of this folder."), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = project().write(&folder.path().join("nowhere")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ProjectFile);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(relay in any::<Option<String>>(), environment in any::<Option<String>>()) {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let file = ProjectFile { workspace: PROJECT, relay: some(relay), environment: some(environment) };
        let folder = tempdir().unwrap();
        file.write(folder.path()).unwrap();
        prop_assert_eq!(ProjectFile::find(folder.path()).unwrap().unwrap().1, file);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = ProjectFile::parse(&text);
    }
}
