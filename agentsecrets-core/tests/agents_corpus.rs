//! The request side of the red-team corpus, `conformance/agents/requests.json`: each attempt ends as the case says, and
//! nothing is sent where it is refused beforehand.

#![allow(clippy::unwrap_used)]

#[path = "agents/server.rs"]
mod server;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agentsecrets_core::{
    Result,
    handle::{Answer, Handle, Https, Narrow, Request, Resolver},
    identity::Kind,
    name::SecretName,
    secret::SecretBytes,
    secret_policy::{Method, PathPattern, SecretPolicy},
};
use serde_json::{Value, json};
use server::{Script, Server};

const SECRET: &str = "not-a-real-key-4711";
const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
/// Of cases that wait: long enough that the head arrives on a slow machine.
const PATIENCE: Duration = Duration::from_millis(700);

/// Gives addresses, all at once or one list for each question.
struct Names {
    addresses: Vec<IpAddr>,
    each: bool,
    asked: AtomicUsize,
}

impl Resolver for Names {
    fn resolve(&self, _: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let at = |ip: &IpAddr| SocketAddr::new(*ip, port);
        match self.each {
            true => Ok(vec![at(&self.addresses[asked.min(self.addresses.len() - 1)])]),
            false => Ok(self.addresses.iter().map(at).collect()),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn server(case: &Value) -> Server {
    let answer = case["answer"].as_str().unwrap_or(PLAIN);
    if case["drip"] == true {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut pieces = vec![format!("{head}\r\n\r\n").into_bytes()];
        pieces.extend(body.bytes().map(|byte| vec![byte]));
        return Server::start(Script { pieces, pause: Duration::from_millis(400) });
    }
    Server::start(Script { pieces: vec![answer.as_bytes().to_vec()], pause: Duration::ZERO })
}

fn handle(case: &Value, port: u16) -> Handle {
    let places = match texts(&case["places"]) {
        places if places.is_empty() => vec!["bearer".to_owned()],
        places => places,
    };
    let rule = json!({
        "scheme": "http",
        "host": case["host"].as_str().unwrap_or("127.0.0.1"),
        "port": port,
        "private": case["private"] == true,
        "methods": ["GET", "POST"],
        "paths": ["/v1/**"],
        "places": places,
        "response_limit": 4096,
    });
    let policy = json!({ "access": "use-only", "rules": [rule] }).to_string();
    let policy = (case["policy"] != false).then(|| SecretPolicy::from_json(&policy).unwrap());
    let secret = case["secret"].as_str().unwrap_or(SECRET);
    let secret = SecretBytes::copy_of(secret.as_bytes());
    Handle::new(SecretName::parse("API_KEY").unwrap(), 1, secret, policy, Kind::Agent)
}

fn narrow(wanted: &Value) -> Narrow {
    let methods = texts(&wanted["methods"]);
    let paths = texts(&wanted["paths"]);
    Narrow {
        methods: (!methods.is_empty())
            .then(|| methods.iter().map(|method| Method::parse(method).unwrap()).collect()),
        paths: (!paths.is_empty())
            .then(|| paths.iter().map(|path| PathPattern::parse(path).unwrap()).collect()),
        ttl: wanted["ttl"].as_u64().map(Duration::from_secs),
        uses: wanted["uses"].as_u64(),
    }
}

fn request(case: &Value, server: &Server) -> Result<Request> {
    let (origin, port) = (format!("http://{}", server.address), server.address.port().to_string());
    let url = case["url"].as_str().unwrap().replace("{origin}", &origin).replace("{port}", &port);
    let mut request = Request::new(case["method"].as_str().unwrap_or("GET"), &url)?;
    for pair in case["headers"].as_array().into_iter().flatten() {
        request = request.header(pair[0].as_str().unwrap(), pair[1].as_str().unwrap())?;
    }
    if let Some(body) = case["body"].as_str() {
        request = request.body(body.as_bytes().to_vec())?;
    }
    match case["place"].as_str() {
        Some(place) => request.place(place),
        None => Ok(request),
    }
}

fn attempt(case: &Value, server: &Server) -> Result<Answer> {
    let mut handle = handle(case, server.address.port());
    for step in ["narrow", "then"] {
        if case[step].is_object() {
            handle = handle.attenuate(&narrow(&case[step]), 0)?;
        }
    }
    let addresses = texts(&case["resolve"]);
    let address = |text: &String| match text.as_str() {
        "server" => server.address.ip(),
        ip => ip.parse().unwrap(),
    };
    let names = Names {
        addresses: addresses.iter().map(address).collect(),
        each: case["each"] == true,
        asked: AtomicUsize::new(0),
    };
    let total = if case["drip"] == true { PATIENCE } else { Duration::from_secs(20) };
    let outbound = Https::with(Arc::new(names), total);
    let now = case["later"].as_u64().unwrap_or(0) * 1000;
    let request = request(case, server)?;
    for _ in 1..case["times"].as_u64().unwrap_or(1) {
        handle.request(&request, &outbound, now)?;
    }
    handle.request(&request, &outbound, now)
}

/// Codes of refusals before anything is sent.
const BEFORE: [&str; 7] = [
    "use_forbidden",
    "invalid_request",
    "address_forbidden",
    "not_injectable",
    "secret_too_short",
    "lease_wider",
    "lease_over",
];

fn check(case: &Value) -> std::result::Result<(), String> {
    let mut server_case = case.clone();
    let server = {
        // The answer may name its own port, which is known only once the server listens: a
        // redirect to the same port over another scheme.
        if let Some(answer) = case["answer"].as_str().filter(|answer| answer.contains("{port}")) {
            server_case["answer"] = json!(answer.replace("{port}", "443"));
        }
        server(&server_case)
    };
    let expected = case["expected"].as_str().unwrap();
    let result = attempt(case, &server);
    let (sent, wanted) = (server.heard().len() as u64, case["times"].as_u64().unwrap_or(1) - 1);
    let found = match &result {
        Ok(answer) => outcome(case, answer),
        Err(error) => {
            if format!("{error:?}").contains(SECRET) {
                return Err("the error holds the secret".to_owned());
            }
            error.code().as_str()
        }
    };
    if found != expected && !(expected == "sent" && found == "redacted") {
        return Err(format!("expected {expected}, found {found}: {result:?}"));
    }
    match BEFORE.contains(&expected) && sent != wanted {
        true => Err(format!("{sent} requests were sent")),
        false => Ok(()),
    }
}

fn outcome(case: &Value, answer: &Answer) -> &'static str {
    let shown = format!("{:?}{}", answer.headers, String::from_utf8_lossy(&answer.body));
    let status = case["status"].as_u64().unwrap_or(200);
    if shown.contains("4711") || shown.contains("NDcxM") || u64::from(answer.status) != status {
        return "leaked";
    }
    match (case["expected"].as_str(), answer.redactions) {
        (Some("no_cookie"), _) if !shown.to_ascii_lowercase().contains("cookie") => "no_cookie",
        (_, 0) => "sent",
        _ => "redacted",
    }
}

#[test]
fn every_attempt_of_the_corpus_ends_as_it_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/agents/requests.json");
    let corpus: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let numbers: Vec<u64> = corpus.iter().map(|case| case["number"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.len() >= 60);
    let failed = Mutex::new(Vec::new());
    for case in &corpus {
        if let Err(why) = check(case) {
            let line = format!("{} {}: {why}", case["number"], case["attempt"]);
            failed.lock().unwrap().push(line);
        }
    }
    let failed = failed.into_inner().unwrap();
    println!("{} of {} attempts ended as they should", corpus.len() - failed.len(), corpus.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
