#![allow(clippy::unwrap_used)]

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use proptest::prelude::*;

use super::*;

#[cfg(all(feature = "gzip", feature = "brotli"))]
mod body;
#[allow(unreachable_pub)]
mod model;

const VALUE: &str = "tok\"en/&+ 9ü%z";

fn redactor(secrets: &[(&str, &[u8])]) -> Redactor {
    let names: Vec<_> = secrets.iter().map(|(name, _)| SecretName::parse(name).unwrap()).collect();
    Redactor::new(names.iter().zip(secrets.iter().map(|(_, value)| *value))).unwrap()
}

fn in_pieces(redactor: &Redactor, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut stream, mut out, mut from) = (redactor.stream(), Vec::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let cut = cut.clamp(from, text.len());
        out.extend(stream.push(&text[from..cut]));
        from = cut;
    }
    out.extend(stream.finish());
    out
}

/// Every character, or every other one, escaped.
fn escaped(text: &str, every: usize, escape: impl Fn(char) -> String, must: &str) -> String {
    let each = |(at, c): (usize, char)| match at % every == 0 || must.contains(c) {
        true => escape(c),
        false => c.to_string(),
    };
    text.chars().enumerate().map(each).collect()
}

fn percent(c: char) -> String {
    c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn json(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// What servers were seen to make of a value in their answers.
fn echoes(value: &str) -> Vec<String> {
    let mut all = vec![value.to_owned()];
    for every in [1, 2, 3] {
        all.push(escaped(value, every, percent, "%"));
        all.push(escaped(value, every, percent, "%").to_lowercase());
        all.push(escaped(value, every, percent, "%+").replace("%20", "+"));
        all.push(escaped(value, every, json, "\"\\"));
        all.push(escaped(value, every, |c| format!("&#{};", c as u32), "&"));
        all.push(escaped(value, every, |c| format!("&#x{:X};", c as u32), "&"));
        all.push(escaped(&escaped(value, every, json, "\"\\"), 2, json, "\"\\"));
        all.push(escaped(&escaped(value, every, percent, "%"), 2, percent, "%"));
    }
    all.push(serde_json::to_string(value).unwrap());
    all.push(serde_json::to_string(&serde_json::to_string(value).unwrap()).unwrap());
    all.push(value.replace('&', "&amp;").replace('"', "&quot;").replace('+', "&plus;"));
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    all.extend([hex.to_uppercase(), hex]);
    for around in ["", "a", "us", "usr", "user:"] {
        for encoding in [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD] {
            all.push(encoding.encode(format!("{around}{value}").as_bytes()));
            all.push(encoding.encode(format!("{around}{value}{around}!").as_bytes()));
            let text = encoding.encode(format!("{around}{value}").as_bytes());
            all.push(text.replace('/', "\\/"));
            all.push(escaped(&text, 100, percent, "+/="));
            all.push(
                text.as_bytes()
                    .chunks(4)
                    .map(|c| std::str::from_utf8(c).unwrap())
                    .collect::<Vec<_>>()
                    .join("\r\n"),
            );
        }
    }
    all
}

#[test]
fn every_echo_is_found_wherever_the_text_is_cut() {
    for value in [VALUE, "sk-fake-0123456789abcdef", "12345678", "pass-word\\with\\n"] {
        let redactor = redactor(&[("KEY", value.as_bytes())]);
        for echo in echoes(value) {
            let text = format!("{{\"echo\": <{echo}>}}");
            let whole = redactor.redact(text.as_bytes());
            let shown = String::from_utf8_lossy(&whole);
            assert!(shown.contains("[redacted KEY]"), "{value:?} as {echo:?} gives {shown:?}");
            let rest = shown.replace("[redacted KEY]", "");
            assert!(
                rest.len() < 22 || echo.len() > value.len() && rest.len() < 36,
                "{echo:?} leaves {shown:?}"
            );
            for cut in 0..=text.len() {
                assert_eq!(
                    in_pieces(&redactor, text.as_bytes(), &[cut]),
                    whole,
                    "{echo:?} cut at {cut}"
                );
            }
            let all: Vec<usize> = (0..text.len()).collect();
            assert_eq!(in_pieces(&redactor, text.as_bytes(), &all), whole, "{echo:?} byte by byte");
        }
    }
}

#[test]
fn a_text_without_a_value_is_left_as_it_is() {
    let redactor = redactor(&[("KEY", VALUE.as_bytes())]);
    let text: Vec<u8> = (0..=255).cycle().take(5000).collect();
    assert_eq!(redactor.redact(&text), text);
    let text = br#"{"a":"\u00e9\ud83d\ude00\n", "b": "&amp;&#65;&#xfffffffff;%zz%4", "c": "\ud83d"} 50% \"#;
    assert_eq!(redactor.redact(text), text);
}

#[test]
fn only_what_may_become_an_occurrence_is_held_back() {
    let redactor = redactor(&[("KEY", b"secret-value")]);
    let mut stream = redactor.stream();
    assert_eq!(stream.push(b"a plain line.\n"), b"a plain line.\n");
    assert_eq!(stream.push(b"data: secret-val"), b"data: ");
    assert_eq!(stream.push(b"id\n"), b"secret-valid\n");
    assert_eq!(stream.push(b"data: yes\n"), b"data: ye");
    assert_eq!(stream.push(b"\n"), b"s\n\n");
    assert_eq!(stream.push(b"secret-value"), b"");
    assert_eq!(stream.push(b"."), b"[redacted KEY].");
    assert_eq!(stream.held(), 0);
    assert_eq!(stream.finish(), b"");
    assert_eq!(stream.found(), 1);
}

#[test]
fn what_is_held_back_is_bounded_whatever_comes() {
    let value: Vec<u8> = b"ab".repeat(8 << 10);
    let redactor = redactor(&[("KEY", &value)]);
    let mut stream = redactor.stream();
    for piece in [&b"ab"[..], b"\\u0061\\u0062", b"&#0000000000000000000000000000000097;b", b"%"] {
        for _ in 0..20_000 {
            stream.push(piece);
            assert!(stream.held() < 16 << 10, "{} held", stream.held());
        }
    }
}

#[test]
fn short_values_count_only_where_they_stand_alone() {
    let redactor = redactor(&[("SHORT", b"hello"), ("LONGER", b"x-hello")]);
    for (text, expected) in [
        ("hello", "[redacted SHORT]"),
        ("(hello)", "([redacted SHORT])"),
        ("othello", "othello"),
        ("hello_world", "hello_world"),
        ("helloes hello", "helloes [redacted SHORT]"),
        ("x-hello", "[redacted LONGER]"),
        ("ax-hello", "ax-[redacted SHORT]"),
        ("68656c6c6f00", "[redacted SHORT]00"),
        ("%68ello.", "[redacted SHORT]."),
        ("o%74hello.", "o%74hello."),
    ] {
        assert_eq!(redactor.redact_text(text), expected);
    }
}

#[test]
fn values_too_short_are_refused_by_name() {
    let (a, b) = (SecretName::parse("A").unwrap(), SecretName::parse("B").unwrap());
    for short in [&b""[..], b"1234", b" 1234\n"] {
        let error = Redactor::new([(&a, b"long enough".as_slice()), (&b, short)]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SecretTooShort);
        assert!(error.message().ends_with(": B"), "{error}");
    }
}

#[test]
fn white_space_around_a_value_does_not_count() {
    let redactor = redactor(&[("KEY", b"  secret-value\n")]);
    assert_eq!(redactor.redact_text("a secret-value b"), "a [redacted KEY] b");
}

#[test]
fn a_long_value_is_found_whole_and_cut_off() {
    let value: Vec<u8> =
        (0..3000u32).flat_map(|i| format!("{:x}.", i * 7919).into_bytes()).collect();
    let redactor = redactor(&[("KEY", &value)]);
    assert_eq!(redactor.redact(&value), b"[redacted KEY]");
    for shift in 0..3 {
        let text = BASE64.encode(&[&b"abc"[..shift], &value].concat());
        let out = redactor.redact(text.as_bytes());
        assert!(out.len() < 24, "{}", String::from_utf8_lossy(&out));
    }
    let out = redactor.redact(&value[..2000]);
    assert!(out.len() < 300, "{} bytes left", out.len());
}

#[test]
fn overlapping_values_leave_nothing_of_either() {
    let redactor = redactor(&[("A", b"abcdefgh"), ("B", b"efghijkl"), ("C", b"abcdefgh")]);
    assert_eq!(redactor.redact_text("_abcdefghijkl_"), "_[redacted A]_");
    assert_eq!(redactor.redact_text("abcdefghabcdefgh"), "[redacted A]");
    assert_eq!(redactor.redact_text("abcdefgh efghijkl"), "[redacted A] [redacted B]");
}

#[test]
fn debug_shows_nothing_of_the_values() {
    assert_eq!(
        format!("{:?}", redactor(&[("KEY", VALUE.as_bytes())])),
        "Redactor { secrets: 1, .. }"
    );
}

/// Texts made of what is hard: parts of values, escapes whole and cut, digits, line breaks.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let parts = vec![
        "abab",
        "aab",
        "ababa",
        "tok",
        "\"en/&+",
        " 9",
        "ü%",
        "z",
        "\\",
        "\\u",
        "\\u0061",
        "00",
        "61",
        "%",
        "%61",
        "%25",
        "6",
        "1",
        "&",
        "&#",
        "&#x61",
        "&#97;",
        "&amp",
        ";",
        "&plus;",
        "&quot;",
        "\\\"",
        "\\\\",
        "\\/",
        "\n",
        "\r\n",
        "+",
        "YWJhYmFi",
        "FiYWJh",
        "hYmFiYW",
        "=",
        "==",
        "-",
        "_",
        "/",
        "616261626162",
        "6162",
        "\\ud83d",
        "\\ude00",
        "é",
        "a",
        "b",
        "&#0000000000000000000000000000000000000000097;",
        "\\x61",
        "!",
    ];
    let part = prop_oneof![
        4 => proptest::sample::select(parts).prop_map(|part| part.as_bytes().to_vec()),
        1 => proptest::sample::select(echoes("ababab")).prop_map(String::into_bytes),
        1 => proptest::sample::select(echoes("ababab!ab")).prop_map(String::into_bytes),
        1 => proptest::sample::select(echoes(VALUE)).prop_map(String::into_bytes),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// 400 texts, unless `PROPTEST_CASES` says otherwise.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(cases.unwrap_or(400))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn it_does_what_the_slow_model_does(text in texts(), cuts in proptest::collection::vec(0usize..200, 0..6)) {
        let secrets: &[(&str, &[u8])] =
            &[("A", b"ababab"), ("B", b"ababab!ab"), ("C", VALUE.as_bytes()), ("D", b"bab\xff\xfeab")];
        let redactor = redactor(secrets);
        let (expected, whole) = (model::redact(&text, secrets), redactor.redact(&text));
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&expected));
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(in_pieces(&redactor, &text, &cuts), whole);
    }
}
