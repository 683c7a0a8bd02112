//! Policies of secrets: one form as bytes, and the same said in JSON.

use agentsecrets_core::secret_policy::{PathPattern, SecretPolicy};

/// The first byte chooses: canonical bytes as a parcel carries them, or JSON as people write it.
pub fn secret_policy(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else { return };
    let policy = match form % 2 {
        0 => from_bytes(rest),
        _ => std::str::from_utf8(rest).ok().and_then(|text| SecretPolicy::from_json(text).ok()),
    };
    let Some(policy) = policy else { return };
    let bytes = policy.to_bytes();
    assert_eq!(SecretPolicy::parse(&bytes).expect("its bytes").as_ref(), Some(&policy));
    assert_eq!(SecretPolicy::from_json(&policy.to_json()).expect("its JSON"), policy);
    cut(&bytes);
    let paths: Vec<&PathPattern> = policy.rules.iter().flat_map(|rule| &rule.paths).collect();
    covering(&paths);
}

fn from_bytes(bytes: &[u8]) -> Option<SecretPolicy> {
    let policy = SecretPolicy::parse(bytes).ok()?;
    match &policy {
        Some(policy) => assert_eq!(policy.to_bytes(), bytes, "a second form"),
        None => assert!(bytes.is_empty(), "no policy has one form"),
    }
    policy
}

/// With less or more it is another policy or none, and never this one.
fn cut(bytes: &[u8]) {
    let longer = [bytes, &[0]].concat();
    assert!(SecretPolicy::parse(&longer).is_err(), "bytes after the end");
    assert!(SecretPolicy::parse(&bytes[..bytes.len() - 1]).is_err(), "bytes are missing");
}

/// What a narrower pattern means, a wider one means as well.
fn covering(paths: &[&PathPattern]) {
    let plain = |path: &&&PathPattern| !path.as_str().contains('*');
    for wide in paths {
        for narrow in paths.iter().filter(|narrow| wide.covers(narrow)) {
            for path in paths.iter().filter(plain).filter(|path| narrow.matches(path.as_str())) {
                assert!(wide.matches(path.as_str()), "{wide} covers {narrow} and not {path}");
            }
        }
    }
}
