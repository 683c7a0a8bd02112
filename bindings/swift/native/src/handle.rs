//! Secrets that may be used and not read.

use std::{sync::Arc, time::Duration};

use agentsecrets::model;

use crate::{
    client::NativeClient,
    errors::{Result, invalid},
    machine::NativeHeader,
    secrets::NativeSecrets,
};

/// A secret that may be used and not read.
#[derive(uniffi::Object)]
pub struct NativeHandle(model::Handle);

/// What a request says.
#[derive(uniffi::Record)]
pub struct NativeAsking {
    /// Method.
    pub method: String,
    /// Whole address.
    pub url: String,
    /// Headers.
    pub headers: Vec<NativeHeader>,
    /// Body.
    pub body: Vec<u8>,
    /// Where the secret stands; empty for the only place that the policy allows.
    pub place: String,
    /// Longest wait for the whole answer.
    pub timeout_ms: Option<u64>,
}

/// What a request brought back.
#[derive(uniffi::Record)]
pub struct NativeAnswer {
    /// Status.
    pub status: u16,
    /// Headers, in their order.
    pub headers: Vec<NativeHeader>,
    /// Body, decoded.
    pub body: Vec<u8>,
    /// How often the secret was taken out.
    pub redactions: u64,
}

#[uniffi::export]
impl NativeSecrets {
    /// A secret to be used, whether it may be read or not.
    pub fn handle(&self, name: String) -> Result<Arc<NativeHandle>> {
        Ok(Arc::new(NativeHandle(self.0.handle(&name)?)))
    }
}

#[uniffi::export]
impl NativeHandle {
    /// Name of the secret.
    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }

    /// What it allows, as JSON.
    pub fn about(&self) -> Result<String> {
        Ok(self.0.about()?)
    }

    /// Always fails.
    pub fn reveal(&self) -> Result<()> {
        Ok(self.0.reveal()?)
    }

    /// Sends a request with the secret in it, and waits for the whole answer.
    pub fn request(&self, asking: NativeAsking) -> Result<NativeAnswer> {
        let NativeAsking { method, url, headers, body, place, timeout_ms } = &asking;
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
        let timeout = timeout_ms.map(Duration::from_millis);
        let asking = model::Asking { headers: &headers, body, place, timeout };
        let answer = self.0.request(method, url, &asking)?;
        let header = |(name, value)| NativeHeader { name, value };
        Ok(NativeAnswer {
            status: answer.status,
            headers: answer.headers.into_iter().map(header).collect(),
            body: answer.body,
            redactions: answer.redactions,
        })
    }

    /// A handle that allows less.
    pub fn attenuate(
        &self,
        methods: Option<Vec<String>>,
        paths: Option<Vec<String>>,
        ttl_ms: Option<u64>,
        uses: Option<u64>,
    ) -> Result<Arc<NativeHandle>> {
        let (methods, paths) = (words(methods)?, words(paths)?);
        let narrower = self.0.attenuate(&model::Narrowing {
            methods: methods.as_deref(),
            paths: paths.as_deref(),
            ttl: ttl_ms.map(Duration::from_millis),
            uses,
        })?;
        Ok(Arc::new(Self(narrower)))
    }

    /// HMAC-SHA256 of a message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.sign(message)?.to_vec())
    }
}

#[uniffi::export]
impl NativeClient {
    /// A secret's policy as JSON; `null` where it has none.
    pub fn secret_policy(&self, environment: String, name: String) -> Result<String> {
        Ok(self.0.secret_policy(&environment, &name)?)
    }

    /// Sets a secret's policy; `null` takes it away.
    pub fn set_secret_policy(
        &self,
        environment: String,
        name: String,
        policy: String,
    ) -> Result<()> {
        Ok(self.0.set_secret_policy(&environment, &name, &policy)?)
    }
}

/// A list as the model takes it; one word that is two would widen it.
fn words(list: Option<Vec<String>>) -> Result<Option<String>> {
    let blank = |word: &String| word.is_empty() || word.contains(char::is_whitespace);
    match list {
        Some(list) if list.iter().any(blank) => {
            Err(invalid("a method or path is empty or has blanks in it"))
        }
        list => Ok(list.map(|list| list.join(" "))),
    }
}
