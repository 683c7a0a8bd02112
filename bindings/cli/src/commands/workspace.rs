//! init, workspace create and connect, join.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{Setup, init as make_identity, open_vault},
    config::{Config, ProjectFile},
    encoding::WorkspaceId,
    invitation::Invitation,
    sync::{self, Clashes},
};

use super::{policy::policy, secrets::import};
use crate::{
    args::Workspace,
    context::{Context, check_label, default_label, read_stdin},
    output::{line, note},
};

/// How long `--wait` waits for an admission.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
const POLL: Duration = Duration::from_secs(1);

pub(crate) fn init(json: bool, label: Option<String>, file: Option<PathBuf>) -> Result<()> {
    let label = label.unwrap_or_else(default_label);
    check_label(&label)?;
    let config = Config::discover()?;
    if config.identity.is_none() {
        let vault = open_vault(&config)?;
        let made = make_identity(&*vault, &label)?;
        note(if made {
            "made this device's identity"
        } else {
            "this device has its identity already"
        });
    }
    let context = Context { setup: Setup::open(&config)?, config, json };
    match file {
        Some(file) => init_import(context, &label, &file),
        None => Ok(()),
    }
}

/// From a `.env` to a working `run` in one command: a local workspace unless there is one.
fn init_import(mut context: Context, label: &str, file: &Path) -> Result<()> {
    let entries = import::read(file, None)?;
    if context.setup.workspace.is_none() {
        let name = std::env::current_dir()
            .ok()
            .and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
        let workspace =
            create(&context, &name.unwrap_or_else(|| "workspace".to_owned()), label, None)?;
        context.setup.workspace = Some(workspace);
    }
    import::import(&context, None, entries, true)
}

pub(crate) fn workspace(context: &Context, command: Workspace) -> Result<()> {
    match command {
        Workspace::Create { name, relay } => {
            let relay = relay.or_else(|| context.config.relay().map(str::to_owned));
            let label = own_label(context)?;
            create(context, &name, &label, relay).map(drop)
        }
        Workspace::Connect { relay } => connect(context, &relay),
        Workspace::Repush => repush(context),
        Workspace::Policy { fresh, stale } => policy(context, fresh, stale.as_deref()),
    }
}

fn create(
    context: &Context,
    name: &str,
    label: &str,
    relay: Option<String>,
) -> Result<WorkspaceId> {
    let folder = here()?;
    if folder.join(ProjectFile::NAME).exists() {
        return Err(Error::new(
            ErrorCode::WorkspaceExists,
            format!("there is a {} here already", ProjectFile::NAME),
        ));
    }
    let (name_owned, label) = (name.to_owned(), label.to_owned());
    let at = relay.clone();
    let workspace = context.client().run(|start| sync::create(start, name_owned, label, at))?;
    write_project(&folder, workspace, relay.as_deref())?;
    let place =
        relay.as_deref().unwrap_or("this vault, local until `agentsecrets workspace connect`");
    note(&format!("made workspace {name} on {place}"));
    Ok(workspace)
}

fn connect(context: &Context, relay: &str) -> Result<()> {
    let workspace = context.workspace()?;
    let at = relay.to_owned();
    context.client().run(|start| sync::connect(start, workspace, at))?;
    if let Some((path, project)) = &context.config.project {
        let folder = path.parent().unwrap_or(Path::new("."));
        let environment = project.environment.clone();
        ProjectFile { workspace, relay: Some(relay.to_owned()), environment }.write(folder)?;
    }
    note(&format!("published the workspace to {relay}"));
    Ok(())
}

fn repush(context: &Context) -> Result<()> {
    let workspace = context.workspace()?;
    let done = context.client().run(|start| sync::repush(start, workspace))?;
    if done.entries == 0 {
        return line("the relay lacks nothing");
    }
    if done.absent > 0 {
        note(&format!(
            "{} of them carried values or keys, which the relay has lost: a member who holds them \
             shares them again at its next pull",
            done.absent
        ));
    }
    let entries = if done.entries == 1 { "entry" } else { "entries" };
    line(&format!("brought back {} {entries}, up to {}", done.entries, done.head))
}

pub(crate) fn join(context: &Context, code: &str, label: Option<String>, wait: bool) -> Result<()> {
    let label = label.map_or_else(|| own_label(context), Ok)?;
    check_label(&label)?;
    let invitation = invitation(code)?;
    let (workspace, relay) = (invitation.workspace, invitation.relay.clone());
    check_project(context, workspace)?;
    context.client().run(|start| sync::join(start, invitation, label))?;
    if context.config.project.is_none() {
        write_project(&here()?, workspace, Some(&relay))?;
    }
    match wait {
        true => wait_for_admission(context, workspace),
        false => {
            note(
                "the reply is with the relay; admission is pending until an admin's next sync: agentsecrets admit",
            );
            Ok(())
        }
    }
}

fn invitation(code: &str) -> Result<Invitation> {
    if code != "-" {
        return Invitation::parse(code);
    }
    let text = read_stdin(4096)?;
    Invitation::parse(std::str::from_utf8(text.expose()).unwrap_or_default())
}

/// A project file of the same workspace is fine, of another an error.
fn check_project(context: &Context, workspace: WorkspaceId) -> Result<()> {
    match &context.config.project {
        Some((path, project)) if project.workspace != workspace => Err(Error::new(
            ErrorCode::WorkspaceMismatch,
            format!("{} belongs to another workspace", path.display()),
        )),
        _ => Ok(()),
    }
}

fn wait_for_admission(context: &Context, workspace: WorkspaceId) -> Result<()> {
    note("waiting until an admin syncs");
    let since = Instant::now();
    loop {
        let result =
            context.client().run(|start| sync::pull(start, workspace, None, Clashes::Refuse));
        match result {
            Err(error)
                if error.code() == ErrorCode::NotAdmitted && since.elapsed() < LONGEST_WAIT =>
            {
                thread::sleep(POLL)
            }
            result => {
                result?.into_result()?;
                return line("admitted");
            }
        }
    }
}

fn own_label(context: &Context) -> Result<String> {
    let stored = context.client().vault().identity()?.map(|identity| identity.label);
    Ok(stored.filter(|label| !label.is_empty()).unwrap_or_else(default_label))
}

fn write_project(folder: &Path, workspace: WorkspaceId, relay: Option<&str>) -> Result<()> {
    let project = ProjectFile {
        workspace,
        relay: relay.map(str::to_owned),
        environment: Some("development".to_owned()),
    };
    project.write(folder).map(drop)
}

fn here() -> Result<PathBuf> {
    std::env::current_dir()
        .map_err(|_| Error::new(ErrorCode::ProjectFile, "the working folder cannot be found"))
}
