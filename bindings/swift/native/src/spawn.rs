//! Commands that get chosen secrets in their environment.

use std::{sync::Arc, time::Duration};

use agentsecrets::model;

use crate::{errors::Result, secrets::NativeSecrets};

/// A command that was started.
#[derive(uniffi::Object)]
pub struct NativeChild(model::Child);

#[uniffi::export]
impl NativeSecrets {
    /// Starts a command with chosen names in its environment.
    pub fn spawn(&self, command: Vec<String>, only: Vec<String>) -> Result<Arc<NativeChild>> {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let only: Vec<&str> = only.iter().map(String::as_str).collect();
        Ok(Arc::new(NativeChild(model::spawn(&self.0, &command, &only)?)))
    }
}

#[uniffi::export]
impl NativeChild {
    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Its exit code, or nothing where it runs on after so long.
    pub fn wait(&self, wait_ms: u64) -> Result<Option<i32>> {
        Ok(self.0.wait(Duration::from_millis(wait_ms))?)
    }

    /// Ends it at once.
    pub fn kill(&self) -> Result<()> {
        Ok(self.0.kill()?)
    }
}
