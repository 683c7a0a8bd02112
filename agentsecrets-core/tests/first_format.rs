//! Vaults that older versions wrote open under this one: `fixtures/vault-1` is of the first format,
//! written once by `examples/vault_fixture.rs` and never again.

#![cfg(all(unix, feature = "client"))]
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use agentsecrets_core::{
    ErrorCode,
    client::Client,
    identity::Identity,
    name::SecretName,
    secret::SecretBytes,
    sync,
    transport::HttpTransport,
    vault::{self, VaultKind, VaultOptions},
};
use tempfile::TempDir;

/// A copy of a fixture, with the permissions that no checkout keeps.
fn copy() -> TempDir {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vault-1");
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&fixture, copy.path());
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap().path()) {
        let to = to.join(file.file_name().unwrap());
        if file.is_dir() {
            copy_folder(&file, &to);
        } else {
            fs::copy(&file, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn options(folder: &Path, unlock: &str) -> VaultOptions {
    let file = |name: &str| (name == unlock).then(|| folder.join(name));
    VaultOptions {
        kind: VaultKind::File,
        home: folder.join(format!("by-{unlock}")),
        key_file: file("key"),
        passphrase_file: file("passphrase"),
        unattended: true,
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => drop(all.insert(path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
    all
}

fn client(options: &VaultOptions) -> Client {
    let vault = vault::open(options).unwrap();
    let held = vault.identity().unwrap().unwrap();
    assert_eq!((held.label.as_str(), held.seed.expose()), ("laptop", &[11; 32]));
    let identity = Identity::from_seed(held.seed, held.kind);
    Client::new(vault, Box::new(HttpTransport::new()), identity)
}

fn value(client: &Client, name: &str) -> Option<String> {
    let workspace = client.workspaces().unwrap()[0];
    let view = client.read(|start| sync::view(start, workspace)).unwrap();
    let environment = view.environment("development").unwrap();
    let snapshot = client.snapshot(workspace, environment).unwrap();
    let value = snapshot.value(&SecretName::parse(name).unwrap())?;
    Some(String::from_utf8(value.expose().to_vec()).unwrap())
}

#[test]
fn a_vault_of_the_first_format_opens_and_reading_changes_nothing_of_it() {
    let copy = copy();
    for unlock in ["key", "passphrase"] {
        let options = options(copy.path(), unlock);
        let before = files(&options.home);
        let client = client(&options);
        assert_eq!(value(&client, "API_KEY").as_deref(), Some("fake-two"));
        assert_eq!(value(&client, "PENDING").as_deref(), Some("fake-pending"));
        assert_eq!(value(&client, "GONE"), None);
        let workspace = client.workspaces().unwrap()[0];
        let entries = client.read(|start| sync::entries(start, workspace)).unwrap();
        assert_eq!(entries.len(), 1 + 3 + 4);
        assert_eq!(files(&options.home), before);
    }
}

#[test]
fn a_vault_of_the_first_format_is_written_on() {
    let copy = copy();
    let options = options(copy.path(), "key");
    let client = client(&options);
    let workspace = client.workspaces().unwrap()[0];
    let view = client.read(|start| sync::view(start, workspace)).unwrap();
    let environment = view.environment("development").unwrap();
    let new = SecretBytes::copy_of(b"fake-three");
    let change = vec![(SecretName::parse("API_KEY").unwrap(), Some(new))];
    client.run(|start| sync::change(start, workspace, environment, change)).unwrap();
    client.run(|start| sync::push(start, workspace, environment, false)).unwrap();
    vault::rekey(&options, None, None).unwrap();
    let again = self::client(&options);
    assert_eq!(value(&again, "API_KEY").as_deref(), Some("fake-three"));
    assert_eq!(value(&again, "PENDING").as_deref(), Some("fake-pending"));
}

#[test]
fn a_vault_of_a_later_format_is_refused_by_its_number() {
    let copy = copy();
    let options = options(copy.path(), "key");
    let root = options.home.join("root");
    let mut bytes = fs::read(&root).unwrap();
    // After eight bytes of magic.
    bytes[8] += 1;
    fs::write(&root, bytes).unwrap();
    let error = vault::open(&options).unwrap().identity().unwrap_err();
    assert_eq!(error.code(), ErrorCode::VaultNewer);
}
