//! The JSON form: one object, each value a string or `{"base64": "…"}`.
//!
//! `serde_json` finds where values begin and end and escapes what is written; it never unescapes
//! one, because its own buffer for that is not wiped.

use std::{collections::BTreeSet, fmt};

use data_encoding::BASE64;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
};

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

pub(super) fn read(bytes: &[u8]) -> Result<Vec<(SecretName, SecretBytes)>> {
    let text = std::str::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8"))?;
    let object: Object<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut seen = BTreeSet::new();
    let mut entries = Vec::with_capacity(object.0.len());
    for (at, (name, value)) in object.0.into_iter().enumerate() {
        let name = read_name(&name, at + 1)?;
        let value = read_value(value.get()).ok_or_else(|| not_a_value(&name))?;
        if !seen.insert(name.clone()) {
            let cause = format!("the file holds {name} twice");
            return Err(Error::new(ErrorCode::DuplicateName, cause).with_hint(IMPORT));
        }
        entries.push((name, value));
    }
    Ok(entries)
}

const IMPORT: &str = "agentsecrets secrets import FILE   # after mending the file";

fn refused(cause: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::InvalidArgument, cause).with_hint(IMPORT)
}

/// Line and column alone: the parser's own words may repeat a value.
fn malformed(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    refused(format!("line {line}, column {column}: the file is not one JSON object of values"))
}

fn not_a_value(name: &SecretName) -> Error {
    refused(format!("the value of {name} is neither a string nor {{\"base64\": …}}"))
}

/// The text of a bad name is not repeated: it may be a value in the wrong place.
fn read_name(name: &str, number: usize) -> Result<SecretName> {
    SecretName::parse(name).map_err(|error| {
        Error::new(error.code(), format!("entry {number} of the file: {}", error.message()))
            .with_hint(IMPORT)
    })
}

fn read_value(raw: &str) -> Option<SecretBytes> {
    if raw.starts_with('"') {
        return unescape(raw);
    }
    let mut fields: Object<'_> = serde_json::from_str(raw).ok()?;
    let (name, value) = fields.0.pop()?;
    let whole = fields.0.is_empty() && name == "base64";
    let text = unescape(value.get()).filter(|_| whole)?;
    BASE64.decode(text.expose()).ok().map(SecretBytes::new)
}

/// The bytes of a JSON string whose form the parser has checked; `None` for half a surrogate pair.
fn unescape(raw: &str) -> Option<SecretBytes> {
    let mut rest = raw.strip_prefix('"')?.strip_suffix('"')?;
    // No escape is longer than its escaped form, so this never grows.
    let mut value = Zeroizing::new(Vec::with_capacity(rest.len()));
    while let Some(at) = rest.find('\\') {
        value.extend_from_slice(&rest.as_bytes()[..at]);
        let (escaped, after) = escape(&rest[at + 1..])?;
        value.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
        rest = after;
    }
    value.extend_from_slice(rest.as_bytes());
    Some(SecretBytes::new(std::mem::take(&mut *value)))
}

/// The character behind a backslash, and what follows it.
fn escape(rest: &str) -> Option<(char, &str)> {
    let (first, after) = rest.split_at_checked(1)?;
    let simple = match first {
        "b" => '\u{8}',
        "f" => '\u{c}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "u" => return unicode(after),
        other => other.chars().next()?,
    };
    Some((simple, after))
}

fn unicode(rest: &str) -> Option<(char, &str)> {
    let (high, after) = unit(rest)?;
    if let Some(character) = char::from_u32(high.into()) {
        return Some((character, after));
    }
    let (low, after) = unit(after.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([high, low]).next()?.ok()?;
    Some((character, after))
}

fn unit(rest: &str) -> Option<(u16, &str)> {
    let (digits, after) = rest.split_at_checked(4)?;
    u16::from_str_radix(digits, 16).ok().map(|unit| (unit, after))
}

/// The fields of an object in their order, with repetitions, each value as it stands in the text.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
