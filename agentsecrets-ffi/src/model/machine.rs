//! Operations for hosts with their own store and their own way to the relay: the host asks for the
//! next task, does it, and replies. Nothing here reads a clock, a file or a socket.

use std::sync::Arc;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::Secrets as CoreSecrets,
    crypto::Entropy,
    encoding::WorkspaceId,
    identity::Identity as CoreIdentity,
    invitation::Invitation,
    message::{Request, Response},
    name::SecretName,
    secret::SecretBytes,
    sync::{
        self, Answer, Clashes, Insist, Machine as CoreMachine, Next, Offer, Start, Step, StepId,
        View,
    },
};

use super::{
    Identity, Secrets,
    config::workspace,
    people::{role_of, scope_of},
};

/// What an operation came to.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing to hand over.
    Done,
    /// A text, such as the id of a new workspace.
    Text(String),
    /// A secret text: an invitation.
    Secret(SecretBytes),
    /// Values.
    Secrets(Secrets),
}

/// What the host is to do.
#[derive(Debug)]
pub enum Task {
    /// This step, by its number.
    Step(u64, Step),
    /// Reply to the step that is under way first.
    Waiting,
    /// Ask again at this time, in milliseconds since 1970.
    Sleep(u64),
    /// Take the outcome.
    Done,
}

/// What became of a step.
#[derive(Debug)]
pub enum Reply {
    /// The bytes under the key, or nothing.
    Loaded(Option<SecretBytes>),
    /// Stored or removed, durably.
    Stored,
    /// The relay's answer.
    Answered(Response),
    /// It failed, with the error that fits.
    Failed(Error),
}

trait Driven: Send {
    fn step(&mut self, now: u64) -> Next;
    fn finish(&mut self, id: StepId, answer: Answer) -> Result<()>;
    fn close(&mut self);
    fn outcome(&mut self) -> Option<Result<Outcome>>;
}

struct Mapped<T, F: Fn(T) -> Outcome>(CoreMachine<T>, F);

impl<T: Send, F: Fn(T) -> Outcome + Send> Driven for Mapped<T, F> {
    fn step(&mut self, now: u64) -> Next {
        self.0.step(now)
    }

    fn finish(&mut self, id: StepId, answer: Answer) -> Result<()> {
        self.0.finish(id, answer)
    }

    fn close(&mut self) {
        self.0.close();
    }

    fn outcome(&mut self) -> Option<Result<Outcome>> {
        self.0.take_result().map(|result| result.map(&self.1))
    }
}

/// An operation that needs to know the workspace's environments first.
type Then = Box<dyn FnOnce(&View, Start) -> Result<Box<dyn Driven>> + Send>;

enum Stage {
    Looking(Box<CoreMachine<View>>, Option<(Then, Start)>),
    Acting(Box<dyn Driven>),
    Ended(Option<Result<Outcome>>),
}

/// An operation under way.
pub struct Machine {
    stage: Stage,
    leased: Option<(u64, StepId)>,
    steps: u64,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// Who acts, when, and with which 32 random bytes.
struct Seed {
    identity: Arc<CoreIdentity>,
    now: u64,
    entropy: Entropy,
}

impl Seed {
    fn new(identity: &Identity, now: u64, entropy: [u8; 32]) -> Self {
        Self { identity: Arc::clone(&identity.0), now, entropy: Entropy::new(entropy) }
    }

    fn start(&mut self) -> Start {
        let entropy = self.entropy.bytes();
        Start { identity: Arc::clone(&self.identity), now: self.now, entropy }
    }
}

impl Machine {
    fn acting(driven: impl Driven + 'static) -> Self {
        Self { stage: Stage::Acting(Box::new(driven)), leased: None, steps: 0 }
    }

    fn looking(
        mut seed: Seed,
        workspace: WorkspaceId,
        then: impl FnOnce(&View, Start) -> Result<Box<dyn Driven>> + Send + 'static,
    ) -> Self {
        let first = sync::view(seed.start(), workspace);
        let then: Then = Box::new(then);
        let stage = Stage::Looking(Box::new(first), Some((then, seed.start())));
        Self { stage, leased: None, steps: 0 }
    }

