//! Import: what other tools write is read to the last byte, or refused without repeating a value.
//! `tools/import-peers` holds the same forms to the tools themselves.

#![allow(clippy::unwrap_used, clippy::panic)]

use agentsecrets_core::{
    Error, ErrorCode, Result,
    import::{self, Source},
};
use proptest::prelude::*;

fn read(source: Option<Source>, text: &str) -> Result<Vec<(String, String)>> {
    let entries = import::read(source, None, text.as_bytes())?;
    let value = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok(entries.iter().map(|(name, held)| (name.to_string(), value(held.expose()))).collect())
}

/// The value of `A`, which is alone in the file.
fn only(source: Source, text: &str) -> String {
    match read(Some(source), text).unwrap().as_slice() {
        [(name, value)] if name == "A" => value.clone(),
        other => panic!("{text:?} is {other:?}"),
    }
}

fn refused(source: Option<Source>, text: &str) -> Error {
    let error = read(source, text).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter"), "{error:?}");
    error
}

#[test]
fn sources_have_words_and_files_say_what_they_are() {
    for source in Source::ALL {
        assert_eq!(Source::parse(source.as_str()).unwrap(), source);
    }
    assert_eq!(Source::parse("toml").unwrap_err().code(), ErrorCode::InvalidArgument);
    let by_content = [
        ("[{\"key\":\"A\",\"value\":\"1\"}]", Source::Json),
        ("{\n\"A\": \"1\"}", Source::Json),
        ("# of old\n\nA: 1\n", Source::Yaml),
        ("---\nA: 1\n", Source::Yaml),
        ("\"A\": 1\n", Source::Yaml),
        ("Key,Value\r\nA,1\r\n", Source::Csv),
        ("A=b: c\n", Source::Dotenv),
        ("export A=1", Source::Dotenv),
        ("", Source::Dotenv),
    ];
    for (text, source) in by_content {
        assert_eq!(Source::detect(None, text.as_bytes()), source, "{text}");
    }
    for (name, source) in [
        ("a.YML", Source::Yaml),
        ("a.yaml", Source::Yaml),
        ("b.csv", Source::Csv),
        (".env", Source::Dotenv),
    ] {
        assert_eq!(Source::detect(Some(name), b"A=1"), source);
    }
}

#[test]
fn json_of_infisical_is_a_list_and_other_fields_are_left() {
    let text = r#"[{"key":"A","workspace":"w","value":"it's \"q\"\n\\","type":"shared","_id":"1","tags":[],"comment":"c"},
        {"key":"B","value":"","type":"personal"}]"#;
    let expected = [("A", "it's \"q\"\n\\"), ("B", "")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(read(None, text).unwrap(), expected);
    for text in [
        "[{\"key\":\"A\"}]",
        "[{\"value\":\"hunter\"}]",
        "[{\"key\":\"A\",\"value\":\"1\",\"value\":\"hunter\"}]",
        "[{\"key\":1,\"value\":\"hunter\"}]",
        "[\"hunter\"]",
        "[{\"key\":\"A\",\"value\":[\"hunter\"]}]",
    ] {
        assert_eq!(refused(None, text).code(), ErrorCode::InvalidArgument, "{text}");
    }
}

#[test]
fn json_numbers_are_taken_where_they_have_one_form() {
    for word in ["0", "8080", "-1", "12345678901234567890123", "0.5", "-2.25", "true", "false"] {
        assert_eq!(only(Source::Json, &format!("{{\"A\": {word}}}")), word);
    }
    for word in ["1.0", "1e3", "-0", "1.50", "null", "1E5"] {
        refused(Some(Source::Json), &format!("{{\"A\": {word}}}"));
    }
}

