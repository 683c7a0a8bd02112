//! What every command begins with: configuration, client, workspace, environment.

use std::{
    io::{IsTerminal, Read},
    time::Duration,
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{Client, Setup},
    config::Config,
    encoding::{EnvironmentId, WorkspaceId},
    log::{Role, Scope, ScopeItem, ack::Freshness},
    name::SecretName,
    secret::SecretBytes,
    snapshot::Snapshot,
    sync::{self, Clashes, SyncReport, View},
};

use crate::{output::note, progress};

/// An opened client, and the workspace and environment that the command is about.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) setup: Setup,
    pub(crate) json: bool,
}

impl Context {
    pub(crate) fn open(json: bool) -> Result<Self> {
        let mut context = Self::quiet(json)?;
        context.setup.client.observe(progress::observer());
        Ok(context)
    }

    /// Without a display of progress.
    pub(crate) fn quiet(json: bool) -> Result<Self> {
        let config = Config::discover()?;
        let setup = Setup::open(&config)?;
        Ok(Self { config, setup, json })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.setup.client
    }

    pub(crate) fn workspace(&self) -> Result<WorkspaceId> {
        self.setup.workspace()
    }

    /// The environment named, else the configured one.
    pub(crate) fn environment(&self, view: &View, named: Option<&str>) -> Result<EnvironmentId> {
        view.environment(named.unwrap_or(&self.setup.environment))
    }

    /// The workspace as the vault knows it.
    pub(crate) fn view(&self) -> Result<View> {
        self.setup.view()
    }

    /// The workspace after the log was followed; no delivery is fetched.
    pub(crate) fn fresh_view(&self, offline: bool) -> Result<View> {
        let workspace = self.workspace()?;
        if !offline {
            self.client().run(|start| sync::follow_log(start, workspace, Duration::ZERO))?;
        }
        self.client().read(|start| sync::view(start, workspace))
    }

    /// What the vault holds of an environment, as it stands.
    pub(crate) fn held(&self, environment: EnvironmentId) -> Result<Snapshot> {
        let workspace = self.workspace()?;
        self.client().read(|start| sync::snapshot(start, workspace, environment))
    }

    /// Syncs, and tells on stderr who was admitted on the way.
    pub(crate) fn sync(
        &self,
        only: Option<Vec<EnvironmentId>>,
        clashes: Clashes,
    ) -> Result<SyncReport> {
        let workspace = self.workspace()?;
        let report = self.client().run(|start| sync::sync(start, workspace, only, clashes))?;
        if let Freshness::Stale { age } = report.freshness {
            let days = age / 86_400_000;
            note(&format!(
                "warning[stale]: nobody else has been heard of for {days} days; compare: agentsecrets head --words"
            ));
        }
        for admitted in &report.admitted {
            note(&format!(
                "admitted {} as {}; compare: agentsecrets safety-number {}",
                admitted.label, admitted.role, admitted.label
            ));
        }
        Ok(report)
    }

    /// Records changes and, unless they are to stay here, pushes them.
    pub(crate) fn change(
        &self,
        environment: EnvironmentId,
        changes: Vec<(SecretName, Option<SecretBytes>)>,
        push: bool,
    ) -> Result<()> {
        let workspace = self.workspace()?;
        self.client().run(|start| sync::change(start, workspace, environment, changes))?;
        match push {
            true => self
                .client()
                .run(|start| sync::push(start, workspace, environment, false))
                .map(drop),
            false => Ok(()),
        }
    }

    /// Brings an environment up to date before it is changed.
    pub(crate) fn refresh(&self, environment: EnvironmentId) -> Result<()> {
        self.sync(Some(vec![environment]), Clashes::Refuse)?.pulled.into_result().map(drop)
    }

    /// The scope of `--scope` options; names become the ids that they have now.
    pub(crate) fn scope(&self, view: &View, options: &[String]) -> Result<Scope> {
        if options.is_empty() {
            return Ok(Scope::All);
        }
        let items = options.iter().map(|option| self.scope_item(view, option));
        Ok(Scope::only(items.collect::<Result<Vec<_>>>()?))
    }

    fn scope_item(&self, view: &View, option: &str) -> Result<ScopeItem> {
        let (label, names) =
            option.split_once(':').map_or((option, None), |(label, names)| (label, Some(names)));
        let environment = view.environment(label)?;
        let Some(names) = names else { return Ok(ScopeItem { environment, secrets: None }) };
        let known = view.names(&self.held(environment)?);
        let find = |name: &str| {
            let found = known.iter().find(|(_, known)| known.as_str() == name).map(|(id, _)| *id);
            found.ok_or_else(|| {
                Error::new(ErrorCode::UnknownSecret, format!("{label} has no secret {name}"))
            })
        };
        let secrets = names.split(',').map(find).collect::<Result<Vec<_>>>()?;
        Ok(ScopeItem { environment, secrets: Some(secrets) })
    }
}

/// A role by its word.
pub(crate) fn role(word: &str) -> Result<Role> {
    Role::parse(word).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("{word:?} is no role: owner, admin, writer or reader"),
        )
    })
}

/// Everything that stdin holds; on a terminal, a hidden line.
pub(crate) fn value_from_stdin(name: &SecretName) -> Result<SecretBytes> {
    if std::io::stdin().is_terminal() {
        let line = rpassword::prompt_password(format!("value of {name} (hidden): "));
        return line.map(|line| SecretBytes::new(line.into_bytes())).map_err(|_| unreadable());
    }
    let value = read_stdin(1 << 20)?;
    if value.expose().ends_with(b"\n") {
        note(&format!("note: the value of {name} ends with a line break, which is kept"));
    }
    Ok(value)
}

/// At most `limit` bytes of stdin.
pub(crate) fn read_stdin(limit: u64) -> Result<SecretBytes> {
    // Room for any legal value: a growing vector would leave unwiped pieces behind.
    let mut bytes = Vec::with_capacity(128 << 10);
    std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|_| unreadable())?;
    Ok(SecretBytes::new(bytes))
}

fn unreadable() -> Error {
    Error::new(ErrorCode::InvalidArgument, "stdin cannot be read")
}

/// How members will call this device, unless it is told.
pub(crate) fn default_label() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("USERNAME"))
        .unwrap_or_else(|_| "device".to_owned());
    let host = std::fs::read_to_string("/etc/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default();
    if host.is_empty() { user } else { format!("{user}@{host}") }
}

/// A label goes on command lines.
pub(crate) fn check_label(label: &str) -> Result<()> {
    let plain = !label.is_empty()
        && label.len() <= 128
        && label.chars().all(|c| !c.is_control() && !c.is_whitespace());
    match plain {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::InvalidArgument,
            "a label is 1 to 128 characters without spaces",
        )),
    }
}
