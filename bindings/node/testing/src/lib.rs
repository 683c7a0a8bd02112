//! The addon behind `agentsecrets-core/testing`: the reference relay, over memory.

use agentsecrets::model;
use napi_derive::napi;

/// A relay on a free port of this machine; it forgets everything at its end.
#[napi]
pub struct MemoryRelay(model::MemoryRelay);

#[napi]
impl MemoryRelay {
    /// Starts it.
    #[napi(constructor)]
    pub fn new() -> napi::Result<Self> {
        let started = model::MemoryRelay::start();
        started.map(Self).map_err(|error| napi::Error::from_reason(error.message()))
    }

    /// Where it listens.
    #[napi(getter)]
    pub fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// Ends it.
    #[napi]
    pub fn stop(&self) {
        self.0.stop();
    }
}
