//! Puts the secret into a request, at one place, and nowhere twice.

use std::net::SocketAddr;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{json, outbound::Outgoing, request::Request, target::refuse};
use crate::{
    error::{Error, ErrorCode, Result},
    secret::SecretBytes,
    secret_policy::Place,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// A request with the secret in it, whose host has not been looked up yet.
pub(super) struct Prepared<'a> {
    request: &'a Request,
    target: Zeroizing<String>,
    headers: Vec<(String, Zeroizing<String>)>,
    body: Option<Zeroizing<Vec<u8>>>,
}

impl Prepared<'_> {
    /// The request as it leaves for these addresses.
    pub(super) fn to<'a>(&'a self, addresses: &'a [SocketAddr]) -> Outgoing<'a> {
        let target = self.request.target();
        Outgoing {
            method: self.request.method(),
            scheme: target.scheme(),
            host: target.host(),
            port: target.port(),
            addresses,
            target: &self.target,
            headers: &self.headers,
            body: self.body.as_ref().map(|body| body.as_slice()),
            timeout: self.request.patience(),
        }
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }

    fn push_header(&mut self, name: &str, value: Zeroizing<String>) -> Result<()> {
        if self.has_header(name) {
            return Err(refuse("the header for the secret is in the request already"));
        }
        self.headers.push((name.to_owned(), value));
        Ok(())
    }

    fn push_default(&mut self, name: &str, value: &str) {
        if !self.has_header(name) {
            self.headers.push((name.to_owned(), Zeroizing::new(value.to_owned())));
        }
    }
}

/// The request with the secret at its place.
///
/// # Errors
/// `not_injectable` where the secret's bytes do not fit there; `invalid_request` where the place is
/// taken or the body is of another kind.
pub(super) fn outgoing<'a>(
    request: &'a Request,
    place: &Place,
    value: &SecretBytes,
) -> Result<Prepared<'a>> {
    let target = request.target();
    let plain = match target.query() {
        Some(query) => format!("{}?{query}", target.path()),
        None => target.path().to_owned(),
    };
    let headers = request.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.as_str().to_owned(), Zeroizing::new(value.clone())));
    let body = request.body_bytes();
    let mut prepared = Prepared {
        request,
        target: Zeroizing::new(plain),
        headers: headers.collect(),
        body: (!body.is_empty()).then(|| Zeroizing::new(body.to_vec())),
    };
    put(&mut prepared, place, value)?;
    prepared.push_default("user-agent", concat!("agentsecrets/", env!("CARGO_PKG_VERSION")));
    prepared.push_default("accept", "*/*");
    prepared.push_default("accept-encoding", "identity");
    Ok(prepared)
}

fn put(prepared: &mut Prepared<'_>, place: &Place, value: &SecretBytes) -> Result<()> {
    match place {
        Place::Bearer => word(prepared, "authorization", "Bearer", value),
        Place::Basic(user) => basic(prepared, user.as_ref().map(|user| user.as_str()), value),
        Place::Header(name, None) => {
            let text = Zeroizing::new(visible(value)?.to_owned());
            prepared.push_header(name.as_str(), text)
        }
        Place::Header(name, Some(before)) => word(prepared, name.as_str(), before.as_str(), value),
        Place::Query(name) => query(prepared, name.as_str(), value),
        Place::Json(pointer) => {
            content_type(prepared, |kind| kind.contains("json"), "application/json")?;
            let body = prepared.body.take().unwrap_or_default();
            prepared.body = Some(json::insert(&body, pointer.as_str(), text(value)?)?);
            Ok(())
        }
        Place::Form(name) => form(prepared, name.as_str(), value),
    }
}

fn word(
    prepared: &mut Prepared<'_>,
    header: &str,
    before: &str,
    value: &SecretBytes,
) -> Result<()> {
    let text = Zeroizing::new(format!("{before} {}", visible(value)?));
    prepared.push_header(header, text)
}

