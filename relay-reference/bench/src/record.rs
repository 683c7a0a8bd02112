//! Writers, readers and watchers who note all that they see, while somebody makes faults.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use agentsecrets_core::{
    encoding::{EntryHash, WorkspaceId},
    log::{SignedEntry, State},
    wire::{Committed, LogPage, Problem},
};

use crate::{
    connection::{Answer, Connection},
    history::{Event, Link, Nanos, Outcome},
    request::{Authority, random},
    team::{Batch, Device, found, push},
};

mod writer;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long watchers go on after the last write, if they do not hear of it before.
const LISTENING: Duration = Duration::from_secs(12);
/// How long the relays may take to come back for the final read.
const RETURN: Duration = Duration::from_secs(60);
const SEALED: usize = 256;

/// Who does what.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Relays over one database.
    pub relays: Vec<SocketAddr>,
    /// What signatures name.
    pub authority: Authority,
    /// Workspaces.
    pub workspaces: u64,
    /// Writers of all workspaces.
    pub writers: u64,
    /// Readers of each workspace, and as many watchers.
    pub readers: u64,
}

/// What all threads share.
pub struct Stage {
    cast: Cast,
    start: Instant,
    stop: AtomicBool,
    events: Mutex<Vec<Event>>,
    outage: Mutex<Option<Nanos>>,
    readers: AtomicU64,
}

/// One workspace, and the number of its newest acknowledged entry.
struct Place {
    workspace: WorkspaceId,
    founder: Device,
    newest: AtomicU64,
}

impl Stage {
    /// Nothing has happened yet.
    pub fn new(cast: Cast) -> Self {
        Self {
            cast,
            start: Instant::now(),
            stop: AtomicBool::new(false),
            events: Mutex::default(),
            outage: Mutex::default(),
            readers: AtomicU64::new(0),
        }
    }

