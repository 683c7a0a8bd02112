//! `NAME=value` to the end of the line, as SOPS prints it: no quotes, `\n` for a line break.

use super::{Entries, bad_line, name};
use crate::{error::Result, secret::SecretBytes};

pub(super) fn read(bytes: &[u8]) -> Result<Entries> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let full = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    full.map(|(at, line)| entry(line, at + 1)).collect()
}

fn entry(line: &[u8], number: usize) -> Result<(crate::name::SecretName, SecretBytes)> {
    let equals = line.iter().position(|byte| *byte == b'=');
    let equals =
        equals.ok_or_else(|| bad_line(number, "it is not NAME=value, a comment or blank"))?;
    let word = String::from_utf8_lossy(&line[..equals]);
    Ok((name(&word, format_args!("line {number}"))?, broken(&line[equals + 1..])))
}

/// With a line break for each `\n`.
fn broken(mut rest: &[u8]) -> SecretBytes {
    let mut value = Vec::with_capacity(rest.len());
    while let Some(byte) = rest.first() {
        let escaped = rest.starts_with(b"\\n");
        value.push(if escaped { b'\n' } else { *byte });
        rest = &rest[if escaped { 2 } else { 1 }..];
    }
    SecretBytes::new(value)
}