    /// Begins a workspace; its id is the outcome.
    pub fn create(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        name: &str,
        label: &str,
        relay: &str,
    ) -> Self {
        let relay = Some(relay.to_owned()).filter(|relay| !relay.is_empty());
        let start = Seed::new(identity, now, entropy).start();
        let machine = sync::create(start, name.to_owned(), label.to_owned(), relay);
        Self::acting(Mapped(machine, |id| Outcome::Text(id.to_string())))
    }

    /// A code for one newcomer, as [`Client::invite`](super::Client::invite); the outcome is secret.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn invite(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
        role: &str,
        scope: &str,
        expires: u64,
    ) -> Result<Self> {
        let (seed, id) = (Seed::new(identity, now, entropy), workspace(workspace_id)?);
        let (role, scope) = (role_of(role)?, scope.to_owned());
        Ok(Self::looking(seed, id, move |view, start| {
            let offer = Offer { role, scope: scope_of(view, &scope)?, expires };
            let machine = sync::invite(start, id, offer);
            Ok(Box::new(Mapped(machine, |code| Outcome::Secret(code.expose()))))
        }))
    }

    /// Answers an invitation; the workspace's id is the outcome.
    ///
    /// # Errors
    /// `malformed_invitation`.
    pub fn join(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        code: &str,
        label: &str,
    ) -> Result<Self> {
        let start = Seed::new(identity, now, entropy).start();
        let machine = sync::join(start, Invitation::parse(code)?, label.to_owned());
        Ok(Self::acting(Mapped(machine, |id| Outcome::Text(id.to_string()))))
    }

