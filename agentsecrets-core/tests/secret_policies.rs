//! Policies as JSON: one text for each, every field written out, and each word that is none refused.

#![allow(clippy::unwrap_used)]

use agentsecrets_core::{
    ErrorCode,
    identity::Kind,
    secret_policy::{
        Access, DEFAULT_RESPONSE, MAX_RESPONSE, Place, Scheme, SecretPolicy, may_read,
    },
};

/// A policy of one rule, with one of the rule's fields in other words.
fn with(field: &str, words: &str) -> String {
    let mut fields = vec![
        ("host", "\"api.example\""),
        ("methods", "[\"GET\"]"),
        ("paths", "[\"/v1/**\"]"),
        ("places", "[\"bearer\"]"),
    ];
    fields.retain(|(name, _)| *name != field);
    if !field.is_empty() {
        fields.push((field, words));
    }
    let fields: Vec<_> = fields.iter().map(|(name, words)| format!("\"{name}\":{words}")).collect();
    format!("{{\"access\":\"use-only\",\"rules\":[{{{}}}]}}", fields.join(","))
}

fn message(json: &str) -> String {
    let error = SecretPolicy::from_json(json).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MalformedPolicy, "{json}");
    error.message().to_owned()
}

#[test]
fn what_a_rule_leaves_out_is_the_usual() {
    let policy = SecretPolicy::from_json(&with("", "")).unwrap();
    let rule = &policy.rules[0];
    assert_eq!((policy.access, policy.sign, policy.environment), (Access::UseOnly, false, false));
    assert_eq!((rule.scheme, rule.port, rule.private), (Scheme::Https, 443, false));
    assert_eq!((rule.response_limit, DEFAULT_RESPONSE), (4_194_304, 4_194_304));
    let plain = SecretPolicy::from_json(&with("scheme", "\"http\"")).unwrap();
    assert_eq!((plain.rules[0].scheme, plain.rules[0].port), (Scheme::Http, 80));
    let other = SecretPolicy::from_json(&with("port", "8443")).unwrap();
    assert_eq!(other.rules[0].port, 8443);
    let limited = SecretPolicy::from_json(&with("response_limit", "1")).unwrap();
    assert_eq!(limited.rules[0].response_limit, 1);
}

#[test]
fn a_policy_is_written_with_every_field_and_lists_in_order() {
    let json = r#"{"access":"use-only","sign":true,"rules":[{"host":"API.example","methods":["POST","GET","POST"],
        "paths":["/v1/*","/a"],"places":["query:key","bearer"]}]}"#;
    let policy = SecretPolicy::from_json(json).unwrap();
    let written = concat!(
        r#"{"access":"use-only","sign":true,"environment":false,"rules":[{"scheme":"https","host":"api.example","#,
        r#""port":443,"private":false,"methods":["GET","POST"],"paths":["/a","/v1/*"],"#,
        r#""places":["bearer","query:key"],"response_limit":4194304}]}"#,
    );
    assert_eq!(policy.to_json(), written);
    assert_eq!(SecretPolicy::from_json(written).unwrap(), policy);
    assert_eq!(SecretPolicy::parse(&policy.to_bytes()).unwrap().as_ref(), Some(&policy));
    let readable = r#"{"access":"readable","sign":false,"environment":true,"rules":[]}"#;
    assert_eq!(SecretPolicy::from_json(readable).unwrap().to_json(), readable);
}

