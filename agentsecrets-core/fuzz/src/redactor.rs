//! Redaction: no encoded occurrence survives, wherever the text is cut, as a slow model says.

use agentsecrets_core::{
    name::SecretName,
    redact::{Body, Redactor},
};

#[path = "../../src/redact/tests/model.rs"]
mod model;

/// The first byte says how many of the next are a value, the second where the text is cut; a second
/// value is the first one's end, so that they overlap. What follows is the text; `\x00` in it stands
/// for the value, `\x01` and `\x02` for it in base64 and hexadecimal.
pub fn redactor(data: &[u8]) {
    let [length, cut, rest @ ..] = data else { return };
    let length = 5 + usize::from(*length) % 28;
    let Some((value, text)) = rest.split_at_checked(length) else { return };
    let end = &value[length / 3..];
    let mut secrets = vec![("A", value), ("B", end)];
    secrets.retain(|(_, value)| Redactor::covers(value));
    let text = filled(text, value);
    let names: Vec<SecretName> =
        secrets.iter().map(|(name, _)| SecretName::parse(name).expect("a name")).collect();
    let pairs = names.iter().zip(secrets.iter().map(|(_, value)| *value));
    let redactor = Redactor::new(pairs).expect("long enough values");
    let whole = redactor.redact(&text);
    assert_eq!(whole, model::redact(&text, &secrets), "as the model does");
    let (mut stream, mut out) = (redactor.stream(), Vec::new());
    for piece in text.chunks(usize::from(*cut) % 16 + 1) {
        out.extend(stream.push(piece));
    }
    out.extend(stream.finish());
    assert_eq!(out, whole, "wherever it is cut");
    for coding in ["gzip", "deflate", "br"] {
        unpacked(&redactor, coding, &text, usize::from(*cut) + 1);
    }
}

/// Any bytes as an encoded body: bounded, and never a panic.
fn unpacked(redactor: &Redactor, coding: &str, bytes: &[u8], piece: usize) {
    let Ok(mut body) = Body::new(redactor, coding, 1 << 16) else { return };
    let mut size = 0;
    for piece in bytes.chunks(piece) {
        let Ok(out) = body.push(piece) else { return };
        size += out.len();
        assert!(size <= 2 << 16, "bounded");
    }
    let _ = body.finish();
}

fn filled(text: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in text {
        match byte {
            0 => out.extend_from_slice(value),
            1 => out.extend_from_slice(data_encoding::BASE64.encode(value).as_bytes()),
            2 => out.extend_from_slice(data_encoding::HEXLOWER.encode(value).as_bytes()),
            other => out.push(*other),
        }
    }
    out
}
