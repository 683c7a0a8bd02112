//! JSON: an object of values, or Infisical's list of objects with `key` and `value`.
//!
//! `serde_json` finds where values begin and end; it never unescapes one, because its own buffer for
//! that is not wiped.

use std::fmt;

use data_encoding::BASE64;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Entries, is_plain_number, name, refused, sealed, utf8};
use crate::{
    error::{Error, Result},
    name::SecretName,
    secret::SecretBytes,
};

pub(super) fn read(bytes: &[u8]) -> Result<Entries> {
    let text = utf8(bytes)?;
    if text.trim_ascii_start().starts_with('[') {
        return list(text);
    }
    let object: Object<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if object.0.iter().any(|(field, value)| field == "sops" && value.get().starts_with('{')) {
        return Err(sealed::by_sops());
    }
    object
        .0
        .into_iter()
        .enumerate()
        .map(|(at, (field, value))| entry(&field, value, at + 1))
        .collect()
}

fn entry(field: &str, value: &RawValue, number: usize) -> Result<(SecretName, SecretBytes)> {
    let name = name(field, format_args!("entry {number} of the file"))?;
    let value = read_value(value.get()).ok_or_else(|| not_a_value(&name))?;
    Ok((name, value))
}

/// Infisical's form. Its other fields (type, comment, tags) are not secrets.
fn list(text: &str) -> Result<Entries> {
    let list: Vec<Object<'_>> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut entries = Vec::with_capacity(list.len());
    for (at, object) in list.iter().enumerate() {
        let number = at + 1;
        let no_entry =
            || refused(format!("entry {number} of the file has not one key and one value"));
        let key = object.only("key").and_then(|raw| unescape(raw.get())).ok_or_else(no_entry)?;
        let key = String::from_utf8_lossy(key.expose());
        entries.push(entry(&key, object.only("value").ok_or_else(no_entry)?, number)?);
    }
    Ok(entries)
}

/// Line and column alone: the parser's own words may repeat a value.
fn malformed(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    refused(format!("line {line}, column {column}: the file is not one JSON object of values"))
}

fn not_a_value(name: &SecretName) -> Error {
    refused(format!(
        "the value of {name} is neither a string nor {{\"base64\": …}}, true, false or a plain number"
    ))
}

fn read_value(raw: &str) -> Option<SecretBytes> {
    if raw.starts_with('"') {
        return unescape(raw);
    }
    if matches!(raw, "true" | "false") || is_plain_number(raw) {
        return Some(SecretBytes::copy_of(raw.as_bytes()));
    }
    let fields: Object<'_> = serde_json::from_str(raw).ok()?;
    let value = fields.only("base64").filter(|_| fields.0.len() == 1)?;
    BASE64.decode(unescape(value.get())?.expose()).ok().map(SecretBytes::new)
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

impl<'a> Object<'a> {
    /// A field that stands there once.
    fn only(&self, wanted: &str) -> Option<&'a RawValue> {
        let mut found = self.0.iter().filter(|(field, _)| field == wanted).map(|(_, value)| *value);
        found.next().filter(|_| found.next().is_none())
    }
}

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
