//! HTTP through ureq: every wait and every answer is bounded, and the relay is not believed.

use std::{net::IpAddr, time::Duration};

use ureq::{
    Agent, Body, Timeout,
    http::{self, Uri, header},
};

use super::Transport;
use crate::{
    error::{Error, ErrorCode, Result},
    message::{Request, Response},
    weakened,
};

/// Longest wait for a connection, and apart from it for the relay's name to resolve.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer, besides what the request allows the relay to hold it.
const TOTAL: Duration = Duration::from_secs(30);
/// Largest answer: a page of eight sealed parcels of 1 MiB, and what JSON adds.
const MAX_BODY: usize = 9 << 20;
/// A relay that asks for more than a day's patience is out of order.
const LONGEST_RETRY_AFTER: u64 = 24 * 60 * 60;

/// Requests over HTTPS; over plain HTTP only to this machine, unless that is allowed.
///
/// The web's root certificates are compiled in; proxies in the environment are not used.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    agent: Agent,
    total: Duration,
    plain_http: bool,
}

impl HttpTransport {
    /// Five seconds to connect, thirty for a whole answer.
    pub fn new() -> Self {
        Self::with_timeouts(CONNECT, TOTAL)
    }

    /// With other bounds. `total` counts from the start; a request's own `wait` is added to it.
    pub fn with_timeouts(connect: Duration, total: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .user_agent(concat!("agentsecrets/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), total, plain_http: false }
    }

    /// Allows `http://` to any address: for a relay behind an encrypted tunnel.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    fn permit(&self, address: &Address) -> Result<()> {
        if address.secure || self.plain_http || address.is_loopback() {
            return Ok(());
        }
        let cause = format!("plain http to {}, which is not this machine", address.authority);
        Err(Error::new(ErrorCode::RelayRefused, cause)
            .with_hint("agentsecrets workspace connect --relay https://…"))
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: &Request) -> Result<Response> {
        let address = Address::parse(&request.relay)?;
        self.permit(&address)?;
        let failed = |error| failed(&address.authority, error);
        let limit = self.total.saturating_add(request.wait);
        let outgoing = self.agent.configure_request(outgoing(request)?);
        let outgoing = outgoing.timeout_global(Some(limit)).build();
        let answer = self.agent.run(outgoing).map_err(failed)?;
        read(answer, &address.authority)
    }
}

/// Where a relay is.
struct Address {
    secure: bool,
    host: String,
    authority: String,
}

impl Address {
    /// `http://host[:port]` or `https://host[:port]`, with nothing behind.
    fn parse(relay: &str) -> Result<Self> {
        let uri: Uri = relay.parse().map_err(|_| not_an_address())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(not_an_address()),
        };
        let authority = uri.authority().ok_or_else(not_an_address)?;
        // A password in the address would end up in every error.
        if authority.as_str().contains('@')
            || !matches!(uri.path(), "" | "/")
            || uri.query().is_some()
        {
            return Err(not_an_address());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { secure, host, authority: authority.to_string() })
    }

    /// `localhost` is loopback by RFC 6761.
    fn is_loopback(&self) -> bool {
        let name = self.host.eq_ignore_ascii_case("localhost");
        name || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// The address is not repeated: it may hold a password.
fn not_an_address() -> Error {
    let cause = "the relay's address is not https://host[:port]";
    Error::new(ErrorCode::InvalidArgument, cause)
        .with_hint("agentsecrets workspace connect --relay https://…")
}

fn outgoing(request: &Request) -> Result<http::Request<&[u8]>> {
    let Request { method, relay, target, headers, body, wait: _ } = request;
    let uri = format!("{}{target}", relay.trim_end_matches('/'));
    let mut builder = http::Request::builder().method(method.as_str()).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(body.as_slice()).map_err(|_| {
        Error::new(ErrorCode::InvalidArgument, "the request's path or a header is not HTTP")
    })
}

fn read(mut answer: http::Response<Body>, relay: &str) -> Result<Response> {
    let status = answer.status().as_u16();
    let retry_after = retry_after(answer.headers());
    if answer.status().is_success() && answer.body().mime_type() == Some("text/html") {
        // A hotel's login page, most often.
        let cause = format!("{relay} answers with a web page");
        return Err(Error::new(ErrorCode::RelayMalformed, cause));
    }
    let most = if weakened::skips(43) { u64::MAX } else { MAX_BODY as u64 };
    let body = answer.body_mut().with_config().limit(most).read_to_vec();
    let body = body.map_err(|error| cut_off(relay, error))?;
    Ok(Response { status, body, retry_after })
}

/// In seconds; a date is for browsers.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER)))
}

/// No answer came.
fn failed(relay: &str, error: ureq::Error) -> Error {
    let (code, cause) = match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            (ErrorCode::RelayUnreachable, format!("{relay} takes no connection in time"))
        }
        ureq::Error::Timeout(_) => {
            (ErrorCode::RelayTimeout, format!("{relay} does not answer in time"))
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => {
            (ErrorCode::RelayMalformed, format!("{relay} does not answer in HTTP"))
        }
        other => (ErrorCode::RelayUnreachable, format!("no connection to {relay}: {other}")),
    };
    Error::new(code, cause)
}

/// An answer began and is not whole.
fn cut_off(relay: &str, error: ureq::Error) -> Error {
    let (code, cause) = match error {
        ureq::Error::Timeout(_) => {
            (ErrorCode::RelayTimeout, format!("{relay} does not finish its answer in time"))
        }
        ureq::Error::BodyExceedsLimit(_) => {
            (ErrorCode::RelayTooLarge, format!("{relay} answers with more than {MAX_BODY} bytes"))
        }
        _ => (ErrorCode::RelayMalformed, format!("{relay} breaks off in the middle of its answer")),
    };
    Error::new(code, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_addresses_of_relays_are_taken() {
        for good in ["https://relay.example", "http://127.0.0.1:80/", "https://[::1]:8443"] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        let bad = ["", "relay.example", "ftp://relay.example", "https://", "https://a b"];
        let long =
            ["https://u:p@relay.example", "https://relay.example/v1", "https://relay.example?a"];
        for bad in bad.into_iter().chain(long) {
            let error = Address::parse(bad).err().map(|error| error.code());
            assert_eq!(error, Some(ErrorCode::InvalidArgument), "{bad}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let permitted = |transport: HttpTransport, relay| {
            transport.permit(&Address::parse(relay).unwrap()).map_err(|error| error.code())
        };
        for good in ["http://127.9.9.9", "http://[::1]:1", "http://LOCALHOST:1", "https://10.0.0.1"]
        {
            assert_eq!(permitted(HttpTransport::new(), good), Ok(()), "{good}");
        }
        for bad in ["http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"] {
            let refused = Err(ErrorCode::RelayRefused);
            assert_eq!(permitted(HttpTransport::new(), bad), refused, "{bad}");
            assert_eq!(permitted(HttpTransport::new().allow_plain_http(), bad), Ok(()), "{bad}");
        }
    }
}
