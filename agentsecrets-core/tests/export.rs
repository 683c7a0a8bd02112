//! Export and import: every value comes back, through a real shell where the form is a shell's.

#![allow(clippy::unwrap_used)]

use agentsecrets_core::{
    ErrorCode, Result,
    export::{self, Format},
    import::{self, Source},
    name::SecretName,
    secret::SecretBytes,
};
use proptest::prelude::*;

type Entries = Vec<(SecretName, SecretBytes)>;

fn entries(values: &[(&str, &[u8])]) -> Entries {
    let entry = |(name, value): &(&str, &[u8])| {
        (SecretName::parse(name).unwrap(), SecretBytes::copy_of(value))
    };
    values.iter().map(entry).collect()
}

fn numbered(values: &[Vec<u8>]) -> Entries {
    let names: Vec<_> = (0..values.len()).map(|at| format!("N{at:03}")).collect();
    let pairs: Vec<_> =
        names.iter().map(String::as_str).zip(values.iter().map(Vec::as_slice)).collect();
    entries(&pairs)
}

fn write(format: Format, entries: &Entries) -> Result<SecretBytes> {
    let borrowed: Vec<_> = entries.iter().map(|(name, value)| (name, value)).collect();
    export::write(format, &borrowed)
}

fn text(format: Format, values: &[(&str, &[u8])]) -> String {
    String::from_utf8(write(format, &entries(values)).unwrap().expose().to_vec()).unwrap()
}

fn plain(entries: &Entries) -> Vec<(&str, &[u8])> {
    entries.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

fn json(text: &str) -> Result<Entries> {
    import::read(None, Some("secrets.JSON"), text.as_bytes())
}

#[test]
fn formats_have_words() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.as_str()).unwrap(), format);
    }
    assert_eq!(Format::parse("yaml").unwrap_err().code(), ErrorCode::InvalidArgument);
}

#[test]
fn json_is_sorted_and_pretty_and_names_its_bytes() {
    let values: [(&str, &[u8]); 3] =
        [("B", b"\xff\xfe"), ("C", "\"é\\\n\u{1}".as_bytes()), ("A", b"")];
    let expected = "{\n  \"A\": \"\",\n  \"B\": {\"base64\": \"//4=\"},\n  \"C\": \"\\\"é\\\\\\n\\u0001\"\n}\n";
    assert_eq!(text(Format::Json, &values), expected);
    assert_eq!(text(Format::Json, &[]), "{}\n");
    assert!(json("{}").unwrap().is_empty());
}

#[test]
fn json_of_others_is_read() {
    let read = json(
        "\u{feff} {\"B\":\"\\u00e9\\/\\ud83d\\ude00\\b\\f\",\"\\u0041\" : {\"base64\":\"\\/\\/4=\"} }\n",
    );
    let read = read.unwrap();
    assert_eq!(plain(&read), [("B", "é/😀\u{8}\u{c}".as_bytes()), ("A", b"\xff\xfe")]);
}

