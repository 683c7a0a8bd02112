//! `openapi.json` and the code say the same: shapes, queries, codes, and what is not there.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::collections::BTreeSet;

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    wire::{
        Acks, Bytes, Commit, Committed, DeliveriesPage, Delivery, LogPage, NewAck, Received, Reply,
        WireHead,
    },
};
use common::{Relay, client::raw};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn contract() -> Value {
    serde_json::from_str(include_str!("../src/http/openapi.json")).unwrap()
}

fn schema(name: &str) -> Value {
    contract()["components"]["schemas"][name].clone()
}

/// Holds every instance against the schema: fields that may be there are there in some instance,
/// those required in all, and each has the form that the schema says.
fn same_fields<T: Serialize>(name: &str, instances: &[T]) {
    let schema = schema(name);
    let (mut some, mut all) = (BTreeSet::new(), None::<BTreeSet<String>>);
    for instance in instances {
        let value = serde_json::to_value(instance).unwrap();
        check(&value, &schema, name);
        let fields: BTreeSet<_> = value.as_object().unwrap().keys().cloned().collect();
        all = Some(all.map_or(fields.clone(), |all| &all & &fields));
        some.extend(fields);
    }
    let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(some, names(&schema["properties"]), "{name}");
    let required = schema["required"].as_array().unwrap().iter();
    let required: BTreeSet<_> = required.map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(all.unwrap(), required, "{name}");
}

/// The part of JSON Schema that the contract uses; what it does not know fails.
fn check(value: &Value, schema: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(link) => &self::schema(link.rsplit('/').next().unwrap()),
        None => schema,
    };
    if let Some(ways) = schema["oneOf"].as_array() {
        let null = ways.iter().any(|way| way["type"] == "null");
        let other = ways.iter().find(|way| way["type"] != "null").unwrap();
        return if value.is_null() { assert!(null, "{at}") } else { check(value, other, at) };
    }
    match schema["type"].as_str().unwrap_or_else(|| panic!("{at}: no type in {schema}")) {
        "string" => {
            let text = value.as_str().unwrap_or_else(|| panic!("{at}: {value} is no string"));
            let fits = match schema["pattern"].as_str() {
                Some("^[0-9a-f]{64}$") => text.len() == 64 && text.bytes().all(is_hex),
                Some("^[A-Za-z0-9_-]*$") => text.bytes().all(is_base64),
                other => other.is_none(),
            };
            assert!(fits, "{at}: {text}");
        }
        "integer" => assert!(value.is_u64(), "{at}: {value}"),
        "boolean" => assert!(value.is_boolean(), "{at}: {value}"),
        "array" => {
            value.as_array().unwrap().iter().for_each(|one| check(one, &schema["items"], at));
        }
        "object" => value.as_object().unwrap().iter().for_each(|(name, one)| {
            let place = format!("{at}.{name}");
            check(one, &schema["properties"][name], &place);
        }),
        other => panic!("{at}: type {other}"),
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Whether unknown fields are refused is the same in both.
fn same_strictness<T: Serialize + DeserializeOwned>(name: &str, instance: &T) {
    let mut value = serde_json::to_value(instance).unwrap();
    assert!(serde_json::from_value::<T>(value.clone()).is_ok(), "{name}");
    value["unknown"] = json!(1);
    let refused = serde_json::from_value::<T>(value).is_err();
    assert_eq!(refused, schema(name)["additionalProperties"] == false, "{name}");
}

#[test]
fn schemas_and_wire_types_have_the_same_fields() {
    let (bytes, hash) = (|| Bytes(vec![1, 2]), SealedHash([3; 32]));
    let workspace = WorkspaceId([1; 32]);
    let head = WireHead { seq: 1, hash: EntryHash([2; 32]) };
    let delivery = |ciphertext, hash| Delivery {
        entry: 0,
        part: 0,
        recipient: MemberId([1; 32]),
        ciphertext,
        hash,
    };
    let both = || vec![delivery(Some(bytes()), None), delivery(None, Some(hash))];
    let commit = |absent| Commit { workspace, entries: vec![bytes()], deliveries: both(), absent };
    let received = || Received {
        seq: 1,
        parts: vec![Some(bytes()), None],
        hashes: vec![hash],
        path: vec![hash],
    };
    let page = || DeliveriesPage { deliveries: vec![received()], more: false };
    let log = || LogPage { entries: vec![bytes()], head, more: true };
    same_fields("Head", &[head]);
    same_fields("Delivery", &both());
    same_fields("Commit", &[commit(vec![0]), commit(Vec::new())]);
    same_fields("Committed", &[Committed { head }]);
    same_fields("LogPage", &[log()]);
    same_fields("Received", &[received()]);
    same_fields("DeliveriesPage", &[page()]);
    same_fields("NewAck", &[NewAck { ack: bytes() }]);
    same_fields("Acks", &[Acks { acks: vec![bytes()] }]);
    same_fields("Reply", &[Reply { workspace, reply: bytes() }]);
    same_strictness("Commit", &commit(vec![0]));
    same_strictness("Delivery", &delivery(None, Some(hash)));
    same_strictness("Committed", &Committed { head });
    same_strictness("LogPage", &log());
    same_strictness("DeliveriesPage", &page());
    same_strictness("NewAck", &NewAck { ack: bytes() });
    same_strictness("Acks", &Acks { acks: Vec::new() });
    same_strictness("Reply", &Reply { workspace, reply: bytes() });
    let schemas = contract()["components"]["schemas"].as_object().unwrap().len();
    assert_eq!(schemas, 14, "a schema was added: hold it against its type here");
}

#[test]
fn methods_that_the_contract_does_not_name_are_refused_and_those_it_names_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    for (path, operations) in contract()["paths"].as_object().unwrap() {
        let target = ["{workspace}", "{hash}", "{id}", "{invite}"]
            .iter()
            .fold(path.clone(), |path, part| path.replace(part, &"0".repeat(64)));
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let head = format!(
                "{method} {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let status = raw(relay.address, head.as_bytes()).unwrap().status;
            let operation = &operations[method.to_lowercase()];
            let expected = match (operation.is_object(), operation["security"].is_array()) {
                (false, _) => 405,
                (true, true) => 401,
                (true, false) => 200,
            };
            assert_eq!(status, expected, "{method} {path}");
        }
    }
}

