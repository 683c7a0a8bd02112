//! The scenarios: what a host does, in which order, and how it fails.

use agentsecrets::model::ErrorCode;
use agentsecrets_core::sync::Step;

use super::stage::{BEGIN, RELAY, Stage};

type Play = fn(&mut Stage);

/// Name of the file, claim, what is played.
pub(crate) fn all() -> Vec<(&'static str, &'static str, Play)> {
    let mut all = operations();
    all.extend(replies());
    all.extend(relays());
    all.extend(vaults());
    all.extend(arguments());
    all
}

fn local(stage: &mut Stage) -> String {
    stage.run(&["create", "acme", "host", ""]).1
}

fn on_relay(stage: &mut Stage) -> String {
    stage.run(&["create", "acme", "host", RELAY]).1
}

fn with_value(stage: &mut Stage) -> String {
    let id = on_relay(stage);
    stage.run(&["set", &id, "development", "API_KEY", "fake-one"]);
    id
}

fn operations() -> Vec<(&'static str, &'static str, Play)> {
    vec![
        ("create-local", "a workspace without a relay sends nothing", |stage| drop(local(stage))),
        ("create-on-relay", "settings are stored before the log is sent", |stage| {
            drop(on_relay(stage));
        }),
        ("set-and-load-local", "a value that was set is there", |stage| {
            let id = local(stage);
            stage.run(&["set", &id, "development", "API_KEY", "fake-one"]);
            stage.run(&["load", &id, "development"]);
        }),
        ("push-local", "a local push keeps its sealed parts for a relay to come", |stage| {
            let id = local(stage);
            stage.run(&["set", &id, "development", "API_KEY", "fake-one"]);
            stage.run(&["push", &id, "development"]);
            stage.run(&["load", &id, "development"]);
        }),
        ("push-on-relay", "what is about to leave is stored before it is sent", |stage| {
            let id = with_value(stage);
            stage.run(&["push", &id, "development"]);
            stage.run(&["load", &id, "development"]);
        }),
        ("push-nothing", "a push of nothing commits nothing", |stage| {
            let id = on_relay(stage);
            stage.run(&["push", &id, "development"]);
        }),
        ("sync-alone", "a sync pulls every environment and leaves an ack", |stage| {
            let id = with_value(stage);
            stage.run(&["push", &id, "development"]);
            stage.run(&["sync", &id]);
        }),
        ("load-empty", "an environment without values is no failure", |stage| {
            let id = local(stage);
            stage.run(&["load", &id, "staging"]);
        }),
        ("values-of-many-kinds", "bytes come back as they went in", |stage| {
            let id = local(stage);
            for (name, value) in [("A", "Grüße 世界 🌍"), ("B", "a\nb"), ("_C", "="), ("D1", "\"'")]
            {
                stage.run(&["set", &id, "production", name, value]);
            }
            stage.run(&["load", &id, "production"]);
        }),
        ("second-version", "a value on top of a pushed one", |stage| {
            let id = with_value(stage);
            stage.run(&["push", &id, "development"]);
            stage.run(&["set", &id, "development", "API_KEY", "fake-two"]);
            stage.run(&["push", &id, "development"]);
            stage.run(&["load", &id, "development"]);
        }),
    ]
}

fn replies() -> Vec<(&'static str, &'static str, Play)> {
    vec![
        ("duplicate-reply", "a second reply to a step is refused and not noticed", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.until("STORE");
            let step = stage.step();
            stage.honest();
            stage.stored(step);
            stage.until("DONE");
            stage.finish();
        }),
        ("reply-out-of-order", "a reply to a step of before is refused", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.until("STORE");
            let first = stage.step();
            stage.honest();
            stage.next();
            stage.stored(first);
            stage.honest();
            stage.until("DONE");
            stage.finish();
        }),
        ("reply-to-no-step", "a reply to a step that was never handed out is refused", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.stored(1);
            stage.next();
            stage.stored(99);
            stage.honest();
            stage.until("DONE");
            stage.finish();
        }),
        ("next-before-reply", "a step is handed out once", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.next();
            stage.next();
            stage.next();
            stage.honest();
            stage.until("DONE");
            stage.finish();
        }),
        ("reply-of-another-kind", "bytes in reply to a store end the operation", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.until("STORE");
            stage.loaded(stage.step(), Some(b"x".to_vec()));
            stage.next();
            stage.finish();
        }),
        ("answer-to-a-load", "a relay's answer in reply to a load ends the operation", |stage| {
            let id = local(stage);
            stage.start(&["load", &id, "development"]);
            stage.until("LOAD");
            stage.answered(stage.step(), 200, None, "{}");
            stage.next();
            stage.finish();
        }),
        ("reply-after-close", "a reply after the operation was given up is closed", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.until("SEND");
            stage.close();
            stage.answered(stage.step(), 201, None, "{}");
            stage.next();
            stage.finish();
        }),
        ("close-before-anything", "an operation that is given up at once did nothing", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.close();
            stage.next();
            stage.finish();
        }),
        (
            "close-in-the-middle-of-a-push",
            "what left stays known, and the next push tells",
            |stage| {
                let id = with_value(stage);
                stage.start(&["push", &id, "development"]);
                stage.until("SEND");
                stage.honest();
                stage.until("SEND");
                stage.close();
                stage.finish();
                stage.run(&["push", &id, "development"]);
                stage.run(&["load", &id, "development"]);
            },
        ),
        ("close-twice", "closing twice is closing once", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.close();
            stage.close();
            stage.finish();
        }),
        ("finish-before-the-end", "an outcome before the end is busy", |stage| {
            stage.start(&["create", "acme", "host", ""]);
            stage.finish();
            stage.next();
            stage.finish();
            stage.honest();
            stage.until("DONE");
            stage.finish();
        }),
        ("finish-twice", "an outcome is handed over once", |stage| {
            local(stage);
            stage.finish();
            stage.next();
        }),
        ("reply-after-the-end", "a reply after the end is closed", |stage| {
            local(stage);
            stage.stored(1);
        }),
    ]
}

