//! The relay behind its door: a plain HTTP/1.1 server that asks the honest relay, or several of
//! them, and may change what comes in and what goes out.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use agentsecrets_core::{
    crypto::VerifyingKey,
    encoding::{MemberId, WorkspaceId},
    log::{SignedEntry, State},
    request_signature::{Incoming, verify},
};
use axum::body::Body;
use http_body_util::BodyExt;
use relay_reference::{app::App, http::router, store::MemoryStore};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Upper-case word.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Whose signature it bears.
    pub key: Option<VerifyingKey>,
}

impl Asked {
    /// Path without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether it asks for a page of the log.
    pub fn is_log(&self) -> bool {
        self.path().ends_with("/log")
    }

    /// Whether it asks for deliveries.
    pub fn is_deliveries(&self) -> bool {
        self.path().ends_with("/deliveries")
    }

    /// Whether it commits entries.
    pub fn is_commit(&self) -> bool {
        self.path() == "/v1/workspaces/sync"
    }

    /// Whether it asks for the reply to an invitation.
    pub fn is_reply(&self) -> bool {
        self.method == "GET" && self.path().starts_with("/v1/invitations/")
    }

    /// Whether it asks for the members' acks.
    pub fn is_acks(&self) -> bool {
        self.method == "GET" && self.path().ends_with("/acks")
    }

    /// Whether it changes anything.
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// The entry after which it asks for more.
    pub fn after(&self) -> Option<u64> {
        let query = self.target.split_once('?')?.1;
        query.split('&').find_map(|pair| pair.strip_prefix("after=")?.parse().ok())
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What goes out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub kind: &'static str,
    /// Body.
    pub body: Vec<u8>,
    /// Whether the body comes over and over, 16 MiB a second, as long as somebody reads.
    pub endless: bool,
    /// The length that the header claims, where it is another one.
    pub claims: Option<u64>,
}

impl Answer {
    /// A body in JSON.
    pub fn json(status: u16, value: &impl serde::Serialize) -> Self {
        Self::bytes(status, serde_json::to_vec(value).unwrap())
    }

    /// Any body.
    pub fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self { status, kind: "application/json", body, endless: false, claims: None }
    }

