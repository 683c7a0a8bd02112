//! Errors of a relay, `application/problem+json` or anything else, as people read them.

use std::time::Duration;

use agentsecrets_core::{message::Response, sync};

use crate::{answers, input::Input, machine::follower};

/// A status, a wait and a body, which every request gets.
pub fn problem(data: &[u8]) {
    let mut input = Input(data);
    let status = 100 + input.short() % 500;
    let retry_after = input.flip().then(|| Duration::from_secs(input.byte().into()));
    let answer = Response { status, body: input.0.to_vec(), retry_after };
    answers::body(&answer.body);
    let (mut host, _, workspace) = follower();
    let follow = |start, workspace| sync::follow_log(start, workspace, Duration::ZERO);
    let Err(error) = host.follow(workspace, follow, &answer) else {
        assert!((200..300).contains(&status), "{status} counts as an answer");
        return;
    };
    // It goes to terminals: what a stranger sent shows in it as a short plain word at most.
    for text in [error.to_string(), format!("{error:?}"), error.hint().to_string()] {
        assert!(text.len() < 500, "a stranger decides how long an error is");
        assert!(!text.contains(char::is_control), "a stranger writes on a terminal");
    }
    assert!(error.retry_after().is_none_or(|wait| Some(wait) == retry_after));
}