fn basic(prepared: &mut Prepared<'_>, user: Option<&str>, value: &SecretBytes) -> Result<()> {
    let pair = Zeroizing::new(match user {
        Some(user) => [user.as_bytes(), b":", value.expose()].concat(),
        None if value.expose().contains(&b':') => {
            return Err(unfit("a user of Basic holds no colon"));
        }
        None => [value.expose(), b":"].concat(),
    });
    let text = Zeroizing::new(format!("Basic {}", *Zeroizing::new(BASE64.encode(&pair))));
    prepared.push_header("authorization", text)
}

fn query(prepared: &mut Prepared<'_>, name: &str, value: &SecretBytes) -> Result<()> {
    if has_field(prepared.request.target().query().unwrap_or_default(), name) {
        return Err(refuse("the parameter for the secret is in the query already"));
    }
    let before = if prepared.request.target().query().is_some() { '&' } else { '?' };
    let mut target = Zeroizing::new(String::with_capacity(
        prepared.target.len() + 4 + name.len() * 3 + value.len() * 3,
    ));
    target.push_str(&prepared.target);
    target.push(before);
    push_percent(&mut target, name.as_bytes());
    target.push('=');
    push_percent(&mut target, value.expose());
    prepared.target = target;
    Ok(())
}

fn form(prepared: &mut Prepared<'_>, name: &str, value: &SecretBytes) -> Result<()> {
    content_type(prepared, |kind| kind.starts_with(FORM), FORM)?;
    let body = prepared.body.take().unwrap_or_default();
    let old = std::str::from_utf8(&body).map_err(|_| refuse("a form is ASCII"))?;
    if has_field(old, name) {
        return Err(refuse("the field for the secret is in the form already"));
    }
    let mut new =
        Zeroizing::new(String::with_capacity(old.len() + 4 + name.len() * 3 + value.len() * 3));
    new.push_str(old);
    if !old.is_empty() {
        new.push('&');
    }
    push_percent(&mut new, name.as_bytes());
    new.push('=');
    push_percent(&mut new, value.expose());
    prepared.body = Some(Zeroizing::new(std::mem::take(&mut *new).into_bytes()));
    Ok(())
}

fn content_type(
    prepared: &mut Prepared<'_>,
    fits: impl Fn(&str) -> bool,
    otherwise: &str,
) -> Result<()> {
    let given = prepared.headers.iter().find(|(name, _)| name == "content-type");
    if given.is_some_and(|(_, kind)| !fits(&kind.to_ascii_lowercase())) {
        return Err(refuse(
            "the body's content type is another one than the place of the secret needs",
        ));
    }
    prepared.push_default("content-type", otherwise);
    Ok(())
}

/// Whether a field of this name stands in `a=1&b=2`, however it is escaped.
fn has_field(fields: &str, name: &str) -> bool {
    fields.split(['&', ';']).any(|field| {
        let (key, _) = field.split_once('=').unwrap_or((field, ""));
        unescape(key) == name.as_bytes()
    })
}

fn unescape(text: &str) -> Vec<u8> {
    let (mut rest, mut plain) = (text.as_bytes(), Vec::new());
    while let Some((first, after)) = rest.split_first() {
        let byte = match (first, after) {
            (b'%', [high, low, ..]) => {
                data_encoding::HEXLOWER_PERMISSIVE.decode(&[*high, *low]).ok()
            }
            (b'+', _) => Some(vec![b' ']),
            _ => None,
        };
        rest = if byte.is_some() && *first == b'%' { &after[2..] } else { after };
        plain.extend(byte.unwrap_or_else(|| vec![*first]));
    }
    plain
}

/// Everything but letters, digits and `-._~` as `%XX`.
fn push_percent(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            true => text.push(char::from(*byte)),
            false => {
                text.push('%');
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

/// The value where it may stand in a header: one word of visible ASCII.
fn visible(value: &SecretBytes) -> Result<&str> {
    let text = text(value)?;
    match !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(text),
        false => Err(unfit("a header takes visible ASCII without blanks or line breaks")),
    }
}

fn text(value: &SecretBytes) -> Result<&str> {
    std::str::from_utf8(value.expose()).map_err(|_| unfit("the secret is not text"))
}

fn unfit(why: &'static str) -> Error {
    Error::new(ErrorCode::NotInjectable, why)
}
