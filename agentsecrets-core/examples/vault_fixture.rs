//! Writes a vault of today's format into a new folder: `cargo run --example vault_fixture FOLDER`.
//!
//! Made once for each format and committed under `tests/fixtures/`; `tests/first_format.rs` opens
//! what older versions wrote. All values are fake, and the keys are in the folder itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use agentsecrets_core::{
    Result,
    client::Client,
    identity::{Identity, Kind},
    name::SecretName,
    secret::{Key, SecretBytes},
    sync,
    transport::HttpTransport,
    vault::{self, StoredIdentity, VaultKind, VaultOptions},
};

const SEED: [u8; 32] = [11; 32];

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("name a folder that does not exist yet"))?;
    fs::create_dir(&folder)?;
    fs::write(folder.join("key"), [7; 32])?;
    fs::write(folder.join("passphrase"), "correct horse\n")?;
    for name in ["key", "passphrase"] {
        private(&folder.join(name))?;
        fill(&options(&folder, name)).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
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

/// An identity, and a local workspace with two versions, a deletion and something not yet pushed.
fn fill(options: &VaultOptions) -> Result<()> {
    let vault = vault::open(options)?;
    let (seed, label) = (Key::new(SEED), "laptop".to_owned());
    vault.store_identity(&StoredIdentity { seed, kind: Kind::Human, label })?;
    let identity = Identity::from_seed(Key::new(SEED), Kind::Human);
    let client = Client::new(vault, Box::new(HttpTransport::new()), identity);
    let create = |start| sync::create(start, "acme".into(), "laptop".into(), None);
    let workspace = client.run(create)?;
    let view = client.read(|start| sync::view(start, workspace))?;
    let environment = view.environment("development")?;
    for (name, value, push) in [
        ("API_KEY", Some("fake-one"), true),
        ("API_KEY", Some("fake-two"), true),
        ("GONE", Some("fake-gone"), true),
        ("GONE", None, true),
        ("PENDING", Some("fake-pending"), false),
    ] {
        let value = value.map(|value| SecretBytes::copy_of(value.as_bytes()));
        let change = vec![(SecretName::parse(name)?, value)];
        client.run(|start| sync::change(start, workspace, environment, change))?;
        if push {
            client.run(|start| sync::push(start, workspace, environment, false))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_: &Path) -> io::Result<()> {
    Ok(())
}
