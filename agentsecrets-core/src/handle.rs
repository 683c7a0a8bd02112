//! A secret that may be used and not read: requests that carry it only where its policy says so.
//!
//! A handle in the program's own process stops accidents, not code in the same process: the value is
//! in its memory. What keeps it from an agent is a process apart (`agentsecrets broker`).
//!
//! ```no_run
//! # #[cfg(feature = "client")] {
//! use agentsecrets_core::handle::{Handle, Https, Request};
//!
//! # fn f(handle: Handle, now: u64) -> agentsecrets_core::Result<()> {
//! let request = Request::new("GET", "https://api.example/v1/balance")?;
//! let answer = handle.request(&request, &Https::new(), now)?;
//! assert_eq!(answer.status, 200);
//! # Ok(()) }
//! # }
//! ```

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use crate::{
    crypto,
    error::{Error, ErrorCode, Result},
    identity::Kind,
    name::SecretName,
    redact::Redactor,
    secret::SecretBytes,
    secret_policy::{Place, Rule, SecretPolicy, may_read},
    snapshot::Snapshot,
};

mod address;
mod answer;
#[cfg(feature = "http")]
mod https;
mod inject;
mod json;
#[cfg(feature = "http")]
mod kept;
mod lease;
mod outbound;
mod request;
mod target;

pub use answer::{Answer, Reply};
#[cfg(feature = "http")]
pub use https::Https;
pub use lease::Narrow;
pub use outbound::{Incoming, Outbound, Outgoing, Resolver, SystemResolver};
pub use request::Request;
pub use target::Target;

use lease::Lease;

/// A secret to be used and not read. Cloned, it is the same lease, with the same budget.
#[derive(Clone)]
pub struct Handle {
    source: Arc<Source>,
    lease: Arc<Lease>,
}

/// What a handle stands for.
struct Source {
    name: SecretName,
    version: u64,
    value: Arc<SecretBytes>,
    policy: Option<SecretPolicy>,
    readable: bool,
    redactor: OnceLock<Result<Redactor>>,
}

impl Handle {
    /// A handle of a value, as much as its policy allows to an identity of this kind.
    pub fn new(
        name: SecretName,
        version: u64,
        value: impl Into<Arc<SecretBytes>>,
        policy: Option<SecretPolicy>,
        kind: Kind,
    ) -> Self {
        let readable = may_read(policy.as_ref(), kind);
        let value = value.into();
        let redactor = OnceLock::new();
        let source = Source { name, version, value, policy, readable, redactor };
        Self { source: Arc::new(source), lease: Arc::new(Lease::whole()) }
    }

    /// A handle of what a vault holds under a name; of a change not yet pushed under the policy of
    /// what it changes.
    ///
    /// # Errors
    /// `unknown_secret`; `malformed_policy` where the policy is of a newer kind.
    pub fn of(snapshot: &Snapshot, name: &SecretName, kind: Kind) -> Result<Self> {
        let value = snapshot.value(name).ok_or_else(|| {
            Error::new(ErrorCode::UnknownSecret, format!("the environment has no secret {name}"))
        })?;
        let held = snapshot.by_name(name);
        let version = held.and_then(|held| held.newest()).map_or(0, |newest| newest.version);
        let policy = snapshot.policy(name)?;
        let value = SecretBytes::copy_of(value.expose());
        Ok(Self::new(name.clone(), version, value, policy, kind))
    }

    /// Name of the secret.
    pub fn name(&self) -> &SecretName {
        &self.source.name
    }

    /// Its version; 0 where it was never pushed.
    pub fn version(&self) -> u64 {
        self.source.version
    }

    /// Its policy.
    pub fn policy(&self) -> Option<&SecretPolicy> {
        self.source.policy.as_ref()
    }

    /// Uses that are left; `None` for any number.
    pub fn uses_left(&self) -> Option<u64> {
        self.lease.left()
    }

    /// When it ends, in milliseconds since 1970; `None` for never.
    pub fn until(&self) -> Option<u64> {
        self.lease.until()
    }

    /// A handle that allows less. Uses of it count against this one too. Needs no network.
    ///
    /// # Errors
    /// `lease_wider` where it would allow more in any respect; `lease_over`; `invalid_argument` for
    /// empty lists, no time or no uses.
    pub fn attenuate(&self, narrow: &Narrow, now: u64) -> Result<Self> {
        let rules = self.policy().map_or(&[][..], |policy| &policy.rules);
        let lease = Lease::within(&self.lease, rules, narrow, now)?;
        Ok(Self { source: Arc::clone(&self.source), lease: Arc::new(lease) })
    }

