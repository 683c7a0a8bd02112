//! Waiting for other values on a thread of its own: the pool of the event loop has four, and a wait may last.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agentsecrets::model::{self, Error, ErrorCode, Result};
use napi::{
    Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use crate::{
    client::Client,
    errors::{described, raised},
    handle::{Handle, unwinding},
};

/// How long one wait lasts: the relay holds its answer back for so long.
const WAIT: Duration = Duration::from_secs(20);

/// Weak: it does not keep the process alive.
type Tell = ThreadsafeFunction<(String, String), (), (String, String), Status, false, true>;

/// A wait for changes.
#[napi]
pub struct Watch(Arc<AtomicBool>);

#[napi]
impl Watch {
    /// Begins it. `tell` gets `ready`, then `change` with what changed as JSON, at last perhaps `failed` with an error.
    #[napi(constructor)]
    pub fn new(
        client: &Client,
        environment: String,
        tell: Function<(String, String), ()>,
    ) -> napi::Result<Self> {
        let tell: Tell = tell
            .build_threadsafe_function()
            .callee_handled::<false>()
            .weak::<true>()
            .build_callback(|context| Ok(context.value))?;
        let (closed, client) = (Arc::new(AtomicBool::new(false)), client.0.clone());
        let ended = Arc::clone(&closed);
        let run = move || watching(&client, &environment, &tell, &ended);
        let thread = std::thread::Builder::new().name("agentsecrets watch".to_owned()).spawn(run);
        let failed = |_| raised(&Error::new(ErrorCode::Internal, "no thread for a watch"));
        thread.map(|_| Self(closed)).map_err(failed)
    }

    /// Ends it; the thread ends with its wait.
    #[napi]
    pub fn close(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn watching(client: &Handle<model::Client>, environment: &str, tell: &Tell, ended: &AtomicBool) {
    let say = |kind: &str, what: String| {
        let told = tell.call((kind.to_owned(), what), ThreadsafeFunctionCallMode::NonBlocking);
        told == Status::Ok && !ended.load(Ordering::SeqCst)
    };
    let run = || -> Result<()> {
        // Not held between waits: closing the client ends the watch.
        let watch = model::Watch::new(client.get()?, environment)?;
        let mut going = say("ready", String::new());
        while going && !ended.load(Ordering::SeqCst) {
            going = match watch.next(WAIT)? {
                Some(change) => say("change", change),
                None => client.get().is_ok(),
            };
        }
        Ok(())
    };
    if let Err(error) = unwinding(run) {
        say("failed", described(&error));
    }
}
