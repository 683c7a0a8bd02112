//! exposure: what somebody could read, and what needs a new value since.

use agentsecrets_core::{Result, encoding::MemberId, report};

use crate::{
    context::Context,
    output::{line, listing, note},
};

pub(crate) fn exposure(context: &Context, member: Option<&str>, offline: bool) -> Result<()> {
    let view = context.fresh_view(offline)?;
    let member = member.map(|member| view.member(member)).transpose()?;
    let rows = report::exposure(&view, member.as_ref().map(|(id, _)| id))?;
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
    let rows = report::outstanding(&view, Some(who))?;
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

fn numbers(versions: &[u64]) -> String {
    match versions {
        [first, .., last] if versions.len() > 3 => format!("{first} to {last}"),
        versions => versions.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}
