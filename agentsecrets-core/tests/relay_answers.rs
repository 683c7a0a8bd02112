//! What each answer of a relay means to the engine, and which are asked for again.

#![allow(clippy::unwrap_used)]

mod host;
#[path = "host/relay.rs"]
mod relay;

use std::time::Duration;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::{EntryHash, Head, WorkspaceId},
    log::SignedEntry,
    message::{Method, Request, Response},
    sync::{self, Machine, Start},
};
use host::Host;
use relay::{Relay, invite, run, workspace};
use serde_json::{Value, json};

fn response(status: u16, body: &Value) -> Response {
    Response { status, body: serde_json::to_vec(body).unwrap(), retry_after: None }
}

fn refusal(status: u16, code: &str) -> Response {
    response(status, &json!({ "code": code }))
}

/// The error of an operation where each request is answered the same, and how many there were.
fn refused<T>(
    answer: impl Fn() -> Result<Response> + 'static,
    host: &mut Host,
    relay: &mut Relay,
    operation: impl FnOnce(Start) -> Machine<T>,
) -> (Error, usize) {
    relay.requests.clear();
    relay.instead = Some(Box::new(move |_| Some(answer())));
    let error = run(host, relay, operation).err().unwrap();
    (error, relay.requests.len())
}

fn following(answer: impl Fn() -> Result<Response> + 'static) -> (Error, usize) {
    let (mut host, mut relay, workspace) = workspace();
    refused(answer, &mut host, &mut relay, |start| {
        sync::follow_log(start, workspace, Duration::ZERO)
    })
}

#[test]
fn each_status_stands_for_one_error_and_only_passing_ones_are_asked_again() {
    for (status, code, error, requests) in [
        (401, "clock_skew", ErrorCode::ClockSkew, 1),
        (401, "bad_signature", ErrorCode::RelayRefused, 1),
        (403, "not_a_member", ErrorCode::NotAdmitted, 1),
        (403, "unknown_workspace", ErrorCode::RelayRefused, 1),
        (404, "unknown_workspace", ErrorCode::NotAdmitted, 1),
        (404, "not_a_member", ErrorCode::RelayRefused, 1),
        (429, "rate_limited", ErrorCode::RateLimited, 4),
        (500, "internal", ErrorCode::RelayError, 1),
        (502, "", ErrorCode::RelayError, 4),
        (503, "storage_full", ErrorCode::RelayStorageFull, 4),
        (503, "overloaded", ErrorCode::RelayOverloaded, 4),
        (504, "", ErrorCode::RelayError, 4),
        (300, "", ErrorCode::RelayRefused, 1),
        (200, "", ErrorCode::RelayMalformed, 1),
    ] {
        let (found, asked) = following(move || Ok(refusal(status, code)));
        assert_eq!((found.code(), asked), (error, requests), "{status} {code}");
    }
}

#[test]
fn an_error_repeats_a_relays_word_only_where_it_is_a_short_one() {
    let long = "a".repeat(65);
    for (word, repeated) in [
        ("tea_pot", true),
        (&long[..64], true),
        (&long, false),
        ("", false),
        ("two words", false),
        ("Loud", false),
        ("x1", false),
    ] {
        for status in [418, 599] {
            let owned = word.to_owned();
            let (error, _) = following(move || Ok(refusal(status, &owned)));
            let says = error.message().contains(&format!(" `{word}`"));
            assert_eq!(says, repeated, "{}", error.message());
            assert_eq!(error.message().contains('`'), repeated, "{}", error.message());
        }
    }
}

#[test]
fn a_wait_is_kept_up_to_twenty_seconds_and_then_left_to_the_caller() {
    for (millis, requests) in [(20_000, 4), (20_001, 1)] {
        let wait = Some(Duration::from_millis(millis));
        let answer = move || Ok(Response { retry_after: wait, ..refusal(429, "") });
        let (error, asked) = following(answer);
        assert_eq!((error.retry_after(), asked), (wait, requests));
    }
}

#[test]
fn only_a_failure_that_may_pass_is_tried_again() {
    for (code, requests) in
        [(ErrorCode::RelayUnreachable, 4), (ErrorCode::RelayTimeout, 2), (ErrorCode::Internal, 1)]
    {
        let (error, asked) = following(move || Err(Error::new(code, "it failed")));
        assert_eq!((error.code(), asked), (code, requests));
    }
}

#[test]
fn a_clock_is_corrected_once_by_what_the_relay_says() {
    let skew = json!({"code": "clock_skew", "server_time": 5_000_000});
    let (error, asked) = following(move || Ok(response(401, &skew)));
    assert_eq!((error.code(), asked), (ErrorCode::ClockSkew, 2));
}

fn is_commit(request: &Request) -> bool {
    request.method == Method::Post
}

fn a_change(
    host: &mut Host,
    workspace: WorkspaceId,
) -> impl Fn(Start) -> Machine<sync::Pushed> + use<> {
    let environment = host.environment(workspace, "development");
    host.change(workspace, environment, "A", Some("1")).unwrap();
    move |start| sync::push(start, workspace, environment, sync::Insist::default())
}

#[test]
fn a_commit_is_made_anew_only_where_the_relay_says_that_the_head_moved() {
    for (status, code) in [(409, "something_else"), (418, "head_moved")] {
        let (mut host, mut relay, workspace) = workspace();
        let push = a_change(&mut host, workspace);
        relay.requests.clear();
        relay.instead =
            Some(Box::new(move |request| is_commit(request).then(|| Ok(refusal(status, code)))));
        let error = run(&mut host, &mut relay, push).err().unwrap();
        assert_eq!(error.code(), ErrorCode::RelayRefused);
        assert_eq!(relay.requests.iter().filter(|request| is_commit(request)).count(), 1);
    }
}

