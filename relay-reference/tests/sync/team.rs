//! A workspace on a relay, and what its devices do there.
#![allow(dead_code, unreachable_pub)] // As in the other helpers.

use std::{
    cell::{Cell, RefCell},
    fmt::Debug,
    sync::Arc,
};

use agentsecrets_core::{
    ErrorCode, Result,
    crypto::{SigningKey, VerifyingKey, derive_key, label},
    encoding::{EnvironmentId, Head, MemberId, SecretId, WorkspaceId},
    identity::{Identity, Kind},
    invitation::Invitation,
    log::{Role, Scope, ScopeItem, ack::Ack},
    message::{Method, Request, Response},
    name::SecretName,
    request_signature,
    secret::Key,
    sync::{self, Clashes, Machine, Offer, Start, SyncReport, View},
    wire::{DeliveriesPage, NewAck},
};

use crate::{
    host::{Host, value},
    in_process::{self, InProcess},
};

/// A workspace `acme` on a relay.
pub struct Team {
    relay: InProcess,
    pub workspace: WorkspaceId,
    /// Requests that changed something, as the relay took them.
    writes: RefCell<Vec<Request>>,
    nonces: Cell<u64>,
}

/// A person's device with an empty vault.
pub fn device(seed: u8) -> Host {
    let mut host = Host::new(seed);
    host.now = in_process::now();
    host
}

/// The same of another kind.
pub fn device_of(kind: Kind, seed: u8) -> Host {
    let mut host = device(seed);
    host.identity = Arc::new(Identity::from_seed(Key::new([seed; 32]), kind));
    host
}

/// The same device with a copy of its vault: what it does from here on, the other one knows not of.
pub fn twin(host: &Host, seed: u8) -> Host {
    // Another seed of randomness: two devices never draw the same.
    let mut twin = Host::new(seed);
    twin.identity = Arc::clone(&host.identity);
    (twin.store, twin.now) = (host.store.clone(), host.now);
    twin
}

pub fn code<T: Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code()
}

pub fn name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

/// One whole environment.
pub fn whole(environment: EnvironmentId) -> Scope {
    Scope::only([ScopeItem { environment, secrets: None }])
}

/// One secret of an environment.
pub fn single(environment: EnvironmentId, secret: SecretId) -> Scope {
    Scope::only([ScopeItem { environment, secrets: Some(vec![secret]) }])
}

impl Team {
    /// A founder's device, labelled `laptop`, and its workspace.
    pub fn begin() -> (Self, Host) {
        Self::begun_by(device(1))
    }

    pub fn begun_by(mut founder: Host) -> (Self, Host) {
        let (relay, workspace) = (InProcess::new(), WorkspaceId::ZERO);
        let (writes, nonces) = (RefCell::default(), Cell::default());
        let mut team = Self { relay, workspace, writes, nonces };
        let url = Some(team.url());
        let create = |s| sync::create(s, "acme".into(), "laptop".into(), url);
        team.workspace = team.run(&mut founder, create).unwrap();
        (team, founder)
    }

    pub fn url(&self) -> String {
        self.relay.url()
    }

    /// Another relay, empty.
    pub fn elsewhere(&self) -> Self {
        let (writes, nonces) = (RefCell::default(), Cell::default());
        Self { relay: InProcess::new(), workspace: self.workspace, writes, nonces }
    }

    /// Another relay that took the same until now.
    pub fn fork(&self) -> Self {
        let fork = self.elsewhere();
        self.writes.borrow().iter().for_each(|request| drop(fork.carry(request.clone())));
        fork
    }

    pub fn carry(&self, request: Request) -> Result<Response> {
        let response = self.relay.pass(request.clone());
        if request.method != Method::Get && response.status < 300 {
            self.writes.borrow_mut().push(request);
        }
        Ok(response)
    }

