//! The ready-made carrier: ureq over rustls, to the addresses that were checked.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ureq::{
    Agent, Timeout,
    http::{self, Uri},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver as UreqResolver},
        transport::NextTimeout,
    },
};

use super::{
    kept::Emptied,
    outbound::{Incoming, Outbound, Outgoing, Resolver, SystemResolver},
};
use crate::{
    error::{Error, ErrorCode, Result},
    secret_policy::Method,
};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for a whole answer.
const TOTAL: Duration = Duration::from_secs(120);
/// Hosts whose connections are kept.
const KEPT: usize = 16;

/// HTTPS with the web's root certificates, and HTTP where a policy says so. Connections are kept for
/// the next request to the same host at the same addresses.
pub struct Https {
    resolver: Arc<dyn Resolver>,
    agents: Mutex<HashMap<Destination, Agent>>,
    total: Duration,
    #[cfg(test)]
    roots: Option<ureq::tls::RootCerts>,
}

/// What a kept connection may be used for again.
type Destination = (String, u16, Vec<SocketAddr>);

impl Https {
    /// Ten seconds to connect, two minutes for a whole answer.
    pub fn new() -> Self {
        Self::with(Arc::new(SystemResolver), TOTAL)
    }

    /// With another resolver, and another bound for a whole answer.
    pub fn with(resolver: Arc<dyn Resolver>, total: Duration) -> Self {
        Self {
            resolver,
            agents: Mutex::new(HashMap::new()),
            total,
            #[cfg(test)]
            roots: None,
        }
    }

    fn agent(&self, outgoing: &Outgoing<'_>) -> Agent {
        let destination: Destination =
            (outgoing.host.to_string(), outgoing.port, outgoing.addresses.to_vec());
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if agents.len() >= KEPT && !agents.contains_key(&destination) {
            agents.clear();
        }
        let addresses = destination.2.clone();
        agents.entry(destination).or_insert_with(|| self.new_agent(addresses)).clone()
    }

    fn new_agent(&self, addresses: Vec<SocketAddr>) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .save_redirect_history(false)
            .proxy(None)
            .accept_encoding("")
            .timeout_connect(Some(CONNECT.min(self.total)))
            .timeout_global(Some(self.total));
        #[cfg(test)]
        let config = match &self.roots {
            Some(roots) => {
                config.tls_config(ureq::tls::TlsConfig::builder().root_certs(roots.clone()).build())
            }
            None => config,
        };
        Agent::with_parts(config.build(), Emptied::default(), Pinned(addresses))
    }
}

impl Default for Https {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Https").field("total", &self.total).finish_non_exhaustive()
    }
}

/// Looks nothing up: the addresses were found and checked before.
#[derive(Debug)]
struct Pinned(Vec<SocketAddr>);

impl UreqResolver for Pinned {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        // As many as ureq tries.
        self.0.iter().take(16).for_each(|address| found.push(*address));
        Ok(found)
    }
}

impl Resolver for Https {
    fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        self.resolver.resolve(host, port)
    }
}

impl Outbound for Https {
    fn send(&self, outgoing: &Outgoing<'_>) -> Result<Incoming> {
        let agent = self.agent(outgoing);
        let host = outgoing.host.as_str();
        let total = outgoing.timeout.unwrap_or(self.total);
        let answer = match outgoing.body.or(takes_body(outgoing.method).then_some(&b""[..])) {
            Some(body) => {
                let request = request(outgoing)?.body(body).map_err(|_| unsound())?;
                agent.run(agent.configure_request(request).timeout_global(Some(total)).build())
            }
            None => {
                let request = request(outgoing)?.body(()).map_err(|_| unsound())?;
                agent.run(agent.configure_request(request).timeout_global(Some(total)).build())
            }
        };
        let (head, body) = answer.map_err(|error| failed(host, &error))?.into_parts();
        let headers = head.headers.iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        let body = Box::new(Kinds(body.into_reader()));
        Ok(Incoming { status: head.status.as_u16(), headers: headers.collect(), body })
    }
}

fn takes_body(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

fn request(outgoing: &Outgoing<'_>) -> Result<http::request::Builder> {
    let Outgoing { scheme, host, port, target, .. } = outgoing;
    let authority = match *port == scheme.default_port() {
        true => host.to_string(),
        false => format!("{host}:{port}"),
    };
    let uri = Uri::builder().scheme(scheme.as_str()).authority(authority).path_and_query(*target);
    let uri = uri.build().map_err(|_| unsound())?;
    let mut builder = http::Request::builder().method(outgoing.method.as_str()).uri(uri);
    for (name, value) in outgoing.headers {
        let mut value = http::HeaderValue::from_str(value).map_err(|_| unsound())?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
    }
    Ok(builder)
}

/// Everything was checked before; the texts of these errors could repeat the secret.
fn unsound() -> Error {
    Error::new(ErrorCode::InvalidRequest, "the request's address or a header is not HTTP")
}

/// ureq's own texts stay out: they may show the address, and the secret may stand in its query.
fn failed(host: &str, error: &ureq::Error) -> Error {
    let (code, cause) = match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            (ErrorCode::UpstreamUnreachable, format!("{host} takes no connection in time"))
        }
        ureq::Error::Timeout(_) => {
            (ErrorCode::UpstreamTimeout, format!("{host} does not answer in time"))
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => {
            (ErrorCode::UpstreamMalformed, format!("{host} does not answer in HTTP"))
        }
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            (ErrorCode::UpstreamUnreachable, format!("{host} shows no valid certificate"))
        }
        _ => (ErrorCode::UpstreamUnreachable, format!("no connection to {host}")),
    };
    Error::new(code, cause)
}

/// A reader whose errors carry their kind alone.
struct Kinds<R>(R);

impl<R: io::Read> io::Read for Kinds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
            let late = matches!(inner, Some(ureq::Error::Timeout(_)))
                || error.kind() == io::ErrorKind::TimedOut;
            (if late { io::ErrorKind::TimedOut } else { io::ErrorKind::InvalidData }).into()
        })
    }
}
