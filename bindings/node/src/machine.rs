//! Operations for hosts with their own store and their own way to the relay.

use std::{
    str,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agentsecrets::model::{self, Error, Outcome, Reply, Result, SecretBytes, Task};
use agentsecrets_core::{
    message::{Request, Response},
    sync::Step as CoreStep,
};
use napi::bindgen_prelude::{Either4, Uint8Array};
use napi_derive::napi;

use crate::{
    errors::{code_of, invalid},
    identity::Identity,
    secrets::{Secret, Secrets},
    work::now,
};

/// What the host is to do; the fields of its kind are set.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Step {
    /// `load`, `store`, `remove`, `send`, `wait`, `sleep` or `done`.
    pub kind: &'static str,
    /// Its number.
    pub step: f64,
    /// Of the store.
    pub key: Option<String>,
    /// To store.
    pub bytes: Option<Uint8Array>,
    /// Of the request.
    pub method: Option<&'static str>,
    /// Of the request.
    pub url: Option<String>,
    /// Pairs of name and value.
    pub headers: Option<Vec<Vec<String>>>,
    /// Of the request.
    pub body: Option<Uint8Array>,
    /// For how long the relay may hold its answer back, in milliseconds.
    pub wait: Option<f64>,
    /// When to ask again, in milliseconds since 1970.
    pub until: Option<f64>,
}

/// An operation under way.
#[napi]
pub struct Machine(Mutex<model::Machine>);

impl Machine {
    fn with<R>(&self, run: impl FnOnce(&mut model::Machine) -> Result<R>) -> napi::Result<R> {
        now(|| run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn reply(&self, step: f64, reply: Reply) -> napi::Result<()> {
        self.with(|machine| machine.reply(step as u64, reply))
    }
}

#[napi]
impl Machine {
    /// Begins an operation: its name, who acts and when, 32 random bytes, its texts, and what is secret or a time.
    #[napi(constructor)]
    pub fn new(
        operation: String,
        identity: &Identity,
        now_ms: f64,
        entropy: Uint8Array,
        texts: Vec<String>,
        value: Option<Uint8Array>,
        expires: f64,
    ) -> napi::Result<Self> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let value = value.map(|value| SecretBytes::copy_of(&value));
        let machine = now(|| {
            let entropy = entropy.as_ref().try_into();
            let entropy: [u8; 32] = entropy.map_err(|_| invalid("entropy is 32 bytes"))?;
            let start = Start { identity: &identity.0, now: now_ms as u64, entropy };
            start.machine(&operation, &texts, value, expires as u64)
        });
        machine.map(|machine| Self(Mutex::new(machine)))
    }

    /// What to do now.
    #[napi]
    pub fn next(&self, now_ms: f64) -> napi::Result<Step> {
        self.with(|machine| Ok(machine.next(now_ms as u64))).map(|task| match task {
            Task::Step(number, step) => step_of(number, step),
            Task::Waiting => Step { kind: "wait", ..Step::default() },
            Task::Sleep(until) => {
                Step { kind: "sleep", until: Some(until as f64), ..Step::default() }
            }
            Task::Done => Step { kind: "done", ..Step::default() },
        })
    }

    /// Replies to `load`.
    #[napi]
    pub fn loaded(&self, step: f64, bytes: Option<Uint8Array>) -> napi::Result<()> {
        self.reply(step, Reply::Loaded(bytes.map(|bytes| SecretBytes::copy_of(&bytes))))
    }

    /// Replies to `store` and `remove`.
    #[napi]
    pub fn stored(&self, step: f64) -> napi::Result<()> {
        self.reply(step, Reply::Stored)
    }

    /// Replies to `send`.
    #[napi]
    pub fn answered(
        &self,
        step: f64,
        status: u32,
        body: Uint8Array,
        retry_after: Option<f64>,
    ) -> napi::Result<()> {
        let retry_after = retry_after.map(|wait| Duration::from_millis(wait as u64));
        let status = u16::try_from(status).unwrap_or(u16::MAX);
        self.reply(step, Reply::Answered(Response { status, body: body.to_vec(), retry_after }))
    }

    /// The step failed, with the error of a word.
    #[napi]
    pub fn failed(&self, step: f64, code: String) -> napi::Result<()> {
        let code = now(|| code_of(&code).ok_or_else(|| invalid("no error has this code")))?;
        self.reply(step, Reply::Failed(Error::new(code, "the host reports a failure")))
    }

    /// Gives it up.
    #[napi]
    pub fn close(&self) -> napi::Result<()> {
        self.with(|machine| {
            machine.close();
            Ok(())
        })
    }

    /// What it came to.
    #[napi]
    pub fn outcome(&self) -> napi::Result<Either4<(), String, Secret, Secrets>> {
        self.with(model::Machine::outcome).map(|outcome| match outcome {
            Outcome::Done => Either4::A(()),
            Outcome::Text(text) => Either4::B(text),
            Outcome::Secret(text) => Either4::C(Secret::of(Arc::new(text))),
            Outcome::Secrets(values) => Either4::D(Secrets::of(values)),
        })
    }
}

struct Start<'a> {
    identity: &'a model::Identity,
    now: u64,
    entropy: [u8; 32],
}

