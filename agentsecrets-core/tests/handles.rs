//! A handle sends its secret where the policy says, and nowhere else; nothing of it comes back.

#![allow(clippy::unwrap_used)]

#[path = "agents/server.rs"]
mod server;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agentsecrets_core::{
    ErrorCode, Result,
    handle::{Answer, Handle, Https, Narrow, Request, Resolver},
    identity::Kind,
    name::SecretName,
    secret::SecretBytes,
    secret_policy::{Access, Method, PathPattern, SecretPolicy},
};
use server::{Script, Server};

const SECRET: &str = "not-a-real-key-4711";

fn handle(policy: &str, secret: &str) -> Handle {
    let policy = SecretPolicy::from_json(policy).unwrap();
    let name = SecretName::parse("API_KEY").unwrap();
    let secret = SecretBytes::copy_of(secret.as_bytes());
    Handle::new(name, 1, secret, Some(policy), Kind::Agent)
}

fn policy(server: &Server, places: &str) -> String {
    format!(
        r#"{{"access":"use-only","rules":[{{"scheme":"http","host":"127.0.0.1","port":{},
        "methods":["GET","POST"],"paths":["/v1/**"],"places":[{places}],"response_limit":4096}}]}}"#,
        server.address.port()
    )
}

fn plain(body: &str) -> Server {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Echo: {{{{target}}}}\r\nSet-Cookie: session=1\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    Server::start(Script { pieces: vec![answer.into_bytes()], pause: Duration::ZERO })
}

fn url(server: &Server, target: &str) -> String {
    format!("http://{}{target}", server.address)
}

fn send(handle: &Handle, request: &Request) -> Result<Answer> {
    handle.request(request, &Https::new(), 0)
}

#[test]
fn each_of_the_six_places_gets_the_secret_and_the_answer_has_none() {
    let basic = "Authorization: Basic bm90LWEtcmVhbC1rZXktNDcxMTo=";
    let user = "Authorization: Basic Ym90Om5vdC1hLXJlYWwta2V5LTQ3MTE=";
    let cases = [
        ("bearer", "GET", "", "Authorization: Bearer not-a-real-key-4711"),
        ("basic", "GET", "", basic),
        ("basic:bot", "GET", "", user),
        ("header:X-Api-Key", "GET", "", "X-Api-Key: not-a-real-key-4711"),
        ("header:Authorization:Bot", "GET", "", "Authorization: Bot not-a-real-key-4711"),
        ("query:key", "GET", "", "GET /v1/a?b=1&key=not-a-real-key-4711 HTTP"),
        (
            "json:/auth/key",
            "POST",
            r#"{"n": 1.10, "auth": {"v":2}}"#,
            r#"{"n":1.10,"auth":{"v":2,"key":"not-a-real-key-4711"}}"#,
        ),
        ("form:key", "POST", "a=1", "a=1&key=not-a-real-key-4711"),
    ];
    for (place, method, body, expected) in cases {
        let server = plain("ok: not%2Da-real-key-4711!");
        let handle = handle(&policy(&server, &format!("{place:?}")), SECRET);
        let request = Request::new(method, &url(&server, "/v1/a?b=1")).unwrap();
        let answer = send(&handle, &request.body(body.into()).unwrap()).unwrap();
        let heard = server.heard().concat();
        let found = heard.to_ascii_lowercase().contains(&expected.to_ascii_lowercase());
        assert!(found, "{place}: {heard}");
        assert_eq!(String::from_utf8(answer.body).unwrap(), "ok: [redacted API_KEY]!", "{place}");
        let headers = format!("{:?}", answer.headers);
        assert!(!headers.contains("4711") && !headers.contains("cookie"), "{place}: {headers}");
    }
}

#[test]
fn what_the_policy_does_not_name_is_not_sent() {
    let server = plain("no");
    let handle = handle(&policy(&server, "\"bearer\""), SECRET);
    let port = server.address.port();
    let cases = [
        ("GET", format!("http://127.0.0.1:{port}/v2/a")),
        ("DELETE", format!("http://127.0.0.1:{port}/v1/a")),
        ("GET", format!("https://127.0.0.1:{port}/v1/a")),
        ("GET", format!("http://127.0.0.2:{port}/v1/a")),
        ("GET", "http://127.0.0.1/v1/a".to_owned()),
    ];
    for (method, url) in cases {
        let error = send(&handle, &Request::new(method, &url).unwrap()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UseForbidden, "{method} {url}");
    }
    assert!(server.heard().is_empty());
}

