//! A machine, a store, a relay that answers by a script, and the transcript of all that happens.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use agentsecrets::model::{
    Error, ErrorCode, Identity, Machine, Outcome, Reply, Result, SecretBytes, Task,
};
use agentsecrets_core::{
    encoding::to_hex,
    identity::{Identity as CoreIdentity, IdentityString, Kind},
    log::SignedEntry,
    message::{Request, Response},
    secret::Key,
    sync::Step,
    wire::{Bytes, Commit, LogPage},
};

pub(crate) const RELAY: &str = "http://relay.example";
/// 2026-01-01, in milliseconds.
pub(crate) const BEGIN: u64 = 1_767_225_600_000;

/// What is played on.
pub(crate) struct Stage {
    lines: String,
    identity: Identity,
    machine: Option<Machine>,
    pub(crate) store: BTreeMap<String, Vec<u8>>,
    log: Vec<Vec<u8>>,
    pub(crate) now: u64,
    draws: u8,
    pub(crate) last: Option<(u64, Step)>,
}

/// Bytes in hexadecimal; `-` for none.
fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { to_hex(bytes) }
}

fn code<T>(result: &Result<T>) -> i32 {
    result.as_ref().map_or_else(|error| error.code() as i32, |_| 0)
}

impl Stage {
    pub(crate) fn new(claim: &str) -> Self {
        let core = CoreIdentity::from_seed(Key::new([1; 32]), Kind::Human);
        let string = IdentityString::new(&core, None).expose();
        let string = std::str::from_utf8(string.expose()).unwrap().to_owned();
        Self {
            lines: format!("# {claim}\nidentity {string}\n"),
            identity: Identity::parse(&string).unwrap(),
            machine: None,
            store: BTreeMap::new(),
            log: Vec::new(),
            now: BEGIN,
            draws: 0,
            last: None,
        }
    }

    pub(crate) fn transcript(self) -> String {
        self.lines
    }

    fn line(&mut self, line: &str) {
        writeln!(self.lines, "{line}").unwrap();
    }

    /// Begins an operation: `create NAME LABEL RELAY`, `sync WORKSPACE`, `set WORKSPACE ENVIRONMENT
    /// NAME VALUE`, `push WORKSPACE ENVIRONMENT`, `load WORKSPACE ENVIRONMENT`; its code.
    pub(crate) fn start(&mut self, words: &[&str]) -> i32 {
        self.draws += 1;
        self.now += 1000;
        let (me, now, entropy) = (&self.identity, self.now, [self.draws; 32]);
        let text = |place: usize| words.get(place).copied().unwrap_or_default();
        let made = match text(0) {
            "create" => Ok(Machine::create(me, now, entropy, text(1), text(2), text(3))),
            "sync" => Machine::sync(me, now, entropy, text(1)),
            "set" => {
                let value = SecretBytes::copy_of(text(4).as_bytes());
                Machine::set(me, now, entropy, text(1), text(2), text(3), value)
            }
            "push" => Machine::push(me, now, entropy, text(1), text(2)),
            "load" => Machine::load(me, now, entropy, text(1), text(2)),
            other => panic!("no operation {other}"),
        };
        let code = code(&made);
        let rest: Vec<String> = words[1..].iter().map(|word| hex(word.as_bytes())).collect();
        self.line(&format!(
            "start {} {now} {} {} = {code}",
            words[0],
            to_hex(&entropy),
            rest.join(" ")
        ));
        if let Err(error) = &made {
            self.words(error);
        }
        self.machine = made.ok();
        code
    }

    /// What the error says, so that no language loses or adds a word.
    fn words(&mut self, error: &Error) {
        self.line(&format!("message {}", hex(error.message().as_bytes())));
    }