    /// The relay's own answer to a request that was changed after it was signed: it is signed again, by
    /// a member.
    pub fn carry_unsigned(&self, mut request: Request, by: &Host) -> Result<Response> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let (now, nonce) = (in_process::now() / 1000, self.nonces.replace(self.nonces.get() + 1));
        let mut random = [7; 16];
        random[..8].copy_from_slice(&nonce.to_le_bytes());
        let key = SigningKey::from_seed(&derive_key(
            label::SIGNING_KEY,
            by.identity.expose_seed().expose(),
        ));
        let headers = request_signature::sign(
            &key,
            request.method,
            "relay.invalid",
            path,
            query,
            &request.body,
            now,
            random,
        );
        request.headers = headers.into();
        self.carry(request)
    }

    pub fn run<T>(
        &self,
        host: &mut Host,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> Result<T> {
        self.run_by(host, &mut |request| self.carry(request), operation)
    }

    /// Runs an operation whose requests go another way.
    pub fn run_by<T>(
        &self,
        host: &mut Host,
        way: &mut dyn FnMut(Request) -> Result<Response>,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> Result<T> {
        let machine = operation(host.start());
        host.drive(machine, usize::MAX, way).1
    }

    /// Runs an operation; also what it asked the relay for.
    pub fn watch<T>(
        &self,
        host: &mut Host,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> (Result<T>, Vec<Request>) {
        let mut asked = Vec::new();
        let mut way = |request: Request| {
            asked.push(request.clone());
            self.carry(request)
        };
        let result = self.run_by(host, &mut way, operation);
        (result, asked)
    }

    pub fn invite(&self, by: &mut Host, role: Role, scope: Scope) -> Result<Invitation> {
        let offer = Offer { role, scope, expires: 0 };
        self.run(by, |s| sync::invite(s, self.workspace, offer))
    }

    /// A device of label `device-SEED` that was invited, has replied, was admitted and has synced.
    pub fn admit(&self, by: &mut Host, seed: u8, role: Role, scope: Scope) -> Host {
        let mut newcomer = device(seed);
        self.admit_as(by, &mut newcomer, &format!("device-{seed}"), (role, scope));
        newcomer
    }

    pub fn admit_as(
        &self,
        by: &mut Host,
        newcomer: &mut Host,
        label: &str,
        (role, scope): (Role, Scope),
    ) {
        let invitation = self.invite(by, role, scope).unwrap();
        self.run(newcomer, |s| sync::join(s, invitation, label.into())).unwrap();
        let admitted = self.run(by, |s| sync::admit_replies(s, self.workspace, false)).unwrap();
        assert_eq!(admitted.len(), 1);
        self.pull(newcomer);
    }

    /// Changes a value and pushes it.
    pub fn put(
        &self,
        host: &mut Host,
        label: &str,
        name: &str,
        value: impl Into<Option<&'static str>>,
    ) {
        let environment = self.environment(host, label);
        host.change(self.workspace, environment, name, value.into()).unwrap();
        self.run(host, |s| sync::push(s, self.workspace, environment, false)).unwrap();
    }

    /// Pulls all environments in scope.
    pub fn pull(&self, host: &mut Host) {
        let pull = |s| sync::pull(s, self.workspace, None, Clashes::Refuse);
        self.run(host, pull).unwrap().into_result().unwrap();
    }

    pub fn sync(&self, host: &mut Host) -> Result<SyncReport> {
        self.run(host, |s| sync::sync(s, self.workspace, None, Clashes::Refuse))
    }

    /// Syncs while the relay hands over no values; the acks that the device sent.
    pub fn sync_without_deliveries(&self, host: &mut Host) -> Vec<Ack> {
        let (mut acks, key) = (Vec::new(), *host.identity.recipient().verifying_key());
        let mut way = |request: Request| {
            if request.target.contains("/deliveries") {
                let page = DeliveriesPage { deliveries: Vec::new(), more: false };
                return Ok(answer(&page));
            }
            if request.method == Method::Put && request.target.ends_with("/acks") {
                acks.push(ack_in(&request, &key));
            }
            self.carry(request)
        };
        let sync = |s| sync::sync(s, self.workspace, None, Clashes::Refuse);
        let report = self.run_by(host, &mut way, sync).unwrap();
        assert_eq!(code(report.pulled.into_result()), ErrorCode::DeliveryWithheld);
        acks
    }

    /// Follows the log alone; says whether there was news.
    pub fn follow(&self, host: &mut Host) -> Result<bool> {
        self.run(host, |s| sync::follow_log(s, self.workspace, std::time::Duration::ZERO))
    }

    /// What the vault knows.
    pub fn view(&self, host: &mut Host) -> View {
        host.run(|s| sync::view(s, self.workspace)).unwrap()
    }

    pub fn head(&self, host: &mut Host) -> Head {
        self.view(host).state().unwrap().head()
    }

    pub fn environment(&self, host: &mut Host, label: &str) -> EnvironmentId {
        self.view(host).environment(label).unwrap()
    }

    /// A value as a program on the device gets it.
    pub fn value(&self, host: &mut Host, label: &str, name: &str) -> Option<String> {
        let environment = self.environment(host, label);
        value(&host.snapshot(self.workspace, environment), name)
    }

    /// The id of a secret that the device holds.
    pub fn secret(&self, host: &mut Host, label: &str, text: &str) -> SecretId {
        let environment = self.environment(host, label);
        host.snapshot(self.workspace, environment).by_name(&name(text)).unwrap().id
    }

    /// Kinds of the entries from number `from` on, in the device's log.
    pub fn kinds(&self, host: &mut Host, from: u64) -> Vec<&'static str> {
        let entries = host.run(|s| sync::entries(s, self.workspace)).unwrap();
        entries.iter().skip(from as usize).map(|entry| entry.entry().body.kind()).collect()
    }
}

/// The ack that a request leaves, by the owner of a key.
pub fn ack_in(request: &Request, key: &VerifyingKey) -> Ack {
    let NewAck { ack } = serde_json::from_slice(&request.body).unwrap();
    Ack::open(&ack.0, |_| Some(*key)).unwrap()
}

/// A good answer.
pub fn answer(body: &impl serde::Serialize) -> Response {
    Response { status: 200, body: serde_json::to_vec(body).unwrap(), retry_after: None }
}

/// Who asked for what: `GET log`, `POST sync`.
pub fn words(asked: &[Request]) -> Vec<String> {
    let last =
        |target: &str| target.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    asked.iter().map(|one| format!("{} {}", one.method.as_str(), last(&one.target))).collect()
}

/// Ids in the order in which the engine lists them.
pub fn ids<const N: usize>(hosts: [&Host; N]) -> Vec<MemberId> {
    let mut ids: Vec<MemberId> = hosts.iter().map(|host| host.identity.id()).collect();
    ids.sort_unstable();
    ids
}
