//! env list, create, rename, archive.

use crate::{args::Env, context::Context, output::listing};
use agentsecrets_core::{
    Result, report,
    sync::{self, Management},
};

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
    let rows = report::environments(&view)?;
    listing(context.json, &rows, &["name", "secrets", "in scope", "archived"], |row| {
        let word = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        vec![row.name.clone(), row.secrets.to_string(), word(row.in_scope), word(row.archived)]
    })
}
