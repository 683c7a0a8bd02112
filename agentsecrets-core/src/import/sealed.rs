//! What SOPS and dotenvx have sealed: recognised, and refused with the command that opens it.

use super::Entries;
use crate::error::{Error, ErrorCode, Result};

/// What SOPS adds to a `.env`; in JSON and YAML it is one field `sops`.
const SOPS_FIELDS: [&str; 2] = ["sops_mac", "sops_version"];

/// Refuses values that are another tool's sealed text.
pub(super) fn refuse(entries: &Entries) -> Result<()> {
    for (name, value) in entries {
        let value = value.expose();
        if SOPS_FIELDS.contains(&name.as_str())
            || value.starts_with(b"ENC[") && value.ends_with(b"]")
        {
            return Err(by_sops());
        }
        if value.starts_with(b"encrypted:") {
            return Err(by_dotenvx(name.as_str()));
        }
    }
    Ok(())
}

pub(super) fn by_sops() -> Error {
    Error::new(ErrorCode::InvalidArgument, "the file is sealed by SOPS")
        .with_hint("sops -d --output-type json FILE | agentsecrets secrets import -")
}

fn by_dotenvx(name: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("the value of {name} is sealed by dotenvx"))
        .with_hint("dotenvx get -f FILE --overload | agentsecrets secrets import -")
}
