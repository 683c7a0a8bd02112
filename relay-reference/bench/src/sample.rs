//! A workspace that exists, for tools that would only guess: its ids, a key that may sign, the next
//! commit, and one after it whose deliveries are missing. The key is made for this and holds nothing.

use std::{io, net::SocketAddr, time::Duration};

use agentsecrets_core::{encoding::to_hex, log::deliveries::sealed_hash, wire::Bytes};
use serde_json::{Value, json};

use crate::{
    connection::Connection,
    load::insist,
    request::{Authority, random},
    team::{Device, found, push},
};

/// Founds a workspace, pushes once, and says what a tool needs to go on.
///
/// # Errors
/// The relay refuses.
pub fn run(relay: SocketAddr, to: &Authority) -> io::Result<Value> {
    let founder = Device::new(random(), 0);
    let mut line = Connection::new(relay, Duration::from_secs(10));
    let (mut state, batch) = found(&founder, &[]).map_err(io::Error::other)?;
    let body = batch.body(&state)?;
    insist(&mut line, || to.commit(founder.key(), &body))?;
    let first = push(&state, &founder, 1, 1, 64).map_err(io::Error::other)?;
    first.entries.iter().try_for_each(|entry| state.apply(entry)).map_err(io::Error::other)?;
    let body = first.body(&state)?;
    insist(&mut line, || to.commit(founder.key(), &body))?;
    let next = push(&state, &founder, 1, 2, 64).map_err(io::Error::other)?;
    next.entries.iter().try_for_each(|entry| state.apply(entry)).map_err(io::Error::other)?;
    let commit: Value = serde_json::from_slice(&next.body(&state)?)?;
    let after = push(&state, &founder, 1, 3, 64).map_err(io::Error::other)?;
    let mut incomplete: Value = serde_json::from_slice(&after.body(&state)?)?;
    incomplete["deliveries"] = json!([]);
    let sealed = b"sealed bytes, as far as a relay can tell";
    Ok(json!({
        "test_key": to_hex(founder.request_seed().expose()),
        "workspace": state.workspace(),
        "id": founder.id(),
        "recipient": Bytes(founder.recipient()),
        "commit": commit,
        "incomplete": incomplete,
        "hash": sealed_hash(sealed),
        "sealed": Bytes(sealed.to_vec()),
    }))
}