    /// Makes the workspaces, says that everybody is `there`, plays until [`Stage::stop`], then reads
    /// all logs to their ends; what happened.
    ///
    /// # Errors
    /// The relays do not answer before or after the faults.
    pub fn play(&self, there: impl FnOnce()) -> io::Result<Vec<Event>> {
        let run = random();
        let places = (0..self.cast.workspaces).map(|number| self.found(run, number));
        let places = places.collect::<io::Result<Vec<_>>>()?;
        there();
        let over = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writing: Vec<_> = places
                .iter()
                .flat_map(|(place, state, writers)| writers.iter().map(move |w| (place, state, w)))
                .enumerate()
                .map(|(number, (place, state, device))| {
                    scope.spawn(move || self.write(place, state.clone(), device, number))
                })
                .collect();
            for (place, ..) in &places {
                for number in 0..self.cast.readers {
                    scope.spawn(move || self.read(place, over, number as usize));
                    scope.spawn(move || self.watch(place, over, number as usize));
                }
            }
            writing.into_iter().for_each(|writer| drop(writer.join()));
            over.store(true, SeqCst);
        });
        for (place, ..) in &places {
            let links = self.whole_log(place)?;
            self.note(Event::Final { workspace: place.workspace, links });
        }
        Ok(std::mem::take(&mut *self.events()))
    }

    /// Lets the writers end.
    pub fn stop(&self) {
        self.stop.store(true, SeqCst);
    }

    /// From now on somebody keeps watchers from a relay, or does so no longer.
    pub fn outage(&self, begins: bool) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        match (begins, outage.take()) {
            (true, since) => *outage = since.or(Some(self.now())),
            (false, Some(from)) => self.note(Event::Outage { from, until: self.now() }),
            (false, None) => {}
        }
    }

    fn now(&self) -> Nanos {
        self.start.elapsed().as_nanos() as Nanos
    }

    fn note(&self, event: Event) {
        self.events().push(event);
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.stop.load(SeqCst)
    }

    /// Makes a workspace with its share of the writers as members.
    fn found(&self, run: u64, number: u64) -> io::Result<(Place, State, Vec<Device>)> {
        let device = |place: u64| Device::new(run, number << 32 | place);
        let founder = device(0);
        let share = self.cast.writers.div_ceil(self.cast.workspaces.max(1));
        let writers: Vec<_> = (1..=share).map(device).collect();
        let (state, batch) = found(&founder, &writers).map_err(io::Error::other)?;
        let links: Vec<_> = batch.entries.iter().map(Link::of).collect();
        let body = batch.body(&state)?;
        let invoked = self.now();
        let answer =
            self.insist(number as usize, || self.cast.authority.commit(founder.key(), &body))?;
        let committed: Committed = serde_json::from_slice(&answer.body)?;
        let (workspace, head) = (state.workspace(), (committed.head.seq, committed.head.hash));
        let (done, outcome) = (self.now(), Outcome::Acknowledged);
        self.note(Event::Append { workspace, links, invoked, done, outcome, head: Some(head) });
        let newest = AtomicU64::new(state.head().seq);
        Ok((Place { workspace, founder, newest }, state, writers))
    }

    /// Asks one relay after the other until there is an answer of success.
    fn insist(&self, first: usize, request: impl Fn() -> Vec<u8>) -> io::Result<Answer> {
        let start = Instant::now();
        let mut line = Line::new(self, first, PATIENCE);
        loop {
            match line.connection.ask(&request()) {
                Ok(answer) if answer.status / 100 == 2 => return Ok(answer),
                other if start.elapsed() > RETURN => {
                    return Err(io::Error::other(format!("no success in time: {other:?}")));
                }
                _ => line.next(),
            }
        }
    }

    fn whole_log(&self, place: &Place) -> io::Result<Vec<Link>> {
        let (mut links, mut after) = (Vec::new(), None);
        loop {
            let target = log_path(place, after, "limit=500");
            let get = || self.cast.authority.get(place.founder.key(), &target);
            let page = Page::parse(&self.insist(0, get)?)?;
            after = page.links.last().map(|link| link.seq).or(after);
            links.extend(page.links);
            if !page.more {
                return Ok(links);
            }
        }
    }

    /// Reads pieces of the log, from random places and from the end.
    fn read(&self, place: &Place, over: &AtomicBool, first: usize) {
        let (mut line, reader) = (Line::new(self, first, PATIENCE), self.reader());
        let mut known = 0;
        while !over.load(SeqCst) {
            let after = match random() % 3 {
                0 => (known > 0).then(|| random() % known),
                _ => Some(known),
            };
            match self.page(place, &mut line, reader, after, "limit=50") {
                Some(page) => known = known.max(page.head.0),
                None => line.next(),
            }
            std::thread::sleep(Duration::from_millis(5 + random() % 20));
        }
    }

    /// Waits for news, again and again.
    fn watch(&self, place: &Place, over: &AtomicBool, first: usize) {
        let patience = PATIENCE * 2;
        let (mut line, reader) = (Line::new(self, first + 1, patience), self.reader());
        let (from, mut known, mut ending) = (self.now(), None, None);
        loop {
            match self.page(place, &mut line, reader, known, "wait=4") {
                Some(page) => known = page.links.last().map(|link| link.seq).or(known),
                None => line.next(),
            }
            if !over.load(SeqCst) {
                continue;
            }
            let ending = ending.get_or_insert_with(Instant::now);
            let heard = known >= Some(place.newest.load(SeqCst));
            if heard || ending.elapsed() > LISTENING {
                break;
            }
        }
        let (workspace, until) = (place.workspace, self.now());
        self.note(Event::Watch { reader, workspace, after: None, from, until });
    }

    /// Asks for a page and notes it; `None` where none came.
    fn page(
        &self,
        place: &Place,
        line: &mut Line<'_>,
        reader: u32,
        after: Option<u64>,
        more: &str,
    ) -> Option<Page> {
        let request = self.cast.authority.get(place.founder.key(), &log_path(place, after, more));
        let invoked = self.now();
        let answer = line.connection.ask(&request).ok()?;
        let done = self.now();
        let page = Page::parse(&answer).ok()?;
        let (workspace, links, head) = (place.workspace, page.links.clone(), page.head);
        self.note(Event::Read { reader, workspace, after, invoked, done, links, head });
        Some(page)
    }

    fn reader(&self) -> u32 {
        self.readers.fetch_add(1, SeqCst) as u32
    }
}

/// A connection to one of the relays, and to the next one after a failure.
struct Line<'a> {
    stage: &'a Stage,
    at: usize,
    patience: Duration,
    connection: Connection,
}

impl<'a> Line<'a> {
    fn new(stage: &'a Stage, at: usize, patience: Duration) -> Self {
        let connection = Connection::new(relay(stage, at), patience);
        Self { stage, at, patience, connection }
    }

    /// Waits a moment and goes to the next relay.
    fn next(&mut self) {
        std::thread::sleep(Duration::from_millis(2 + random() % 20));
        *self = Self::new(self.stage, self.at + 1, self.patience);
    }
}

fn relay(stage: &Stage, at: usize) -> SocketAddr {
    let relays = &stage.cast.relays;
    relays.get(at % relays.len().max(1)).copied().unwrap_or(([127, 0, 0, 1], 8787).into())
}

fn log_path(place: &Place, after: Option<u64>, more: &str) -> String {
    let after = after.map(|after| format!("after={after}&")).unwrap_or_default();
    format!("/v1/workspaces/{}/log?{after}{more}", place.workspace)
}

/// A page of the log, its entries parsed by ourselves.
struct Page {
    entries: Vec<SignedEntry>,
    links: Vec<Link>,
    head: (u64, EntryHash),
    more: bool,
}

impl Page {
    fn parse(answer: &Answer) -> io::Result<Self> {
        if answer.status != 200 {
            return Err(io::Error::other(format!("status {}", answer.status)));
        }
        let LogPage { entries, head, more } = serde_json::from_slice(&answer.body)?;
        let entries = entries.iter().map(|bytes| SignedEntry::parse(&bytes.0));
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        let links = entries.iter().map(Link::of).collect();
        Ok(Self { entries, links, head: (head.seq, head.hash), more })
    }
}
