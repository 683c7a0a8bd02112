//! One secret value, which stays on this side: Swift reads it where it is.

use std::sync::Arc;

use agentsecrets::model::SecretBytes;

use crate::errors::{Result, invalid};

/// A value, wiped when its last holder lets go.
#[derive(uniffi::Object)]
pub struct NativeSecret(pub(crate) Arc<SecretBytes>);

impl NativeSecret {
    pub(crate) fn of(bytes: impl Into<Arc<SecretBytes>>) -> Arc<Self> {
        Arc::new(Self(bytes.into()))
    }

    pub(crate) fn copied(&self) -> SecretBytes {
        SecretBytes::copy_of(self.0.expose())
    }

    pub(crate) fn text(&self) -> Result<&str> {
        std::str::from_utf8(self.0.expose()).map_err(|_| invalid("the value is not UTF-8"))
    }
}

#[uniffi::export]
impl NativeSecret {
    /// A copy of borrowed bytes.
    #[uniffi::constructor]
    pub fn copy(bytes: &[u8]) -> Arc<Self> {
        Self::of(SecretBytes::copy_of(bytes))
    }

    /// Where the bytes are, as long as this object lives. Swift reads them there, so that no buffer between
    /// the languages holds a copy.
    pub fn address(&self) -> u64 {
        self.0.expose().as_ptr() as usize as u64
    }

    /// How many bytes.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// In a time that depends on the lengths alone.
    pub fn equals(&self, other: Arc<NativeSecret>) -> bool {
        self.0.ct_eq(other.0.expose())
    }
}
