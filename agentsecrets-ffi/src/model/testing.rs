//! A relay for tests: the reference relay over memory, on a port of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    thread::JoinHandle,
};

use agentsecrets_core::{Error, ErrorCode, Result};
use relay_reference::server::Server;
use tokio::sync::oneshot;

/// A relay that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryRelay {
    url: String,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl MemoryRelay {
    /// Starts it on a free port of this machine alone.
    ///
    /// # Errors
    /// `internal` where the system gives no port or no thread.
    pub fn start() -> Result<Self> {
        relay_reference::report::silence();
        let failed = |_| Error::new(ErrorCode::Internal, "no port or thread for a relay");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(failed)?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime.block_on(Server::in_memory(listen)).map_err(failed)?;
        let url = format!("http://{}", server.address().map_err(failed)?);
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(server.serve(async { drop(stopped.await) }));
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("memory relay".to_owned()).spawn(serve);
        Ok(Self { url, running: Mutex::new(Some((stop, thread.map_err(failed)?))) })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it; nothing where it has stopped.
    pub fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            let _ = thread.join();
        }
    }
}

impl Drop for MemoryRelay {
    fn drop(&mut self) {
        self.stop();
    }
}
