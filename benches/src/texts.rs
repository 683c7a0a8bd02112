//! Secrets as API keys are, and texts in which they stand, seldom stand, or never.

use agentsecrets_core::{Result, name::SecretName, redact::Redactor};

/// Forty characters each.
pub fn values(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("fake_{:035x}", at * 0x9e37_79b9)).collect()
}

/// A redactor of these values.
///
/// # Errors
/// None: the values are long enough.
pub fn redactor(values: &[String]) -> Result<Redactor> {
    let names: Vec<SecretName> =
        (0..values.len()).map(super::name).collect::<Result<Vec<SecretName>>>()?;
    Redactor::new(names.iter().zip(values.iter().map(String::as_bytes)))
}

/// JSON as APIs answer it, with escapes in it.
pub fn json(size: usize) -> Vec<u8> {
    repeated(
        r#"{"id":"evt_1","text":"It said \"no\",\nand left.","url":"https:\/\/api.example\/v1","n":3}"#,
        size,
    )
}

/// Texts of a size, with what they are: none but the last two has to do with the value.
pub fn texts(value: &str, size: usize) -> Vec<(&'static str, Vec<u8>)> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |at: u64| DIGITS[(at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize];
    let log = "2026-01-01T12:00:00Z INFO request served path=/v1/items status=200 ms=12\n";
    let echo = format!("{{\"key\":\"{value}\",\"ok\":true}}\n");
    vec![
        ("log lines", repeated(log, size)),
        ("JSON", json(size)),
        ("base64", (0..size as u64).map(digit).collect()),
        ("echoes", repeated(&echo, size)),
        ("almost echoes", repeated(&value[..value.len() - 1], size)),
    ]
}

fn repeated(text: &str, size: usize) -> Vec<u8> {
    text.bytes().cycle().take(size).collect()
}
