//! What a client does about members.

use std::sync::Arc;

use agentsecrets::model;
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::{
    client::Client,
    errors::invalid,
    secrets::Secret,
    work::{Value, Work},
};

#[napi]
impl Client {
    /// Begins a workspace.
    #[napi]
    pub fn create(&self, name: String, label: String, relay: String) -> AsyncTask<Work> {
        self.text(move |client| client.create(&name, &label, &relay))
    }

    /// Publishes a local workspace.
    #[napi]
    pub fn connect(&self, relay: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.connect(&relay))
    }

    /// A code for one newcomer.
    #[napi]
    pub fn invite(&self, role: String, scope: String, expires: f64) -> AsyncTask<Work> {
        self.work(move |client| {
            let code = client.invite(&role, &scope, expires as u64)?;
            Ok(Value::E(Secret::of(Arc::new(code))))
        })
    }

    /// Answers an invitation.
    #[napi]
    pub fn join(&self, code: Uint8Array, label: String) -> AsyncTask<Work> {
        let code = model::SecretBytes::copy_of(&code);
        self.text(move |client| {
            let code = std::str::from_utf8(code.expose());
            client.join(code.map_err(|_| invalid("an invitation is text"))?, &label)
        })
    }

    /// Admits whoever answered.
    #[napi]
    pub fn admit(&self) -> AsyncTask<Work> {
        self.count(model::Client::admit)
    }

    /// Admits a recipient.
    #[napi]
    pub fn admit_recipient(
        &self,
        recipient: String,
        role: String,
        scope: String,
        label: String,
    ) -> AsyncTask<Work> {
        self.text(move |client| client.admit_recipient(&recipient, &role, &scope, &label))
    }

    /// Members.
    #[napi]
    pub fn members(&self) -> AsyncTask<Work> {
        self.text(model::Client::members)
    }

    /// Ends memberships.
    #[napi]
    pub fn remove(
        &self,
        member: String,
        reason: String,
        device: bool,
        rekey: bool,
    ) -> AsyncTask<Work> {
        self.nothing(move |client| client.remove(&member, &reason, device, rekey))
    }

    /// Ends this device's membership.
    #[napi]
    pub fn leave(&self) -> AsyncTask<Work> {
        self.nothing(model::Client::leave)
    }

    /// Another role.
    #[napi]
    pub fn set_role(&self, member: String, role: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.set_role(&member, &role))
    }

    /// Another scope.
    #[napi]
    pub fn set_scope(&self, member: String, scope: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.set_scope(&member, &scope))
    }

    /// Open invitations.
    #[napi]
    pub fn invitations(&self) -> AsyncTask<Work> {
        self.text(model::Client::invitations)
    }

    /// Withdraws one.
    #[napi]
    pub fn uninvite(&self, id: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.uninvite(&id))
    }

    /// The 60 digits.
    #[napi]
    pub fn safety_number(&self, member: String) -> AsyncTask<Work> {
        self.text(move |client| client.safety_number(&member))
    }

    /// They were compared.
    #[napi]
    pub fn confirm(&self, member: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.confirm(&member))
    }

    /// Who is how far behind.
    #[napi]
    pub fn team(&self) -> AsyncTask<Work> {
        self.text(model::Client::team)
    }
}
