//! The relay without sockets: the same routes over the store in memory, with faults on the way.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // Each test file uses a part.

use std::sync::Arc;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    message::{Request, Response},
    sync::{Machine, Start},
};
use axum::body::Body;
use http_body_util::BodyExt;
use relay_reference::{app::App, http::router, store::memory::MemoryStore};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::host::Host;

const AUTHORITY: &str = "relay.invalid";

/// What goes wrong on the way, counted in requests of one operation from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The relay never sees it.
    LoseRequest(usize),
    /// The relay acts, and nobody learns it.
    LoseReply(usize),
    /// The answer comes with a bit flipped.
    Garble(usize),
}

pub struct InProcess {
    pub app: Arc<App>,
    runtime: Runtime,
}

/// Milliseconds since 1970: the relay reads the real clock.
pub fn now() -> u64 {
    relay_reference::now() * 1000
}

impl InProcess {
    pub fn new() -> Self {
        let app = Arc::new(App::new(Arc::new(MemoryStore::default()), AUTHORITY.into()));
        Self { app, runtime: Runtime::new().unwrap() }
    }

    pub fn url(&self) -> String {
        format!("https://{AUTHORITY}")
    }

    pub fn run<T>(
        &mut self,
        host: &mut Host,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> Result<T> {
        self.run_with(host, Fault::None, usize::MAX, operation).1
    }

    /// Runs an operation with a fault, up to step `cut`; also the number of steps that ran.
    pub fn run_with<T>(
        &mut self,
        host: &mut Host,
        fault: Fault,
        cut: usize,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> (usize, Result<T>) {
        let machine = operation(host.start());
        let mut number = 0;
        let mut send = |request: Request| {
            number += 1;
            self.send(request, &fault, number - 1)
        };
        host.drive(machine, cut, &mut send)
    }

    /// Answers one request, as it is.
    pub fn pass(&self, request: Request) -> Response {
        self.runtime.block_on(self.answer(request))
    }

    fn send(&self, request: Request, fault: &Fault, number: usize) -> Result<Response> {
        let lost = || Err(Error::new(ErrorCode::RelayTimeout, "lost on the way"));
        if *fault == Fault::LoseRequest(number) {
            return lost();
        }
        let mut response = self.pass(request);
        if *fault == Fault::LoseReply(number) {
            return lost();
        }
        if let (true, Some(byte)) =
            (*fault == Fault::Garble(number), response.body.get_mut(number * 7 + 3))
        {
            *byte ^= 0x10;
        }
        Ok(response)
    }

    async fn answer(&self, request: Request) -> Response {
        let mut builder =
            axum::http::Request::builder().method(request.method.as_str()).uri(&request.target);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let request = builder.body(Body::from(request.body)).unwrap();
        let response = router(&self.app).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Response { status, body, retry_after: None }
    }
}
