//! Names of secrets: one canonical form, that every shell and every program accepts.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize, io};

use crate::{
    encoding::invalid,
    error::{Error, ErrorCode, Result},
};

/// Longest name in bytes.
pub const MAX_NAME: usize = 256;

/// The name of a secret: `[A-Za-z_][A-Za-z0-9_]*`, at most 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct SecretName(String);

impl SecretName {
    /// # Errors
    /// `invalid_name`. The text is not repeated: it may be a value in the wrong place.
    pub fn parse(text: &str) -> Result<Self> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        let rest = bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if first && rest && text.len() <= MAX_NAME {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(
            ErrorCode::InvalidName,
            "a name is letters, digits and underscores, does not begin with a digit, and has at most 256 bytes",
        ))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two names one: ASCII case is ignored, as Windows does for variables.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BorshDeserialize for SecretName {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        Self::parse(&text).map_err(|_| invalid("not a name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_shell_accepts_are_refused() {
        for good in ["A", "_", "DATABASE_URL", "a1", &"A".repeat(256)] {
            assert_eq!(SecretName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "1A", "A-B", "A.B", "A B", "A=B", "Ä", "A\n", &"A".repeat(257)] {
            assert_eq!(
                SecretName::parse(bad).unwrap_err().code(),
                ErrorCode::InvalidName,
                "{bad:?}"
            );
        }
    }
}
