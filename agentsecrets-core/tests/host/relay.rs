//! A relay by hand, in memory: it takes everything, and shows what a test wants.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // Each test file uses a part.

use std::collections::BTreeMap;

use agentsecrets_core::{
    Result,
    encoding::{WorkspaceId, from_base64, to_base64},
    invitation::Invitation,
    log::{Role, Scope, SignedEntry},
    message::{Request, Response},
    sync::{self, Machine, Offer, Start},
};
use serde_json::{Value, json};

use super::host::Host;

pub const URL: &str = "HTTP://Relay.Example:80";

/// An answer, or a failed connection, in place of the relay's own.
pub type Instead = Box<dyn FnMut(&Request) -> Option<Result<Response>>>;

/// A relay that takes everything and may show too little of it.
#[derive(Default)]
pub struct Relay {
    pub entries: Vec<Vec<u8>>,
    pub replies: BTreeMap<String, Vec<u8>>,
    /// Entries of a page at most.
    pub page: usize,
    /// Whether each page claims that there is more.
    pub always_more: bool,
    pub requests: Vec<Request>,
    /// What is answered instead, where it says something.
    pub instead: Option<Instead>,
}

impl Relay {
    pub fn answer(&mut self, request: Request) -> Result<Response> {
        assert!(self.requests.len() < 100, "no end of requests");
        if let Some(result) = self.instead.as_mut().and_then(|instead| instead(&request)) {
            self.requests.push(request);
            return result;
        }
        let target = request.target.clone();
        let body = match target.split(['?', '/']).skip(2).collect::<Vec<_>>().as_slice() {
            ["workspaces", "sync"] => self.commit(&request.body),
            ["workspaces", _, "log", ..] => self.log(&target),
            ["workspaces", _, "deliveries", ..] => json!({"deliveries": [], "more": false}),
            ["invitations", invite] => match self.replies.get(*invite) {
                Some(reply) => json!({"workspace": "00".repeat(32), "reply": to_base64(reply)}),
                None => json!({}),
            },
            other => unreachable!("{other:?}"),
        };
        let status = if body == json!({}) { 404 } else { 200 };
        self.requests.push(request);
        let body = serde_json::to_vec(&body).unwrap();
        Ok(Response { status, body, retry_after: None })
    }

    fn commit(&mut self, body: &[u8]) -> Value {
        let body: Value = serde_json::from_slice(body).unwrap();
        for entry in body["entries"].as_array().unwrap() {
            self.entries.push(from_base64(entry.as_str().unwrap()).unwrap());
        }
        json!({"head": self.head()})
    }

    fn log(&self, target: &str) -> Value {
        let after = target.split_once("after=").map(|(_, rest)| rest.split('&').next().unwrap());
        let first = after.map_or(0, |after| after.parse::<usize>().unwrap() + 1);
        let rest = self.entries.get(first..).unwrap_or_default();
        let page = &rest[..rest.len().min(self.page)];
        let more = self.always_more || page.len() < rest.len();
        let entries: Vec<String> = page.iter().map(|entry| to_base64(entry)).collect();
        json!({"entries": entries, "head": self.head(), "more": more})
    }

    fn head(&self) -> Value {
        let head = SignedEntry::parse(self.entries.last().unwrap()).unwrap().head();
        json!({"seq": head.seq, "hash": head.hash.to_string()})
    }
}

pub fn run<T>(
    host: &mut Host,
    relay: &mut Relay,
    operation: impl FnOnce(Start) -> Machine<T>,
) -> Result<T> {
    let machine = operation(host.start());
    host.drive(machine, usize::MAX, &mut |request| relay.answer(request)).1
}

/// A workspace on the relay, and its founder's device.
pub fn workspace() -> (Host, Relay, WorkspaceId) {
    let (mut host, mut relay) = (Host::new(1), Relay { page: 500, ..Relay::default() });
    let create = |start| sync::create(start, "acme".into(), "laptop".into(), Some(URL.into()));
    let id = run(&mut host, &mut relay, create).unwrap();
    (host, relay, id)
}

pub fn invite(host: &mut Host, relay: &mut Relay, workspace: WorkspaceId) -> Invitation {
    let offer = Offer { role: Role::Reader, scope: Scope::All, expires: 0 };
    run(host, relay, |start| sync::invite(start, workspace, offer)).unwrap()
}
