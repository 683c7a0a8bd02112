//! What it costs to use a secret and not read it: requests by a handle beside a bare client, and texts through a
//! redactor beside copying, searching and unpacking them.

use std::{
    fmt::Write as _,
    hint::black_box,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    thread,
    time::Instant,
};

use agentsecrets_benches::texts::{json, redactor, texts, values};
use agentsecrets_core::{
    handle::{Handle, Https, Request},
    identity::Kind,
    name::SecretName,
    redact::{Body, Redactor},
    secret::SecretBytes,
    secret_policy::SecretPolicy,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use memchr::memmem;

use super::{
    figure::{Series, plot},
    machine, median, save,
};

const SECRET: &str = "fake_live_4f9c2b7e8d1a6035c0ffee00";
/// As bytes of a body come in.
const PIECE: usize = 16 << 10;

/// How much is done: of requests and texts, in how many turns.
struct Size {
    turns: usize,
    requests: usize,
    text: usize,
}

const WHOLE: Size = Size { turns: 15, requests: 200, text: 1 << 20 };
const SMALL: Size = Size { turns: 1, requests: 2, text: 4 << 10 };

/// Microseconds of one call of each, by turns: the median of the turns' means.
fn by_turns(turns: usize, calls: usize, contenders: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut means = vec![Vec::new(); contenders.len()];
    contenders.iter_mut().for_each(|run| run());
    for _ in 0..turns {
        for (run, means) in contenders.iter_mut().zip(&mut means) {
            let start = Instant::now();
            (0..calls).for_each(|_| run());
            means.push(start.elapsed().as_secs_f64() * 1e6 / calls as f64);
        }
    }
    means.into_iter().map(median).collect()
}

// --- requests ---------------------------------------------------------------------------------------

/// A server on loopback that keeps connections, and answers every request in the same way.
fn serve(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || drop(answer_all(stream, &answer)));
        }
    });
    address
}

fn answer_all(stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
        writer.write_all(answer)?;
    }
}

/// A kind of request: what is sent, and what comes back.
struct Case {
    title: String,
    /// Where the secret stands.
    place: &'static str,
    sent: Option<Vec<u8>>,
    gzip: bool,
    body: Vec<u8>,
}

impl Case {
    fn get(title: &str, size: usize, gzip: bool) -> Self {
        let title = format!("GET, {title} back");
        Self { title, place: "bearer", sent: None, gzip, body: json(size) }
    }

    fn answer(&self) -> Vec<u8> {
        let body = if self.gzip { packed(&self.body) } else { self.body.clone() };
        let coding = if self.gzip { "content-encoding: gzip\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{coding}content-length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(body).unwrap();
    packer.finish().unwrap()
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    GzDecoder::new(body).read_to_end(&mut whole).unwrap();
    whole
}

fn handle(port: u16, place: &str) -> Handle {
    let policy = format!(
        r#"{{"access":"use-only","rules":[{{"scheme":"http","host":"127.0.0.1","port":{port},
        "methods":["GET","POST"],"paths":["/v1/**"],"places":["{place}"]}}]}}"#
    );
    let policy = SecretPolicy::from_json(&policy).unwrap();
    let secret = SecretBytes::copy_of(SECRET.as_bytes());
    Handle::new(SecretName::parse("API_KEY").unwrap(), 1, secret, Some(policy), Kind::Agent)
}

/// As a program writes it that has the key: the same bytes, a kept connection, the whole body.
fn bare(agent: &ureq::Agent, url: &str, case: &Case) -> Vec<u8> {
    let answer = match &case.sent {
        None => agent.get(url).header("authorization", format!("Bearer {SECRET}")).call(),
        Some(sent) => {
            let (object, _) = sent.split_at(sent.len() - 1);
            let body = [object, format!(",\"key\":\"{SECRET}\"}}").as_bytes()].concat();
            agent.post(url).header("content-type", "application/json").send(&body[..])
        }
    };
    let body = answer.unwrap().into_body().read_to_vec().unwrap();
    if case.gzip { unpacked(&body) } else { body }
}