/// A commit whose request is answered otherwise.
fn commit_answered(stage: &mut Stage, status: u16, body: &str) {
    stage.start(&["create", "acme", "host", RELAY]);
    loop {
        match stage.next() {
            "SEND" => {
                stage.answered(stage.step(), status, None, body);
            }
            "SLEEP" => {}
            "DONE" => break,
            _ => stage.honest(),
        }
    }
    stage.finish();
}

fn relays() -> Vec<(&'static str, &'static str, Play)> {
    vec![
        ("relay-unreachable", "four tries with growing waits, then an error", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.each_send(|stage, step| stage.failed(step, ErrorCode::RelayUnreachable));
        }),
        ("relay-times-out", "a try that costs a whole timeout is made twice", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.each_send(|stage, step| stage.failed(step, ErrorCode::RelayTimeout));
        }),
        ("relay-back-after-a-failure", "the same commit goes out again", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.until("SEND");
            stage.failed(stage.step(), ErrorCode::RelayUnreachable);
            stage.until("DONE");
            stage.finish();
        }),
        ("relay-answers-html", "a page of a proxy is no relay", |stage| {
            commit_answered(stage, 200, "<!doctype html><title>Welcome</title>");
        }),
        ("relay-answers-half", "half a body is no answer", |stage| {
            commit_answered(stage, 201, "{\"head\":{\"seq\":3,\"ha");
        }),
        ("relay-answers-nothing", "an empty body is no answer", |stage| {
            commit_answered(stage, 201, "");
        }),
        ("relay-500", "a failure of the relay's own", |stage| {
            commit_answered(stage, 500, "{\"code\":\"internal\"}");
        }),
        ("relay-refuses", "a refusal with its code", |stage| {
            commit_answered(stage, 422, "{\"code\":\"refused_entry\"}");
        }),
        ("relay-full", "a relay's full disk", |stage| {
            commit_answered(stage, 503, "{\"code\":\"storage_full\"}");
        }),
        ("relay-confirms-another-head", "a head that was not sent is malformed", |stage| {
            let id = with_value(stage);
            stage.start(&["push", &id, "development"]);
            stage.until("SEND");
            stage.honest();
            stage.until("SEND");
            let other = "ab".repeat(32);
            let body = format!("{{\"head\":{{\"seq\":4,\"hash\":\"{other}\"}}}}");
            stage.answered(stage.step(), 201, None, &body);
            stage.until("DONE");
            stage.finish();
        }),
        ("relay-asks-for-a-wait", "the wait that it asks for is kept", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.until("SEND");
            stage.answered(stage.step(), 429, Some(3000), "{\"code\":\"rate_limited\"}");
            stage.next();
            stage.now -= 1;
            stage.next();
            stage.until("DONE");
            stage.finish();
        }),
        ("relay-asks-for-too-long-a-wait", "a wait over 20 seconds is the caller's", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.until("SEND");
            stage.answered(stage.step(), 429, Some(60_000), "{\"code\":\"rate_limited\"}");
            stage.until("DONE");
            stage.finish();
        }),
        ("clock-is-corrected-once", "a clock that is off moves the created of requests", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.until("SEND");
            let server = BEGIN / 1000 + 86_400;
            let body = format!("{{\"code\":\"clock_skew\",\"server_time\":{server}}}");
            stage.answered(stage.step(), 401, None, &body);
            stage.until("SEND");
            stage.answered(stage.step(), 401, None, &body);
            stage.until("DONE");
            stage.finish();
        }),
        ("head-moved", "somebody else came first: follow, build again, send again", |stage| {
            let id = with_value(stage);
            stage.start(&["push", &id, "development"]);
            stage.until("SEND");
            stage.honest();
            stage.until("SEND");
            stage.answered(stage.step(), 409, None, "{\"code\":\"head_moved\"}");
            stage.until("DONE");
            stage.finish();
        }),
        ("log-of-rubbish", "bytes that are no entry are refused", |stage| {
            let id = on_relay(stage);
            stage.start(&["sync", &id]);
            stage.until("SEND");
            let head = "ab".repeat(32);
            let body = format!(
                "{{\"entries\":[\"AAAA\"],\"head\":{{\"seq\":3,\"hash\":\"{head}\"}},\"more\":false}}"
            );
            stage.answered(stage.step(), 200, None, &body);
            stage.until("DONE");
            stage.finish();
        }),
        ("rollback", "a log that ends before the pin is refused", |stage| {
            let id = on_relay(stage);
            stage.start(&["sync", &id]);
            stage.until("SEND");
            let head = "ab".repeat(32);
            let body = format!(
                "{{\"entries\":[],\"head\":{{\"seq\":1,\"hash\":\"{head}\"}},\"more\":false}}"
            );
            stage.answered(stage.step(), 200, None, &body);
            stage.until("DONE");
            stage.finish();
        }),
        ("not-a-member", "a relay that does not know the device", |stage| {
            let id = on_relay(stage);
            stage.start(&["sync", &id]);
            stage.until("SEND");
            stage.answered(stage.step(), 403, None, "{\"code\":\"not_a_member\"}");
            stage.until("DONE");
            stage.finish();
        }),
    ]
}