#[test]
fn a_reply_that_is_not_taken_says_what_became_of_the_invitation() {
    let (mut host, mut relay, workspace) = workspace();
    for (status, code, error) in [
        (404, "unknown_invitation", ErrorCode::InvitationUnknown),
        (410, "", ErrorCode::InvitationExpired),
        (409, "invitation_taken", ErrorCode::InvitationUsed),
        (409, "something_else", ErrorCode::RelayRefused),
    ] {
        let invitation = invite(&mut host, &mut relay, workspace);
        let mut newcomer = Host::new(2);
        let join = |start| sync::join(start, invitation, "desk".into());
        let (found, _) =
            refused(move || Ok(refusal(status, code)), &mut newcomer, &mut relay, join);
        assert_eq!(found.code(), error, "{status} {code}");
        relay.instead = None;
    }
}

/// What a repush makes of a relay that answers the question for its head so.
fn repushed(answer: impl Fn(Head) -> Response + 'static) -> Result<(usize, usize)> {
    let (mut host, mut relay, workspace) = workspace();
    let pin = SignedEntry::parse(relay.entries.last().unwrap()).unwrap().head();
    relay.requests.clear();
    relay.instead = Some(Box::new(move |request| (!is_commit(request)).then(|| Ok(answer(pin)))));
    let done = run(&mut host, &mut relay, |start| sync::repush(start, workspace))?;
    Ok((done.entries, relay.requests.iter().filter(|request| is_commit(request)).count()))
}

fn shown(seq: u64, hash: EntryHash) -> Response {
    let head = json!({"seq": seq, "hash": hash.to_string()});
    response(200, &json!({"entries": [], "head": head, "more": false}))
}

#[test]
fn a_repush_sends_what_the_relay_lacks_and_nothing_where_it_is_further() {
    let other = EntryHash([1; 32]);
    let code = |result: Result<(usize, usize)>| result.map_err(|error| error.code());
    assert_eq!(code(repushed(|pin| shown(pin.seq, pin.hash))), Ok((0, 0)));
    assert_eq!(code(repushed(move |pin| shown(pin.seq + 1, other))), Ok((0, 0)));
    assert_eq!(code(repushed(move |pin| shown(pin.seq, other))), Err(ErrorCode::Fork));
    let unknown = code(repushed(|_| refusal(404, "unknown_workspace"))).unwrap();
    assert!(unknown.0 > 0 && unknown.1 == 1, "{unknown:?}");
    assert_eq!(code(repushed(|_| refusal(404, "other"))), Err(ErrorCode::RelayRefused));
    assert_eq!(code(repushed(|_| refusal(500, "unknown_workspace"))), Err(ErrorCode::RelayError));
    let error = repushed(|_| refusal(403, "not_a_member")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotAdmitted);
    assert!(error.hint().contains("repush"), "{}", error.hint());
}

#[test]
fn a_repush_that_another_overtakes_asks_for_the_head_again_and_no_other_failure_does() {
    for (status, code, expected) in [
        (409, "head_moved", Ok(0)),
        (500, "internal", Err(ErrorCode::RelayError)),
        (418, "head_moved", Err(ErrorCode::RelayRefused)),
    ] {
        let (mut host, mut relay, workspace) = workspace();
        let pin = SignedEntry::parse(relay.entries.last().unwrap()).unwrap().head();
        relay.requests.clear();
        let mut committed = false;
        relay.instead = Some(Box::new(move |request| {
            committed |= is_commit(request);
            Some(Ok(match (is_commit(request), committed) {
                (true, _) => refusal(status, code),
                (false, true) => shown(pin.seq, pin.hash),
                (false, false) => refusal(404, "unknown_workspace"),
            }))
        }));
        let done = run(&mut host, &mut relay, |start| sync::repush(start, workspace));
        assert_eq!(done.map(|done| done.entries).map_err(|error| error.code()), expected);
        assert_eq!(relay.requests.iter().filter(|request| is_commit(request)).count(), 1);
    }
}

#[test]
fn a_pull_ends_where_the_connection_does_and_goes_on_where_one_environment_fails() {
    for (failure, ends) in [(ErrorCode::RelayUnreachable, true), (ErrorCode::Internal, false)] {
        let (mut host, mut relay, workspace) = workspace();
        let push = a_change(&mut host, workspace);
        run(&mut host, &mut relay, push).unwrap();
        // A device of the same identity that holds no value yet.
        let mut fresh = Host::new(1);
        fresh.store = host.store.clone();
        fresh.store.retain(|key, _| !key.contains("/environment/"));
        relay.instead = Some(Box::new(move |request| {
            request.target.contains("/deliveries").then(|| Err(Error::new(failure, "it failed")))
        }));
        let pull = |start| sync::pull(start, workspace, None, sync::Clashes::Refuse);
        let pulled = run(&mut fresh, &mut relay, pull);
        match ends {
            true => assert_eq!(pulled.err().unwrap().code(), failure),
            false => {
                let report = pulled.unwrap();
                assert_eq!(report.environments.len(), 3);
                let failed = report.environments.iter().filter(|(_, result)| result.is_err());
                assert_eq!(failed.count(), 1);
            }
        }
    }
}