#[test]
fn queries_are_the_ones_that_the_handlers_read() {
    for (path, source) in [
        ("/v1/workspaces/{workspace}/log", include_str!("../src/http/log.rs")),
        ("/v1/workspaces/{workspace}/deliveries", include_str!("../src/http/deliveries.rs")),
    ] {
        let contract = contract();
        let parameters = contract["paths"][path]["get"]["parameters"].as_array().unwrap();
        let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let names: Vec<_> = in_query.map(|parameter| parameter["name"].to_string()).collect();
        let read = source.split("request.uri().query(), [").nth(1).unwrap();
        assert_eq!(read.split(']').next().unwrap(), names.join(", "), "{path}");
    }
}

/// Words in quotes that follow a constructor of problems.
fn codes_in_source() -> BTreeSet<String> {
    let sources = [
        include_str!("../src/problem.rs"),
        include_str!("../src/registration.rs"),
        include_str!("../src/http.rs"),
        include_str!("../src/http/acks.rs"),
        include_str!("../src/http/identities.rs"),
        include_str!("../src/http/invitations.rs"),
        include_str!("../src/http/receive.rs"),
        include_str!("../src/http/sync.rs"),
    ];
    let mut codes = BTreeSet::new();
    for source in sources {
        for constructor in ["Self::new(", "Problem::new(", "not_found("] {
            for call in source.split(constructor).skip(1) {
                let word = call.split('"').nth(1).unwrap_or_default();
                codes.insert(word.to_owned());
            }
        }
    }
    codes.retain(|word| {
        !word.is_empty() && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
    });
    codes
}

#[test]
fn every_code_is_in_the_specification_and_the_contract() {
    let specification = include_str!("../../agentsecrets-core/spec/relay.md");
    let table = specification.split("## Errors").nth(1).unwrap();
    let table = table.split("## Limits").next().unwrap();
    let listed: BTreeSet<_> = table
        .lines()
        .filter_map(|line| line.split('|').nth(2))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .filter(|word| word != "code")
        .collect();
    assert_eq!(codes_in_source(), listed);
    let contract = contract()["paths"].to_string();
    for code in listed {
        // What no operation is, no operation answers.
        if !["not_found", "method_not_allowed"].contains(&code.as_str()) {
            assert!(contract.contains(&code), "{code} is in no answer of the contract");
        }
    }
}