/// At its fastest: with a bound for the whole answer, ureq looks names up in a thread of its own.
fn bare_agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    config.proxy(None).build().into()
}

/// Microseconds of a request: bare, by a handle, by a handle made for it.
fn measure(case: &Case, size: &Size) -> Vec<f64> {
    let address = serve(case.answer());
    let (agent, outbound, url) =
        (bare_agent(), Https::new(), format!("http://{address}/v1/balance"));
    let by = |handle: &Handle| {
        let mut request =
            Request::new(if case.sent.is_some() { "POST" } else { "GET" }, &url).unwrap();
        if let Some(sent) = &case.sent {
            request = request.header("content-type", "application/json").unwrap();
            request = request.body(sent.clone()).unwrap();
        }
        handle.request(&request, &outbound, 0).unwrap().body
    };
    let kept = handle(address.port(), case.place);
    assert_eq!(bare(&agent, &url, case), case.body);
    assert_eq!(by(&kept), case.body);
    by_turns(
        size.turns,
        size.requests,
        &mut [
            &mut || drop(black_box(bare(&agent, &url, case))),
            &mut || drop(black_box(by(&kept))),
            &mut || drop(black_box(by(&handle(address.port(), case.place)))),
        ],
    )
}

fn cases() -> Vec<Case> {
    let mut sent = br#"{"text":""#.to_vec();
    sent.resize(1022, b'a');
    sent.extend_from_slice(b"\"}");
    let post = "POST of 1 KiB of JSON with the secret in it, 1 KiB back".to_owned();
    vec![
        Case::get("1 KiB of JSON", 1 << 10, false),
        Case {
            title: post,
            place: "json:/key",
            sent: Some(sent),
            gzip: false,
            body: json(1 << 10),
        },
        Case::get("64 KiB of JSON", 64 << 10, false),
        Case::get("64 KiB of JSON in gzip", 64 << 10, true),
        Case::get("1 MiB of JSON", 1 << 20, false),
    ]
}

fn requests(text: &mut String, size: &Size) {
    *text += "\n| request to a server on loopback | bare ureq | by a handle | ratio | adds | handle made for it |\n\
              |---|---|---|---|---|---|\n";
    for case in cases() {
        let calls = (size.requests * (8 << 10) / case.body.len().max(8 << 10)).max(2);
        let times = measure(&case, &Size { requests: calls, ..*size });
        let (bare, used, fresh) = (times[0], times[1], times[2]);
        let _ = writeln!(
            text,
            "| {} | {bare:.0} µs | {used:.0} µs | {:.2} | {:.0} µs | {fresh:.0} µs |",
            case.title,
            used / bare,
            used - bare
        );
    }
}

// --- redaction --------------------------------------------------------------------------------------

