//! A relay for the tests of programs.

use std::sync::Arc;

use agentsecrets::model;

use crate::errors::Result;

/// The reference relay over memory.
#[derive(uniffi::Object)]
pub struct NativeRelay(model::MemoryRelay);

#[uniffi::export]
impl NativeRelay {
    /// Starts it on a free port of this machine alone.
    #[uniffi::constructor]
    pub fn start() -> Result<Arc<Self>> {
        Ok(Arc::new(Self(model::MemoryRelay::start()?)))
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// Stops it.
    pub fn stop(&self) {
        self.0.stop();
    }
}
