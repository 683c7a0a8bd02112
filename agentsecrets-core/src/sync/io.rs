//! Steps, their leases, and the machine that runs one operation.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{
    error::{Error, ErrorCode, Result},
    message::{Request, Response},
    secret::SecretBytes,
};

/// Names a step; never used twice by one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepId(u64);

/// What the host is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Read what the vault stores under a key; answer [`Answer::Loaded`].
    Load(String),
    /// Store bytes durably before answering [`Answer::Stored`].
    Store(String, SecretBytes),
    /// Remove what is stored under a key, if anything; answer [`Answer::Stored`].
    Remove(String),
    /// Carry a request to the relay; answer [`Answer::Answered`].
    Send(Request),
}

/// What became of a step.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The bytes under the key, or nothing.
    Loaded(Option<SecretBytes>),
    /// Stored or removed, durably.
    Stored,
    /// The relay's answer, whatever its status.
    Answered(Response),
    /// It failed.
    Failed(Failure),
}

/// Why a step failed; the operation decides whether it tries again.
pub type Failure = Error;

/// What a machine wants.
#[derive(Debug)]
pub enum Next {
    /// This step is leased: it comes once, until it is finished.
    Step(StepId, Step),
    /// A leased step has not been finished yet.
    Waiting,
    /// Nothing before this time, in milliseconds since 1970.
    Sleep(u64),
    /// The operation has ended: take its result.
    Done,
}

#[derive(Default)]
struct Shared {
    now: u64,
    last_id: u64,
    asked: Option<(StepId, Step)>,
    leased: Option<StepId>,
    answer: Option<Answer>,
    wake: Option<u64>,
}

/// The operation's side: asks for steps and waits for their answers.
#[derive(Clone)]
pub(super) struct Io(Arc<Mutex<Shared>>);

impl Io {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since 1970, as the host last said.
    pub(super) fn now(&self) -> u64 {
        self.shared().now
    }

    pub(super) async fn load(&self, key: impl Into<String>) -> Result<Option<SecretBytes>> {
        match self.ask(Step::Load(key.into())).await? {
            Answer::Loaded(bytes) => Ok(bytes),
            _ => Err(wrong_answer()),
        }
    }

    pub(super) async fn store(&self, key: impl Into<String>, bytes: SecretBytes) -> Result<()> {
        match self.ask(Step::Store(key.into(), bytes)).await? {
            Answer::Stored => Ok(()),
            _ => Err(wrong_answer()),
        }
    }

    pub(super) async fn remove(&self, key: impl Into<String>) -> Result<()> {
        match self.ask(Step::Remove(key.into())).await? {
            Answer::Stored => Ok(()),
            _ => Err(wrong_answer()),
        }
    }

    pub(super) async fn send(&self, request: Request) -> Result<Response> {
        match self.ask(Step::Send(request)).await? {
            Answer::Answered(response) => Ok(response),
            _ => Err(wrong_answer()),
        }
    }

    pub(super) async fn sleep(&self, wait: Duration) {
        let until = self.now().saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self.shared().wake = Some(until);
        std::future::poll_fn(|_| {
            let mut shared = self.shared();
            if shared.now < until {
                return Poll::Pending;
            }
            shared.wake = None;
            Poll::Ready(())
        })
        .await;
    }

    async fn ask(&self, step: Step) -> Result<Answer> {
        {
            let mut shared = self.shared();
            shared.last_id += 1;
            shared.asked = Some((StepId(shared.last_id), step));
        }
        let answer = std::future::poll_fn(|_| match self.shared().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        });
        match answer.await {
            Answer::Failed(failure) => Err(failure),
            answer => Ok(answer),
        }
    }
}

fn wrong_answer() -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        "a step was answered with the answer of another kind of step",
    )
}

type Operation<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// One operation under way. Drive it with [`step`](Self::step) and [`finish`](Self::finish) until
/// [`Next::Done`]; dropping it in the middle is safe and wipes what it held.
pub struct Machine<T> {
    io: Io,
    operation: Option<Operation<T>>,
    result: Option<Result<T>>,
}

impl<T> Machine<T> {
    pub(super) fn new<F>(now: u64, operation: impl FnOnce(Io) -> F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let io = Io(Arc::new(Mutex::new(Shared { now, ..Shared::default() })));
        Self { operation: Some(Box::pin(operation(io.clone()))), io, result: None }
    }

