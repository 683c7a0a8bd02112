//! policy: what one secret may be used for, signed in the log. The workspace's own is `workspace policy`.

use std::path::Path;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    name::SecretName,
    secret_policy::{
        Access, DEFAULT_RESPONSE, Host, Method, PathPattern, Place, Rule, Scheme, SecretPolicy,
    },
    sync,
};
use serde_json::json;

use crate::{
    args::PolicyArgs,
    context::{Context, read_stdin},
    output::{line, value},
};

pub(crate) fn policy(context: &Context, args: PolicyArgs) -> Result<()> {
    let name = SecretName::parse(&args.name)?;
    let view = context.view()?;
    let environment = context.environment(&view, args.env.as_deref())?;
    if !args.changes() {
        let snapshot = context.client().snapshot(context.workspace()?, environment)?;
        if snapshot.value(&name).is_none() {
            let label = view.environment_label(&environment);
            let cause = format!("{label} has no secret {name}");
            return Err(Error::new(ErrorCode::UnknownSecret, cause));
        }
        return show(context, &name, snapshot.policy(&name)?.as_ref());
    }
    context.refresh(environment)?;
    let held = context.held(environment)?.policy(&name)?;
    let policy = wanted(&args, held)?;
    let (workspace, given) = (context.workspace()?, policy.clone());
    context
        .client()
        .run(|start| sync::set_secret_policy(start, workspace, environment, name.clone(), given))?;
    show(context, &name, policy.as_ref())
}

/// The policy that the options describe; `None` for none.
fn wanted(args: &PolicyArgs, held: Option<SecretPolicy>) -> Result<Option<SecretPolicy>> {
    if args.none {
        return Ok(None);
    }
    if let Some(file) = &args.file {
        return from_file(file).map(Some);
    }
    let before = if args.add { held.clone() } else { None };
    let access = match (args.readable, args.use_only, &held) {
        (true, false, _) => Access::Readable,
        (false, false, Some(held)) if args.add => held.access,
        _ => Access::UseOnly,
    };
    let sign = args.sign || before.as_ref().is_some_and(|before| before.sign);
    let environment = args.environment || before.as_ref().is_some_and(|before| before.environment);
    let mut rules = before.map_or_else(Vec::new, |before| before.rules);
    rules.extend(args.host.iter().map(|host| rule(args, host)).collect::<Result<Vec<_>>>()?);
    SecretPolicy::new(access, sign, environment, rules).map(Some)
}

fn from_file(file: &Path) -> Result<SecretPolicy> {
    // Far more than a policy's 4 KiB: JSON is longer.
    const LONGEST: u64 = 64 << 10;
    let text = match file.as_os_str() == "-" {
        true => read_stdin(LONGEST)?.expose().to_vec(),
        false => std::fs::read(file).map_err(|error| {
            let cause = format!("{}: {}", file.display(), error.kind());
            Error::new(ErrorCode::InvalidArgument, cause)
        })?,
    };
    let text = String::from_utf8(text);
    let text = text.map_err(|_| Error::new(ErrorCode::MalformedPolicy, "the file is no text"))?;
    SecretPolicy::from_json(&text)
}

fn rule(args: &PolicyArgs, host: &str) -> Result<Rule> {
    let bad = |what: &str, text: &str| {
        Error::new(ErrorCode::MalformedPolicy, format!("{text:?} is no {what}"))
    };
    let scheme = if args.http { Scheme::Http } else { Scheme::Https };
    let (name, port) = split_port(host);
    let port = match port {
        Some(digits) => digits.parse().map_err(|_| bad("port", digits))?,
        None => scheme.default_port(),
    };
    let or = |given: &[String], otherwise: &str| match given.is_empty() {
        true => vec![otherwise.to_owned()],
        false => given.to_vec(),
    };
    Ok(Rule {
        scheme,
        host: Host::parse(name).ok_or_else(|| bad("host", name))?,
        port,
        private: args.private,
        methods: sorted(&or(&args.method, "GET"), |text| {
            Method::parse(&text.to_ascii_uppercase()).ok_or_else(|| bad("method", text))
        })?,
        paths: sorted(&or(&args.path, "/**"), |text| {
            PathPattern::parse(text).ok_or_else(|| bad("pattern of paths", text))
        })?,
        places: sorted(&or(&args.place, "bearer"), |text| {
            Place::parse(text).ok_or_else(|| bad("place in a request", text))
        })?,
        response_limit: args.response_limit.unwrap_or(DEFAULT_RESPONSE),
    })
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn split_port(host: &str) -> (&str, Option<&str>) {
    let from = host.rfind(']').map_or(0, |end| end);
    match host[from..].find(':') {
        Some(at) => (&host[..from + at], Some(&host[from + at + 1..])),
        None => (host, None),
    }
}

fn sorted<T: Ord>(texts: &[String], parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    let mut parsed = texts.iter().map(|text| parse(text)).collect::<Result<Vec<T>>>()?;
    parsed.sort_unstable();
    parsed.dedup();
    Ok(parsed)
}

fn show(context: &Context, name: &SecretName, policy: Option<&SecretPolicy>) -> Result<()> {
    if context.json {
        let policy = policy.map(|policy| serde_json::from_str(&policy.to_json()));
        let policy: Option<serde_json::Value> = policy.transpose().unwrap_or_default();
        return value(&json!({ "name": name.as_str(), "policy": policy }));
    }
    let Some(policy) = policy else {
        return line(&format!("{name} has no policy: people and jobs may read it, agents may not"));
    };
    let access = match policy.access {
        Access::Readable => "may be read",
        Access::UseOnly => "may be used and not read",
    };
    line(&format!("{name} {access}"))?;
    if policy.sign {
        line("  may sign messages (HMAC)")?;
    }
    if policy.environment {
        line("  may be given to commands, which can read it")?;
    }
    policy.rules.iter().try_for_each(show_rule)
}

fn show_rule(rule: &Rule) -> Result<()> {
    let join = |texts: Vec<String>| texts.join(" ");
    let address = match rule.port == rule.scheme.default_port() {
        true => format!("{}://{}", rule.scheme.as_str(), rule.host),
        false => format!("{}://{}:{}", rule.scheme.as_str(), rule.host, rule.port),
    };
    line(&format!(
        "  {} {address} {} as {}, at most {} bytes back{}",
        rule.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(","),
        join(rule.paths.iter().map(ToString::to_string).collect()),
        join(rule.places.iter().map(ToString::to_string).collect()),
        rule.response_limit,
        if rule.private { ", also in a private network" } else { "" }
    ))
}
