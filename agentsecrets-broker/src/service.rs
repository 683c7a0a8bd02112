//! Holds the vault, answers what agents ask within their leases, and records each use.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    call_audit::{Act, Call},
    client::Client,
    crypto,
    encoding::{EnvironmentId, WorkspaceId, to_hex},
    handle::{Handle, Https, Outbound, Reply, Request},
    identity::Kind,
    name::SecretName,
    redact::Redactor,
    report,
    secret_policy::{Scheme, may_read},
    snapshot::Snapshot,
    sync,
};
use serde_json::{Value, json};

use crate::{
    calls::CallLog,
    command,
    lease::{Lease, Terms},
    wire::{Ask, AskRequest, invalid, message, text_or_base64, token},
};

/// Most leases at a time.
const MOST_LEASES: usize = 1000;

/// A vault's secrets of one environment, for agents.
pub struct Service {
    client: Client,
    workspace: WorkspaceId,
    environment: EnvironmentId,
    snapshot: Snapshot,
    /// Of every value that is long enough.
    redactor: Redactor,
    calls: CallLog,
    outbound: Box<dyn Outbound>,
    /// Programs that may be started.
    commands: Vec<String>,
    leases: Mutex<Vec<(String, Arc<Lease>)>>,
}

impl Service {
    /// A service of one environment; `home` is the vault's folder.
    ///
    /// # Errors
    /// Those of vault and relay, where nothing was pulled yet.
    pub fn new(
        client: Client,
        home: &Path,
        workspace: WorkspaceId,
        environment: EnvironmentId,
    ) -> Result<Self> {
        let snapshot = client.snapshot(workspace, environment)?;
        let names = snapshot.names();
        let values = names.iter().filter_map(|name| Some((*name, snapshot.value(name)?.expose())));
        let redactor = Redactor::new(values.filter(|(_, value)| Redactor::covers(value)))?;
        let (commands, leases) = (Vec::new(), Mutex::default());
        let calls = CallLog::new(home, workspace);
        let outbound = Box::new(Https::new());
        Ok(Self {
            client,
            workspace,
            environment,
            snapshot,
            redactor,
            calls,
            outbound,
            commands,
            leases,
        })
    }

    /// The same, and agents may have these programs started.
    #[must_use]
    pub fn with_commands(self, commands: Vec<String>) -> Self {
        Self { commands, ..self }
    }

    /// Whether agents may have any program started.
    pub fn runs_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// A lease of the environment's secrets, as an agent may use them: without a policy, not at all.
    ///
    /// # Errors
    /// Those of [`Lease::new`].
    pub fn lease(&self, terms: &Terms) -> Result<Arc<Lease>> {
        let mut handles = BTreeMap::new();
        for name in self.snapshot.names() {
            // A policy of a newer kind than this program knows allows nothing here.
            if let Ok(handle) = Handle::of(&self.snapshot, name, Kind::Agent) {
                handles.insert(name.clone(), handle);
            }
        }
        Lease::new(handles, terms, now()).map(Arc::new)
    }

    /// A token by which a lease is known at the socket.
    ///
    /// # Errors
    /// `lease_over` beyond 1,000 leases; `internal` without random bytes.
    pub fn admit(&self, lease: Arc<Lease>) -> Result<String> {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        leases.retain(|(_, lease)| lease.until().is_none_or(|until| now < until));
        if leases.len() >= MOST_LEASES {
            return Err(Error::new(ErrorCode::LeaseOver, "the broker has too many leases"));
        }
        let token = token()?;
        leases.push((token.clone(), lease));
        Ok(token)
    }

    /// The lease of a token.
    ///
    /// # Errors
    /// `lease_unknown`.
    pub fn lease_of(&self, token: &str) -> Result<Arc<Lease>> {
        let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = leases.iter().filter(|(t, _)| crypto::same(t.as_bytes(), token.as_bytes()));
        found.next().map(|(_, lease)| Arc::clone(lease)).ok_or_else(|| {
            Error::new(ErrorCode::LeaseUnknown, "the broker knows no lease of this token")
        })
    }

