//! Secrets that may be used and not read, redactors, commands.

use std::{sync::Arc, time::Duration};

use agentsecrets::model::{self, Result};
use napi::{
    Env, Task,
    bindgen_prelude::{AsyncTask, Uint8Array},
};
use napi_derive::napi;

use crate::{
    errors::raised,
    handle::unwinding,
    secrets::Secrets,
    work::{Value, Work, now},
};

/// A secret that may be used and not read.
#[napi]
pub struct UseHandle(Arc<model::Handle>);

impl UseHandle {
    pub(crate) fn of(handle: model::Handle) -> Self {
        Self(Arc::new(handle))
    }
}

/// What a request says, out of JavaScript's hands.
struct Asked {
    method: String,
    url: String,
    headers: Vec<String>,
    body: Vec<u8>,
    place: String,
    timeout: Option<Duration>,
}

impl Asked {
    fn send(&self, handle: &model::Handle) -> Result<model::Answer> {
        let pairs = self.headers.chunks_exact(2);
        let headers: Vec<(&str, &str)> =
            pairs.map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        let (body, place) = (self.body.as_slice(), self.place.as_str());
        let asking = model::Asking { headers: &headers, body, place, timeout: self.timeout };
        handle.request(&self.method, &self.url, &asking)
    }
}

/// A request that waits for a thread of the pool.
pub struct Asking(Arc<model::Handle>, Asked);

impl Task for Asking {
    type Output = model::Answer;
    type JsValue = Answer;

    fn compute(&mut self) -> napi::Result<model::Answer> {
        unwinding(|| self.1.send(&self.0)).map_err(|error| raised(&error))
    }

    fn resolve(&mut self, _: Env, answer: model::Answer) -> napi::Result<Answer> {
        Ok(Answer(answer))
    }
}

#[napi]
impl UseHandle {
    /// Name of the secret.
    #[napi]
    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }

    /// What it allows, as JSON.
    #[napi]
    pub fn about(&self) -> napi::Result<String> {
        now(|| self.0.about())
    }

    /// Always fails.
    #[napi]
    pub fn reveal(&self) -> napi::Result<()> {
        now(|| self.0.reveal())
    }

    /// Sends a request with the secret in it; headers are names and values in turn.
    #[napi]
    pub fn request(
        &self,
        method: String,
        url: String,
        headers: Vec<String>,
        body: Uint8Array,
        place: String,
        timeout: Option<f64>,
    ) -> AsyncTask<Asking> {
        let timeout = timeout.map(|count| Duration::from_millis(count as u64));
        let asked = Asked { method, url, headers, body: body.to_vec(), place, timeout };
        AsyncTask::new(Asking(Arc::clone(&self.0), asked))
    }

    /// A handle that allows less.
    #[napi]
    pub fn attenuate(
        &self,
        methods: Option<String>,
        paths: Option<String>,
        ttl: Option<f64>,
        uses: Option<f64>,
    ) -> napi::Result<UseHandle> {
        now(|| {
            self.0.attenuate(&model::Narrowing {
                methods: methods.as_deref(),
                paths: paths.as_deref(),
                ttl: ttl.map(|count| Duration::from_millis(count as u64)),
                uses: uses.map(|count| count as u64),
            })
        })
        .map(UseHandle::of)
    }

    /// HMAC-SHA256 of a message.
    #[napi]
    pub fn sign(&self, message: Uint8Array) -> napi::Result<Uint8Array> {
        now(|| self.0.sign(&message)).map(|mac| mac.to_vec().into())
    }
}

/// What a request brought back.
#[napi]
pub struct Answer(model::Answer);

#[napi]
impl Answer {
    /// The status.
    #[napi]
    pub fn status(&self) -> u32 {
        u32::from(self.0.status)
    }

    /// Names and values in turn.
    #[napi]
    pub fn headers(&self) -> Vec<String> {
        let headers = self.0.headers.iter();
        headers.flat_map(|(name, value)| [name.clone(), value.clone()]).collect()
    }

    /// The body.
    #[napi]
    pub fn body(&mut self) -> Uint8Array {
        std::mem::take(&mut self.0.body).into()
    }

    /// How often the secret was taken out.
    #[napi]
    pub fn redactions(&self) -> f64 {
        self.0.redactions as f64
    }
}

/// Takes values out of texts.
#[napi]
pub struct Redactor(model::Redactor);

#[napi]
impl Redactor {
    /// Looks for these values.
    #[napi(factory)]
    pub fn of_values(names: Vec<String>, values: Vec<Uint8Array>) -> napi::Result<Self> {
        let pairs = names.iter().map(String::as_str).zip(values.iter().map(|value| &value[..]));
        now(|| model::Redactor::new(pairs)).map(Self)
    }

    /// Looks for all values of an environment.
    #[napi(factory)]
    pub fn of_secrets(secrets: &Secrets) -> napi::Result<Self> {
        now(|| secrets.model()?.redactor()).map(Self)
    }

    /// A whole text without the values.
    #[napi]
    pub fn redact(&self, text: Uint8Array) -> Uint8Array {
        self.0.redact(&text).into()
    }

    /// For a text that comes in pieces.
    #[napi]
    pub fn stream(&self) -> Redaction {
        Redaction(self.0.stream())
    }
}

/// A text that comes in pieces.
#[napi]
pub struct Redaction(model::Redaction);

#[napi]
impl Redaction {
    /// Takes the next piece; gives what is ready.
    #[napi]
    pub fn push(&self, piece: Uint8Array) -> Uint8Array {
        self.0.push(&piece).into()
    }

    /// Gives the rest.
    #[napi]
    pub fn finish(&self) -> Uint8Array {
        self.0.finish().into()
    }
}

/// A command that was started.
#[napi]
pub struct Child(Arc<model::Child>);

#[napi]
impl Child {
    /// Number of the process.
    #[napi]
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Its exit code, or -1 where it still runs after so many milliseconds.
    #[napi]
    pub fn wait(&self, wait: f64) -> AsyncTask<Work> {
        let child = Arc::clone(&self.0);
        Work::new(move || {
            let code = child.wait(Duration::from_millis(wait as u64))?;
            Ok(Value::C(code.map_or(-1.0, f64::from)))
        })
    }

    /// Ends it at once.
    #[napi]
    pub fn kill(&self) -> napi::Result<()> {
        now(|| self.0.kill())
    }
}

/// Starts a command with chosen names in its environment.
#[napi]
pub fn spawn(secrets: &Secrets, command: Vec<String>, only: Vec<String>) -> napi::Result<Child> {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let only: Vec<&str> = only.iter().map(String::as_str).collect();
    now(|| model::spawn(&*secrets.model()?, &command, &only)).map(|child| Child(Arc::new(child)))
}
