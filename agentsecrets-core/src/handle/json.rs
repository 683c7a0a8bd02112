//! Puts a text into a JSON object by its pointer, and leaves every other byte of its values alone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::target::refuse;
use crate::error::{Error, ErrorCode, Result};

/// An object's members as they stand in the text: numbers keep their digits, names their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The object with `secret` at `pointer`; objects on the way are made where there are none.
///
/// # Errors
/// `invalid_request` for a body that is no object, with a name twice on the way, or with something
/// at the place already.
pub(super) fn insert(body: &[u8], pointer: &str, secret: &str) -> Result<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(body).map_err(|_| no_object())?;
    let steps: Vec<String> =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    // What is grown is wiped as it grows.
    let mut out =
        Zeroizing::new(Vec::with_capacity(body.len() + pointer.len() * 2 + secret.len() * 6 + 64));
    write(&mut out, if text.trim().is_empty() { "{}" } else { text }, &steps, secret)?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, object: &str, steps: &[String], secret: &str) -> Result<()> {
    let Members(members) = serde_json::from_str(object).map_err(|_| no_object())?;
    let Some((step, rest)) = steps.split_first() else { return Err(no_object()) };
    let same = members.iter().filter(|(name, _)| name == step).count();
    if same > 1 || (same == 1 && rest.is_empty()) {
        return Err(refuse("the field for the secret is in the body already"));
    }
    out.push(b'{');
    for (number, (name, value)) in members.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        string(out, name)?;
        out.push(b':');
        match name == step {
            true => write(out, value.get(), rest, secret)?,
            false => out.extend_from_slice(value.get().as_bytes()),
        }
    }
    if same == 0 {
        if !members.is_empty() {
            out.push(b',');
        }
        string(out, step)?;
        out.push(b':');
        match rest.is_empty() {
            true => string(out, secret)?,
            false => write(out, "{}", rest, secret)?,
        }
    }
    out.push(b'}');
    Ok(())
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<()> {
    serde_json::to_writer(out, text)
        .map_err(|_| Error::new(ErrorCode::Internal, "a text cannot be written as JSON"))
}

fn no_object() -> Error {
    refuse("the body is no JSON object down to the place of the secret")
}
