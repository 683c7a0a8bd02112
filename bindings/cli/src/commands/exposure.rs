//! exposure: what somebody could read, and what needs a new value since.

use std::collections::{BTreeMap, BTreeSet};

use agentsecrets_core::{
    Result,
    encoding::{MemberId, SecretId},
    sync::View,
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{line, listing, note},
};

#[derive(Serialize)]
struct Row {
    environment: String,
    name: String,
    versions: Vec<u64>,
    live: bool,
    needs_rotation: bool,
    readers: Vec<String>,
}

pub(crate) fn exposure(context: &Context, member: Option<&str>, offline: bool) -> Result<()> {
    let view = context.fresh_view(offline)?;
    let rows = match member {
        Some(member) => of_member(&view, &view.member(member)?.0)?,
        None => outstanding(&view, None)?,
    };
    if rows.is_empty() && !context.json {
        return line("nothing needs a new value");
    }
    listing(context.json, &rows, &["environment", "name", "versions", "needs", "readers"], |row| {
        let needs = if row.needs_rotation { "a new value" } else { "" };
        vec![
            row.environment.clone(),
            row.name.clone(),
            numbers(&row.versions),
            needs.to_owned(),
            row.readers.join(", "),
        ]
    })
}

/// What those who lost a right could read, and what each secret needs next.
pub(crate) fn after_removal(context: &Context, who: &[MemberId]) -> Result<()> {
    let view = context.view()?;
    let rows = outstanding(&view, Some(who))?;
    if rows.is_empty() {
        note("they could read nothing that needs a new value");
        return Ok(());
    }
    note(&format!("{} secrets need a new value:", rows.len()));
    for row in rows {
        let (name, environment) = (row.name, row.environment);
        note(&format!(
            "  {name} in {environment}: agentsecrets secrets set {name} --env {environment}"
        ));
    }
    Ok(())
}

fn of_member(view: &View, id: &MemberId) -> Result<Vec<Row>> {
    let needs: BTreeSet<SecretId> = view
        .rotations()?
        .into_iter()
        .filter(|(_, rotation)| rotation.readers.contains(id))
        .map(|(id, _)| id)
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

fn outstanding(view: &View, who: Option<&[MemberId]>) -> Result<Vec<Row>> {
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
) -> Row {
    let state = view.state().ok().and_then(|state| state.secrets().get(&secret));
    let environment =
        state.map(|state| view.environment_label(&state.environment)).unwrap_or_default();
    let newest = state.map_or(0, |state| state.versions.len() as u64);
    let name = view.secret_name(&secret).unwrap_or_else(|| secret.to_string());
    Row { environment, name, live: versions.contains(&newest), versions, needs_rotation, readers }
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| (&a.environment, &a.name).cmp(&(&b.environment, &b.name)));
    rows
}

fn numbers(versions: &[u64]) -> String {
    match versions {
        [first, .., last] if versions.len() > 3 => format!("{first} to {last}"),
        versions => versions.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}