    /// Answers an agent.
    ///
    /// # Errors
    /// Of every part of the library; texts hold no value.
    pub fn answer(&self, lease: &Arc<Lease>, ask: Ask) -> Result<Value> {
        match ask {
            Ask::Names {} => Ok(self.names(lease)),
            Ask::Drift {} => self.drift(lease),
            Ask::Request(ask) => self.request(lease, &ask),
            Ask::Sign { name, message: text, reason } => {
                self.sign(lease, &name, &message(&text)?, reason)
            }
            Ask::Run { command, names, reason, timeout } => {
                self.run(lease, &command, &names, reason, Duration::from_millis(timeout))
            }
            Ask::Lease(terms) => {
                let narrower = Lease::within(lease, &terms.terms()?, now()).map(Arc::new)?;
                Ok(
                    json!({ "token": self.admit(Arc::clone(&narrower))?, "lease": about(&narrower) }),
                )
            }
        }
    }

    fn names(&self, lease: &Lease) -> Value {
        let row = |name: &SecretName| {
            let handle = lease.handle(name).ok();
            let policy = handle.and_then(Handle::policy).map(|policy| policy.to_json());
            let policy: Option<Value> = policy.and_then(|text| serde_json::from_str(&text).ok());
            json!({ "name": name.as_str(), "version": handle.map(Handle::version), "policy": policy })
        };
        json!({ "secrets": lease.names().map(row).collect::<Vec<_>>() })
    }

    fn drift(&self, lease: &Lease) -> Result<Value> {
        let (workspace, environment) = (self.workspace, self.environment);
        let view = self.client.read(|start| sync::view(start, workspace))?;
        let held = self.client.read(|start| sync::snapshot(start, workspace, environment))?;
        let mut report = report::against_log(&view, &held)?;
        let leased = |name: &str| lease.names().any(|leased| leased.as_str() == name);
        report.changes.retain(|change| leased(&change.name));
        report.in_sync = report.changes.is_empty();
        serde_json::to_value(report)
            .map_err(|_| Error::new(ErrorCode::Internal, "no JSON of drift"))
    }

    fn request(&self, lease: &Lease, ask: &AskRequest) -> Result<Value> {
        let mut request = Request::new(&ask.method, &ask.url)?.body(ask.body()?)?;
        for (name, value) in &ask.headers {
            request = request.header(name, value)?;
        }
        if let Some(place) = &ask.place {
            request = request.place(place)?;
        }
        let name = SecretName::parse(&ask.name)?;
        self.recorded(lease, Act::Request, &name, &ask.reason, |call| {
            describe(call, &request);
            let reply = self.send(lease, &name, &request)?;
            call.status = Some(reply.status);
            let answer = reply.into_answer()?;
            call.redactions = answer.redactions;
            let (field, body) = text_or_base64("body", &answer.body);
            let mut shown = json!({
                "status": answer.status, "headers": answer.headers, "redactions": answer.redactions,
            });
            shown[field] = body;
            Ok(shown)
        })
    }

    fn send(&self, lease: &Lease, name: &SecretName, request: &Request) -> Result<Reply> {
        let handle = lease.handle(name)?;
        handle.check(request)?;
        lease.spend(now())?;
        handle.open(request, &*self.outbound, now())
    }

    /// Sends a request and hands its answer on piece by piece; recorded when that has ended.
    ///
    /// # Errors
    /// Those of the request, and of `pass`.
    pub(crate) fn relay(
        &self,
        lease: &Lease,
        name: &SecretName,
        request: &Request,
        pass: impl FnOnce(&mut Reply) -> Result<()>,
    ) -> Result<()> {
        self.recorded(lease, Act::Request, name, "base URL", |call| {
            describe(call, request);
            let mut reply = self.send(lease, name, request)?;
            call.status = Some(reply.status);
            let passed = pass(&mut reply);
            call.redactions = reply.redactions();
            passed
        })
    }

