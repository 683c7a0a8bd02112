//! Calls that may block, off the event loop.

use agentsecrets::model::Result;
use napi::{
    Env, Task,
    bindgen_prelude::{AsyncTask, Either7},
};

use crate::{
    client::Client,
    errors::raised,
    handle::unwinding,
    secrets::{Secret, Secrets},
};

/// What such a call comes to.
pub(crate) type Value = Either7<(), bool, f64, String, Secret, Secrets, Client>;

type Run = Box<dyn FnOnce() -> Result<Value> + Send>;

/// A call that waits for a thread of the pool.
pub struct Work(Option<Run>);

impl Work {
    pub(crate) fn new(run: impl FnOnce() -> Result<Value> + Send + 'static) -> AsyncTask<Self> {
        AsyncTask::new(Self(Some(Box::new(run))))
    }
}

impl Task for Work {
    type Output = Value;
    type JsValue = Value;

    fn compute(&mut self) -> napi::Result<Value> {
        let run = self.0.take();
        unwinding(|| run.map_or(Ok(Value::A(())), |run| run())).map_err(|error| raised(&error))
    }

    fn resolve(&mut self, _: Env, value: Value) -> napi::Result<Value> {
        Ok(value)
    }
}

/// Runs a call that does not block.
pub(crate) fn now<R>(run: impl FnOnce() -> Result<R>) -> napi::Result<R> {
    unwinding(run).map_err(|error| raised(&error))
}
