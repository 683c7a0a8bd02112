//! The HTTP transport against a server that misbehaves: every wait ends, every end has its code.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use agentsecrets_core::{
    ErrorCode, Result,
    message::{Method, Request, Response},
    transport::{HttpTransport, Transport},
};

const CONNECT: Duration = Duration::from_millis(400);
const TOTAL: Duration = Duration::from_millis(800);
const MIB: usize = 1 << 20;

/// A server that treats every connection as told; it ends with the test process.
fn server(behave: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(behave));
    address
}

/// A server that reads the head of a request and answers with these bytes.
fn answering(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    server(move |mut stream| {
        head(&mut stream);
        // The client may have hung up already.
        let _ = stream.write_all(&answer);
    })
}

/// The request up to the blank line, and as much of its body as came with it.
fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    while !read.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(length) => read.extend_from_slice(&part[..length]),
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

fn sized(length: usize, rest: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{rest}")
}

fn get(relay: &str) -> Request {
    Request {
        method: Method::Get,
        relay: relay.to_owned(),
        target: "/v1/workspaces/ab/log?after=7".into(),
        headers: vec![("X-Signed", "yes".into())],
        body: Vec::new(),
        wait: Duration::ZERO,
    }
}

fn transport() -> HttpTransport {
    HttpTransport::with_timeouts(CONNECT, TOTAL)
}

/// Sends, and holds the transport to its bound.
fn send(request: &Request) -> Result<Response> {
    let start = Instant::now();
    let result = transport().send(request);
    // Two seconds are for a busy machine.
    let bound = 2 * CONNECT + TOTAL + request.wait + Duration::from_secs(2);
    assert!(start.elapsed() < bound, "took {:?}", start.elapsed());
    result
}

#[track_caller]
fn fails(relay: &str, code: ErrorCode) {
    let error = send(&get(relay)).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.hint(), code.hint());
}

#[test]
fn an_answer_comes_as_it_is() {
    let relay = answering(
        "HTTP/1.1 201 Created\r\nContent-Length: 3\r\nContent-Type: application/json\r\n\r\n{\0}",
    );
    let response = send(&get(&relay)).unwrap();
    assert_eq!(response, Response { status: 201, body: b"{\0}".to_vec(), retry_after: None });
}

#[test]
fn a_request_goes_out_as_it_is() {
    let (seen, requests) = mpsc::channel();
    let relay = server(move |mut stream| {
        let mut text = head(&mut stream);
        let mut part = [0; 64];
        while text.starts_with("PUT") && !text.ends_with('}') {
            let length = stream.read(&mut part).unwrap();
            text.push_str(std::str::from_utf8(&part[..length]).unwrap());
        }
        seen.send(text).unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    });
    let mut request = get(&relay);
    assert!(send(&request).unwrap().body.is_empty());
    let text = requests.recv().unwrap().to_lowercase();
    assert!(text.starts_with("get /v1/workspaces/ab/log?after=7 http/1.1\r\n"), "{text}");
    assert!(
        text.contains("\r\nx-signed: yes\r\n") && text.contains("\r\nuser-agent: agentsecrets/")
    );
    (request.method, request.body) = (Method::Put, b"{\"a\":1}".to_vec());
    assert_eq!(send(&request).unwrap().status, 204);
    let text = requests.recv().unwrap();
    assert!(text.to_lowercase().contains("\r\ncontent-length: 7\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n{\"a\":1}"), "{text}");
}

#[test]
fn one_transport_serves_many_requests_and_threads() {
    let relay = server(|mut stream| {
        drop(thread::spawn(move || {
            while !head(&mut stream).is_empty() {
                stream.write_all(sized(2, "{}").as_bytes()).unwrap();
            }
        }));
    });
    let transport = transport();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..5).for_each(|_| assert_eq!(transport.send(&get(&relay)).unwrap().body, b"{}"))
            });
        }
    });
}

#[test]
fn errors_of_the_relay_are_answers() {
    for status in [400, 404, 409, 429, 500, 503] {
        let text = format!(
            "HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nContent-Length: 6\r\nRetry-After: 7\r\n\r\n<html>"
        );
        let response = send(&get(&answering(text))).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (status, &b"<html>"[..]));
        assert_eq!(response.retry_after, Some(Duration::from_secs(7)));
    }
}

