//! Signatures over HTTP requests: the one file for the side that signs and the side that verifies.
//!
//! A strict profile of RFC 9421 with the digest of RFC 9530: one label, five components and five
//! parameters in one order, and no other byte. Spec: `spec/relay.md`.

use data_encoding::BASE64;

use crate::{
    crypto::{Signature, SigningKey, VerifyingKey, sha256},
    encoding::{from_base64, from_hex, to_base64, to_hex},
    error::{Error, ErrorCode, Result},
    message::Method,
};

/// The protocol that a signature is for, its `tag`.
pub const TAG: &str = "agentsecrets-relay-v1";
/// How far `created` may lie from the verifier's clock, in seconds.
pub const WINDOW_SECS: u64 = 300;

const LABEL: &str = "agentsecrets=";
const COMPONENTS: &str = r#"("@method" "@authority" "@path" "@query" "content-digest")"#;

/// A request as it came in; texts are as on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Upper-case word.
    pub method: &'a str,
    /// The verifier's own authority, see [`authority`]: never the `Host` that came in.
    pub authority: &'a str,
    /// Path, percent-encoding untouched.
    pub path: &'a str,
    /// Query without its `?`; empty for none.
    pub query: &'a str,
    /// Body.
    pub body: &'a [u8],
    /// The header `Content-Digest`.
    pub content_digest: &'a str,
    /// The header `Signature-Input`.
    pub signature_input: &'a str,
    /// The header `Signature`.
    pub signature: &'a str,
}

/// Who signed a request, and when. `created` is unchecked: see [`check_window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The signer's key.
    pub key: VerifyingKey,
    /// Seconds since 1970 by the signer's clock.
    pub created: u64,
    /// Random, one for each request.
    pub nonce: [u8; 16],
}

/// The headers `Content-Digest`, `Signature-Input` and `Signature` of a request.
#[allow(clippy::too_many_arguments)] // The covered components, each once.
pub fn sign(
    key: &SigningKey,
    method: Method,
    authority: &str,
    path: &str,
    query: &str,
    body: &[u8],
    created_secs: u64,
    nonce: [u8; 16],
) -> [(&'static str, String); 3] {
    let digest = content_digest(body);
    let parameters =
        Verified { key: key.verifying_key(), created: created_secs, nonce }.parameters();
    let base = base([method.as_str(), authority, path, query, &digest], &parameters);
    let signature = BASE64.encode(&key.sign(base.as_bytes()).0);
    [
        ("Content-Digest", digest),
        ("Signature-Input", format!("{LABEL}{parameters}")),
        ("Signature", format!("{LABEL}:{signature}:")),
    ]
}

/// Verifies form, digest and signature.
///
/// # Errors
/// `bad_signature` for the smallest deviation; the text names the part.
pub fn verify(incoming: &Incoming<'_>) -> Result<Verified> {
    let Incoming { method, authority, path, query, body, .. } = *incoming;
    if [method, authority, path, query].iter().any(|part| !is_visible(part)) {
        return Err(bad("a part of the request that no URL may hold"));
    }
    if incoming.content_digest != content_digest(body) {
        return Err(bad("`Content-Digest` is not the body's"));
    }
    let verified = Verified::parse(incoming.signature_input)
        .ok_or_else(|| bad("`Signature-Input` is not of the one form"))?;
    let signature = parse_signature(incoming.signature)
        .ok_or_else(|| bad("`Signature` is not of the one form"))?;
    let parts = [method, authority, path, query, incoming.content_digest];
    verified.key.verify(base(parts, &verified.parameters()).as_bytes(), &signature)?;
    Ok(verified)
}

/// Checks when a request was signed against the verifier's clock.
///
/// # Errors
/// `clock_skew`.
pub fn check_window(created: u64, now_secs: u64) -> Result<()> {
    if created.abs_diff(now_secs) <= WINDOW_SECS {
        return Ok(());
    }
    Err(Error::new(ErrorCode::ClockSkew, "the request was signed too long ago or in the future"))
}

/// The authority of an `http` or `https` address as both sides sign it: lower case, without the
/// scheme's own port. `None` for anything that is not such an address.
pub fn authority(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let authority = authority.strip_suffix(port).unwrap_or(&authority);
    let usable = !authority.is_empty() && is_visible(authority) && !authority.contains('@');
    usable.then(|| authority.to_owned())
}

impl Verified {
    /// The one form of the components and their parameters.
    fn parameters(&self) -> String {
        let Self { key, created, nonce } = self;
        let (nonce, key) = (to_base64(nonce), to_hex(key.as_bytes()));
        format!(
            r#"{COMPONENTS};created={created};nonce="{nonce}";keyid="{key}";alg="ed25519";tag="{TAG}""#
        )
    }

    /// Takes the variable parts out, then compares the whole with the one form of them.
    fn parse(input: &str) -> Option<Self> {
        let parameters = input.strip_prefix(LABEL)?;
        let rest = parameters.strip_prefix(COMPONENTS)?.strip_prefix(";created=")?;
        let (created, rest) = rest.split_once(r#";nonce=""#)?;
        let (nonce, rest) = rest.split_once(r#"";keyid=""#)?;
        let (key, _) = rest.split_once('"')?;
        let verified = Self {
            key: VerifyingKey::parse(from_hex(key)?.try_into().ok()?).ok()?,
            created: created.parse().ok()?,
            nonce: from_base64(nonce)?.try_into().ok()?,
        };
        (verified.parameters() == parameters).then_some(verified)
    }
}

fn parse_signature(header: &str) -> Option<Signature> {
    let text = header.strip_prefix(LABEL)?.strip_prefix(':')?.strip_suffix(':')?;
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok().map(Signature)
}

fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(&sha256(body)))
}

/// The signature base of RFC 9421, section 2.5.
fn base([method, authority, path, query, digest]: [&str; 5], parameters: &str) -> String {
    format!(
        "\"@method\": {method}\n\"@authority\": {authority}\n\"@path\": {path}\n\
         \"@query\": ?{query}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}"
    )
}

/// Printable ASCII without blanks: nothing that could begin another line of the base.
fn is_visible(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_graphic())
}

