//! `.env` text: the table that both peers were held to, and round trips of every value.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use agentsecrets_core::{ErrorCode, dotenv, name::SecretName, secret::SecretBytes};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    read: Vec<Read>,
    written: Vec<Written>,
}

#[derive(Deserialize)]
struct Read {
    what: String,
    text: String,
    map: Option<BTreeMap<String, String>>,
    error_line: Option<usize>,
}

#[derive(Deserialize)]
struct Written {
    value: String,
    text: String,
}

type Entries = Vec<(SecretName, SecretBytes)>;

fn table() -> Table {
    serde_json::from_str(include_str!("dotenv_cases.json")).unwrap()
}

fn one(value: &[u8]) -> Entries {
    vec![(SecretName::parse("A").unwrap(), SecretBytes::copy_of(value))]
}

fn write(entries: &Entries) -> agentsecrets_core::Result<SecretBytes> {
    dotenv::write(entries.iter().map(|(name, value)| (name, value)))
}

fn plain(entries: &Entries) -> Vec<(&str, &[u8])> {
    entries.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

#[test]
fn the_table_is_read_as_it_says() {
    for Read { what, text, map, error_line } in table().read {
        let read = dotenv::parse(text.as_bytes());
        if let Some(map) = map {
            let read = read.unwrap();
            let read = plain(&read).into_iter().collect::<BTreeMap<_, _>>();
            let map = map.iter().map(|(k, v)| (k.as_str(), v.as_bytes())).collect();
            assert_eq!(read, map, "{what}");
        } else {
            let error = read.unwrap_err();
            let line = format!("line {} cannot be read: ", error_line.unwrap());
            assert_eq!(error.code(), ErrorCode::DotenvSyntax, "{what}");
            assert!(error.message().starts_with(&line), "{what}: {error}");
        }
    }
}

#[test]
fn the_table_is_written_as_it_says() {
    for Written { value, text } in table().written {
        assert!(write(&one(value.as_bytes())).unwrap().ct_eq(text.as_bytes()), "{value:?}");
    }
}

#[test]
fn entries_come_in_the_order_of_their_first_lines() {
    let read = dotenv::parse(b"B=1\nA=2\nB=3\n").unwrap();
    assert_eq!(plain(&read), [("B", &b"3"[..]), ("A", b"2")]);
}

#[test]
fn values_that_are_not_utf8_are_read() {
    let read = dotenv::parse(b"A=\xff\xfe # c\nB='\x80'\nC=\xc2\n").unwrap();
    assert_eq!(plain(&read), [("A", &b"\xff\xfe"[..]), ("B", b"\x80"), ("C", b"\xc2")]);
}

#[test]
fn an_error_tells_nothing_of_the_line() {
    for text in ["hunter2", "A='hunter2", "A='x'hunter2", "hunter-2=1", "A=hunter2\0"] {
        let error = dotenv::parse(text.as_bytes()).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }
}

#[test]
fn values_that_a_dotenv_cannot_hold_are_refused_by_name() {
    for (value, code) in
        [(&b"\xff"[..], ErrorCode::InvalidArgument), (b"\0", ErrorCode::NotAnEnvironmentValue)]
    {
        let error = write(&one(value)).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.message().starts_with("the value of A "), "{error}");
    }
}

#[test]
fn a_value_of_64_kib_reads_back() {
    for part in ["'\"\\\n", " #\t`", "\r\n", "\u{a0}\u{2028}"] {
        let value = part.repeat(65_536 / part.len());
        let text = write(&one(value.as_bytes())).unwrap();
        assert!(dotenv::parse(text.expose()).unwrap()[0].1.ct_eq(value.as_bytes()), "{part:?}");
    }
}

/// Text in which what means something to a reader is frequent.
fn value() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        "'\"`\\#\n\r\t $nrtabfv=x\u{b}\u{1c}\u{85}\u{a0}\u{2028}\u{feff}é"
            .chars()
            .collect::<Vec<_>>(),
    );
    let any = any::<char>().prop_filter("a .env holds no zero byte", |c| *c != '\0');
    prop::collection::vec(prop_oneof![9 => special, 1 => any], 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(values in prop::collection::vec(value(), 0..4)) {
        let name = |at| SecretName::parse(&format!("N{at}")).unwrap();
        let entries: Entries = values.iter().enumerate()
            .map(|(at, value)| (name(at), SecretBytes::copy_of(value.as_bytes())))
            .collect();
        let read = dotenv::parse(write(&entries).unwrap().expose()).unwrap();
        prop_assert_eq!(plain(&read), plain(&entries));
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = dotenv::parse(&text);
    }
}