#[test]
fn a_narrower_handle_is_never_wider() {
    let server = plain("yes");
    let whole = handle(&policy(&server, "\"bearer\""), SECRET);
    let paths = |text: &str| Some(vec![PathPattern::parse(text).unwrap()]);
    let narrow = Narrow {
        methods: Some(vec![Method::Get]),
        paths: paths("/v1/charges/*"),
        ttl: Some(Duration::from_secs(60)),
        uses: Some(2),
    };
    let child = whole.attenuate(&narrow, 1_000).unwrap();
    let wider = [
        Narrow { methods: Some(vec![Method::Post]), ..Narrow::default() },
        Narrow { paths: paths("/v1/charges/**"), ..Narrow::default() },
        Narrow { ttl: Some(Duration::from_secs(61)), ..Narrow::default() },
        Narrow { uses: Some(3), ..Narrow::default() },
    ];
    for wider in wider {
        assert_eq!(
            child.attenuate(&wider, 1_000).unwrap_err().code(),
            ErrorCode::LeaseWider,
            "{wider:?}"
        );
    }
    let request = |target: &str| Request::new("GET", &url(&server, target)).unwrap();
    let outside = child.request(&request("/v1/refunds/1"), &Https::new(), 1_000).unwrap_err();
    assert_eq!(outside.code(), ErrorCode::UseForbidden);
    let late = child.request(&request("/v1/charges/1"), &Https::new(), 61_000).unwrap_err();
    assert_eq!(late.code(), ErrorCode::LeaseOver);
    // Uses of a grandchild are uses of the child.
    let grandchild =
        child.attenuate(&Narrow { uses: Some(1), ..Narrow::default() }, 1_000).unwrap();
    grandchild.request(&request("/v1/charges/1"), &Https::new(), 1_000).unwrap();
    let spent = grandchild.request(&request("/v1/charges/1"), &Https::new(), 1_000).unwrap_err();
    assert_eq!(spent.code(), ErrorCode::LeaseOver);
    assert_eq!(child.uses_left(), Some(1));
    child.request(&request("/v1/charges/1"), &Https::new(), 1_000).unwrap();
    assert_eq!(child.uses_left(), Some(0));
    assert_eq!(server.heard().len(), 2);
    assert_eq!(child.sign(b"m", 1_000).unwrap_err().code(), ErrorCode::UseForbidden);
}

/// Answers each question with the next list.
struct Rebinding(AtomicUsize, Vec<Vec<SocketAddr>>);

impl Resolver for Rebinding {
    fn resolve(&self, _: &str, _: u16) -> Result<Vec<SocketAddr>> {
        let asked = self.0.fetch_add(1, Ordering::SeqCst);
        Ok(self.1[asked.min(self.1.len() - 1)].clone())
    }
}

#[test]
fn a_name_is_looked_up_once_and_its_address_is_kept_to() {
    let server = plain("here");
    let private = policy(&server, "\"bearer\"")
        .replace("\"127.0.0.1\"", "\"api.example\", \"private\": true");
    let handle = handle(&private, SECRET);
    let nowhere: SocketAddr = "127.0.0.9:9".parse().unwrap();
    let resolver =
        Arc::new(Rebinding(AtomicUsize::new(0), vec![vec![server.address], vec![nowhere]]));
    let outbound = Https::with(Arc::clone(&resolver) as Arc<dyn Resolver>, Duration::from_secs(5));
    let request =
        Request::new("GET", &format!("http://api.example:{}/v1/a", server.address.port()));
    let answer = handle.request(&request.unwrap(), &outbound, 0).unwrap();
    assert_eq!(answer.body, b"here");
    assert_eq!(resolver.0.load(Ordering::SeqCst), 1);
    let heard = server.heard().concat().to_ascii_lowercase();
    assert!(heard.contains(&format!("host: api.example:{}", server.address.port())), "{heard}");
}

#[test]
fn signatures_are_those_of_hmac_sha256() {
    // RFC 4231, case 2.
    let policy = r#"{"access":"use-only","sign":true}"#;
    let signer = handle(policy, "Jefe");
    let mac = signer.sign(b"what do ya want for nothing?", 0).unwrap();
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(agentsecrets_core::encoding::to_hex(&mac), expected);
    let silent = handle(r#"{"access":"use-only"}"#, "Jefe");
    assert_eq!(silent.sign(b"m", 0).unwrap_err().code(), ErrorCode::UseForbidden);
    assert_eq!(silent.policy().unwrap().access, Access::UseOnly);
    assert!(!format!("{silent:?}").contains("Jefe"));
}
