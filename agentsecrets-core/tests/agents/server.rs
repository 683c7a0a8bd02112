//! A server on this machine that answers as a case says, and keeps what it was asked.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What to answer: bytes in pieces, with a wait before each.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) pause: Duration,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    /// Answers every connection in the same way; the marks `{{authorization}}` and `{{target}}` in an
    /// answer stand for what came in.
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, kept) = (script.clone(), Arc::clone(&kept));
                thread::spawn(move || answer(stream, &script, &kept));
            }
        });
        Self { address, heard }
    }

    /// Requests as they came, head and body.
    pub(crate) fn heard(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
    }
}

fn answer(mut stream: TcpStream, script: &Script, kept: &Mutex<Vec<Vec<u8>>>) {
    let Some(request) = read(&mut stream) else { return };
    let text = String::from_utf8_lossy(&request).into_owned();
    kept.lock().unwrap().push(request);
    let header = |name: &str| {
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
    };
    let target = text.split(' ').nth(1).unwrap_or_default();
    for piece in &script.pieces {
        thread::sleep(script.pause);
        let piece = match std::str::from_utf8(piece) {
            Ok(text) => {
                let text = text.replace("{{authorization}}", &header("authorization:"));
                text.replace("{{target}}", target).into_bytes()
            }
            Err(_) => piece.clone(),
        };
        if stream.write_all(&piece).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&buffer[..length]);
        let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let body = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body: usize = body.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if request.len() >= end + 4 + body {
            return Some(request);
        }
    }
}