fn bad(why: &'static str) -> Error {
    Error::new(ErrorCode::BadSignature, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Key;

    const AUTHORITY: &str = "relay.example:8443";
    const PATH: &str = "/v1/workspaces/00/log";
    const QUERY: &str = "after=7&wait=25";
    const BODY: &[u8] = b"{}";

    fn signed() -> [String; 3] {
        let key = SigningKey::from_seed(&Key::new([7; 32]));
        let (created, nonce) = (1_800_000_000, [9; 16]);
        sign(&key, Method::Get, AUTHORITY, PATH, QUERY, BODY, created, nonce).map(|(_, text)| text)
    }

    fn incoming([content_digest, signature_input, signature]: &[String; 3]) -> Incoming<'_> {
        Incoming {
            method: "GET",
            authority: AUTHORITY,
            path: PATH,
            query: QUERY,
            body: BODY,
            content_digest,
            signature_input,
            signature,
        }
    }

    #[test]
    fn what_was_signed_verifies() {
        let headers = signed();
        let verified = verify(&incoming(&headers)).unwrap();
        let key = SigningKey::from_seed(&Key::new([7; 32])).verifying_key();
        assert_eq!(verified, Verified { key, created: 1_800_000_000, nonce: [9; 16] });
    }

    #[test]
    fn the_base_has_the_form_of_the_rfc() {
        let lines = base(["GET", "a", "/b", "", "sha-256=:AA==:"], "()");
        let expected = "\"@method\": GET\n\"@authority\": a\n\"@path\": /b\n\"@query\": ?\n\
                        \"content-digest\": sha-256=:AA==:\n\"@signature-params\": ()";
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_example_of_the_spec_is_what_this_file_makes() {
        let spec = include_str!("../spec/relay.md");
        let path =
            "/v1/workspaces/8f1c5a3e1d0b9c7f6e5d4c3b2a190817263544536271809f0e1d2c3b4a596877/log";
        let key = SigningKey::from_seed(&Key::new([7; 32]));
        let (query, created, nonce) = ("after=7&wait=25", 1_800_000_000, [9; 16]);
        let headers = sign(&key, Method::Get, "relay.example", path, query, b"", created, nonce);
        headers.iter().for_each(|(name, value)| {
            assert!(spec.contains(&format!("\n{name}: {value}\n")), "{name}: {value}");
        });
        let parameters = headers[1].1.strip_prefix(LABEL).unwrap();
        let base = base(["GET", "relay.example", path, query, &headers[0].1], parameters);
        assert!(spec.contains(&format!("```text\n{base}\n```")), "{base}");
    }

    #[test]
    fn every_changed_component_is_refused() {
        let headers = signed();
        let good = incoming(&headers);
        let others = [
            Incoming { method: "PUT", ..good },
            Incoming { method: "get", ..good },
            Incoming { authority: "other.example:8443", ..good },
            Incoming { path: "/v1/workspaces/01/log", ..good },
            Incoming { path: "/v1/workspaces/00/log\n", ..good },
            Incoming { query: "", ..good },
            Incoming { query: "after=8&wait=25", ..good },
            Incoming { body: b"{ }", ..good },
            Incoming { content_digest: "", ..good },
        ];
        for other in others {
            assert_eq!(verify(&other).unwrap_err().code(), ErrorCode::BadSignature, "{other:?}");
        }
    }

    #[test]
    fn every_changed_byte_of_the_headers_is_refused() {
        let headers = signed();
        for header in 0..3 {
            for position in 0..headers[header].len() {
                for mask in [0x01, 0x20] {
                    let mut bytes = headers[header].clone().into_bytes();
                    bytes[position] ^= mask;
                    let mut other = headers.clone();
                    other[header] = String::from_utf8(bytes).unwrap();
                    assert!(verify(&incoming(&other)).is_err(), "{}", other[header]);
                }
            }
        }
    }

    #[test]
    fn other_shapes_of_the_same_parameters_are_refused() {
        let headers = signed();
        let shapes = [
            headers[1].replace("created=1", "created=+1"),
            headers[1].replace("created=1", "created=01"),
            headers[1].replace(";nonce", "; nonce"),
            headers[1].replace("agentsecrets=(", "sig1=("),
            format!("{};expires=1", headers[1]),
            format!("{}, {}", headers[1], headers[1]),
            format!(" {}", headers[1]),
        ];
        for shape in shapes {
            let other = [headers[0].clone(), shape, headers[2].clone()];
            assert!(verify(&incoming(&other)).is_err(), "{}", other[1]);
        }
    }

    #[test]
    fn the_window_is_five_minutes_on_both_sides() {
        assert!(check_window(1_000, 1_300).is_ok() && check_window(1_300, 1_000).is_ok());
        for (created, now) in [(1_000, 1_301), (1_301, 1_000), (u64::MAX, 0)] {
            assert_eq!(check_window(created, now).unwrap_err().code(), ErrorCode::ClockSkew);
        }
    }

    #[test]
    fn an_authority_has_one_form() {
        assert_eq!(authority("HTTPS://Relay.Example:443/base").as_deref(), Some("relay.example"));
        assert_eq!(authority("http://[::1]:8080").as_deref(), Some("[::1]:8080"));
        for other in ["relay.example", "ftp://a", "http://", "http:///v1", "http://me@host"] {
            assert_eq!(authority(other), None, "{other}");
        }
    }

    #[test]
    fn a_part_that_could_begin_another_line_is_refused_though_its_signature_is_right() {
        let key = SigningKey::from_seed(&Key::new([7; 32]));
        for (wrong, part) in
            ["\n", " ", "\u{7f}", "ü"].iter().flat_map(|c| [(c, 0), (c, 1), (c, 2)])
        {
            let mut parts = [AUTHORITY, PATH, QUERY].map(str::to_owned);
            parts[part].push_str(wrong);
            let [authority, path, query] = &parts;
            let headers = sign(&key, Method::Get, authority, path, query, BODY, 1, [9; 16]);
            let headers = headers.map(|(_, text)| text);
            let error = verify(&Incoming { authority, path, query, ..incoming(&headers) });
            let error = error.unwrap_err();
            assert!(error.message().contains("no URL may hold"), "{wrong:?}: {error}");
        }
    }
}