#[test]
fn what_is_no_policy_is_refused_with_what_it_should_be_and_never_repeated() {
    for (json, why) in [
        (with("scheme", "\"hunter\""), "a scheme is `https` or `http`"),
        (with("host", "\"hunter 2\""), "a host is a name in ASCII or an address, IPv6 in brackets"),
        (
            with("methods", "[\"hunter\"]"),
            "a method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS",
        ),
        (
            with("paths", "[\"hunter\"]"),
            "a path begins with `/`; `*` is one segment, `**` the rest",
        ),
        (
            with("places", "[\"hunter\"]"),
            "a place is bearer, basic[:USER], header:NAME[:WORD], query:NAME, json:/POINTER or form:NAME",
        ),
        (with("methods", "[]"), "a rule names methods, paths and places, each once and in order"),
        (with("port", "0"), "a rule has a port, and a limit of 1 byte to 64 MiB"),
        (with("response_limit", "0"), "a rule has a port, and a limit of 1 byte to 64 MiB"),
        (with("response_limit", "67108865"), "a rule has a port, and a limit of 1 byte to 64 MiB"),
        (r#"{"access":"hunter"}"#.to_owned(), "access is `readable` or `use-only`"),
    ] {
        assert_eq!(message(&json), why);
    }
    assert!(SecretPolicy::from_json(&with("response_limit", "67108864")).is_ok());
    assert_eq!(MAX_RESPONSE, 67_108_864);
    for json in
        ["", "hunter", "{}", r#"{"access":"readable","hunter":1}"#, "{\"access\":\n  hunter}"]
    {
        let said = message(json);
        assert!(
            said.starts_with("the policy is not JSON of its shape at line ")
                && !said.contains("hunter")
        );
    }
    assert!(message("{\"access\":\n hunter}").ends_with("at line 2, column 2"));
}

#[test]
fn a_policy_has_at_most_sixteen_rules_and_four_kibibytes() {
    let rules = |count: usize, path: usize| {
        let one = with("paths", &format!("[\"/{}\"]", "a".repeat(path)));
        let rule = &one[one.find('[').unwrap() + 1..one.len() - 2];
        format!("{{\"access\":\"use-only\",\"rules\":[{}]}}", vec![rule; count].join(","))
    };
    assert_eq!(SecretPolicy::from_json(&rules(16, 1)).unwrap().rules.len(), 16);
    assert_eq!(message(&rules(17, 1)), "a policy has at most 16 rules");
    let bytes =
        |path| SecretPolicy::from_json(&rules(8, path)).map(|policy| policy.to_bytes().len());
    let most = (1..511).rev().find(|path| bytes(*path).is_ok()).unwrap();
    let size = bytes(most).unwrap();
    assert!((4096 - 8..=4096).contains(&size), "{size}");
    assert_eq!(message(&rules(8, most + 1)), "a policy has at most 4 KiB");
}

#[test]
fn a_place_is_written_as_it_is_read() {
    for text in [
        "bearer",
        "basic",
        "basic:app",
        "header:x-key",
        "header:authorization:Bot",
        "query:api_key",
        "json:/a/b",
        "form:token",
    ] {
        assert_eq!(Place::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Place::parse("header:X-Key").unwrap().to_string(), "header:x-key");
    for text in [
        "",
        "bearer:",
        "bearer:x",
        "basic:a:b",
        "basic:ä",
        "header",
        "header:",
        "header:host",
        "header:proxy-x",
        "header:x-forwarded-for",
        "header:x key",
        "header:x-key:",
        "header:x-key:a b",
        "query",
        "query:",
        "json",
        "json:",
        "json:/",
        "json:a",
        "form",
        "form:",
        "cookie:a",
    ] {
        assert_eq!(Place::parse(text), None, "{text}");
    }
    let longest = |kind: &str, length| Place::parse(&format!("{kind}:{}", "a".repeat(length)));
    for kind in ["query", "header"] {
        assert!(longest(kind, 128).is_some() && longest(kind, 129).is_none());
    }
}

#[test]
fn without_a_policy_everybody_but_an_agent_reads() {
    let policy = |access| SecretPolicy::from_json(&format!("{{\"access\":\"{access}\"}}")).unwrap();
    let (readable, use_only) = (policy("readable"), policy("use-only"));
    for kind in [Kind::Human, Kind::Ci, Kind::Agent] {
        assert_eq!(may_read(None, kind), kind != Kind::Agent);
        assert!(may_read(Some(&readable), kind) && !may_read(Some(&use_only), kind));
    }
}
