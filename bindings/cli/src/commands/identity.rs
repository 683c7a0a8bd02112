//! identity, identity new, identity backup.

use std::{fs::OpenOptions, io::Write, path::Path};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::fresh_identity,
    fingerprint::Fingerprint,
    identity::{Destination, Identity, IdentityString, Kind},
    secret::SecretBytes,
};
use serde::Serialize;

use crate::{
    args::{IdentityCommand, NewKind},
    context::Context,
    output::{bytes, line, note, value},
};

#[derive(Serialize)]
struct Own {
    recipient: String,
    id: String,
    fingerprint: String,
    kind: &'static str,
}

pub(crate) fn identity(context: &Context, command: Option<IdentityCommand>) -> Result<()> {
    match command {
        None => show(context),
        Some(IdentityCommand::New { kind, out, reveal }) => {
            new(context, kind, out.as_deref(), reveal)
        }
        Some(IdentityCommand::Backup { reveal }) => backup(context, reveal),
    }
}

fn show(context: &Context) -> Result<()> {
    let recipient = context.client().identity().recipient();
    if !context.json {
        return line(&recipient.to_string());
    }
    let (id, kind) = (recipient.id(), recipient.kind().as_str());
    value(&Own {
        recipient: recipient.to_string(),
        id: id.to_string(),
        fingerprint: Fingerprint::of(&id).to_string(),
        kind,
    })
}

fn backup(context: &Context, reveal: bool) -> Result<()> {
    if !reveal {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "the recovery words are printed only with --reveal",
        )
        .with_hint("agentsecrets identity backup --reveal"));
    }
    bytes(context.client().identity().expose_words().expose())?;
    line("")
}

/// The secret string goes to a file or, on purpose, to stdout; the recipient string to the other.
fn new(context: &Context, kind: NewKind, out: Option<&Path>, reveal: bool) -> Result<()> {
    if out.is_none() && !reveal {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "an identity string is secret: it goes to --out FILE, or to stdout with --reveal",
        )
        .with_hint("agentsecrets identity new --kind agent --out FILE"));
    }
    let kind = match kind {
        NewKind::Agent => Kind::Agent,
        NewKind::Ci => Kind::Ci,
    };
    let identity = fresh_identity(kind)?;
    let string = IdentityString::new(&identity, destination(context)?).expose();
    if let Some(file) = out {
        write_private(file, &string)?;
    }
    print_both(&identity, reveal.then_some(&string))
}

fn print_both(identity: &Identity, secret: Option<&SecretBytes>) -> Result<()> {
    let recipient = identity.recipient().to_string();
    let Some(secret) = secret else { return line(&recipient) };
    note(&format!("admit it: agentsecrets admit {recipient} --role reader --scope ENV"));
    bytes(secret.expose())?;
    line("")
}

fn destination(context: &Context) -> Result<Option<Destination>> {
    if context.setup.workspace.is_none() {
        note("note: no workspace here, so the identity string leads to none");
        return Ok(None);
    }
    let view = context.fresh_view(false)?;
    let relay = view.relay().unwrap_or_default().to_owned();
    Ok(Some(Destination { workspace: view.workspace(), relay, head: view.state()?.head() }))
}

/// A new file for its owner alone; an existing one is not overwritten.
fn write_private(file: &Path, secret: &SecretBytes) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut file| {
        file.write_all(secret.expose())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("{} cannot be written: {}", file.display(), error.kind()),
        )
    })
}
