//! Secrets that may be used and not read, for programs that act for others.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    handle::{Answer, Handle as CoreHandle, Https, Narrow, Request, read_forbidden},
    secret_policy::{Method, PathPattern, SecretPolicy},
};
use serde::Serialize;

use super::{Client, Secrets, json};

/// Connections are kept for all handles of a process.
static OUTBOUND: LazyLock<Https> = LazyLock::new(Https::new);

/// A secret that may be used and not read. Any thread may use it.
#[derive(Clone, Debug)]
pub struct Handle(CoreHandle);

/// What a request says beside its method and address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking<'a> {
    /// Headers: names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// Where the secret stands; empty for the only place that the policy allows.
    pub place: &'a str,
    /// Longest wait for the whole answer; two minutes unless given.
    pub timeout: Option<Duration>,
}

/// In which respects a narrower handle allows less; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrowing<'a> {
    /// Only these methods, separated by blanks.
    pub methods: Option<&'a str>,
    /// Only these patterns of paths, separated by blanks.
    pub paths: Option<&'a str>,
    /// Only for so long from now.
    pub ttl: Option<Duration>,
    /// Only so many uses.
    pub uses: Option<u64>,
}

#[derive(Serialize)]
struct About {
    name: String,
    version: u64,
    uses_left: Option<u64>,
    until: Option<u64>,
    policy: Option<Box<serde_json::value::RawValue>>,
}

impl Secrets {
    /// A secret to be used, whether it may be read or not.
    ///
    /// # Errors
    /// `unknown_secret`; `malformed_policy` where its policy is of a newer kind.
    pub fn handle(&self, name: &str) -> Result<Handle> {
        match self.core.has(name) {
            true => self.core.handle(name).map(Handle),
            false => Err(Error::new(
                ErrorCode::UnknownSecret,
                "the environment has no secret of this name",
            )),
        }
    }
}

impl Handle {
    /// Name of the secret.
    pub fn name(&self) -> &str {
        self.0.name().as_str()
    }

    /// JSON with `name`, `version`, `uses_left`, `until` (milliseconds since 1970) and `policy`; what
    /// is not limited is null.
    ///
    /// # Errors
    /// None that callers could cause.
    pub fn about(&self) -> Result<String> {
        let policy = self.0.policy().map(SecretPolicy::to_json);
        let raw = policy.map(serde_json::value::RawValue::from_string).transpose();
        json(&About {
            name: self.0.name().to_string(),
            version: self.0.version(),
            uses_left: self.0.uses_left(),
            until: self.0.until(),
            policy: raw.map_err(|_| Error::new(ErrorCode::Internal, "a policy is no JSON"))?,
        })
    }

    /// Always fails: a handle is not read.
    ///
    /// # Errors
    /// `read_forbidden`.
    pub fn reveal(&self) -> Result<()> {
        Err(read_forbidden(self.0.name()))
    }

    /// Sends a request with the secret in it, and waits for the whole answer.
    ///
    /// # Errors
    /// `invalid_request`, `use_forbidden`, `lease_over`, `not_injectable`, `secret_too_short`,
    /// `address_forbidden`, before anything is sent; `redirect_refused`, `answer_too_large`,
    /// `answer_unreadable`, `upstream_unreachable`, `upstream_timeout`, `upstream_malformed`.
    pub fn request(&self, method: &str, url: &str, asking: &Asking<'_>) -> Result<Answer> {
        let mut request = Request::new(method, url)?;
        for (name, value) in asking.headers {
            request = request.header(name, value)?;
        }
        if !asking.body.is_empty() {
            request = request.body(asking.body.to_vec())?;
        }
        if !asking.place.is_empty() {
            request = request.place(asking.place)?;
        }
        if let Some(timeout) = asking.timeout {
            request = request.timeout(timeout);
        }
        self.0.request(&request, &*OUTBOUND, now())
    }

    /// A handle that allows less. Uses of it count against this one too. Needs no network.
    ///
    /// # Errors
    /// `lease_wider`, `lease_over`; `invalid_argument` for what is no method or pattern, and for nothing.
    pub fn attenuate(&self, narrowing: &Narrowing<'_>) -> Result<Self> {
        let bad = |why| Error::new(ErrorCode::InvalidArgument, why);
        let methods: Option<Option<Vec<Method>>> = narrowing
            .methods
            .map(|methods| methods.split_whitespace().map(Method::parse).collect());
        let paths: Option<Option<Vec<PathPattern>>> =
            narrowing.paths.map(|paths| paths.split_whitespace().map(PathPattern::parse).collect());
        let methods = methods.map(|methods| {
            methods.ok_or_else(|| bad("a method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"))
        });
        let paths = paths.map(|paths| {
            paths.ok_or_else(|| bad("a path begins with `/`; `*` is one segment, `**` the rest"))
        });
        let narrow = Narrow {
            methods: methods.transpose()?,
            paths: paths.transpose()?,
            ttl: narrowing.ttl,
            uses: narrowing.uses,
        };
        self.0.attenuate(&narrow, now()).map(Self)
    }

    /// HMAC-SHA256 of a message, as webhooks are signed: 32 bytes.
    ///
    /// # Errors
    /// `use_forbidden`, `lease_over`.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 32]> {
        self.0.sign(message, now())
    }
}

impl Client {
    /// A secret's policy as JSON; `null` where it has none.
    ///
    /// # Errors
    /// `unknown_environment`, `unknown_secret`, `malformed_policy`, those of the vault.
    pub fn secret_policy(&self, environment: &str, name: &str) -> Result<String> {
        let name = agentsecrets_core::name::SecretName::parse(name)?;
        let snapshot = self.held(self.environment(&self.view()?, environment)?)?;
        if snapshot.value(&name).is_none() {
            let cause = format!("the environment has no secret {name}");
            return Err(Error::new(ErrorCode::UnknownSecret, cause));
        }
        Ok(snapshot.policy(&name)?.map_or_else(|| "null".to_owned(), |policy| policy.to_json()))
    }

    /// Sets a secret's policy, JSON as the `policy` in docs/schemas/secret-policy.json, at once and for everybody;
    /// empty or `null` takes it away.
    ///
    /// # Errors
    /// `malformed_policy`, `unknown_secret`, `conflict` where the secret has a change that was not
    /// pushed, `forbidden` for all but admins, those of a push.
    pub fn set_secret_policy(&self, environment: &str, name: &str, policy: &str) -> Result<()> {
        let policy = match policy.trim() {
            "" | "null" => None,
            policy => Some(SecretPolicy::from_json(policy)?),
        };
        let name = agentsecrets_core::name::SecretName::parse(name)?;
        let workspace = self.workspace()?;
        let environment = self.environment(&self.view()?, environment)?;
        self.core
            .run(|start| {
                agentsecrets_core::sync::set_secret_policy(
                    start,
                    workspace,
                    environment,
                    name,
                    policy,
                )
            })
            .map(drop)
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
