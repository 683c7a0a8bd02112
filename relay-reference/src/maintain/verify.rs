//! Whether everything stored is what its authors signed: each log folds, every delivery leads to its
//! entry's root, and sealed bytes have the hashes that they are kept under.

use std::{collections::BTreeMap, fmt};

use agentsecrets_core::{
    encoding::{MemberId, SealedHash, WorkspaceId},
    log::{SignedEntry, State, deliveries::sealed_hash},
};

use super::{PAGE, Result, each_workspace};
use crate::{
    states::fold,
    store::{Archive, Listed},
};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Workspaces looked at.
    pub workspaces: usize,
    /// Entries that fold.
    pub entries: usize,
    /// Sealed parts that are there and whole.
    pub sealed: usize,
    /// Sealed parts that are not there: pruned, or lost and named absent when members brought back
    /// the rest.
    pub absent: usize,
    /// What is wrong, a line each.
    pub wrong: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workspaces, entries, sealed, absent, wrong } = self;
        wrong.iter().try_for_each(|line| writeln!(f, "wrong: {line}"))?;
        write!(f, "{workspaces} workspaces, {entries} entries, {sealed} sealed parts, ")?;
        write!(f, "{absent} absent, {} wrong", wrong.len())
    }
}

/// Looks at everything. Reads all of it once.
///
/// # Errors
/// What the database refuses; what is wrong with its contents stands in the report.
pub fn verify(store: &dyn Archive) -> Result<Report> {
    let mut report = Report::default();
    each_workspace(store, |workspace| {
        report.workspaces += 1;
        if let Some(why) = workspace_log(store, &workspace, &mut report)? {
            report.wrong.push(format!("{workspace}: {why}"));
        }
        Ok(())
    })?;
    Ok(report)
}

/// The first thing that is wrong with a log. What follows it cannot be judged.
fn workspace_log(
    store: &dyn Archive,
    workspace: &WorkspaceId,
    report: &mut Report,
) -> Result<Option<String>> {
    let (mut log, mut next) = (Log::default(), 0);
    loop {
        let page = store.listed(workspace, next, PAGE)?;
        if page.is_empty() {
            break;
        }
        for listed in page {
            if let Err(why) = log.take(workspace, &listed) {
                return Ok(Some(format!("entry {next}: {why}")));
            }
            (next, report.entries) = (next + 1, report.entries + 1);
            check_sealed(store, workspace, &listed, report)?;
        }
    }
    let folded = log.0.map(|state| state.head());
    let same = folded == store.head(workspace)?;
    Ok((!same).then(|| "the head is another one than the last entry".to_owned()))
}

fn check_sealed(
    store: &dyn Archive,
    workspace: &WorkspaceId,
    listed: &Listed,
    report: &mut Report,
) -> Result<()> {
    for hash in listed.deliveries.iter().flat_map(|(_, hashes)| hashes) {
        match store.sealed(workspace, hash)? {
            None => report.absent += 1,
            Some(bytes) if sealed_hash(&bytes) == *hash => report.sealed += 1,
            Some(_) => report.wrong.push(format!("{workspace}: sealed {hash} has other bytes")),
        }
    }
    Ok(())
}

/// A log as far as it was read.
#[derive(Default)]
pub(super) struct Log(pub(super) Option<State>);

impl Log {
    /// Checks an entry and its deliveries against what came before, and takes it in.
    pub(super) fn take(
        &mut self,
        workspace: &WorkspaceId,
        listed: &Listed,
    ) -> std::result::Result<SignedEntry, String> {
        let entry =
            SignedEntry::parse(&listed.entry).map_err(|error| error.message().to_owned())?;
        if let (Some(state), false) = (&self.0, listed.deliveries.is_empty()) {
            let parts: BTreeMap<MemberId, Vec<SealedHash>> =
                listed.deliveries.iter().cloned().collect();
            let checked = state.check_deliveries(entry.entry(), &parts);
            checked.map_err(|error| error.message().to_owned())?;
        }
        let state = fold(self.0.take(), &entry).map_err(|error| error.message().to_owned())?;
        if state.workspace() != *workspace {
            return Err("of another workspace".to_owned());
        }
        self.0 = Some(state);
        Ok(entry)
    }
}