    /// Asks for what is to be done.
    pub(crate) fn next(&mut self) -> &'static str {
        let (now, task) = (self.now, self.machine.as_mut().unwrap().next(self.now));
        let (word, shown) = match &task {
            Task::Step(number, step) => shown(*number, step),
            Task::Waiting => ("WAIT", "WAIT".to_owned()),
            Task::Sleep(until) => ("SLEEP", format!("SLEEP {until}")),
            Task::Done => ("DONE", "DONE".to_owned()),
        };
        self.line(&format!("next {now} = {shown}"));
        match task {
            Task::Step(number, step) => self.last = Some((number, step)),
            Task::Sleep(until) => self.now = until,
            _ => {}
        }
        word
    }

    fn reply(&mut self, line: String, step: u64, reply: Reply) -> i32 {
        let result = self.machine.as_mut().unwrap().reply(step, reply);
        self.line(&format!("{line} = {}", code(&result)));
        if let Err(error) = &result {
            self.words(error);
        }
        code(&result)
    }

    /// The number of the step that was handed out last.
    pub(crate) fn step(&self) -> u64 {
        self.last.as_ref().unwrap().0
    }

    pub(crate) fn loaded(&mut self, step: u64, bytes: Option<Vec<u8>>) -> i32 {
        let shown = bytes.as_deref().map_or("none".to_owned(), hex);
        let reply = Reply::Loaded(bytes.map(SecretBytes::new));
        self.reply(format!("loaded {step} {shown}"), step, reply)
    }

    pub(crate) fn stored(&mut self, step: u64) -> i32 {
        self.reply(format!("stored {step}"), step, Reply::Stored)
    }

    pub(crate) fn failed(&mut self, step: u64, why: ErrorCode) -> i32 {
        let error = Error::new(why, "the host reports a failure");
        self.reply(format!("failed {step} {}", why as i32), step, Reply::Failed(error))
    }

    pub(crate) fn answered(
        &mut self,
        step: u64,
        status: u16,
        retry_after: Option<u64>,
        body: &str,
    ) -> i32 {
        let wait = retry_after.map_or(-1, |wait| wait as i64);
        let line = format!("answered {step} {status} {wait} {}", hex(body.as_bytes()));
        let (body, retry_after) =
            (body.as_bytes().to_vec(), retry_after.map(Duration::from_millis));
        self.reply(line, step, Reply::Answered(Response { status, body, retry_after }))
    }

    pub(crate) fn close(&mut self) {
        self.machine.as_mut().unwrap().close();
        self.line("close = 0");
    }

    /// Takes the outcome: its code and its text.
    pub(crate) fn finish(&mut self) -> (i32, String) {
        let outcome = self.machine.as_mut().unwrap().outcome();
        let (code, mut text) = (code(&outcome), String::new());
        let shown = match &outcome {
            Err(_) => String::new(),
            Ok(Outcome::Done) => " nothing".to_owned(),
            Ok(Outcome::Text(id)) => {
                text.clone_from(id);
                format!(" text {}", hex(id.as_bytes()))
            }
            Ok(Outcome::Secret(_)) => " secret".to_owned(),
            Ok(Outcome::Secrets(values)) => {
                let names = (0..values.len()).map(|place| values.name(place).unwrap());
                let rows = names
                    .map(|name| format!(" {name} {}", hex(values.get(name).unwrap().expose())));
                format!(" secrets {}{}", values.len(), rows.collect::<String>())
            }
        };
        self.line(&format!("finish = {code}{shown}"));
        if let Err(error) = &outcome {
            self.words(error);
        }
        (code, text)
    }

    /// Does the step that was handed out last as a good host and an honest relay would.
    pub(crate) fn honest(&mut self) {
        let (number, step) = self.last.take().unwrap();
        match step {
            Step::Load(key) => {
                let held = self.store.get(&key).cloned();
                self.loaded(number, held);
            }
            Step::Store(key, bytes) => {
                self.store.insert(key, bytes.expose().to_vec());
                self.stored(number);
            }
            Step::Remove(key) => {
                self.store.remove(&key);
                self.stored(number);
            }
            Step::Send(request) => {
                let (status, body) = self.relay(&request);
                self.answered(number, status, None, &body);
            }
            _ => panic!("a step of a newer version"),
        }
    }

    /// The script of an honest relay: takes every commit, shows its log, has no acks.
    fn relay(&mut self, request: &Request) -> (u16, String) {
        let path = request.target.split('?').next().unwrap();
        if path.ends_with("/sync") {
            let commit: Commit = serde_json::from_slice(&request.body).unwrap();
            self.log.extend(commit.entries.into_iter().map(|Bytes(bytes)| bytes));
            let head = SignedEntry::parse(self.log.last().unwrap()).unwrap().head();
            return (
                201,
                format!("{{\"head\":{{\"seq\":{},\"hash\":\"{}\"}}}}", head.seq, head.hash),
            );
        }
        if path.ends_with("/log") {
            return (200, self.page(request));
        }
        if path.ends_with("/acks") {
            let body = if request.body.is_empty() { "{\"acks\":[]}" } else { "" };
            return (200, body.to_owned());
        }
        (200, "{\"deliveries\":[],\"more\":false}".to_owned())
    }

    pub(crate) fn page(&self, request: &Request) -> String {
        let after = request
            .target
            .split("after=")
            .nth(1)
            .map(|rest| rest.split('&').next().unwrap().parse::<usize>().unwrap() + 1);
        let entries = self.log[after.unwrap_or(0).min(self.log.len())..].to_vec();
        let head = SignedEntry::parse(self.log.last().unwrap()).unwrap().head().into();
        let entries = entries.into_iter().map(Bytes).collect();
        serde_json::to_string(&LogPage { entries, head, more: false }).unwrap()
    }

    /// Plays on until a task of this word is handed out; everything before it honestly.
    pub(crate) fn until(&mut self, word: &str) {
        loop {
            let task = self.next();
            if task == word {
                return;
            }
            assert!(!matches!(task, "DONE" | "WAIT"), "ended before {word}");
            if task != "SLEEP" {
                self.honest();
            }
        }
    }

    /// Plays an operation to its end; code and text of its outcome.
    pub(crate) fn run(&mut self, words: &[&str]) -> (i32, String) {
        let code = self.start(words);
        assert_eq!(code, 0);
        self.until("DONE");
        self.finish()
    }
}

fn shown(number: u64, step: &Step) -> (&'static str, String) {
    match step {
        Step::Load(key) => ("LOAD", format!("LOAD {number} {key}")),
        Step::Store(key, bytes) => {
            ("STORE", format!("STORE {number} {key} {}", hex(bytes.expose())))
        }
        Step::Remove(key) => ("REMOVE", format!("REMOVE {number} {key}")),
        Step::Send(request) => {
            let headers: String =
                request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            let url = agentsecrets::model::url(request);
            let shown = format!(
                "SEND {number} {} {url} {} {}",
                request.method.as_str(),
                hex(headers.as_bytes()),
                hex(&request.body)
            );
            ("SEND", shown)
        }
        _ => panic!("a step of a newer version"),
    }
}
