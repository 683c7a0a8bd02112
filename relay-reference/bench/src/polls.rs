//! Long polls: many who wait at once, what they cost in memory, and how soon they hear.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use agentsecrets_core::{log::State, wire::LogPage};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    connection::Connection,
    load::{insist, latencies, percentiles},
    memory::resident,
    request::{Authority, random},
    team::{Device, found, push},
};

/// Most waiting requests of one key.
const OF_ONE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(30);

/// A workspace whose founder waits many times at once.
struct Room {
    founder: Device,
    state: State,
    waiting: Vec<Connection>,
}

/// Opens `count` waiting requests, measures the relay's memory, then wakes all of them.
///
/// # Errors
/// A request is refused, or somebody does not hear.
pub fn run(relay: SocketAddr, to: &Authority, count: usize, process: u32) -> io::Result<Value> {
    let run = random();
    let mut line = Connection::new(relay, PATIENCE);
    let rooms = (0..count.div_ceil(OF_ONE)).map(|number| room(&mut line, to, run, number as u64));
    let mut rooms = rooms.collect::<io::Result<Vec<_>>>()?;
    let before = resident(process)?;
    for number in 0..count {
        let room = &mut rooms[number / OF_ONE];
        room.waiting.push(wait(relay, to, &room.founder, &room.state)?);
        // Two thousand at once are more than a relay queues, and what it refused would not wait: one that
        // is answered comes after those before it.
        if room.waiting.len() == OF_ONE {
            let log = format!("/v1/workspaces/{}/log", room.state.workspace());
            insist(&mut line, || to.get(room.founder.key(), &log))?;
        }
    }
    std::thread::sleep(Duration::from_secs(2));
    let waiting = resident(process)?;
    let mut heard = latencies()?;
    rooms.iter_mut().try_for_each(|room| wake(&mut line, to, room, &mut heard))?;
    Ok(json!({
        "waiting": count,
        "megabytes_before": before,
        "megabytes_waiting": waiting,
        "heard": heard.len(),
        "from_commit_ms": percentiles(&heard),
    }))
}

fn room(line: &mut Connection, to: &Authority, run: u64, number: u64) -> io::Result<Room> {
    let founder = Device::new(run, number);
    let (state, batch) = found(&founder, &[]).map_err(io::Error::other)?;
    let body = batch.body(&state)?;
    insist(line, || to.commit(founder.key(), &body))?;
    Ok(Room { founder, state, waiting: Vec::new() })
}

fn wait(relay: SocketAddr, to: &Authority, who: &Device, state: &State) -> io::Result<Connection> {
    let mut connection = Connection::new(relay, PATIENCE);
    let after = state.head().seq;
    let target = format!("/v1/workspaces/{}/log?after={after}&wait=25", state.workspace());
    connection.send(&to.get(who.key(), &target))?;
    Ok(connection)
}

/// Commits an entry and waits until everybody in the room has it.
fn wake(
    line: &mut Connection,
    to: &Authority,
    room: &mut Room,
    heard: &mut Histogram<u64>,
) -> io::Result<()> {
    let push = push(&room.state, &room.founder, 1, 1, 64).map_err(io::Error::other)?;
    let body = push.body(&room.state)?;
    let start = Instant::now();
    insist(line, || to.commit(room.founder.key(), &body))?;
    for connection in &mut room.waiting {
        let answer = connection.receive()?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("a poll ended with status {}", answer.status)));
        }
        let page: LogPage = serde_json::from_slice(&answer.body)?;
        if page.entries.len() != 1 {
            return Err(io::Error::other("somebody was answered without the news"));
        }
        heard.saturating_record(start.elapsed().as_micros() as u64);
    }
    Ok(())
}
