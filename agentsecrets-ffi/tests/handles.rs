//! Plays `conformance/handles`: what every language has to come to when it uses secrets and does not read them.
//! `AGENTSECRETS_WRITE_SCENARIOS=1` writes what came of each line into the files.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use agentsecrets::model::{
    Answer, Asking, Client, Config, Error, ErrorCode, Handle, Identity, Narrowing, Result,
    SecretBytes, Secrets, kind, spawn,
};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/handles"))
}

/// The server of the scenarios; it ends with this.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new("python3");
        command.arg(folder().join("server.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Bytes of a word: `%XX` is a byte, `-` nothing.
fn bytes(word: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = if word == "-" { &[][..] } else { word.as_bytes() };
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            out.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

fn text(word: &str) -> String {
    String::from_utf8(bytes(word)).unwrap()
}

/// The word of these bytes.
fn word(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'!'..=b'~' if *byte != b'%' => out.push(char::from(*byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
    }
    match out.as_str() {
        "" => "-".to_owned(),
        "-" => "%2D".to_owned(),
        _ => out,
    }
}

/// One identity in one workspace, and what was taken from it.
struct Stage {
    client: Client,
    port: String,
    secrets: Option<Secrets>,
    handles: Vec<Handle>,
    lines: String,
}

impl Stage {
    fn new(port: &str) -> Self {
        let identity = Identity::generate(kind("human").unwrap()).unwrap().string();
        let mut config = Config::empty();
        config.set("vault", "memory").unwrap();
        config.set("identity", std::str::from_utf8(identity.expose()).unwrap()).unwrap();
        let client = Client::open(&config).unwrap();
        client.create("acme", "laptop", "").unwrap();
        let port = port.to_owned();
        Self { client, port, secrets: None, handles: Vec::new(), lines: String::new() }
    }

    fn play(&mut self, line: &str) {
        let done = line.split_once(" = ").map_or(line, |(done, _)| done);
        if done.starts_with("message ") {
            return;
        }
        if done.starts_with('#') {
            self.lines += &format!("{line}\n");
            return;
        }
        let words: Vec<&str> = done.split(' ').collect();
        let came = self.act(&words);
        let (code, got) = match &came {
            Ok(got) => (0, got.iter().map(|word| format!(" {word}")).collect::<String>()),
            Err(error) => (error.code() as i32, String::new()),
        };
        self.lines += &format!("{done} = {code}{got}\n");
        if let Err(error) = came {
            self.lines += &format!("message {}\n", word(error.message().as_bytes()));
        }
    }

    /// What comes of a line, in words.
    fn act(&mut self, words: &[&str]) -> Result<Vec<String>> {
        let nothing = |()| Vec::new();
        match *words {
            ["secret", name, value] => {
                self.client.set("", name, SecretBytes::new(bytes(value)))?;
                self.client.push("", false).map(|_| Vec::new())
            }
            ["policy", name, json] => {
                self.client.set_secret_policy("", name, &text(json)).map(nothing)
            }
            ["shown", name] => Ok(vec![word(self.client.secret_policy("", name)?.as_bytes())]),
            ["load"] => {
                self.secrets = Some(self.client.secrets("")?);
                Ok(Vec::new())
            }
            ["read", name] => Ok(vec![word(self.held().get(name)?.expose())]),
            ["handle", name] => {
                self.handles = vec![self.held().handle(name)?];
                Ok(Vec::new())
            }
            ["narrow", methods, paths, ttl, uses] => self.narrow(methods, paths, ttl, uses),
            ["wider"] => {
                self.handles.pop();
                Ok(Vec::new())
            }
            ["left"] => self.left(),
            ["reveal"] => self.handle().reveal().map(nothing),
            ["request", method, target, place, header, body] => {
                self.request(method, &text(target), &text(place), &text(header), &bytes(body))
            }
            ["sign", message] => {
                let mac = self.handle().sign(&bytes(message))?;
                Ok(vec![mac.iter().map(|byte| format!("{byte:02x}")).collect()])
            }
            ["redact", ref pieces @ ..] => self.redact(pieces),
            ["spawn", names, ref command @ ..] => self.spawn(names, command),
            _ => panic!("no line {words:?}"),
        }
    }

    fn held(&self) -> &Secrets {
        self.secrets.as_ref().expect("load stands before")
    }

    fn handle(&self) -> &Handle {
        self.handles.last().expect("handle stands before")
    }

    fn narrow(&mut self, methods: &str, paths: &str, ttl: &str, uses: &str) -> Result<Vec<String>> {
        let list = |word: &str| Some(text(word).replace(',', " ")).filter(|list| !list.is_empty());
        let (methods, paths) = (list(methods), list(paths));
        let narrowing = Narrowing {
            methods: methods.as_deref(),
            paths: paths.as_deref(),
            ttl: ttl.parse().ok().map(Duration::from_millis),
            uses: uses.parse().ok(),
        };
        let narrower = self.handle().attenuate(&narrowing)?;
        self.handles.push(narrower);
        Ok(Vec::new())
    }

    fn left(&self) -> Result<Vec<String>> {
        let about = self.handle().about()?;
        let left = about.split("\"uses_left\":").nth(1).unwrap().split([',', '}']).next().unwrap();
        Ok(vec![if left == "null" { "-" } else { left }.to_owned()])
    }

    fn request(
        &self,
        method: &str,
        target: &str,
        place: &str,
        header: &str,
        body: &[u8],
    ) -> Result<Vec<String>> {
        let url = match target.starts_with('/') {
            true => format!("http://127.0.0.1:{}{target}", self.port),
            false => target.to_owned(),
        };
        let headers: Vec<(&str, &str)> = header.split_once(':').into_iter().collect();
        let asking = Asking { headers: &headers, body, place, timeout: None };
        let Answer { status, headers, body, redactions } =
            self.handle().request(method, &url, &asking)?;
        let echo = headers.iter().find(|(name, _)| name == "x-echo");
        assert!(headers.iter().all(|(name, _)| name != "set-cookie"), "cookies stay out");
        let echo = echo.map_or_else(|| "-".to_owned(), |(_, value)| word(value.as_bytes()));
        Ok(vec![status.to_string(), redactions.to_string(), echo, word(&body)])
    }

    fn redact(&self, pieces: &[&str]) -> Result<Vec<String>> {
        let redactor = self.held().redactor()?;
        let (stream, mut out) = (redactor.stream(), Vec::new());
        pieces.iter().for_each(|piece| out.extend(stream.push(&bytes(piece))));
        out.extend(stream.finish());
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| bytes(piece)).collect();
        assert_eq!(redactor.redact(&whole), out, "at once as in pieces");
        Ok(vec![word(&out)])
    }

    fn spawn(&self, names: &str, command: &[&str]) -> Result<Vec<String>> {
        let (names, command) = (text(names), command.iter().map(|word| text(word)));
        let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
        let command: Vec<String> = command.collect();
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let child = spawn(self.held(), &command, &names)?;
        let ended = child.wait(Duration::from_secs(60))?;
        let late = || Error::new(ErrorCode::Internal, "it does not end");
        ended.map(|code| vec![code.to_string()]).ok_or_else(late)
    }
}

fn files() -> Vec<PathBuf> {
    let all = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    files
}

fn played(text: &str, port: &str) -> String {
    let mut stage = Stage::new(port);
    text.lines().for_each(|line| stage.play(line));
    stage.lines
}

#[test]
fn every_scenario_of_handles_comes_to_what_it_says() {
    let (server, write) = (Server::start(), std::env::var_os("AGENTSECRETS_WRITE_SCENARIOS"));
    let (files, mut other) = (files(), Vec::new());
    assert!(files.len() >= 10, "{} scenarios", files.len());
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let came = played(&text.replace("{port}", &server.port), &server.port);
        let came = came.replace(&server.port, "{port}");
        if write.is_some() {
            fs::write(file, &came).unwrap();
        } else if came != text {
            let lines = came.lines().zip(text.lines()).find(|(here, there)| here != there);
            other.push(format!("{}: {lines:?}", file.display()));
        }
    }
    assert!(other.is_empty(), "{}", other.join("\n"));
}

#[test]
fn a_bent_line_is_noticed() {
    let server = Server::start();
    let text = fs::read_to_string(folder().join("echoes.txt")).unwrap();
    let text = text.replace("{port}", &server.port);
    let bent = text.replacen(" = 0 200 1 ", " = 0 200 2 ", 1);
    assert!(bent != text && played(&bent, &server.port) != bent);
}
