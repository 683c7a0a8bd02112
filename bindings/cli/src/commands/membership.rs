//! remove, leave, rekey, role, scope.

use agentsecrets_core::{
    Error, ErrorCode, Result,
    log::{
        Scope,
        entry::{Reason, Remove, Removed},
    },
    sync,
};

use super::exposure;
use crate::{
    context::{self, Context},
    output::note,
};

pub(crate) fn remove(
    context: &Context,
    member: &str,
    device: bool,
    reason: &str,
    rekey: bool,
) -> Result<()> {
    let reason = Reason::parse(reason).ok_or_else(|| {
        let cause = "a reason is departed, lost-device, compromised or retired";
        Error::new(ErrorCode::InvalidArgument, cause)
    })?;
    let view = context.fresh_view(false)?;
    let (id, found) = view.member(member)?;
    let who =
        if device { Removed::Members(vec![id]) } else { Removed::Persons(vec![found.person]) };
    let workspace = context.workspace()?;
    let removal = context
        .client()
        .run(|start| sync::remove(start, workspace, Remove { who, reason }, rekey))?;
    for removed in &removal.removed {
        note(&format!("removed {}", view.member_label(removed)));
    }
    if !removal.rekeyed {
        note("note: names and labels to come stay readable to who left until: agentsecrets rekey");
    }
    exposure::after_removal(context, &removal.removed)
}

pub(crate) fn leave(context: &Context) -> Result<()> {
    let workspace = context.workspace()?;
    context.client().run(|start| sync::leave(start, workspace))?;
    note("this device is no member any more; what its vault holds, it still holds");
    Ok(())
}

pub(crate) fn rekey(context: &Context) -> Result<()> {
    let workspace = context.workspace()?;
    context.client().run(|start| sync::rekey(start, workspace))?;
    note("names and labels from now on are under a new generation of the workspace key");
    Ok(())
}

pub(crate) fn role(context: &Context, member: &str, role: &str) -> Result<()> {
    let (role, workspace) = (context::role(role)?, context.workspace()?);
    let (id, _) =
        context.fresh_view(false)?.member(member).map(|(id, member)| (id, member.role()))?;
    context
        .client()
        .run(|start| sync::change_member(start, workspace, id, Some(role), None))
        .map(drop)
}

pub(crate) fn scope(context: &Context, member: &str, options: &[String]) -> Result<()> {
    let (view, workspace) = (context.fresh_view(false)?, context.workspace()?);
    let (id, _) = view.member(member)?;
    let scope = match options {
        [all] if all == "all" => Scope::All,
        options => context.scope(&view, options)?,
    };
    context.client().run(|start| sync::change_member(start, workspace, id, None, Some(scope)))?;
    exposure::after_removal(context, &[id])
}
