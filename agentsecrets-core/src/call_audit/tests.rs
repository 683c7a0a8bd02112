#![allow(clippy::unwrap_used)]

use super::*;
use crate::{encoding::EntryHash, identity::Kind};

fn call(at: u64) -> Call {
    Call {
        time: 1_700_000_000_000 + at,
        agent: "helper".to_owned(),
        reason: "read the balance".to_owned(),
        act: Act::Request,
        name: SecretName::parse("API_KEY").unwrap(),
        version: 3,
        host: "api.example".to_owned(),
        method: "GET".to_owned(),
        path: format!("/v1/balance/{at}"),
        status: Some(200),
        redactions: at % 2,
        failed: None,
    }
}

fn pin() -> CallPin {
    CallPin::new([7; 16], Key::new([9; 32]))
}

fn again(pin: &CallPin) -> CallPin {
    let key = Key::new(*pin.key.expose());
    CallPin { header: Header, id: pin.id, key, head: pin.head, length: pin.length }
}

fn chain(count: u64) -> (CallPin, Vec<Vec<u8>>) {
    let mut pin = pin();
    let frames = (0..count).map(|at| pin.append(call(at), [at as u8; 40])).collect();
    (pin, frames)
}

fn refused(pin: &CallPin, bytes: &[u8]) -> bool {
    again(pin).read(bytes).is_err_and(|error| error.code() == ErrorCode::CallRecordBroken)
}

#[test]
fn what_was_appended_is_read_back() {
    let (pin, frames) = chain(5);
    let (records, rest) = again(&pin).read(&frames.concat()).unwrap();
    let calls: Vec<Call> = records.into_iter().map(|record| record.call).collect();
    assert_eq!((calls, rest), ((0..5).map(call).collect(), 0));
    assert!(again(&pin).read(&[]).is_err());
    assert!(super::tests::pin().read(&[]).unwrap().0.is_empty());
}

#[test]
fn a_change_a_cut_another_order_or_chain_is_found() {
    let (pin, frames) = chain(4);
    let whole = frames.concat();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(refused(&pin, &changed), "byte {at} changed");
        assert!(refused(&pin, &whole[..at]), "cut at {at}");
    }
    for (a, b) in [(0, 1), (1, 2), (0, 3)] {
        let mut other = frames.clone();
        other.swap(a, b);
        assert!(refused(&pin, &other.concat()), "{a} and {b} swapped");
    }
    for left_out in 0..4 {
        let mut other = frames.clone();
        other.remove(left_out);
        assert!(refused(&pin, &other.concat()), "{left_out} left out");
        let mut twice = frames.clone();
        twice.insert(left_out, frames[left_out].clone());
        assert!(refused(&pin, &twice.concat()), "{left_out} twice");
    }
    let mut stranger = CallPin::new([8; 16], Key::new([9; 32]));
    let other: Vec<Vec<u8>> = (0..4).map(|at| stranger.append(call(at), [at as u8; 40])).collect();
    assert!(refused(&pin, &other.concat()), "another chain");
}

#[test]
fn a_crash_between_append_and_pin_loses_nothing() {
    let (mut pin, mut frames) = chain(2);
    let before = again(&pin);
    frames.push(pin.append(call(2), [2; 40]));
    let mut behind = again(&before);
    assert_eq!(behind.read(&frames.concat()).unwrap().0.len(), 3);
    assert_eq!((behind.head, behind.length), (pin.head, pin.length));
    let half = [frames[..2].concat(), frames[2][..9].to_vec()].concat();
    let (records, rest) = again(&before).read(&half).unwrap();
    assert_eq!((records.len(), rest), (2, 9));
}

#[test]
fn records_are_not_readable_without_the_key_and_have_no_field_for_a_value() {
    let (_, frames) = chain(1);
    let whole = frames.concat();
    for text in ["helper", "API_KEY", "api.example", "balance"] {
        assert!(!whole.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    // Whoever adds a field has to say here what it holds.
    let Call {
        time: _,
        agent: _,
        reason: _,
        act: _,
        name: _,
        version: _,
        host: _,
        method: _,
        path: _,
        status: _,
        redactions: _,
        failed: _,
    } = call(0);
}

#[test]
fn long_texts_are_cut_between_characters() {
    let mut pin = pin();
    let long = Call { reason: "ü".repeat(5000), agent: "a".repeat(9999), ..call(0) };
    let frame = pin.append(long, [0; 40]);
    let (records, _) = again(&pin).read(&frame).unwrap();
    assert_eq!((records[0].call.reason.len(), records[0].call.agent.len()), (MAX_TEXT, MAX_TEXT));
}

fn exported() -> (Identity, String) {
    let identity = Identity::from_seed(Key::new([3; 32]), Kind::Human);
    let (pin, frames) = chain(4);
    let (records, _) = again(&pin).read(&frames.concat()).unwrap();
    let log = Head { seq: 12, hash: EntryHash([4; 32]) };
    let checkpoint =
        Checkpoint::new(WorkspaceId([5; 32]), &identity, &pin, log, 99).sign(&identity);
    let text = export(&records, &checkpoint);
    (identity, text)
}

#[test]
fn an_export_is_verified_without_a_key_and_every_edit_is_found() {
    let (identity, text) = exported();
    let key_of =
        |id: &MemberId| (*id == identity.id()).then(|| *identity.recipient().verifying_key());
    let read = read_export(&text, key_of).unwrap();
    assert_eq!((read.records.len(), read.head.seq, read.checkpoint.log.seq), (4, 4, 12));
    assert_eq!(read_export(&text, |_| None).unwrap_err().code(), ErrorCode::BadSignature);
    let lines: Vec<&str> = text.lines().collect();
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        assert!(read_export(&fewer.join("\n"), key_of).is_err(), "line {at} left out");
        if at > 0 {
            let mut other = lines.clone();
            other.swap(at - 1, at);
            assert!(read_export(&other.join("\n"), key_of).is_err(), "line {at} moved");
        }
    }
    for (from, to) in [
        ("\"redactions\":1", "\"redactions\":0"),
        ("helper", "hacker"),
        ("\"status\":200", "\"status\":null"),
        ("\"failed\":null", "\"failed\":\"use_forbidden\""),
        ("/v1/balance/2", "/v1/balance/3"),
        ("\"seq\":1", "\"seq\":1,\"value\":\"x\""),
        ("checkpoint\":\"A", "checkpoint\":\"B"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(read_export(&text.replacen(from, to, 1), key_of).is_err(), "{from} edited");
    }
}