    /// What to do now; `now` is the time in milliseconds since 1970.
    pub fn step(&mut self, now: u64) -> Next {
        self.io.shared().now = now;
        if self.io.shared().leased.is_some() {
            return Next::Waiting;
        }
        self.poll();
        if self.operation.is_none() {
            return Next::Done;
        }
        let mut shared = self.io.shared();
        match (shared.asked.take(), shared.wake) {
            (Some((id, step)), _) => {
                shared.leased = Some(id);
                Next::Step(id, step)
            }
            (None, Some(wake)) => Next::Sleep(wake),
            (None, None) => Next::Waiting,
        }
    }

    /// Finishes the leased step.
    ///
    /// # Errors
    /// `invalid_argument` for a step that is not leased (finished already, or never handed out);
    /// the operation does not notice. `closed` after the end.
    pub fn finish(&mut self, id: StepId, answer: Answer) -> Result<()> {
        if self.operation.is_none() {
            return Err(Error::new(
                ErrorCode::Closed,
                "the operation has ended; the answer comes too late",
            ));
        }
        let mut shared = self.io.shared();
        if shared.leased != Some(id) {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "this step is not under way: it was finished before",
            ));
        }
        shared.leased = None;
        shared.answer = Some(answer);
        Ok(())
    }

    /// When to call [`step`](Self::step) again where nothing is leased, in milliseconds since 1970.
    pub fn next_wakeup(&self) -> Option<u64> {
        self.io.shared().wake
    }

    /// Gives the operation up. What was stored stays; what was sent may have arrived.
    pub fn close(&mut self) {
        if self.operation.take().is_some() {
            self.result = Some(Err(Error::new(
                ErrorCode::Closed,
                "the operation was given up in the middle",
            )));
        }
    }

    /// The result, once, after [`Next::Done`].
    pub fn take_result(&mut self) -> Option<Result<T>> {
        self.result.take()
    }

    fn poll(&mut self) {
        let Some(operation) = &mut self.operation else { return };
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(result) = operation.as_mut().poll(&mut context) {
            self.operation = None;
            self.result = Some(result);
        }
    }
}

impl<T> std::fmt::Debug for Machine<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("ended", &self.operation.is_none()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine<u64> {
        Machine::new(5, |io| async move {
            io.store("a", SecretBytes::copy_of(b"1")).await?;
            io.sleep(Duration::from_millis(10)).await;
            let bytes = io.load("a").await?.map_or(0, |bytes| bytes.len());
            Ok(bytes as u64 + io.now())
        })
    }

    fn leased<T>(machine: &mut Machine<T>, now: u64) -> (StepId, Step) {
        match machine.step(now) {
            Next::Step(id, step) => (id, step),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_step_is_handed_out_once_and_finished_once() {
        let mut machine = machine();
        let (id, step) = leased(&mut machine, 5);
        assert!(matches!(step, Step::Store(key, _) if key == "a"));
        assert!(matches!(machine.step(5), Next::Waiting));
        machine.finish(id, Answer::Stored).unwrap();
        assert_eq!(
            machine.finish(id, Answer::Stored).unwrap_err().code(),
            ErrorCode::InvalidArgument
        );
        assert!(matches!(machine.step(5), Next::Sleep(15)));
        assert_eq!(machine.next_wakeup(), Some(15));
        let (second, _) = leased(&mut machine, 15);
        let early = machine.finish(id, Answer::Loaded(None)).unwrap_err();
        assert_eq!(early.code(), ErrorCode::InvalidArgument);
        let id = second;
        machine.finish(id, Answer::Loaded(Some(SecretBytes::copy_of(b"1")))).unwrap();
        assert!(matches!(machine.step(20), Next::Done));
        assert_eq!(machine.take_result().unwrap().unwrap(), 21);
        assert_eq!(machine.finish(id, Answer::Stored).unwrap_err().code(), ErrorCode::Closed);
    }

    #[test]
    fn an_answer_of_another_kind_is_an_error_and_closing_in_the_middle_is_safe() {
        let mut one = machine();
        let (id, _) = leased(&mut one, 5);
        one.finish(id, Answer::Loaded(None)).unwrap();
        assert!(matches!(one.step(5), Next::Done));
        assert_eq!(one.take_result().unwrap().unwrap_err().code(), ErrorCode::InvalidArgument);
        let mut other = machine();
        let (id, _) = leased(&mut other, 5);
        other.close();
        assert_eq!(other.finish(id, Answer::Stored).unwrap_err().code(), ErrorCode::Closed);
        assert_eq!(other.take_result().unwrap().unwrap_err().code(), ErrorCode::Closed);
    }
}