#[test]
fn a_wait_that_is_no_number_of_seconds_counts_as_none_and_a_huge_one_is_cut() {
    let day = Some(Duration::from_secs(86_400));
    for (text, wait) in
        [("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), ("18446744073709551615", day)]
    {
        let text = format!("HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: {text}\r\n\r\n");
        assert_eq!(send(&get(&answering(text))).unwrap().retry_after, wait);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = server(|_| panic!("the redirect was followed"));
    let text = format!("HTTP/1.1 302 Found\r\nLocation: {other}/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(send(&get(&answering(text))).unwrap().status, 302);
}

#[test]
fn nobody_who_listens_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    fails(&format!("http://{address}"), ErrorCode::RelayUnreachable);
}

#[test]
fn a_name_that_nobody_has_is_unreachable() {
    fails("https://relay.invalid", ErrorCode::RelayUnreachable);
}

#[test]
fn a_server_that_hangs_up_is_unreachable() {
    fails(&server(drop), ErrorCode::RelayUnreachable);
}

#[test]
fn a_server_without_tls_is_no_https_relay() {
    let relay = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    fails(&relay.replace("http:", "https:"), ErrorCode::RelayUnreachable);
}

#[test]
fn a_silent_server_times_out_and_so_does_its_silent_tls() {
    let silent = || {
        server(|stream| {
            drop(thread::spawn(move || (thread::sleep(Duration::from_secs(20)), stream)))
        })
    };
    fails(&silent(), ErrorCode::RelayTimeout);
    fails(&silent().replace("http:", "https:"), ErrorCode::RelayUnreachable);
}

#[test]
fn the_wait_of_a_long_poll_is_added() {
    let relay = server(|mut stream| {
        head(&mut stream);
        thread::sleep(TOTAL + Duration::from_millis(300));
        let _ = stream.write_all(sized(2, "{}").as_bytes());
    });
    fails(&relay, ErrorCode::RelayTimeout);
    let patient = Request { wait: Duration::from_secs(3), ..get(&relay) };
    assert_eq!(send(&patient).unwrap().body, b"{}");
}

/// One byte every 50 ms, so that no single wait is long.
fn dripping(text: String) -> String {
    server(move |mut stream| {
        head(&mut stream);
        for byte in text.bytes() {
            if stream.write_all(&[byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
    })
}

#[test]
fn slow_drips_time_out_in_the_head_and_in_the_body() {
    fails(&dripping(sized(2, "{}")), ErrorCode::RelayTimeout);
    let relay = server(|mut stream| {
        head(&mut stream);
        let _ = stream.write_all(sized(1_000, "").as_bytes());
        while stream.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    fails(&relay, ErrorCode::RelayTimeout);
}

#[test]
fn a_web_page_is_no_answer() {
    let relay = answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>",
    );
    fails(&relay, ErrorCode::RelayMalformed);
}

#[test]
fn what_is_not_http_is_no_answer() {
    fails(&answering("SSH-2.0-OpenSSH_9.9\r\n\r\n"), ErrorCode::RelayMalformed);
    let endless = "HTTP/1.1 200 OK\r\n".to_owned() + &"X-A: b\r\n".repeat(MIB / 8);
    fails(&answering(endless), ErrorCode::RelayMalformed);
}

#[test]
fn half_a_body_is_no_answer() {
    fails(&answering(sized(10, "{\"a\":")), ErrorCode::RelayMalformed);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n";
    fails(&answering(chunked), ErrorCode::RelayMalformed);
    let garbage = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\"a\":\r\n";
    fails(&answering(garbage), ErrorCode::RelayMalformed);
}

#[test]
fn an_answer_may_have_nine_mib_and_not_a_byte_more() {
    let whole = sized(9 * MIB, &"a".repeat(9 * MIB));
    assert_eq!(patient(&answering(whole)).unwrap().body.len(), 9 * MIB);
    let more = sized(9 * MIB + 1, &"a".repeat(9 * MIB + 1));
    assert_eq!(patient(&answering(more)).unwrap_err().code(), ErrorCode::RelayTooLarge);
}

#[test]
fn an_endless_body_is_cut_off() {
    let relay = server(|mut stream| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'a'; 65_536]).is_ok() {}
    });
    assert_eq!(patient(&relay).unwrap_err().code(), ErrorCode::RelayTooLarge);
}

/// With the time that nine MiB may take on a busy machine.
fn patient(relay: &str) -> Result<Response> {
    send(&Request { wait: Duration::from_secs(20), ..get(relay) })
}

#[test]
fn errors_of_an_address_repeat_no_password() {
    let error = send(&get("https://user:hunter2@127.0.0.1")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn plain_http_leaves_this_machine_only_where_that_is_allowed() {
    let error = send(&get("http://192.0.2.1")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RelayRefused);
    let start = Instant::now();
    let error = transport().allow_plain_http().send(&get("http://192.0.2.1")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RelayUnreachable);
    assert!(start.elapsed() < Duration::from_secs(3));
}