    fn sign(&self, lease: &Lease, name: &str, message: &[u8], reason: String) -> Result<Value> {
        let name = SecretName::parse(name)?;
        self.recorded(lease, Act::Sign, &name, &reason, |_| {
            // What the policy or the lease refuses is no use, as with a request.
            let signature = lease.handle(&name)?.sign(message, now())?;
            lease.spend(now())?;
            Ok(json!({ "signature": to_hex(&signature) }))
        })
    }

    fn run(
        &self,
        lease: &Lease,
        command: &[String],
        names: &[String],
        reason: String,
        timeout: Duration,
    ) -> Result<Value> {
        let (program, _) =
            command.split_first().ok_or_else(|| invalid("a command has a program"))?;
        let names: Vec<SecretName> =
            names.iter().map(|name| SecretName::parse(name)).collect::<Result<_>>()?;
        let mut variables = Vec::new();
        for name in &names {
            self.recorded(lease, Act::Run, name, &reason, |call| {
                call.path.clone_from(program);
                self.check_run(lease, name, program)?;
                lease.spend(now())
            })?;
            variables.extend(self.snapshot.value(name).map(|value| (name, value)));
        }
        if names.is_empty() {
            self.check_program(program)?;
        }
        command::run(command, &variables, &self.redactor, timeout)
    }

    fn check_program(&self, program: &String) -> Result<()> {
        match self.commands.contains(program) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorCode::UseForbidden,
                "whoever started the broker did not allow this program",
            )
            .with_hint("agentsecrets mcp --command PROGRAM")),
        }
    }

    fn check_run(&self, lease: &Lease, name: &SecretName, program: &String) -> Result<()> {
        self.check_program(program)?;
        let forbidden = |why: &str| {
            Err(Error::new(ErrorCode::UseForbidden, format!("{name}: {why}"))
                .with_hint(format!("agentsecrets policy {name}")))
        };
        let policy = lease.handle(name)?.policy();
        if !may_read(policy, Kind::Agent) && !policy.is_some_and(|policy| policy.environment) {
            return forbidden("the policy lets no command have it");
        }
        if lease.is_for_requests() {
            return forbidden("the lease is for requests alone");
        }
        match self.snapshot.value(name).is_some_and(|value| Redactor::covers(value.expose())) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorCode::SecretTooShort,
                format!("{name} is too short to be taken out of what the command prints"),
            )),
        }
    }

    /// Does something with a secret, and records it with its outcome.
    fn recorded<T>(
        &self,
        lease: &Lease,
        act: Act,
        name: &SecretName,
        reason: &str,
        act_on: impl FnOnce(&mut Call) -> Result<T>,
    ) -> Result<T> {
        if reason.trim().is_empty() {
            return Err(invalid("every use has a reason, which is recorded"));
        }
        let mut call = Call {
            time: now(),
            agent: lease.agent().to_owned(),
            reason: reason.to_owned(),
            act,
            name: name.clone(),
            version: lease.handle(name).map_or(0, Handle::version),
            host: String::new(),
            method: String::new(),
            path: String::new(),
            status: None,
            redactions: 0,
            failed: None,
        };
        let result = act_on(&mut call);
        call.failed = result.as_ref().err().map(|error| error.code().as_str().to_owned());
        for text in [&mut call.agent, &mut call.reason, &mut call.host, &mut call.path] {
            *text = self.redactor.redact_text(text);
        }
        self.calls.append(self.client.vault(), call)?;
        result
    }
}

fn describe(call: &mut Call, request: &Request) {
    let target = request.target();
    let own = target.port() == target.scheme().default_port();
    let scheme = if target.scheme() == Scheme::Http { "http://" } else { "" };
    let port = if own { String::new() } else { format!(":{}", target.port()) };
    call.host = format!("{scheme}{}{port}", target.host());
    call.method = request.method().as_str().to_owned();
    call.path = target.path().to_owned();
}

/// What an agent may know of its lease.
pub(crate) fn about(lease: &Lease) -> Value {
    json!({
        "agent": lease.agent(),
        "names": lease.names().map(SecretName::as_str).collect::<Vec<_>>(),
        "until": lease.until(),
        "uses_left": lease.left(),
    })
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