    /// Admits whoever answered an invitation made here; the outcome is how many.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn admit(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
    ) -> Result<Self> {
        let (start, id) = (Seed::new(identity, now, entropy).start(), workspace(workspace_id)?);
        let machine = sync::admit_replies(start, id, true);
        Ok(Self::acting(Mapped(machine, |done| Outcome::Text(done.len().to_string()))))
    }

    /// Follows, pulls, admits, shares.
    ///
    /// # Errors
    /// `invalid_argument` for a workspace that is no id.
    pub fn sync(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
    ) -> Result<Self> {
        let (start, id) = (Seed::new(identity, now, entropy).start(), workspace(workspace_id)?);
        let machine = sync::sync(start, id, None, Clashes::Refuse);
        Ok(Self::acting(Mapped(machine, |_| Outcome::Done)))
    }

    /// Sets a value in the store, to be pushed.
    ///
    /// # Errors
    /// `invalid_argument`, `invalid_name`.
    pub fn set(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
        environment: &str,
        name: &str,
        value: SecretBytes,
    ) -> Result<Self> {
        Self::change(identity, now, entropy, workspace_id, environment, name, Some(value))
    }

    /// Deletes a value in the store, to be pushed.
    ///
    /// # Errors
    /// `invalid_argument`, `invalid_name`.
    pub fn delete(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
        environment: &str,
        name: &str,
    ) -> Result<Self> {
        Self::change(identity, now, entropy, workspace_id, environment, name, None)
    }

    fn change(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
        environment: &str,
        name: &str,
        value: Option<SecretBytes>,
    ) -> Result<Self> {
        let (id, name) = (workspace(workspace_id)?, SecretName::parse(name)?);
        let (seed, label) = (Seed::new(identity, now, entropy), environment.to_owned());
        Ok(Self::looking(seed, id, move |view, start| {
            let changes = vec![(name, value)];
            let machine = sync::change(start, id, view.environment(&label)?, changes);
            Ok(Box::new(Mapped(machine, |()| Outcome::Done)))
        }))
    }

    /// Pushes what was set.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn push(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
        environment: &str,
    ) -> Result<Self> {
        let (seed, id) = (Seed::new(identity, now, entropy), workspace(workspace_id)?);
        let label = environment.to_owned();
        Ok(Self::looking(seed, id, move |view, start| {
            let machine = sync::push(start, id, view.environment(&label)?, Insist::default());
            Ok(Box::new(Mapped(machine, |_| Outcome::Done)))
        }))
    }

    /// Reads the values of an environment from the store.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn load(
        identity: &Identity,
        now: u64,
        entropy: [u8; 32],
        workspace_id: &str,
        environment: &str,
    ) -> Result<Self> {
        let (seed, id) = (Seed::new(identity, now, entropy), workspace(workspace_id)?);
        let (label, kind) = (environment.to_owned(), identity.kind());
        Ok(Self::looking(seed, id, move |view, start| {
            let machine = sync::snapshot(start, id, view.environment(&label)?);
            Ok(Box::new(Mapped(machine, move |held| {
                Outcome::Secrets(Secrets::of(CoreSecrets::of(&held, kind)))
            })))
        }))
    }

    /// What to do now; `now` in milliseconds since 1970.
    pub fn next(&mut self, now: u64) -> Task {
        loop {
            let next = match &mut self.stage {
                Stage::Looking(machine, _) => machine.step(now),
                Stage::Acting(machine) => machine.step(now),
                Stage::Ended(_) => return Task::Done,
            };
            match next {
                Next::Step(id, step) => {
                    self.steps += 1;
                    self.leased = Some((self.steps, id));
                    return Task::Step(self.steps, step);
                }
                Next::Waiting => return Task::Waiting,
                Next::Sleep(until) => return Task::Sleep(until),
                Next::Done => self.turn(),
            }
        }
    }

    /// From looking to acting, from acting to the end.
    fn turn(&mut self) {
        let ended = |error| Stage::Ended(Some(Err(error)));
        self.stage = match std::mem::replace(&mut self.stage, Stage::Ended(None)) {
            Stage::Looking(mut machine, then) => {
                match (machine.take_result().unwrap_or_else(|| Err(gone())), then) {
                    (Ok(view), Some((then, start))) => {
                        then(&view, start).map_or_else(ended, Stage::Acting)
                    }
                    (Ok(_), None) => ended(gone()),
                    (Err(error), _) => ended(error),
                }
            }
            Stage::Acting(mut machine) => Stage::Ended(machine.outcome()),
            Stage::Ended(outcome) => Stage::Ended(outcome),
        };
    }

    /// Replies to the step of a number, once.
    ///
    /// # Errors
    /// `invalid_argument` for a step that is not under way; `closed` after the end.
    pub fn reply(&mut self, step: u64, reply: Reply) -> Result<()> {
        if matches!(self.stage, Stage::Ended(_)) {
            return Err(Error::new(ErrorCode::Closed, "the operation has ended"));
        }
        let leased = self.leased.filter(|(number, _)| *number == step);
        let (_, id) = leased.ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                "this step is not under way: it was finished before",
            )
        })?;
        self.leased = None;
        let answer = match reply {
            Reply::Loaded(bytes) => Answer::Loaded(bytes),
            Reply::Stored => Answer::Stored,
            Reply::Answered(response) => Answer::Answered(response),
            Reply::Failed(error) => Answer::Failed(error),
        };
        match &mut self.stage {
            Stage::Looking(machine, _) => machine.finish(id, answer),
            Stage::Acting(machine) => machine.finish(id, answer),
            Stage::Ended(_) => Ok(()),
        }
    }

    /// Gives the operation up. What was stored stays; what was sent may have arrived.
    pub fn close(&mut self) {
        if let Stage::Acting(machine) = &mut self.stage {
            machine.close();
        }
        if !matches!(self.stage, Stage::Ended(_)) {
            let error = Error::new(ErrorCode::Closed, "the operation was given up in the middle");
            self.stage = Stage::Ended(Some(Err(error)));
        }
    }

    /// The outcome, once, after [`Task::Done`].
    ///
    /// # Errors
    /// The operation's; `closed` where it was taken; `busy` before the end.
    pub fn outcome(&mut self) -> Result<Outcome> {
        match &mut self.stage {
            Stage::Ended(outcome) => outcome.take().unwrap_or_else(|| Err(gone())),
            _ => Err(Error::new(ErrorCode::Busy, "the operation has not ended")),
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorCode::Closed, "the outcome was taken before")
}

/// The parts of a request that a host needs.
pub fn url(request: &Request) -> String {
    format!("{}{}", request.relay.trim_end_matches('/'), request.target)
}
