use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use super::*;

const ECHO: &[u8] = br#"{"echo": "not-a-real-key", "again": "not-a-real-key"}
"#;
/// Three times [`ECHO`] as another program compressed it.
const BROTLI: &str = "1ba100f88d934cf59da76e4bf52c7fa1bcb5230341f1201611432187d928b254a18831d2835a2f8461d561722b27872edcb06c7e";

fn body(coding: &str, limit: usize) -> Result<Body> {
    Body::new(&redactor(&[("KEY", b"not-a-real-key")]), coding, limit)
}

fn read(coding: &str, limit: usize, pieces: &[&[u8]]) -> Result<Vec<u8>> {
    let (mut body, mut out) = (body(coding, limit)?, Vec::new());
    for piece in pieces {
        out.extend(body.push(piece)?);
    }
    out.extend(body.finish()?);
    Ok(out)
}

fn code(result: Result<Vec<u8>>) -> ErrorCode {
    result.unwrap_err().code()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn encoded() -> Vec<(&'static str, Vec<u8>)> {
    let text = ECHO.repeat(3);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&text).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    raw.write_all(&text).unwrap();
    let members = [gzip(&text[..20]), gzip(&text[20..])].concat();
    vec![
        ("", text.clone()),
        ("identity", text.clone()),
        ("gzip", gzip(&text)),
        ("X-GZIP", members),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("br", data_encoding::HEXLOWER.decode(BROTLI.as_bytes()).unwrap()),
        ("gzip, gzip", gzip(&gzip(&text))),
    ]
}

#[test]
fn every_encoding_is_read_wherever_it_is_cut() {
    let expected = redactor(&[("KEY", b"not-a-real-key")]).redact(&ECHO.repeat(3));
    assert!(!String::from_utf8_lossy(&expected).contains("real"));
    for (coding, bytes) in encoded() {
        for cut in 0..=bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(read(coding, 1000, &[a, b]).unwrap(), expected, "{coding} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(coding, 1000, &single).unwrap(), expected, "{coding} byte by byte");
    }
}

#[test]
fn events_come_through_as_they_are_sent() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut body = body("gzip", 1000).unwrap();
    for event in ["data: one\n\n", "data: {\"key\": \"not-a-real-key\"}\n\n", "data: end\n\n"] {
        encoder.write_all(event.as_bytes()).unwrap();
        encoder.flush().unwrap();
        let shown = body.push(&std::mem::take(encoder.get_mut())).unwrap();
        assert_eq!(
            String::from_utf8(shown).unwrap(),
            event.replace("not-a-real-key", "[redacted KEY]")
        );
    }
    assert_eq!(body.found(), 1);
}

#[test]
fn what_is_cut_off_or_damaged_is_refused() {
    for (coding, bytes) in encoded().into_iter().skip(2) {
        for length in 1..bytes.len() {
            let result = read(coding, 1000, &[&bytes[..length]]);
            // Of two members, the first alone is a whole.
            let whole = coding == "X-GZIP" && length == gzip(&ECHO.repeat(3)[..20]).len();
            assert!(whole || code(result) == ErrorCode::AnswerUnreadable, "{coding} {length}");
        }
        let wrong = read(coding, 1000, &[b"plain text instead"]);
        assert_eq!(code(wrong), ErrorCode::AnswerUnreadable, "{coding}");
    }
}

#[test]
fn other_encodings_are_refused_before_a_byte_is_read() {
    for coding in ["zstd", "compress", "gzip, zstd", "aes128gcm", "gzip gzip", "gzip, br, gzip"] {
        assert_eq!(body(coding, 9).err().unwrap().code(), ErrorCode::AnswerUnreadable, "{coding}");
    }
}

#[test]
fn a_small_answer_that_unpacks_to_a_large_one_is_stopped() {
    let bomb = gzip(&vec![0; 50 << 20]);
    assert!(bomb.len() < 60_000);
    assert_eq!(code(read("gzip", 1 << 20, &[&bomb])), ErrorCode::AnswerTooLarge);
    assert_eq!(code(read("gzip, gzip", 1 << 20, &[&gzip(&bomb)])), ErrorCode::AnswerTooLarge);
    assert_eq!(code(read("", 10, &[b"12345", b"678901"])), ErrorCode::AnswerTooLarge);
    assert_eq!(read("", 10, &[b"12345", b"67890"]).unwrap(), b"1234567890");
}
