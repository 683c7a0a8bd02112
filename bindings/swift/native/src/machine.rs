//! Operations for hosts with their own store and their own way to the relay.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use agentsecrets::model::{self, Error, ErrorCode, Outcome, Reply, Task};
use agentsecrets_core::{
    message::{Request, Response},
    sync::Step,
};

use crate::{
    errors::{Result, invalid},
    identity::NativeIdentity,
    secret::NativeSecret,
    secrets::NativeSecrets,
};

/// An operation under way.
#[derive(uniffi::Object)]
pub struct NativeMachine(Mutex<model::Machine>);

/// Who acts, when, and with which 32 random bytes.
#[derive(uniffi::Record)]
pub struct NativeStart {
    /// Who.
    pub identity: Arc<NativeIdentity>,
    /// Milliseconds since 1970.
    pub now: u64,
    /// 32 random bytes.
    pub entropy: Arc<NativeSecret>,
}

impl NativeStart {
    fn entropy(&self) -> Result<[u8; 32]> {
        self.entropy.0.expose().try_into().map_err(|_| invalid("entropy is 32 bytes"))
    }
}

/// One header.
#[derive(uniffi::Record)]
pub struct NativeHeader {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// What to send.
#[derive(uniffi::Record)]
pub struct NativeRequest {
    /// GET, PUT or POST.
    pub method: String,
    /// Whole address.
    pub url: String,
    /// Headers, as they are signed.
    pub headers: Vec<NativeHeader>,
    /// Body.
    pub body: Vec<u8>,
    /// How long the relay may hold its answer back.
    pub wait_ms: u64,
}

/// What the host is to do.
#[derive(uniffi::Enum)]
pub enum NativeTask {
    /// Read what is stored under a key.
    Load {
        /// Number of the step.
        step: u64,
        /// Key.
        key: String,
    },
    /// Store, durably.
    Store {
        /// Number of the step.
        step: u64,
        /// Key.
        key: String,
        /// What to store.
        bytes: Arc<NativeSecret>,
    },
    /// Remove what is stored.
    Remove {
        /// Number of the step.
        step: u64,
        /// Key.
        key: String,
    },
    /// Send.
    Send {
        /// Number of the step.
        step: u64,
        /// What.
        request: NativeRequest,
    },
    /// Reply first.
    Wait,
    /// Ask again at this time.
    Sleep {
        /// Milliseconds since 1970.
        until: u64,
    },
    /// Take the outcome.
    Done,
}

/// What an operation came to.
#[derive(uniffi::Enum)]
pub enum NativeOutcome {
    /// Nothing to hand over.
    Nothing,
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// A secret text.
    Hidden {
        /// The text.
        secret: Arc<NativeSecret>,
    },
    /// Values.
    Values {
        /// The values.
        secrets: Arc<NativeSecrets>,
    },
}

impl NativeMachine {
    fn of(machine: model::Machine) -> Arc<Self> {
        Arc::new(Self(Mutex::new(machine)))
    }

    fn locked(&self) -> MutexGuard<'_, model::Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, step: u64, reply: Reply) -> Result<()> {
        Ok(self.locked().reply(step, reply)?)
    }
}

