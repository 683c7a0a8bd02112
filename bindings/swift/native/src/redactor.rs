//! Values taken out of texts.

use std::sync::Arc;

use agentsecrets::model;

use crate::{
    errors::Result,
    secrets::{NamedSecret, NativeSecrets},
};

/// Takes values out of texts.
#[derive(uniffi::Object)]
pub struct NativeRedactor(model::Redactor);

/// A text that comes in pieces.
#[derive(uniffi::Object)]
pub struct NativeRedaction(model::Redaction);

#[uniffi::export]
impl NativeSecrets {
    /// A redactor of everything here, also of what may only be used.
    pub fn redactor(&self) -> Result<Arc<NativeRedactor>> {
        Ok(Arc::new(NativeRedactor(self.0.redactor()?)))
    }
}

#[uniffi::export]
impl NativeRedactor {
    /// Looks for these values.
    #[uniffi::constructor]
    pub fn of_values(values: Vec<NamedSecret>) -> Result<Arc<Self>> {
        let values = values.iter().map(|one| (one.name.as_str(), one.value.0.expose()));
        Ok(Arc::new(Self(model::Redactor::new(values)?)))
    }

    /// A whole text without the values.
    pub fn redact(&self, text: &[u8]) -> Vec<u8> {
        self.0.redact(text)
    }

    /// For a text that comes in pieces.
    pub fn stream(&self) -> Arc<NativeRedaction> {
        Arc::new(NativeRedaction(self.0.stream()))
    }
}

#[uniffi::export]
impl NativeRedaction {
    /// Takes the next piece; gives what is ready.
    pub fn push(&self, piece: &[u8]) -> Vec<u8> {
        self.0.push(piece)
    }

    /// Gives the rest.
    pub fn finish(&self) -> Vec<u8> {
        self.0.finish()
    }
}