fn vaults() -> Vec<(&'static str, &'static str, Play)> {
    vec![
        ("vault-fails-before-send", "what could not be stored is not sent", |stage| {
            stage.start(&["create", "acme", "host", RELAY]);
            stage.until("STORE");
            stage.failed(stage.step(), ErrorCode::VaultFull);
            stage.until("DONE");
            stage.finish();
        }),
        (
            "vault-fails-before-a-push-is-sent",
            "no sealed byte leaves before it is noted",
            |stage| {
                let id = with_value(stage);
                stage.start(&["push", &id, "development"]);
                stage.until("STORE");
                stage.failed(stage.step(), ErrorCode::VaultIo);
                stage.until("DONE");
                stage.finish();
                stage.run(&["load", &id, "development"]);
            },
        ),
        ("vault-cannot-be-read", "a store that fails to read ends the operation", |stage| {
            let id = local(stage);
            stage.start(&["load", &id, "development"]);
            stage.until("LOAD");
            stage.failed(stage.step(), ErrorCode::VaultIo);
            stage.until("DONE");
            stage.finish();
        }),
        ("vault-holds-rubbish", "bytes that are no state are damage", |stage| {
            let id = local(stage);
            let key = format!("workspace/{id}/state");
            stage.store.insert(key, b"rubbish".to_vec());
            stage.run(&["load", &id, "development"]);
        }),
        ("vault-lost-the-workspace", "a vault that knows nothing of it", |stage| {
            let id = local(stage);
            stage.store.clear();
            stage.run(&["load", &id, "development"]);
        }),
    ]
}

fn arguments() -> Vec<(&'static str, &'static str, Play)> {
    const CANARY: &str = "canary-7f3a-not-to-be-shown";
    vec![
        ("workspace-that-is-no-id", "a workspace is 64 hexadecimal digits", |stage| {
            stage.start(&["sync", "acme"]);
            stage.start(&["load", &"AB".repeat(32), "development"]);
        }),
        ("name-that-is-none", "a value in the place of a name is not repeated", |stage| {
            let id = local(stage);
            stage.start(&["set", &id, "development", CANARY, "x"]);
        }),
        ("environment-that-is-not-there", "the environments that there are are named", |stage| {
            let id = local(stage);
            stage.run(&["load", &id, "nowhere"]);
        }),
        ("value-too-large", "64 KiB and a byte are refused, and not repeated", |stage| {
            let id = local(stage);
            stage.run(&["set", &id, "development", "A", &"x".repeat(65_537)]);
        }),
        ("address-with-a-path", "a relay's address has no path", |stage| {
            stage.start(&["create", "acme", "host", "http://relay.example/path"]);
            stage.until("DONE");
            stage.finish();
        }),
        ("name-too-long", "a workspace's name has a limit", |stage| {
            stage.run(&["create", &"x".repeat(2000), "host", ""]);
        }),
        ("canary-in-a-value", "a value is in no key, no request and no message", |stage| {
            let id = on_relay(stage);
            stage.run(&["set", &id, "development", "API_KEY", CANARY]);
            stage.start(&["push", &id, "development"]);
            loop {
                let word = stage.next();
                if word == "DONE" {
                    break;
                }
                if let Some((_, Step::Send(request))) = &stage.last {
                    let body = String::from_utf8_lossy(&request.body).into_owned();
                    assert!(!body.contains(CANARY) && !request.target.contains(CANARY));
                }
                if word != "SLEEP" {
                    stage.honest();
                }
            }
            stage.finish();
        }),
    ]
}

impl Stage {
    /// Plays to the end; every request is met with `meet`.
    fn each_send(&mut self, meet: fn(&mut Self, u64) -> i32) {
        loop {
            match self.next() {
                "SEND" => {
                    meet(self, self.step());
                }
                "SLEEP" => {}
                "DONE" => break,
                _ => self.honest(),
            }
        }
        self.finish();
    }
}
