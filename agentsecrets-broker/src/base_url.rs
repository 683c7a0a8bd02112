//!
//! The SDK gets `http://127.0.0.1:PORT/TOKEN` as its base URL, and a placeholder as its key. What it
//! sends there goes on to the real base URL with the secret in the place that its policy names. No
//! certificate is made, and nobody else's traffic is touched.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use agentsecrets_core::{
    Error, ErrorCode, Result, crypto,
    handle::{Reply, Request, Target},
    name::SecretName,
    secret_policy::HeaderName,
};
use serde_json::json;

use crate::{
    http::{self, Incoming},
    lease::Lease,
    service::Service,
    wire::{failure, token},
};

/// What an SDK gets for a key. A header that holds it is dropped.
pub const PLACEHOLDER: &str = "held-by-agentsecrets-broker";
/// Headers in which SDKs send keys; the secret is put where its policy says.
const KEYS: [&str; 5] = ["authorization", "x-api-key", "api-key", "cookie", "x-goog-api-key"];
/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where one base URL leads.
struct Route {
    token: String,
    name: SecretName,
    base: String,
    lease: Arc<Lease>,
}

/// The listener, on 127.0.0.1 and a port of the system's choice.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    routes: Mutex<Vec<Arc<Route>>>,
}

impl Gateway {
    /// # Errors
    /// `invalid_argument` where no port is to be had.
    pub fn bind(service: Arc<Service>) -> Result<Self> {
        let made = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let made = made.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = made.map_err(|error| {
            let cause = format!("no loopback port: {}", error.kind());
            Error::new(ErrorCode::InvalidArgument, cause)
        })?;
        Ok(Self { listener, address, service, routes: Mutex::default() })
    }

    /// A base URL that stands for another one, with a secret of the lease.
    ///
    /// # Errors
    /// `unknown_secret`; `invalid_request` where `base` is no plain address.
    pub fn route(&self, name: SecretName, base: &str, lease: Arc<Lease>) -> Result<String> {
        lease.handle(&name)?;
        let base = base.trim_end_matches('/').to_owned();
        if Target::parse(&base)?.query().is_some() {
            return Err(Error::new(ErrorCode::InvalidRequest, "a base URL has no query"));
        }
        let token = token()?;
        let url = format!("http://{}/{token}", self.address);
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.push(Arc::new(Route { token, name, base, lease }));
        Ok(url)
    }

    /// Serves until the process ends.
    pub fn serve(self) {
        let this = Arc::new(self);
        for stream in this.listener.incoming().flatten() {
            let this = Arc::clone(&this);
            thread::spawn(move || this.answer(stream));
        }
    }

    fn answer(&self, mut stream: TcpStream) {
        let patient = stream.set_read_timeout(Some(PATIENCE));
        let incoming = patient.ok().and_then(|()| http::read(&mut stream));
        let mut begun = false;
        let done = incoming
            .ok_or_else(|| refuse("the request is not plain HTTP/1.1"))
            .and_then(|incoming| self.forward(&incoming, &mut stream, &mut begun));
        if let (Err(error), false) = (done, begun) {
            // Whoever hung up does not want to know.
            let _ = say_failure(&mut stream, &error);
        }
    }

    fn forward(&self, incoming: &Incoming, out: &mut TcpStream, begun: &mut bool) -> Result<()> {
        let (route, rest) = self.find(incoming)?;
        let mut request = Request::new(&incoming.method, &format!("{}{rest}", route.base))?;
        for (name, value) in incoming.headers.iter().filter(|(name, value)| goes_on(name, value)) {
            request = request.header(name, value)?;
        }
        let request = request.body(incoming.body.clone())?;
        self.service.relay(&route.lease, &route.name, &request, |reply| pass(reply, out, begun))?;
        // The end comes after the record: who has a whole answer is on it.
        http::chunk(out, b"").map_err(gone)
    }

    /// The route of a request, and what follows its token. The host must be this listener by number or as
    /// `localhost`: a web page's request bears the name of its own host.
    fn find(&self, incoming: &Incoming) -> Result<(Arc<Route>, String)> {
        let own = [self.address.to_string(), format!("localhost:{}", self.address.port())];
        let host = incoming.header("host").unwrap_or_default();
        let path = incoming.target.strip_prefix('/').unwrap_or_default();
        let end = path.find(['/', '?']).unwrap_or(path.len());
        let (token, rest) = path.split_at(end);
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |route: &&Arc<Route>| crypto::same(route.token.as_bytes(), token.as_bytes());
        match routes.iter().find(fits) {
            Some(route) if own.iter().any(|own| own == host) => {
                Ok((Arc::clone(route), rest.to_owned()))
            }
            _ => Err(Error::new(ErrorCode::LeaseUnknown, "no lease has this base URL")),
        }
    }
}

fn goes_on(name: &str, value: &str) -> bool {
    !KEYS.contains(&name) && !value.contains(PLACEHOLDER) && HeaderName::parse(name).is_some()
}

/// Hands the answer on as it comes. A body that breaks off is not ended, so that the SDK sees it.
fn pass(reply: &mut Reply, out: &mut TcpStream, begun: &mut bool) -> Result<()> {
    *begun = true;
    http::write_head(out, reply.status, &reply.headers).map_err(gone)?;
    while let Some(piece) = reply.next_piece()? {
        if !piece.is_empty() {
            http::chunk(out, &piece).map_err(gone)?;
        }
    }
    Ok(())
}

fn gone(_: io::Error) -> Error {
    Error::new(ErrorCode::Closed, "the caller hung up")
}

fn say_failure(out: &mut TcpStream, error: &Error) -> io::Result<()> {
    let status = match error.code() {
        ErrorCode::LeaseUnknown => 404,
        ErrorCode::InvalidRequest | ErrorCode::InvalidArgument => 400,
        ErrorCode::UseForbidden | ErrorCode::LeaseOver => 403,
        _ => 502,
    };
    let json = ("content-type".to_owned(), "application/json".to_owned());
    http::write_head(out, status, &[json])?;
    http::chunk(out, json!({ "error": failure(error) }).to_string().as_bytes())?;
    http::chunk(out, b"")?;
    out.flush()
}

fn refuse(why: &'static str) -> Error {
    Error::new(ErrorCode::InvalidRequest, why)
}
