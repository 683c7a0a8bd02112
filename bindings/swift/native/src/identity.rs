//! Identities, and sealed boxes to and from them.

use std::sync::Arc;

use agentsecrets::model;

use crate::{
    boxes::{Opened, borrowed, opened, revealed},
    errors::Result,
    secret::NativeSecret,
};

/// Private half and public half of a device, agent or job.
#[derive(uniffi::Object)]
pub struct NativeIdentity(pub(crate) model::Identity);

#[uniffi::export]
impl NativeIdentity {
    /// A fresh one.
    #[uniffi::constructor]
    pub fn generate(kind: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(model::Identity::generate(model::kind(&kind)?)?)))
    }

    /// From its identity string.
    #[uniffi::constructor]
    pub fn parse(string: Arc<NativeSecret>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(model::Identity::parse(string.text()?)?)))
    }

    /// Its identity string.
    pub fn string(&self) -> Arc<NativeSecret> {
        NativeSecret::of(self.0.string())
    }

    /// Its recipient string.
    pub fn recipient(&self) -> String {
        self.0.recipient()
    }

    /// Its fingerprint.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    /// Opens a box.
    pub fn open(&self, sealed: &[u8]) -> Result<Arc<NativeSecret>> {
        Ok(NativeSecret::of(self.0.open(sealed)?))
    }

    /// Opens many boxes; a verdict for each.
    pub fn open_many(&self, sealed: Vec<Vec<u8>>) -> Vec<Opened> {
        opened(self.0.open_many(&borrowed(&sealed)))
    }
}

/// Seals to a recipient string.
#[uniffi::export]
pub fn seal(recipient: String, message: Arc<NativeSecret>) -> Result<Vec<u8>> {
    Ok(model::seal(&recipient, message.0.expose())?)
}

/// Seals each message to one recipient string.
#[uniffi::export]
pub fn seal_many(recipient: String, messages: Vec<Arc<NativeSecret>>) -> Result<Vec<Vec<u8>>> {
    Ok(model::seal_many(&recipient, &revealed(&messages))?)
}