#[test]
fn json_that_is_no_set_of_values_is_refused_without_repeating_it() {
    let cases = [
        ("{\"A\":\"hunter2\"", "line 1, column 14"),
        ("{\n\"A\":hunter2}", "line 2"),
        ("\"hunter2\"", "line 1"),
        ("[\"hunter2\"]", "line 1"),
        ("{\"A\":\"hunter2\"} x", "line 1, column 17"),
        ("{\"A\":042}", "line 1"),
        ("{\"A\":1e3}", "the value of A"),
        ("{\"A\":1.0}", "the value of A"),
        ("{\"A\":null}", "the value of A"),
        ("{\"A\":[\"hunter2\"]}", "the value of A"),
        ("{\"A\":{\"base64\":\"hunter2\"}}", "the value of A"),
        ("{\"A\":{\"base65\":\"QUJD\"}}", "the value of A"),
        ("{\"A\":{\"base64\":\"QUJD\",\"b\":1}}", "the value of A"),
        ("{\"A\":{}}", "the value of A"),
        ("{\"A\":\"hunter2\\ud800\"}", "the value of A"),
        ("{\"A\":\"hunter2\\ud800\\u0041\"}", "the value of A"),
    ];
    for (text, cause) in cases {
        let error = json(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{text}");
        assert!(error.message().starts_with(cause), "{text}: {error}");
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }
    assert_eq!(json("{\"A\":\"1\",\"A\":\"2\"}").unwrap_err().code(), ErrorCode::DuplicateName);
    let error = json("{\"A\":\"1\",\"hunter-2\":\"2\"}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidName);
    assert!(error.message().starts_with("entry 2 of the file"), "{error}");
    assert!(import::read(None, Some("a.json"), b"{\"A\":\"\xff\"}").is_err());
}

#[test]
fn the_name_or_the_first_line_decides_what_is_read() {
    assert_eq!(Source::detect(Some("a.json"), b""), Source::Json);
    assert_eq!(Source::detect(None, b" \n{\"A\":\"1\"}"), Source::Json);
    assert_eq!(Source::detect(Some(".env"), b"A={}"), Source::Dotenv);
    let read = import::read(None, None, b"B=2\nA='1'\n").unwrap();
    assert_eq!(plain(&read), [("B", &b"2"[..]), ("A", b"1")]);
    assert_eq!(import::read(None, None, b"nothing").unwrap_err().code(), ErrorCode::DotenvSyntax);
}

#[test]
fn values_that_a_form_cannot_hold_are_refused_by_name() {
    let cases: [(Format, &[u8], ErrorCode); 3] = [
        (Format::Dotenv, b"a\0", ErrorCode::NotAnEnvironmentValue),
        (Format::Dotenv, b"\xff", ErrorCode::InvalidArgument),
        (Format::Shell, b"a\0", ErrorCode::NotAnEnvironmentValue),
    ];
    for (format, value, code) in cases {
        let error = write(format, &entries(&[("OK", b"1"), ("A", value)])).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.message().starts_with("the value of A "), "{error}");
    }
}

#[test]
fn shell_lines_quote_whatever_they_hold() {
    let expected = "export B='it'\\''s $(x) `y` \\ \"'\nexport A=''\n";
    assert_eq!(text(Format::Shell, &[("B", b"it's $(x) `y` \\ \""), ("A", b"")]), expected);
}

/// What a shell hands to a child after it has read the lines, value by value.
#[cfg(unix)]
fn through_sh(lines: &[u8], names: &[&str]) -> Vec<Vec<u8>> {
    use std::io::Write;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines).unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", ". \"$0\"; exec env -0"])
        .arg(file.path())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let value = |name: &&str| {
        let prefix = format!("{name}=");
        let mut variables = output.stdout.split(|b| *b == 0);
        variables.find_map(|v| v.strip_prefix(prefix.as_bytes())).unwrap().to_vec()
    };
    names.iter().map(value).collect()
}

/// Bytes in which what means something to a reader is frequent.
fn bytes(length: usize) -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(b"'\"\\`$!&;#*? \n\r\t\x01\x7f\x81\x88=-".to_vec());
    prop::collection::vec(prop_oneof![1 => special, 1 => any::<u8>()], 0..length)
}

fn utf8(length: usize) -> impl Strategy<Value = String> {
    let special =
        prop::sample::select("'\"\\`$#\n\r\t =/\u{85}\u{2028}é😀".chars().collect::<Vec<_>>());
    let any = any::<char>().prop_filter("a .env holds no zero byte", |c| *c != '\0');
    prop::collection::vec(prop_oneof![1 => special, 1 => any], 0..length)
        .prop_map(|chars| chars.into_iter().collect())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn json_gives_back_any_bytes(values in prop::collection::vec(prop_oneof![
        bytes(40), utf8(40).prop_map(String::into_bytes)
    ], 0..5)) {
        let entries = numbered(&values);
        let written = write(Format::Json, &entries).unwrap();
        let read = import::read(None, None, written.expose()).unwrap();
        prop_assert_eq!(plain(&read), plain(&entries));
        let peer: serde_json::Value = serde_json::from_slice(written.expose()).unwrap();
        prop_assert_eq!(peer.as_object().unwrap().len(), values.len());
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = import::read(None, Some("a.json"), &text);
        let _ = import::read(None, None, &text);
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn large_values_come_back(value in utf8(16_384)) {
        for format in [Format::Json, Format::Dotenv] {
            let entries = numbered(&[value.clone().into_bytes()]);
            let written = write(format, &entries).unwrap();
            let read = import::read(None, None, written.expose()).unwrap();
            prop_assert!(read[0].1.ct_eq(value.as_bytes()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn sh_reads_back_any_bytes_but_zero(values in prop::collection::vec(bytes(400), 1..5)) {
        let values: Vec<Vec<u8>> =
            values.into_iter().map(|v| v.into_iter().filter(|b| *b != 0).collect()).collect();
        let entries = numbered(&values);
        let lines = write(Format::Shell, &entries).unwrap();
        let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(through_sh(lines.expose(), &names), values);
    }
}
