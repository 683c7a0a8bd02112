//! workspace policy: what an owner decides for everybody, signed in the log.

use std::time::Duration;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    policy::{Policy, Staleness},
    sync::{self, Management},
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{line, value},
};

const STALENESS: [(Staleness, &str); 3] = [
    (Staleness::Warns, "warns"),
    (Staleness::BlocksPush, "blocks-push"),
    (Staleness::BlocksBoth, "blocks-both"),
];

#[derive(Serialize)]
struct Shown {
    fresh_seconds: u64,
    stale: &'static str,
}

pub(crate) fn policy(
    context: &Context,
    fresh: Option<Duration>,
    stale: Option<&str>,
) -> Result<()> {
    let mut policy = *context.fresh_view(false)?.state()?.policy();
    if fresh.is_none() && stale.is_none() {
        return show(context, policy);
    }
    if let Some(fresh) = fresh {
        policy.freshness_seconds = fresh.as_secs();
    }
    if let Some(stale) = stale {
        policy.staleness = staleness(stale)?;
    }
    let workspace = context.workspace()?;
    context.client().run(|start| sync::manage(start, workspace, Management::Policy(policy)))?;
    show(context, policy)
}

fn staleness(word: &str) -> Result<Staleness> {
    let found = STALENESS.iter().find(|(_, own)| *own == word);
    found.map(|(staleness, _)| *staleness).ok_or_else(|| {
        let cause = format!("{word:?} is not warns, blocks-push or blocks-both");
        Error::new(ErrorCode::InvalidArgument, cause)
    })
}

fn show(context: &Context, policy: Policy) -> Result<()> {
    let found = STALENESS.iter().find(|(staleness, _)| *staleness == policy.staleness);
    let shown = Shown {
        fresh_seconds: policy.freshness_seconds,
        stale: found.map_or("warns", |(_, word)| word),
    };
    if context.json {
        return value(&shown);
    }
    let hours = shown.fresh_seconds / 3600;
    line(&format!(
        "without news of others for {hours} hours the log is stale, which {}",
        shown.stale.replace('-', " ")
    ))
}
