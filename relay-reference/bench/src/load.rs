//! Signed appends at a fixed rate, each client in a workspace of its own over a connection of its
//! own. Everything is signed before the clock starts, so that the relay gets the processor.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    connection::{Answer, Connection},
    request::{Authority, random},
    team::{Device, found, push},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Requests are good for 300 seconds; signing may take a part of it.
const SIGNING: Duration = Duration::from_secs(150);
const STACK: usize = 256 << 10;

/// What load.
#[derive(Clone, Debug)]
pub struct Load {
    /// Relays; clients are spread over them.
    pub relays: Vec<SocketAddr>,
    /// What signatures name.
    pub authority: Authority,
    /// Clients, each with a connection and a workspace.
    pub clients: usize,
    /// Appends a second of all clients together, at fixed times; `None`: each as fast as answers come.
    pub rate: Option<f64>,
    /// Time that is measured.
    pub time: Duration,
    /// Time before, that is not.
    pub warm_up: Duration,
    /// Sealed bytes of each append.
    pub size: usize,
    /// Most appends a second that are made ready.
    pub ceiling: usize,
}

/// A commit, ready to be sent; signed again where the relay refused it.
struct Prepared {
    request: Vec<u8>,
    body: usize,
}

struct Client {
    device: Device,
    connection: Connection,
    ready: Vec<Prepared>,
}

/// What came of it; times in microseconds.
pub struct Outcome {
    /// From the time when an append was due to its acknowledgement.
    pub from_due: Histogram<u64>,
    /// From when it was sent to its acknowledgement.
    pub from_sent: Histogram<u64>,
    /// Answers by status; `lost` where none came.
    pub answers: BTreeMap<String, u64>,
    /// Appends acknowledged in the measured time.
    pub acknowledged: u64,
    /// 429 and 503 without `Retry-After`.
    pub without_retry_after: u64,
    /// Clients that had no prepared appends left before the end.
    pub ran_dry: u64,
}

impl Outcome {
    fn new() -> io::Result<Self> {
        Ok(Self {
            from_due: latencies()?,
            from_sent: latencies()?,
            answers: BTreeMap::new(),
            acknowledged: 0,
            without_retry_after: 0,
            ran_dry: 0,
        })
    }

    fn add(&mut self, other: &Self) -> io::Result<()> {
        self.from_due.add(&other.from_due).map_err(io::Error::other)?;
        self.from_sent.add(&other.from_sent).map_err(io::Error::other)?;
        for (answer, count) in &other.answers {
            *self.answers.entry(answer.clone()).or_default() += count;
        }
        self.acknowledged += other.acknowledged;
        self.without_retry_after += other.without_retry_after;
        self.ran_dry += other.ran_dry;
        Ok(())
    }
}

/// Room for latencies from a microsecond to ten minutes, each kept to three digits.
///
/// # Errors
/// None: the bounds are good.
pub fn latencies() -> io::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 600_000_000, 3).map_err(io::Error::other)
}

/// Percentiles in milliseconds.
pub fn percentiles(latencies: &Histogram<u64>) -> Value {
    let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1_000.0;
    json!({
        "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999),
        "max": latencies.max() as f64 / 1_000.0,
    })
}

impl Load {
    /// Makes everything ready, runs, and says what came of it.
    ///
    /// # Errors
    /// A relay does not take the workspaces.
    pub fn run(&self) -> io::Result<Outcome> {
        let clients = self.prepare()?;
        let barrier = Arc::new(Barrier::new(clients.len() + 1));
        let mut running = Vec::with_capacity(clients.len());
        for (number, client) in clients.into_iter().enumerate() {
            let (load, barrier) = (self.clone(), Arc::clone(&barrier));
            let thread = std::thread::Builder::new().stack_size(STACK);
            running.push(thread.spawn(move || load.play(client, number, &barrier))?);
        }
        barrier.wait();
        let mut all = Outcome::new()?;
        for thread in running {
            let outcome = thread.join().map_err(|_| io::Error::other("a client panicked"))?;
            all.add(&outcome?)?;
        }
        Ok(all)
    }

