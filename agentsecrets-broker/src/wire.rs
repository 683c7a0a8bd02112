//! The schema is `docs/schemas/broker.json`.

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::{from_base64, from_hex, to_base64, to_hex},
    name::SecretName,
    secret_policy::{Method, PathPattern},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::lease::Terms;

/// Longest line of the socket's protocol, in bytes.
pub const MAX_LINE: usize = 16 << 20;

/// What an agent asks.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Which secrets the lease holds: names, versions, never a value.
    Names {},
    /// How vault and log differ.
    Drift {},
    /// A request that carries a secret.
    Request(AskRequest),
    /// HMAC-SHA256 of a message.
    Sign {
        /// The secret.
        name: String,
        /// The message in hexadecimal.
        message: String,
        /// Why.
        reason: String,
    },
    /// A command with secrets among its variables.
    Run {
        /// The program and its arguments.
        command: Vec<String>,
        /// Names of the secrets.
        names: Vec<String>,
        /// Why.
        reason: String,
        /// Milliseconds after which it is ended.
        #[serde(default = "two_minutes")]
        timeout: u64,
    },
    /// A narrower lease, for a helper of the agent's.
    Lease(AskLease),
}

/// A request to be sent with a secret in it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// The secret.
    pub name: String,
    /// Why, for the record.
    pub reason: String,
    /// In capitals.
    pub method: String,
    /// The address, without the secret.
    pub url: String,
    /// Headers, without the secret.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as base64, instead of `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Where the secret shall stand, if the policy names several places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl AskRequest {
    /// The body's bytes.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn body(&self) -> Result<Vec<u8>> {
        match (&self.body, &self.body_base64) {
            (None, None) => Ok(Vec::new()),
            (Some(text), None) => Ok(text.clone().into_bytes()),
            (None, Some(text)) => {
                from_base64(text).ok_or_else(|| invalid("body_base64 is no base64url"))
            }
            _ => Err(invalid("a request has body or body_base64, not both")),
        }
    }
}

/// Terms of a narrower lease.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AskLease {
    /// The helper's name.
    pub agent: String,
    /// Only these secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Only these methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Only these paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// Only for so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// Only so many uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
}

impl AskLease {
    /// The terms.
    ///
    /// # Errors
    /// `invalid_name`, `invalid_argument`.
    pub fn terms(&self) -> Result<Terms> {
        fn each<T>(
            texts: &Option<Vec<String>>,
            read: fn(&str) -> Result<T>,
        ) -> Result<Option<Vec<T>>> {
            texts.as_ref().map(|texts| texts.iter().map(|text| read(text)).collect()).transpose()
        }
        Ok(Terms {
            agent: self.agent.clone(),
            names: each(&self.names, SecretName::parse)?,
            methods: each(&self.methods, method)?,
            paths: each(&self.paths, path)?,
            ttl: self.ttl.map(std::time::Duration::from_millis),
            uses: self.uses,
        })
    }
}

/// A method of a lease.
///
/// # Errors
/// `invalid_argument`.
pub fn method(word: &str) -> Result<Method> {
    Method::parse(word).ok_or_else(|| invalid("a method is one of HTTP's, in capitals"))
}

/// A pattern of paths of a lease.
///
/// # Errors
/// `invalid_argument`.
pub fn path(text: &str) -> Result<PathPattern> {
    PathPattern::parse(text)
        .ok_or_else(|| invalid("a path begins with /; * is one segment, ** the rest"))
}

/// A failure as it is answered.
pub fn failure(error: &Error) -> Value {
    json!({
        "code": error.code().as_str(),
        "message": error.message(),
        "hint": error.hint(),
        "retryable": error.retryable(),
    })
}

/// A failure that another process answered.
pub fn error_of(failure: &Value) -> Error {
    let text = |field: &str| failure[field].as_str().unwrap_or_default().to_owned();
    let word = text("code");
    let code = ErrorCode::ALL.iter().copied().find(|code| code.as_str() == word);
    Error::new(code.unwrap_or(ErrorCode::Internal), text("message")).with_hint(text("hint"))
}

/// Bytes as text where they are some, else as base64.
pub fn text_or_base64(field: &str, bytes: &[u8]) -> (String, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (field.to_owned(), Value::from(text)),
        Err(_) => (format!("{field}_base64"), Value::from(to_base64(bytes))),
    }
}

/// A message in hexadecimal.
///
/// # Errors
/// `invalid_argument`.
pub fn message(text: &str) -> Result<Vec<u8>> {
    from_hex(text).ok_or_else(|| invalid("a message is in hexadecimal"))
}

/// A token of a lease: 32 random bytes in hexadecimal.
///
/// # Errors
/// `internal` without random bytes.
pub fn token() -> Result<String> {
    Ok(to_hex(&agentsecrets_core::client::entropy()?))
}

pub(crate) fn invalid(why: &'static str) -> Error {
    Error::new(ErrorCode::InvalidArgument, why)
}

fn two_minutes() -> u64 {
    120_000
}
