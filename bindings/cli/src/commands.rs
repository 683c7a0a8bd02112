//! One function for each command.

mod audit;
mod broker;
mod calls;
mod doctor;
mod drift;
mod environments;
mod exposure;
mod head;
mod identity;
mod members;
mod membership;
mod policy;
mod recover;
mod run;
mod secret_policy;
mod secrets;
mod vault;
mod verify;
mod workspace;

use std::process::ExitCode;

use agentsecrets_core::Result;
use clap::CommandFactory;

use crate::{
    args::{Args, Calls, Command},
    context::Context,
};

pub(crate) fn dispatch(args: Args) -> Result<ExitCode> {
    let json = args.json;
    let open = || Context::open(json);
    let done = match args.command {
        Command::Init { label, import } => workspace::init(json, label, import),
        Command::Workspace(command) => workspace::workspace(&open()?, command),
        Command::Invite { role, scope, expires, wait } => {
            members::invite(&open()?, &role, &scope, expires, wait)
        }
        Command::Invitations => members::invitations(&open()?),
        Command::Uninvite { id } => members::uninvite(&open()?, &id),
        Command::Join { code, label, wait } => workspace::join(&open()?, &code, label, wait),
        Command::Admit { recipient, role, scope, label } => {
            members::admit(&open()?, recipient, &role, &scope, label)
        }
        Command::Members { offline } => members::list(&open()?, offline),
        Command::Remove { member, device, reason, no_rekey } => {
            membership::remove(&open()?, &member, device, &reason, !no_rekey)
        }
        Command::Leave => membership::leave(&open()?),
        Command::Rekey => membership::rekey(&open()?),
        Command::Role { member, role } => membership::role(&open()?, &member, &role),
        Command::Scope { member, scope } => membership::scope(&open()?, &member, &scope),
        Command::Exposure { member, offline } => {
            exposure::exposure(&open()?, member.as_deref(), offline)
        }
        Command::Head { adopt: Some(confirmed), .. } => head::adopt(&open()?, &confirmed),
        Command::Head { words, write, offline, .. } => head::head(&open()?, words, write, offline),
        Command::SafetyNumber { member, confirm } => {
            members::safety_number(&open()?, &member, confirm)
        }
        Command::Identity { command } => identity::identity(&open()?, command),
        Command::Recover { label, head, unpinned } => recover::recover(json, label, head, unpinned),
        Command::Env(command) => environments::env(&open()?, command),
        Command::Secrets(command) => return secrets::secrets(&open()?, command),
        Command::Policy(args) => secret_policy::policy(&open()?, args),
        Command::Diff { a, b, exit_code, offline } => {
            return drift::environments(&open()?, &a, &b, exit_code, offline);
        }
        Command::Run { env, only, broker: true, base_url, lease, command } => {
            return broker::run(env.as_deref(), &only, &base_url, &lease, &command);
        }
        Command::Run { env, only, command, .. } => {
            return run::run(&Context::quiet(json)?, env.as_deref(), &only, &command);
        }
        Command::Broker { socket, env, only, peer, base_url, with_parent, lease } => {
            let context = Context::quiet(json)?;
            let terms = broker::terms(&only, &lease)?;
            broker::serve(context, env.as_deref(), &terms, &socket, peer, &base_url, with_parent)
        }
        Command::Mcp { env, only, commands, lease } => {
            broker::mcp(json, env.as_deref(), &broker::terms(&only, &lease)?, commands)
        }
        Command::Calls { command: Some(Calls::Verify { file, log }) } => {
            calls::verify(json, &file, log.as_deref())
        }
        Command::Calls { command: Some(Calls::Export) } => calls::export(&open()?),
        Command::Calls { command: None | Some(Calls::List) } => calls::list(&open()?),
        Command::Audit { offline, export, left } => {
            audit::audit(&open()?, offline, export.as_deref(), left)
        }
        Command::Verify { file: Some(file), head } => verify::file(json, &file, head.as_deref()),
        Command::Verify { file: None, head } => verify::own(&open()?, head.as_deref()),
        Command::Doctor => return doctor::doctor(json),
        Command::Vault(command) => vault::vault(command),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Args::command(),
                "agentsecrets",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}
