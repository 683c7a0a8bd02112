//! doctor: what works, what does not, and the command that helps.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use agentsecrets_core::{
    Error, Result,
    client::Setup,
    config::Config,
    message::{Method, Request},
    sync,
    transport::{Transport, http::HttpTransport},
};
use serde::Serialize;

use crate::output::listing;

#[derive(Serialize)]
struct Check {
    check: &'static str,
    ok: bool,
    detail: String,
    help: Option<String>,
}

pub(crate) fn doctor(json: bool) -> Result<ExitCode> {
    let mut checks = vec![good("version", env!("CARGO_PKG_VERSION").to_owned())];
    let config = Config::discover();
    checks.push(of("configuration", &config, |config| format!("home {}", config.home.display())));
    if let Ok(config) = &config {
        check_setup(config, &mut checks);
    }
    let failed = checks.iter().any(|check| !check.ok);
    listing(json, &checks, &["check", "", "detail"], |check| {
        let help = check.help.as_ref().map(|help| format!("; help: {help}")).unwrap_or_default();
        vec![
            check.check.to_owned(),
            if check.ok { "ok" } else { "FAILED" }.to_owned(),
            format!("{}{help}", check.detail),
        ]
    })?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn check_setup(config: &Config, checks: &mut Vec<Check>) {
    let setup = Setup::open(config);
    checks.push(of("vault and identity", &setup, |setup| {
        setup.client.identity().recipient().to_string()
    }));
    let mut relay = config.relay().map(str::to_owned);
    if let Ok(setup) = &setup {
        let facts = setup.client.vault().facts();
        checks.extend(facts.into_iter().map(|(check, detail)| good(check, detail)));
        relay = relay.or_else(|| check_workspace(setup, checks));
    }
    if let Some(relay) = relay {
        let answer = ask(&relay);
        checks.push(of("relay", &answer, |(detail, _)| format!("{relay} answers; {detail}")));
    }
}

fn check_workspace(setup: &Setup, checks: &mut Vec<Check>) -> Option<String> {
    let Some(workspace) = setup.workspace else {
        checks.push(good("workspace", "none here".to_owned()));
        return None;
    };
    let view = setup.client.read(|start| sync::view(start, workspace));
    let detail = view.as_ref().map(|view| match view.state() {
        Ok(state) => format!(
            "{} at entry {}",
            view.name().unwrap_or_else(|| workspace.to_string()),
            state.head().seq
        ),
        Err(_) => "joined, admission is pending".to_owned(),
    });
    let relay = view.as_ref().ok().and_then(|view| view.relay().map(str::to_owned));
    checks.push(match detail {
        Ok(detail) => good("workspace", detail),
        Err(error) => bad("workspace", error),
    });
    relay
}

/// Asks for the relay's public facts, and compares clocks.
fn ask(relay: &str) -> Result<(String, i64)> {
    let request = Request {
        method: Method::Get,
        relay: relay.to_owned(),
        target: "/v1/info".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        wait: Duration::ZERO,
    };
    let response = HttpTransport::new().send(&request)?;
    let info: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let Some(server) = info.get("server_time").and_then(serde_json::Value::as_i64) else {
        return Err(Error::new(
            agentsecrets_core::ErrorCode::RelayMalformed,
            "what answers there is not a relay",
        ));
    };
    let here = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|since| since.as_secs() as i64)
        .unwrap_or_default();
    let skew = here - server;
    Ok((format!("clocks differ by {} s", skew.abs()), skew))
}

fn good(check: &'static str, detail: String) -> Check {
    Check { check, ok: true, detail, help: None }
}

fn bad(check: &'static str, error: &Error) -> Check {
    let detail = format!("{}: {}", error.code(), error.message());
    Check { check, ok: false, detail, help: Some(error.hint().to_owned()) }
}

fn of<T>(check: &'static str, result: &Result<T>, detail: impl Fn(&T) -> String) -> Check {
    match result {
        Ok(value) => good(check, detail(value)),
        Err(error) => bad(check, error),
    }
}
