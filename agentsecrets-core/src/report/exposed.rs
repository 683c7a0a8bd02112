//! Who could read what, and what needs a new value since.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    encoding::{MemberId, SecretId},
    error::Result,
    sync::View,
};

/// A secret that somebody could read.
#[derive(Clone, Debug, Serialize)]
pub struct ExposureRow {
    /// The environment's label.
    pub environment: String,
    /// Its name, or its id where no name is known here.
    pub name: String,
    /// Versions that could be read.
    pub versions: Vec<u64>,
    /// Whether the newest one is among them.
    pub live: bool,
    /// Whether it needs a new value.
    pub needs_rotation: bool,
    /// Labels of who could read it and may not now; empty in a listing of one member.
    pub readers: Vec<String>,
}

/// Of one member everything that it could read; without one what needs a new value.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn exposure(view: &View, member: Option<&MemberId>) -> Result<Vec<ExposureRow>> {
    match member {
        Some(member) => exposure_of(view, member),
        None => outstanding(view, None),
    }
}

/// Everything that a member could read.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn exposure_of(view: &View, id: &MemberId) -> Result<Vec<ExposureRow>> {
    let rotations = view.rotations()?.into_iter();
    let needs: BTreeSet<SecretId> = rotations
        .filter(|(_, rotation)| rotation.readers.contains(id))
        .map(|(secret, _)| secret)
        .collect();
    let mut versions: BTreeMap<SecretId, Vec<u64>> = BTreeMap::new();
    for version in view.exposure(id)? {
        versions.entry(version.secret).or_default().push(version.version);
    }
    let rows = versions
        .into_iter()
        .map(|(secret, versions)| row(view, secret, versions, needs.contains(&secret), Vec::new()));
    Ok(sorted(rows.collect()))
}

/// What needs a new value; with `who` only what one of these could read.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn outstanding(view: &View, who: Option<&[MemberId]>) -> Result<Vec<ExposureRow>> {
    let concerns = |readers: &BTreeSet<MemberId>| {
        who.is_none_or(|who| who.iter().any(|id| readers.contains(id)))
    };
    let rotations = view.rotations()?.into_values().filter(|rotation| concerns(&rotation.readers));
    let rows = rotations.map(|rotation| {
        let readers = rotation.readers.iter().map(|id| view.member_label(id)).collect();
        row(view, rotation.secret, rotation.versions.into_iter().collect(), true, readers)
    });
    Ok(sorted(rows.collect()))
}

fn row(
    view: &View,
    secret: SecretId,
    versions: Vec<u64>,
    needs_rotation: bool,
    readers: Vec<String>,
) -> ExposureRow {
    let state = view.state().ok().and_then(|state| state.secrets().get(&secret));
    let environment =
        state.map(|state| view.environment_label(&state.environment)).unwrap_or_default();
    let live = versions.contains(&state.map_or(0, |state| state.versions.len() as u64));
    let name = view.secret_name(&secret).unwrap_or_else(|| secret.to_string());
    ExposureRow { environment, name, versions, live, needs_rotation, readers }
}

fn sorted(mut rows: Vec<ExposureRow>) -> Vec<ExposureRow> {
    rows.sort_by(|a, b| (&a.environment, &a.name).cmp(&(&b.environment, &b.name)));
    rows
}