    /// HMAC-SHA256 of a message, as webhooks are signed. One use.
    ///
    /// # Errors
    /// `use_forbidden` where the policy names no signing, or the handle was narrowed to methods or
    /// paths; `lease_over`.
    pub fn sign(&self, message: &[u8], now: u64) -> Result<[u8; 32]> {
        let allowed = match self.policy() {
            Some(policy) => policy.sign || self.source.readable,
            None => self.source.readable,
        };
        if !allowed {
            return Err(self.forbidden("the policy allows no signing"));
        }
        if self.lease.is_for_requests() {
            return Err(self.forbidden("the handle was narrowed to requests"));
        }
        self.lease.spend(now)?;
        Ok(crypto::hmac_sha256(self.source.value.expose(), message))
    }

    /// Sends a request that carries the secret, and waits for the whole answer, from which every
    /// form of the secret is taken out. One use, also where it fails on the way.
    ///
    /// # Errors
    /// Before anything is sent: `invalid_request`, `use_forbidden`, `lease_over`, `not_injectable`,
    /// `secret_too_short`, `address_forbidden`. After: `redirect_refused`, `answer_too_large`, `answer_unreadable`,
    /// and the transport's.
    pub fn request(&self, request: &Request, outbound: &dyn Outbound, now: u64) -> Result<Answer> {
        self.open(request, outbound, now)?.into_answer()
    }

    /// As [`request`](Self::request), but the body is read piece by piece.
    ///
    /// # Errors
    /// Those of [`request`](Self::request).
    pub fn open(&self, request: &Request, outbound: &dyn Outbound, now: u64) -> Result<Reply> {
        let (rule, place) = self.permit(request)?;
        let redactor = self.redactor()?;
        let outgoing = inject::outgoing(request, place, &self.source.value)?;
        self.lease.spend(now)?;
        let addresses = address::resolve(request.target(), rule, outbound)?;
        let incoming = outbound.send(&outgoing.to(&addresses))?;
        Reply::new(incoming, request.target(), rule.response_limit, redactor)
    }

    /// Made at the first request and kept: it takes longer than a whole request to a near host.
    fn redactor(&self) -> Result<&Redactor> {
        let Source { name, value, redactor, .. } = &*self.source;
        let made = redactor.get_or_init(|| Redactor::new([(name, value.expose())]));
        made.as_ref().map_err(Clone::clone)
    }

    /// Whether a request would be let through, and by which place; nothing is sent or spent.
    ///
    /// # Errors
    /// `use_forbidden`, `invalid_request`.
    pub fn check(&self, request: &Request) -> Result<Place> {
        self.permit(request).map(|(_, place)| place.clone())
    }

    fn permit<'a>(&'a self, request: &'a Request) -> Result<(&'a Rule, &'a Place)> {
        let rules = self.policy().map_or(&[][..], |policy| &policy.rules);
        if rules.is_empty() {
            return Err(self.forbidden("no policy says where it may be sent"));
        }
        self.lease.permit(request.method(), request.target().path())?;
        let target = request.target();
        let host = rules.iter().filter(|rule| {
            rule.scheme == target.scheme()
                && rule.host == *target.host()
                && rule.port == target.port()
        });
        let host: Vec<&Rule> = host.collect();
        if host.is_empty() {
            return Err(self.forbidden("the policy names no such scheme, host and port"));
        }
        let fits = |rule: &&Rule| {
            rule.methods.contains(&request.method())
                && rule.paths.iter().any(|path| path.matches(target.path()))
        };
        let fitting: Vec<&Rule> = host.into_iter().filter(fits).collect();
        if fitting.is_empty() {
            return Err(self.forbidden("the policy allows no such method and path on this host"));
        }
        request.choose(&fitting).map_err(|why| self.forbidden(why))
    }

    fn forbidden(&self, why: &str) -> Error {
        let name = &self.source.name;
        Error::new(ErrorCode::UseForbidden, format!("{name}: {why}"))
            .with_hint(format!("agentsecrets policy {name}"))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { name, version, value: _, policy: _, readable: _, redactor: _ } = &*self.source;
        f.debug_struct("Handle")
            .field("name", name)
            .field("version", version)
            .finish_non_exhaustive()
    }
}

/// The error of every attempt to read what may only be used.
pub fn read_forbidden(name: &SecretName) -> Error {
    Error::new(ErrorCode::ReadForbidden, format!("{name} may be used and not read"))
        .with_hint(format!("agentsecrets policy {name}"))
}
