//! What answers where a relay should: any bytes on the socket, any JSON in a body.

use std::{
    cell::{OnceCell, RefCell},
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use agentsecrets_core::{
    ErrorCode,
    message::{Method, Request},
    transport::{HttpTransport, Transport},
    wire::{Acks, Commit, Committed, DeliveriesPage, LogPage, NewAck, Problem, Reply},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::input::Input;

/// The first byte chooses: a body as the relay's JSON, or a whole answer on the socket, whose body
/// then counts as the relay's JSON.
pub fn answers(data: &[u8]) {
    let mut input = Input(data);
    match input.below(4) {
        0 => on_the_socket(input.0),
        _ => body(input.0),
    }
}

/// Every shape: what was read, written, reads the same.
pub(crate) fn body(bytes: &[u8]) {
    shape::<LogPage>(bytes);
    shape::<DeliveriesPage>(bytes);
    shape::<Acks>(bytes);
    shape::<Committed>(bytes);
    shape::<Reply>(bytes);
    shape::<Commit>(bytes);
    shape::<NewAck>(bytes);
    let _ = serde_json::from_slice::<Problem>(bytes);
}

fn shape<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_vec(&value).expect("JSON");
    let again: T = serde_json::from_slice(&written).expect("what was written");
    assert_eq!(serde_json::to_vec(&again).expect("JSON"), written);
}

fn on_the_socket(bytes: &[u8]) {
    SERVER.with(|server| {
        let server = server.get_or_init(Server::start);
        match server.ask(bytes) {
            Ok(answer) => {
                assert!(answer.body.len() <= bytes.len() && answer.status >= 100);
                let day = Duration::from_secs(24 * 60 * 60);
                assert!(answer.retry_after.is_none_or(|wait| wait <= day));
                body(&answer.body);
            }
            Err(error) => {
                let expected = [
                    ErrorCode::RelayMalformed,
                    ErrorCode::RelayTooLarge,
                    ErrorCode::RelayUnreachable,
                ];
                assert!(expected.contains(&error.code()), "{error:?}");
            }
        }
    });
}

thread_local! {
    static SERVER: OnceCell<Server> = const { OnceCell::new() };
}

/// Answers every request on a socket with the next bytes that it is told.
struct Server {
    port: u16,
    next: Sender<Vec<u8>>,
    /// Another address of this machine each time: a closed connection blocks its pair of ports.
    count: RefCell<u32>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let (next, told) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            for bytes in told {
                let Ok((mut stream, _)) = listener.accept() else { continue };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let _ = stream.write_all(&bytes);
                let _ = stream.shutdown(Shutdown::Write);
                // Closed by the client, or the rest of the answer is lost on the way.
                while stream.read(&mut request).is_ok_and(|length| length > 0) {}
            }
        });
        Self { port, next, count: RefCell::new(0) }
    }

    fn ask(&self, bytes: &[u8]) -> agentsecrets_core::Result<agentsecrets_core::message::Response> {
        let count = self.count.replace_with(|count| (*count + 1) % (1 << 22)) + 2;
        let [_, a, b, c] = count.to_be_bytes();
        self.next.send(bytes.to_vec()).expect("a server");
        let transport =
            HttpTransport::with_timeouts(Duration::from_secs(5), Duration::from_secs(5));
        transport.send(&Request {
            method: Method::Get,
            relay: format!("http://127.{a}.{b}.{c}:{}", self.port),
            target: "/v1/workspaces".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            wait: Duration::ZERO,
        })
    }
}