    /// On as many threads as there are processors: founds workspaces and signs.
    fn prepare(&self) -> io::Result<Vec<Client>> {
        let (next, run) = (AtomicUsize::new(0), random());
        let one_after_the_other = || {
            let mut clients = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= self.clients {
                    return Ok(clients);
                }
                clients.push(self.client(run, number)?);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let start = Instant::now();
        let clients: io::Result<Vec<_>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_after_the_other)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(|done| done.map_err(|_| io::Error::other("a thread panicked"))?).collect()
        });
        if start.elapsed() > SIGNING {
            return Err(io::Error::other("signing took too long: fewer clients, time or rate"));
        }
        Ok(clients?.into_iter().flatten().collect())
    }

    fn each(&self) -> usize {
        let seconds = (self.time + self.warm_up).as_secs_f64();
        let rate = self.rate.map_or(self.ceiling as f64, |rate| rate.min(self.ceiling as f64));
        (rate * seconds / self.clients as f64).ceil() as usize + 1
    }

    fn client(&self, run: u64, number: usize) -> io::Result<Client> {
        let device = Device::new(run, number as u64);
        let (mut state, batch) = found(&device, &[]).map_err(io::Error::other)?;
        let body = batch.body(&state)?;
        let relay = self.relays.get(number % self.relays.len().max(1)).copied();
        let relay = relay.ok_or_else(|| io::Error::other("no relay"))?;
        let mut connection = Connection::new(relay, PATIENCE);
        insist(&mut connection, || self.authority.commit(device.key(), &body))?;
        let mut ready = Vec::with_capacity(self.each());
        for count in 0..self.each() {
            let push = push(&state, &device, 1, count as u128, self.size);
            let push = push.map_err(io::Error::other)?;
            push.entries
                .iter()
                .try_for_each(|entry| state.apply(entry))
                .map_err(io::Error::other)?;
            let body = push.body(&state)?;
            let request = self.authority.commit(device.key(), &body);
            ready.push(Prepared { body: request.len() - body.len(), request });
        }
        Ok(Client { device, connection, ready })
    }

    fn play(&self, mut client: Client, number: usize, barrier: &Barrier) -> io::Result<Outcome> {
        let mut outcome = Outcome::new()?;
        // It may have been closed while others were made ready.
        client.connection = client.connection.again();
        client.connection.open()?;
        barrier.wait();
        let start = Instant::now();
        let end = self.warm_up + self.time;
        let interval = self.rate.map(|rate| self.clients as f64 / rate);
        let offset = interval.unwrap_or_default() * number as f64 / self.clients as f64;
        let mut turn = 0_u32;
        let mut ready = client.ready.iter_mut();
        let mut next = ready.next();
        loop {
            let due = interval.map(|interval| offset + interval * f64::from(turn));
            let due = due.map_or_else(|| start.elapsed(), Duration::from_secs_f64);
            turn += 1;
            if due >= end || start.elapsed() > end {
                return Ok(outcome);
            }
            let Some(prepared) = next.as_deref_mut() else {
                outcome.ran_dry += 1;
                return Ok(outcome);
            };
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            let sent = start.elapsed();
            let answer = client.connection.ask(&prepared.request);
            let done = start.elapsed();
            let measured = done >= self.warm_up && done < end;
            let taken = outcome.note(&answer, measured, (done - due, done - sent));
            match taken {
                true => next = ready.next(),
                false => prepared.sign_again(&self.authority, &client.device),
            }
        }
    }
}

impl Prepared {
    fn sign_again(&mut self, authority: &Authority, device: &Device) {
        let body = self.request.split_off(self.body);
        self.request = authority.commit(device.key(), &body);
        self.body = self.request.len() - body.len();
    }
}

impl Outcome {
    /// Counts an answer; whether it acknowledges.
    fn note(
        &mut self,
        answer: &io::Result<Answer>,
        measured: bool,
        (from_due, from_sent): (Duration, Duration),
    ) -> bool {
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let acknowledged = matches!(status, 200 | 201);
        if measured {
            let name = if status == 0 { "lost".to_owned() } else { status.to_string() };
            *self.answers.entry(name).or_default() += 1;
            let patient = answer.as_ref().is_ok_and(|answer| answer.retry_after.is_some());
            self.without_retry_after += u64::from(matches!(status, 429 | 503) && !patient);
            if acknowledged {
                self.acknowledged += 1;
                self.from_due.saturating_record(from_due.as_micros() as u64);
                self.from_sent.saturating_record(from_sent.as_micros() as u64);
            }
        }
        acknowledged
    }
}

/// Asks again where the relay has too much to do.
pub(crate) fn insist(connection: &mut Connection, request: impl Fn() -> Vec<u8>) -> io::Result<()> {
    for _ in 0..100 {
        let answer = connection.ask(&request())?;
        match answer.status {
            200 | 201 => return Ok(()),
            429 | 503 => std::thread::sleep(Duration::from_millis(100)),
            other => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(io::Error::other(format!("status {other}: {body}")));
            }
        }
    }
    Err(io::Error::other("the relay has too much to do before anything began"))
}