/// What a literal replacement of each value finds, and nothing else.
fn literal(finders: &[memmem::Finder<'_>], text: &[u8]) -> Vec<u8> {
    let mut out: Option<Vec<u8>> = None;
    for finder in finders {
        let from = out.as_deref().unwrap_or(text);
        let found: Vec<usize> = finder.find_iter(from).collect();
        if found.is_empty() {
            continue;
        }
        let (mut next, mut at) = (Vec::with_capacity(from.len()), 0);
        for place in found {
            next.extend_from_slice(&from[at..place]);
            next.extend_from_slice(b"[redacted]");
            at = place + finder.needle().len();
        }
        next.extend_from_slice(&from[at..]);
        out = Some(next);
    }
    out.unwrap_or_else(|| text.to_vec())
}

fn through_gzip(redactor: &Redactor, body: &[u8]) -> Vec<u8> {
    let mut stream = Body::new(redactor, "gzip", 64 << 20).unwrap();
    let mut out = Vec::new();
    body.chunks(PIECE).for_each(|piece| out.extend(stream.push(piece).unwrap()));
    out.extend(stream.finish().unwrap());
    out
}

/// Megabytes a second, of 10^6 bytes.
fn rate(bytes: usize, microseconds: f64) -> f64 {
    bytes as f64 / microseconds
}

fn plain_rates(text: &[u8], values: &[String], redactor: &Redactor, turns: usize) -> Vec<f64> {
    let finders: Vec<_> = values.iter().map(|value| memmem::Finder::new(value.as_str())).collect();
    let times = by_turns(
        turns,
        2,
        &mut [
            &mut || drop(black_box(redactor.redact(black_box(text)))),
            &mut || drop(black_box(literal(&finders, black_box(text)))),
            &mut || drop(black_box(black_box(text).to_vec())),
        ],
    );
    times.into_iter().map(|time| rate(text.len(), time)).collect()
}

fn packed_rates(text: &[u8], redactor: &Redactor, turns: usize) -> Vec<f64> {
    let packed = packed(text);
    assert_eq!(through_gzip(redactor, &packed), text);
    let times = by_turns(
        turns,
        2,
        &mut [&mut || drop(black_box(through_gzip(redactor, black_box(&packed)))), &mut || {
            drop(black_box(unpacked(black_box(&packed))))
        }],
    );
    times.into_iter().map(|time| rate(text.len(), time)).collect()
}

fn redaction(text: &mut String, size: &Size, series: &mut Vec<Series>) {
    let _ = write!(
        text,
        "\n| text of {} KiB | secrets | redactor | literal search for each (memmem) | unpacking alone | copying |\n\
         |---|---|---|---|---|---|\n",
        size.text >> 10
    );
    for count in [1, 20, 200] {
        let values = values(count);
        let redactor = redactor(&values).unwrap();
        for (name, content) in texts(&values[0], size.text) {
            let rates = plain_rates(&content, &values, &redactor, size.turns);
            let _ = writeln!(
                text,
                "| {name} | {count} | {:.0} MB/s | {:.0} MB/s | | {:.0} MB/s |",
                rates[0], rates[1], rates[2]
            );
            point(series, name, count, rates[0]);
            if name == "JSON" {
                point(series, "literal search, JSON", count, rates[1]);
            }
        }
        let rates = packed_rates(&json(size.text), &redactor, size.turns);
        let (used, alone) = (rates[0], rates[1]);
        let _ = writeln!(
            text,
            "| JSON in gzip, unpacked size | {count} | {used:.0} MB/s | | {alone:.0} MB/s | |"
        );
        point(series, "JSON in gzip", count, used);
    }
}

fn point(series: &mut Vec<Series>, name: &str, count: usize, rate: f64) {
    let point = (count as f64, rate.max(1e-9));
    match series.iter_mut().find(|series| series.name == name) {
        Some(series) => series.points.push(point),
        None => series.push(Series { name: name.to_owned(), points: vec![point] }),
    }
}

fn written(size: &Size, series: &mut Vec<Series>) -> String {
    let mut text = machine();
    requests(&mut text, size);
    redaction(&mut text, size, series);
    text
}

/// The section of the page, and its plot.
pub(crate) fn all(docs: Option<&Path>) -> String {
    let mut series = Vec::new();
    let mut text = written(&WHOLE, &mut series);
    save(
        docs,
        "redaction.svg",
        &plot("Redaction by number of secrets", "secrets", "MB a second", &series),
    );
    text += "\n![redaction by number of secrets](benchmarks/redaction.svg)\n";
    text
}

/// Once and small: whether it runs.
pub(crate) fn try_all() {
    let mut series = Vec::new();
    let text = written(&SMALL, &mut series);
    assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
    assert!(plot("t", "x", "y", &series).contains("</svg>") && series.len() == 7);
    println!("{text}");
}