    /// Its body as JSON; `null` where it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the door does with a request: it may ask the honest relay, as often as it likes.
pub type Lie = Arc<dyn Fn(&Asked, &dyn Fn(&Asked) -> Answer) -> Answer + Send + Sync>;

/// One honest relay.
struct Branch {
    app: Arc<App>,
    writes: Mutex<Vec<Asked>>,
}

struct Shared {
    runtime: Runtime,
    authority: String,
    branches: RwLock<Vec<Arc<Branch>>>,
    /// Which branch a key sees; the others see `main`.
    routes: RwLock<HashMap<VerifyingKey, usize>>,
    main: RwLock<usize>,
    lie: RwLock<Option<Lie>>,
    seen: Mutex<Vec<(Asked, Answer)>>,
}

/// A relay that lies on demand.
#[derive(Clone)]
pub struct LyingRelay {
    shared: Arc<Shared>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl LyingRelay {
    /// Honest for the time being; gone with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            runtime: Runtime::new().unwrap(),
            authority: address.to_string(),
            branches: RwLock::default(),
            routes: RwLock::default(),
            main: RwLock::default(),
            lie: RwLock::default(),
            seen: Mutex::default(),
        });
        let relay = Self { shared, address };
        relay.add_branch(&[]);
        let door = relay.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let door = door.clone();
                std::thread::spawn(move || drop(door.serve(stream)));
            }
        });
        relay
    }

    /// Its address for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Tells lies from now on.
    pub fn lie(
        &self,
        lie: impl Fn(&Asked, &dyn Fn(&Asked) -> Answer) -> Answer + Send + Sync + 'static,
    ) {
        *self.shared.lie.write().unwrap() = Some(Arc::new(lie));
    }

    /// Tells the truth again.
    pub fn repent(&self) {
        *self.shared.lie.write().unwrap() = None;
    }

    /// How many requests that change something the main branch has taken.
    pub fn writes(&self) -> usize {
        self.branch(None).writes.lock().unwrap().len()
    }

    /// A second relay that took the first `writes` such requests alone; its number.
    pub fn fork(&self, writes: usize) -> usize {
        let taken = self.branch(None).writes.lock().unwrap()[..writes].to_vec();
        self.add_branch(&taken)
    }

    /// Shows a branch to one key from now on.
    pub fn route(&self, key: &VerifyingKey, branch: usize) {
        self.shared.routes.write().unwrap().insert(*key, branch);
    }

    /// Shows a branch to whoever has no route.
    pub fn switch(&self, branch: usize) {
        *self.shared.main.write().unwrap() = branch;
    }

    /// Everything that came in and went out.
    pub fn seen(&self) -> Vec<(Asked, Answer)> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Forgets what came in and went out.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    /// Commits that came in since the last [`Self::forget`].
    pub fn commits(&self) -> Vec<agentsecrets_core::wire::Commit> {
        let commits = self.seen().into_iter().filter(|(asked, _)| asked.is_commit());
        commits.map(|(asked, _)| serde_json::from_slice(&asked.body).unwrap()).collect()
    }

    /// The log of the main branch.
    pub fn entries(&self, workspace: WorkspaceId) -> Vec<Vec<u8>> {
        self.entries_of(workspace, *self.shared.main.read().unwrap())
    }

    /// The log of a branch.
    pub fn entries_of(&self, workspace: WorkspaceId, branch: usize) -> Vec<Vec<u8>> {
        let branch = Arc::clone(&self.shared.branches.read().unwrap()[branch]);
        branch.app.store.entries(&workspace, 0, usize::MAX, usize::MAX).unwrap()
    }

    /// The state of the main branch.
    pub fn state(&self, workspace: WorkspaceId) -> State {
        let mut entries = self.entries(workspace).into_iter();
        let genesis = SignedEntry::parse(&entries.next().unwrap()).unwrap();
        let mut state = State::genesis(&genesis).unwrap();
        entries.for_each(|bytes| state.apply(&SignedEntry::parse(&bytes).unwrap()).unwrap());
        state
    }

    /// What a member was sealed: numbers of entries with their parts.
    pub fn delivered(
        &self,
        workspace: WorkspaceId,
        to: &MemberId,
    ) -> Vec<relay_reference::store::Delivered> {
        self.branch(None).app.store.deliveries(&workspace, to, 0, usize::MAX).unwrap().0
    }

    /// Asks the honest relay of a key's branch, past the door.
    pub fn honest(&self, asked: &Asked) -> Answer {
        let branch = self.branch(asked.key.as_ref());
        let answer = self.shared.runtime.block_on(answer(&branch.app, asked));
        if asked.writes() && answer.status < 300 {
            branch.writes.lock().unwrap().push(asked.clone());
        }
        answer
    }

    fn branch(&self, key: Option<&VerifyingKey>) -> Arc<Branch> {
        let routes = self.shared.routes.read().unwrap();
        let route = key.and_then(|key| routes.get(key).copied());
        let number = route.unwrap_or_else(|| *self.shared.main.read().unwrap());
        Arc::clone(&self.shared.branches.read().unwrap()[number])
    }

    fn add_branch(&self, writes: &[Asked]) -> usize {
        let app = App::new(Arc::new(MemoryStore::default()), self.shared.authority.clone());
        let branch = Branch { app: Arc::new(app), writes: Mutex::new(writes.to_vec()) };
        for asked in writes {
            let taken = self.shared.runtime.block_on(answer(&branch.app, asked));
            assert!(taken.status < 300, "{taken:?}");
        }
        let mut branches = self.shared.branches.write().unwrap();
        branches.push(Arc::new(branch));
        branches.len() - 1
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let Some(asked) = self.receive(&stream)? else { return Ok(()) };
        let lie = self.shared.lie.read().unwrap().clone();
        let honest = |asked: &Asked| self.honest(asked);
        let answer = match lie {
            Some(lie) => lie(&asked, &honest),
            None => honest(&asked),
        };
        self.shared.seen.lock().unwrap().push((asked, answer.clone()));
        send(&mut stream, &answer)
    }

    fn receive(&self, stream: &TcpStream) -> std::io::Result<Option<Asked>> {
        let (mut reader, mut line) = (BufReader::new(stream), String::new());
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut asked = Asked { method, target, headers, body: Vec::new(), key: None };
        let length = asked.header("content-length").parse().unwrap_or(0);
        asked.body.resize(length, 0);
        reader.read_exact(&mut asked.body)?;
        asked.key = self.signer(&asked);
        Ok(Some(asked))
    }

    fn signer(&self, asked: &Asked) -> Option<VerifyingKey> {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let incoming = Incoming {
            method: &asked.method,
            authority: &self.shared.authority,
            path,
            query,
            body: &asked.body,
            content_digest: asked.header("content-digest"),
            signature_input: asked.header("signature-input"),
            signature: asked.header("signature"),
        };
        verify(&incoming).ok().map(|verified| verified.key)
    }
}

async fn answer(app: &Arc<App>, asked: &Asked) -> Answer {
    let mut builder =
        axum::http::Request::builder().method(asked.method.as_str()).uri(&asked.target);
    for (name, value) in &asked.headers {
        builder = builder.header(name, value);
    }
    let request = builder.body(Body::from(asked.body.clone())).unwrap();
    let response = router(app).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    Answer::bytes(status, body)
}

fn send(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let Answer { status, kind, body, endless, claims } = answer;
    let length = claims.or((!endless).then_some(body.len() as u64));
    let length = length.map_or(String::new(), |length| format!("content-length: {length}\r\n"));
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{length}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    if !endless {
        return stream.flush();
    }
    // Until the client has had enough and closes.
    loop {
        stream.write_all(body)?;
        std::thread::sleep(Duration::from_millis(body.len() as u64 / (16 << 10)));
    }
}