#[uniffi::export]
impl NativeMachine {
    /// Begins a workspace.
    #[uniffi::constructor]
    pub fn create(
        start: NativeStart,
        name: String,
        label: String,
        relay: String,
    ) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        Ok(Self::of(model::Machine::create(id, start.now, entropy, &name, &label, &relay)))
    }

    /// A code for one newcomer.
    #[uniffi::constructor]
    pub fn invite(
        start: NativeStart,
        workspace: String,
        role: String,
        scope: String,
        expires: u64,
    ) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        let machine =
            model::Machine::invite(id, start.now, entropy, &workspace, &role, &scope, expires);
        Ok(Self::of(machine?))
    }

    /// Answers an invitation.
    #[uniffi::constructor]
    pub fn join(start: NativeStart, code: Arc<NativeSecret>, label: String) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        Ok(Self::of(model::Machine::join(id, start.now, entropy, code.text()?, &label)?))
    }

    /// Admits whoever answered.
    #[uniffi::constructor]
    pub fn admit(start: NativeStart, workspace: String) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        Ok(Self::of(model::Machine::admit(id, start.now, entropy, &workspace)?))
    }

    /// Follows, pulls, admits, shares.
    #[uniffi::constructor]
    pub fn sync(start: NativeStart, workspace: String) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        Ok(Self::of(model::Machine::sync(id, start.now, entropy, &workspace)?))
    }

    /// Sets a value.
    #[uniffi::constructor]
    pub fn set(
        start: NativeStart,
        workspace: String,
        environment: String,
        name: String,
        value: Arc<NativeSecret>,
    ) -> Result<Arc<Self>> {
        let (id, entropy, value) = (&start.identity.0, start.entropy()?, value.copied());
        let machine =
            model::Machine::set(id, start.now, entropy, &workspace, &environment, &name, value);
        Ok(Self::of(machine?))
    }

    /// Deletes a value.
    #[uniffi::constructor]
    pub fn delete(
        start: NativeStart,
        workspace: String,
        environment: String,
        name: String,
    ) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        let machine =
            model::Machine::delete(id, start.now, entropy, &workspace, &environment, &name);
        Ok(Self::of(machine?))
    }

    /// Pushes what was set.
    #[uniffi::constructor]
    pub fn push(start: NativeStart, workspace: String, environment: String) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        Ok(Self::of(model::Machine::push(id, start.now, entropy, &workspace, &environment)?))
    }

    /// Reads values from the store.
    #[uniffi::constructor]
    pub fn load(start: NativeStart, workspace: String, environment: String) -> Result<Arc<Self>> {
        let (id, entropy) = (&start.identity.0, start.entropy()?);
        Ok(Self::of(model::Machine::load(id, start.now, entropy, &workspace, &environment)?))
    }

    /// What to do now.
    pub fn next(&self, now: u64) -> Result<NativeTask> {
        match self.locked().next(now) {
            Task::Step(step, what) => task(step, what),
            Task::Waiting => Ok(NativeTask::Wait),
            Task::Sleep(until) => Ok(NativeTask::Sleep { until }),
            Task::Done => Ok(NativeTask::Done),
        }
    }

    /// Replies to a load.
    pub fn loaded(&self, step: u64, bytes: Option<Arc<NativeSecret>>) -> Result<()> {
        self.reply(step, Reply::Loaded(bytes.map(|bytes| bytes.copied())))
    }

    /// Replies to a store or a removal.
    pub fn stored(&self, step: u64) -> Result<()> {
        self.reply(step, Reply::Stored)
    }

    /// Replies to a send.
    pub fn answered(
        &self,
        step: u64,
        status: u16,
        retry_after_ms: Option<u64>,
        body: &[u8],
    ) -> Result<()> {
        let retry_after = retry_after_ms.map(Duration::from_millis);
        let response = Response { status, body: body.to_vec(), retry_after };
        self.reply(step, Reply::Answered(response))
    }

    /// The step failed.
    pub fn failed(&self, step: u64, code: i32) -> Result<()> {
        let known = ErrorCode::ALL.iter().find(|known| **known as i32 == code);
        let code = *known.ok_or_else(|| invalid("no error has this code"))?;
        self.reply(step, Reply::Failed(Error::new(code, "the host reports a failure")))
    }

    /// Gives the operation up.
    pub fn give_up(&self) {
        self.locked().close();
    }

    /// The outcome, once.
    pub fn outcome(&self) -> Result<NativeOutcome> {
        Ok(match self.locked().outcome()? {
            Outcome::Done => NativeOutcome::Nothing,
            Outcome::Text(text) => NativeOutcome::Text { text },
            Outcome::Secret(text) => NativeOutcome::Hidden { secret: NativeSecret::of(text) },
            Outcome::Secrets(values) => {
                NativeOutcome::Values { secrets: Arc::new(NativeSecrets(values)) }
            }
        })
    }
}

fn task(step: u64, what: Step) -> Result<NativeTask> {
    Ok(match what {
        Step::Load(key) => NativeTask::Load { step, key },
        Step::Store(key, bytes) => NativeTask::Store { step, key, bytes: NativeSecret::of(bytes) },
        Step::Remove(key) => NativeTask::Remove { step, key },
        Step::Send(request) => NativeTask::Send { step, request: sent(request) },
        _ => return Err(Error::new(ErrorCode::Unsupported, "a step not known to Swift").into()),
    })
}

fn sent(request: Request) -> NativeRequest {
    let url = model::url(&request);
    let header = |(name, value): (&'static str, String)| NativeHeader { name: name.into(), value };
    NativeRequest {
        method: request.method.as_str().to_owned(),
        url,
        headers: request.headers.into_iter().map(header).collect(),
        body: request.body,
        wait_ms: u64::try_from(request.wait.as_millis()).unwrap_or(u64::MAX),
    }
}
