//! A copy of a SQLite database, made while its relay runs, whole or not at all.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{Failure, Result, verify, verify::Report};
use crate::store::SqliteStore;

/// Copies the database of a folder into another folder, which is made for it, and verifies the copy:
/// a relay started with `--data` on it serves what was there.
///
/// # Errors
/// A folder that is there already, or a copy in which something is wrong; then no folder remains.
pub fn backup(data: &Path, to: &Path) -> Result<Report> {
    if !data.join("relay.sqlite").exists() {
        return Err(Failure::new(format!("{} holds no relay.sqlite", data.display())));
    }
    if to.exists() {
        return Err(Failure::new(format!("{} is there already", to.display())));
    }
    let unfinished = unfinished(to)?;
    fs::create_dir_all(&unfinished)?;
    let done = copy(data, &unfinished).and_then(|report| {
        fs::rename(&unfinished, to)?;
        sync_parent(to)?;
        Ok(report)
    });
    if done.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    done
}

fn copy(data: &Path, unfinished: &Path) -> Result<Report> {
    let file = unfinished.join("relay.sqlite");
    SqliteStore::copy(&data.join("relay.sqlite"), &file)?;
    File::open(&file)?.sync_all()?;
    let report = check_apart(&file)?;
    File::open(unfinished)?.sync_all()?;
    match report.wrong.is_empty() {
        true => Ok(report),
        false => Err(Failure::new(format!("the copy is not whole\n{report}"))),
    }
}

/// Checks a copy of the copy: one of an older release is upgraded for it, and the backup is to be
/// what that release wrote.
fn check_apart(file: &Path) -> Result<Report> {
    let apart = file.with_extension("check");
    fs::create_dir(&apart)?;
    fs::copy(file, apart.join("relay.sqlite"))?;
    drop(SqliteStore::open(&apart)?);
    let report = check(&apart);
    fs::remove_dir_all(&apart)?;
    report
}

/// As `verify`, and SQLite's own check of the file.
///
/// # Errors
/// What the database refuses.
pub fn check(data: &Path) -> Result<Report> {
    let store = SqliteStore::open_existing(data)?;
    let mut report = verify::verify(&store)?;
    report.wrong.extend(store.integrity()?);
    Ok(report)
}

/// Beside the end, so that it can be renamed.
fn unfinished(to: &Path) -> Result<PathBuf> {
    let name = to.file_name().ok_or_else(|| Failure::new("the backup needs a folder's name"))?;
    let mut name = name.to_owned();
    name.push(format!(".unfinished-{}", std::process::id()));
    Ok(to.with_file_name(name))
}

fn sync_parent(path: &Path) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?)
}
