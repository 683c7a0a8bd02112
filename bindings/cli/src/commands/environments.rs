//! env list, create, rename, archive.

use agentsecrets_core::{
    Result,
    sync::{self, Management},
};
use serde::Serialize;

use crate::{args::Env, context::Context, output::listing};

#[derive(Serialize)]
struct Row {
    name: String,
    id: String,
    secrets: usize,
    in_scope: bool,
    archived: bool,
}

pub(crate) fn env(context: &Context, command: Env) -> Result<()> {
    let change = match command {
        Env::List => return list(context),
        Env::Create { name } => Management::CreateEnvironment(name),
        Env::Rename { name, to } => {
            Management::RenameEnvironment(context.view()?.environment(&name)?, to)
        }
        Env::Archive { name } => {
            Management::ArchiveEnvironment(context.view()?.environment(&name)?)
        }
    };
    let workspace = context.workspace()?;
    context.client().run(|start| sync::manage(start, workspace, change)).map(drop)
}

fn list(context: &Context) -> Result<()> {
    let view = context.view()?;
    let state = view.state()?;
    let scope = state.active(&view.me()).map(|me| me.scope());
    let row = |(id, environment): (&_, &agentsecrets_core::log::state::EnvironmentState)| Row {
        name: view.environment_label(id),
        id: agentsecrets_core::encoding::to_hex(
            &agentsecrets_core::encoding::EnvironmentId::clone(id).0,
        ),
        secrets: state
            .secrets_of(*id)
            .filter(|(_, secret)| secret.live_commitment().is_some())
            .count(),
        in_scope: scope.is_some_and(|scope| scope.touches(id)),
        archived: environment.archived,
    };
    let mut rows: Vec<Row> = state.environments().iter().map(row).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    listing(context.json, &rows, &["name", "secrets", "in scope", "archived"], |row| {
        let word = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        vec![row.name.clone(), row.secrets.to_string(), word(row.in_scope), word(row.archived)]
    })
}