#[test]
fn yaml_scalars_are_what_every_reader_takes_them_for() {
    let cases = [
        ("A: plain words # not this\n", "plain words"),
        ("A: a#b\n", "a#b"),
        ("A: http://db.invalid:5432/x?y=z\n", "http://db.invalid:5432/x?y=z"),
        ("A: 8080\n", "8080"),
        ("A: 10.0.0.1\n", "10.0.0.1"),
        ("A: true", "true"),
        ("A: 'it''s: \"x\" # y'\n", "it's: \"x\" # y"),
        ("A: \"\"\n", ""),
        ("A: ''\n", ""),
        (
            "A: \"\\tq\\\" \\\\ \\u00e9\\x41\\U0001F600\\ud83d\\ude00\\N\\L\"  # c\n",
            "\tq\" \\ éA😀😀\u{85}\u{2028}",
        ),
        (
            "A: \"\\0\\a\\b\\n\\v\\f\\r\\e\\ \\/\\_\\P\"\n",
            "\0\u{7}\u{8}\n\u{b}\u{c}\r\u{1b} /\u{a0}\u{2029}",
        ),
        ("A: \"a\\\tb\"\n", "a\tb"),
        ("A: \"one\n  two\n\n  three \\\n  four\"\n", "one two\nthree four"),
        ("A: \"one \\t \n  two\"\n", "one \t two"),
        ("A: \"one \t\r\n\t two\"\n", "one two"),
        ("A: 'one \n \n  two'\n", "one\ntwo"),
        ("A: \"\n  one\"\n", " one"),
        ("A: \"one\n  \"\n", "one "),
        ("A: 'one\n  two\n\n\n  three'\n", "one two\n\nthree"),
        ("A: one\n  two\n\n  three\n", "one two\nthree"),
        ("A: |\n  one\n   two\n\n  three\n\n", "one\n two\n\nthree\n"),
        ("A: |-\n  one\n  two\n", "one\ntwo"),
        ("A: |+\n  one\n\n\n", "one\n\n\n"),
        ("A: |2-\n    one\n  two\n", "  one\ntwo"),
        ("A: |-\n    one", "one"),
        ("A: >-\n  one\n  two\n\n  three\n    deep\n  four\n", "one two\nthree\n  deep\nfour"),
        ("A: |-\n  # no comment\n  A: 1\n", "# no comment\nA: 1"),
        ("A:\n  'one two'\n", "one two"),
        ("A:\n  one\n  two\n", "one two"),
        ("A: |+\n  \n", "\n"),
        ("---\n# c\n\"A\": x\n...\n# end\n", "x"),
        ("'A': x\r\n", "x"),
    ];
    for (text, value) in cases {
        assert_eq!(only(Source::Yaml, text), value, "{text:?}");
    }
    let two = read(None, "B: |\n  x\n\n# c\nA: z\n").unwrap();
    assert_eq!(two, [("B", "x\n"), ("A", "z")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(read(Some(Source::Yaml), "---\n").unwrap().is_empty());
}

#[test]
fn yaml_that_readers_take_differently_is_refused_with_its_line() {
    let words = [
        "no",
        "Yes",
        "ON",
        "n",
        "True",
        "FALSE",
        "null",
        "~",
        "NULL",
        "0755",
        "0x1F",
        "0o7",
        "0b1",
        "1_000",
        "1.0",
        "1e3",
        "+1",
        "-0",
        ".5",
        ".inf",
        "-.Inf",
        ".NaN",
        "12:30:45",
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        "=",
        "<<",
    ];
    for word in words {
        let error = refused(Some(Source::Yaml), &format!("B: 'x'\nA: {word}\n"));
        assert!(
            error.message().starts_with("line 2 cannot be read: readers of YAML disagree"),
            "{word}: {error}"
        );
    }
}

#[test]
fn yaml_that_is_no_flat_mapping_is_refused_without_repeating_it() {
    let cases = [
        ("A:\n", "line 1"),
        ("A: # hunter\n", "line 1"),
        ("A:\r\nB: hunter\r\n", "line 1"),
        ("A:\n  B: hunter\n", "line 1"),
        ("B: x\nA: [hunter]\n", "line 2"),
        ("A: {b: hunter}\n", "line 1"),
        ("A:\n  \"B\": hunter\n", "line 1"),
        ("A:\n  - hunter\n", "line 1"),
        ("A:\nhunter: x\n", "line 1"),
        ("A:\n  # hunter\n", "line 1"),
        ("A: &x hunter\n", "line 1"),
        ("A: *hunter\n", "line 1"),
        ("A: !!str hunter\n", "line 1"),
        ("A: \"hunter\n", "line 1"),
        ("A: \"hunter\nx\"\n", "line 1"),
        ("A: 'hunter\n", "line 1"),
        ("A: \"hunter\" x\n", "line 1"),
        ("A: \"hunter\"#x\n", "line 1"),
        ("A: \"hunter\\q\"\n", "line 1"),
        ("A: \"hunter\\ud800\"\n", "line 1"),
        ("A: \"hunter\\ud800\\u0041\"\n", "line 1"),
        ("A: \"hunter\\ud800\\x41\"\n", "line 1"),
        ("A: \"hunter\\udc00\\ud800\"\n", "line 1"),
        ("A: \"hunter\\U0000d800\\udc00\"\n", "line 1"),
        ("A: \"hunter\\U00110000\"\n", "line 1"),
        ("A: \"hunter\\x4\"\n", "line 1"),
        ("A: \"hunter\\x+4\"\n", "line 1"),
        ("A: \"hunter\\u12é\"\n", "line 1"),
        ("A: \"hunter\\", "line 1"),
        ("A: 'hunter\nx'\n", "line 1"),
        ("A: 'hunter\n  x\n", "line 1"),
        ("A: hunter: x\n", "line 1"),
        ("A: - hunter\n", "line 1"),
        ("A: |9x\n  hunter\n", "line 1"),
        ("A: x\n hunter: y\n", "line 1"),
        ("B: |\n  one\n  two\nhunter\n", "line 4"),
        ("- hunter\n", "line 1"),
        ("A: x\n---\nB: hunter\n", "line 2"),
        ("A: x\n...\nB: hunter\n", "line 3"),
        ("A: one # hunter\n  two\n", "line 1"),
        ("B: x\nA: 'hunter\u{2028}'\n", "line 2"),
    ];
    for (text, cause) in cases {
        let error = refused(Some(Source::Yaml), text);
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{text}");
        assert!(error.message().starts_with(cause), "{text:?}: {error}");
    }
    assert_eq!(refused(Some(Source::Yaml), "hunter-2: x\n").code(), ErrorCode::InvalidName);
}

#[test]
fn csv_is_two_columns_of_bytes() {
    let text = "key,VALUE\nA,plain\r\nB,\"a,\"\"b\"\"\nc\r\n\"\r\n\"C\",\nD, x ";
    let expected = [("A", "plain"), ("B", "a,\"b\"\nc\r\n"), ("C", ""), ("D", " x ")];
    assert_eq!(
        read(Some(Source::Csv), text).unwrap(),
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    for (text, line) in [
        ("A,hunter\n", "line 1"),
        ("Key,Value\nA\n", "line 2"),
        ("Key,Value\nA,\"hunter\n", "line 2"),
        ("Key,Value\nA,b,hunter\n", "line 2"),
        ("Key,Value\nA,\"b\"hunter\n", "line 2"),
        ("Key,Value\nA,\"x\ny\"\nB,hun\"ter\n", "line 4"),
        ("Key,Value\nA,1\n\nB,hunter\n", "line 3"),
    ] {
        let error = refused(Some(Source::Csv), text);
        assert!(error.message().starts_with(line), "{text:?}: {error}");
    }
    assert_eq!(
        refused(Some(Source::Csv), "Key,Value\nhunter 2,x\n").code(),
        ErrorCode::InvalidName
    );
}

#[test]
fn lines_of_sops_are_taken_as_they_stand() {
    let text = "# c\nA='q' # \"x\"\nB=\n\nC=one\\ntwo\\\\nx=y";
    let expected = [("A", "'q' # \"x\""), ("B", ""), ("C", "one\ntwo\\\nx=y")];
    assert_eq!(
        read(Some(Source::SopsDotenv), text).unwrap(),
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert!(refused(Some(Source::SopsDotenv), "A=1\nhunter").message().starts_with("line 2"));
}

#[test]
fn what_another_tool_has_sealed_is_refused_with_the_command_that_opens_it() {
    let sops = "ENC[AES256_GCM,data:aGVsbG8=,iv:aXY=,tag:dGFn,type:str]";
    for text in [
        format!("{{\"A\":\"{sops}\",\"sops\":{{\"version\":\"3.9.0\"}}}}"),
        format!("{{\"A\":\"{sops}\"}}"),
        format!("A: {sops}\nsops:\n    mac: {sops}\n    version: 3.9.0\n"),
        format!("A={sops}\nsops_mac={sops}\nsops_version=3.9.0\n"),
        "A=1\nsops_version=3.9.0\n".to_owned(),
        format!("Key,Value\nA,\"{sops}\"\n"),
    ] {
        let error = refused(None, &text);
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(error.hint().starts_with("sops -d"), "{text}: {error:?}");
    }
    for text in [
        "A=encrypted:BEhunter",
        "A=\"encrypted:BEhunter\"",
        "{\"A\":\"encrypted:BEhunter\"}",
        "A: encrypted:BEhunter\n",
    ] {
        let error = refused(None, text);
        assert!(
            error.message().contains("A is sealed by dotenvx")
                && error.hint().starts_with("dotenvx get"),
            "{error:?}"
        );
    }
}

#[test]
fn a_name_that_stands_twice_is_refused_in_every_form() {
    for (source, text) in [
        (Source::Dotenv, "A=1\nB=2\nA=1\n"),
        (Source::Json, "{\"A\":\"1\",\"A\":\"2\"}"),
        (Source::Json, "[{\"key\":\"A\",\"value\":\"1\"},{\"key\":\"A\",\"value\":\"1\"}]"),
        (Source::Yaml, "A: x\n'A': z\n"),
        (Source::Csv, "Key,Value\nA,1\nA,2\n"),
        (Source::SopsDotenv, "A=1\nA=2"),
    ] {
        assert_eq!(refused(Some(source), text).code(), ErrorCode::DuplicateName, "{text}");
    }
}

/// Text in which what means something to a reader is frequent.
fn text(length: usize) -> impl Strategy<Value = String> {
    let special: Vec<char> =
        "'\"\\`$#:-?|>+,[]{}&*!%@~ \n\r\t=0129nxu.é\u{85}\u{2028}😀".chars().collect();
    prop::collection::vec(
        prop_oneof![4 => prop::sample::select(special), 1 => any::<char>()],
        0..length,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in text(200)) {
        for source in Source::ALL {
            let _ = import::read(Some(source), None, text.as_bytes());
            let _ = import::read(Some(source), None, format!("A: {text}").as_bytes());
        }
        let _ = import::read(None, None, text.as_bytes());
    }

    #[test]
    fn quoted_forms_give_back_any_text(value in text(60)) {
        let csv = format!("Key,Value\nA,\"{}\"\n", value.replace('"', "\"\""));
        prop_assert_eq!(only(Source::Csv, &csv), value.clone());
        // JSON's strings are YAML's, but for what older readers take for the end of a line.
        let mut yaml = format!("A: {}\n", serde_json::to_string(&value).unwrap());
        for (character, escaped) in [('\u{85}', "\\N"), ('\u{2028}', "\\L"), ('\u{2029}', "\\P")] {
            yaml = yaml.replace(character, escaped);
        }
        prop_assert_eq!(only(Source::Yaml, &yaml), value);
    }
}