impl Start<'_> {
    fn machine(
        &self,
        operation: &str,
        texts: &[&str],
        value: Option<SecretBytes>,
        expires: u64,
    ) -> Result<model::Machine> {
        let Self { identity: id, now, entropy } = *self;
        match (operation, texts, value) {
            ("create", &[name, label, relay], None) => {
                Ok(model::Machine::create(id, now, entropy, name, label, relay))
            }
            ("sync", &[workspace], None) => model::Machine::sync(id, now, entropy, workspace),
            ("invite", &[workspace, role, scope], None) => {
                model::Machine::invite(id, now, entropy, workspace, role, scope, expires)
            }
            ("join", &[label], Some(code)) => {
                let code = str::from_utf8(code.expose());
                let code = code.map_err(|_| invalid("an invitation is text"))?;
                model::Machine::join(id, now, entropy, code, label)
            }
            ("admit", &[workspace], None) => model::Machine::admit(id, now, entropy, workspace),
            ("set", &[workspace, environment, name], Some(value)) => {
                model::Machine::set(id, now, entropy, workspace, environment, name, value)
            }
            ("delete", &[workspace, environment, name], None) => {
                model::Machine::delete(id, now, entropy, workspace, environment, name)
            }
            ("push", &[workspace, environment], None) => {
                model::Machine::push(id, now, entropy, workspace, environment)
            }
            ("load", &[workspace, environment], None) => {
                model::Machine::load(id, now, entropy, workspace, environment)
            }
            _ => Err(invalid("no operation takes these arguments")),
        }
    }
}

fn step_of(number: u64, step: CoreStep) -> Step {
    let empty = Step { step: number as f64, ..Step::default() };
    match step {
        CoreStep::Load(key) => Step { kind: "load", key: Some(key.as_str().to_owned()), ..empty },
        CoreStep::Store(key, bytes) => {
            let (key, bytes) = (key.as_str().to_owned(), bytes.expose().to_vec());
            Step { kind: "store", key: Some(key), bytes: Some(bytes.into()), ..empty }
        }
        CoreStep::Remove(key) => {
            Step { kind: "remove", key: Some(key.as_str().to_owned()), ..empty }
        }
        CoreStep::Send(request) => sending(&request, empty),
        _ => Step { kind: "unknown", ..empty },
    }
}

fn sending(request: &Request, empty: Step) -> Step {
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| vec![(*name).to_owned(), value.as_str().to_owned()]);
    Step {
        kind: "send",
        method: Some(request.method.as_str()),
        url: Some(model::url(request)),
        headers: Some(headers.collect()),
        body: Some(request.body.clone().into()),
        wait: Some(request.wait.as_millis() as f64),
        ..empty
    }
}
