//! The JSON form: one object, each value a string or `{"base64": "…"}`.
//!
//! `import/json.rs` reads it back.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::{error::Result, name::SecretName, secret::SecretBytes};

/// The longest escape of one byte, `\u001f`.
const LONGEST_ESCAPE: usize = 6;

pub(super) fn write(entries: &[(&SecretName, &SecretBytes)]) -> Result<SecretBytes> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|(name, _)| *name);
    let room = |(name, value): &(&SecretName, &SecretBytes)| {
        name.as_str().len()
            + LONGEST_ESCAPE * value.len()
            + "  \"\": {\"base64\": \"AAAA\"},\n".len()
    };
    // Room for the worst case, so that no reallocation leaves a copy behind.
    let room = entries.iter().map(room).sum::<usize>() + "{\n}\n".len();
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    text.push(b'{');
    for (at, (name, value)) in entries.iter().enumerate() {
        text.extend_from_slice(if at == 0 { b"\n  " } else { b",\n  " });
        write_string(name.as_str(), &mut text);
        text.extend_from_slice(b": ");
        write_value(value.expose(), &mut text);
    }
    text.extend_from_slice(if entries.is_empty() { b"}\n" } else { b"\n}\n" });
    Ok(SecretBytes::new(std::mem::take(&mut *text)))
}

fn write_value(value: &[u8], text: &mut Vec<u8>) {
    if let Ok(value) = std::str::from_utf8(value) {
        return write_string(value, text);
    }
    text.extend_from_slice(b"{\"base64\": \"");
    text.extend_from_slice(Zeroizing::new(BASE64.encode(value)).as_bytes());
    text.extend_from_slice(b"\"}");
}

fn write_string(value: &str, text: &mut Vec<u8>) {
    // A string always has a JSON form, and a Vec never refuses a write.
    let _ = serde_json::to_writer(text, value);
}
