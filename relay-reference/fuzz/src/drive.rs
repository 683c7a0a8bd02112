//! One input into a relay over memory, and what has to hold of any answer: no 5xx, every error of
//! the one form. The fuzz targets and a test that replays the kept corpus share it.

use std::{cell::RefCell, sync::Arc};

use agentsecrets_core::{
    encoding::to_hex,
    log::{State, deliveries::sealed_hash},
    message::Method,
    request_signature::sign,
};
use axum::{
    body::Body,
    http::{Request, StatusCode, request::Builder},
};
use http_body_util::BodyExt;
use relay_bench::{
    request::SYNC,
    team::{Device, found},
};
use relay_reference::{app::App, http::router, store::MemoryStore};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const AUTHORITY: &str = "relay.invalid";
/// A relay starts anew after so many inputs: the founder's key may ask for 5,000 at once.
const LIFE: u32 = 4_000;

thread_local! {
    static RELAY: RefCell<Option<Relay>> = const { RefCell::new(None) };
}

/// A relay with one workspace, and its founder.
struct Relay {
    app: Arc<App>,
    runtime: Runtime,
    founder: Device,
    workspace: String,
    count: u32,
}

/// The three headers of a signature, a line each, over a request that would be good.
pub fn signature(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let names = ["content-digest", "signature-input", "signature"];
    with(|relay| {
        let request = Request::builder().method("GET").uri(relay.path("log"));
        let request = names
            .iter()
            .fold(request, |request, name| request.header(*name, lines.next().unwrap_or_default()));
        let status = relay.answer(request, b"");
        assert!(status.is_none_or(|status| status == StatusCode::UNAUTHORIZED), "{status:?}");
    });
}

/// The first byte chooses the call; the rest is its body, signed by the founder.
pub fn body(data: &[u8]) {
    let Some((call, body)) = data.split_first() else { return };
    with(|relay| {
        let hash = sealed_hash(body).to_string();
        let (method, path) = match call % 5 {
            0 => (Method::Post, SYNC.to_owned()),
            1 => (Method::Put, relay.path("acks")),
            2 => (Method::Put, format!("/v1/invitations/{hash}")),
            3 => (Method::Put, format!("/v1/identities/{}", to_hex(&relay.founder.id().0))),
            _ => (Method::Put, relay.path(&format!("sealed/{hash}"))),
        };
        relay.ask(method, &path, body);
    });
}

/// The query of the two calls that take one.
pub fn query(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    with(|relay| {
        for call in ["log", "deliveries"] {
            relay.ask(Method::Get, &format!("{}?{query}", relay.path(call)), b"");
        }
    });
}

fn with(run: impl FnOnce(&Relay)) {
    RELAY.with_borrow_mut(|held| {
        if held.as_ref().is_none_or(|relay| relay.count > LIFE) {
            *held = Some(Relay::new());
        }
        if let Some(relay) = held {
            relay.count += 1;
            run(relay);
        }
    });
}

impl Relay {
    fn new() -> Self {
        let app = Arc::new(App::new(Arc::new(MemoryStore::default()), AUTHORITY.to_owned()));
        let founder = Device::new(7, 7);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (state, batch) = found(&founder, &[]).expect("a workspace");
        let body = batch.body(&state).expect("a commit");
        let relay = Self { app, runtime, founder, workspace: id(&state), count: 0 };
        assert_eq!(relay.ask(Method::Post, SYNC, &body), Some(StatusCode::CREATED));
        // Whoever waits for news is answered at once.
        relay.app.watch.stop();
        relay
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/workspaces/{}/{rest}", self.workspace)
    }

    fn ask(&self, method: Method, target: &str, body: &[u8]) -> Option<StatusCode> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let now = relay_reference::now();
        let nonce = u128::from(self.count) << 1 | u128::from(target.contains("deliveries"));
        let (key, nonce) = (self.founder.key(), nonce.to_le_bytes());
        let headers = sign(key, method, AUTHORITY, path, query, body, now, nonce);
        let request = Request::builder().method(method.as_str()).uri(target);
        let signed = headers.iter().fold(request, |all, (name, value)| all.header(*name, value));
        self.answer(signed, body)
    }

    /// The status; `None` where no HTTP client could send such a request.
    fn answer(&self, request: Builder, body: &[u8]) -> Option<StatusCode> {
        let request = request.body(Body::from(body.to_vec())).ok()?;
        let answer = router(&self.app).oneshot(request);
        let answer = self.runtime.block_on(answer).expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.runtime.block_on(answer.into_body().collect()).expect("a body").to_bytes();
        assert!(!status.is_server_error(), "{status}");
        if status.is_client_error() {
            assert_eq!(headers["content-type"], "application/problem+json");
            let problem: serde_json::Value = serde_json::from_slice(&body).expect("a problem");
            assert!(problem["code"].is_string() && problem["status"] == status.as_u16());
        }
        Some(status)
    }
}

fn id(state: &State) -> String {
    state.workspace().to_string()
}
