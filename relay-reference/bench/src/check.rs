//! The laws that every history has to keep. What a relay says is held against what was sent and
//! against the log as it stands in the end; every broken law is named.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use agentsecrets_core::encoding::{EntryHash, WorkspaceId};

use crate::history::{Event, Link, Nanos, Outcome};

/// How long news may take to reach one who waits.
pub const NEWS: Nanos = 10_000_000_000;

/// What a history can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Every acknowledged entry stands once, at its number.
    AcknowledgedStays,
    /// What was refused is not there.
    RefusedIsAbsent,
    /// An entry stands at most once, and somebody sent it.
    NothingDoubledOrInvented,
    /// Numbers without gaps, each entry naming the one before it.
    OneChain,
    /// Everything that anybody ever read is a part of that chain.
    NoFork,
    /// What was acknowledged before another was sent stands before it.
    RealTimeOrder,
    /// A read sees what was acknowledged, or read by anybody, before it began.
    ReadsAreFresh,
    /// Who waits hears of an acknowledged entry within ten seconds.
    WatchersHear,
    /// A history without its end says nothing.
    HasAnEnd,
}

/// A broken law and where.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub law: Law,
    /// Where.
    pub workspace: WorkspaceId,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}: {}", self.law, self.workspace, self.found)
    }
}

/// What a history holds: whoever checks it wants to know whether it says anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Workspaces.
    pub workspaces: usize,
    /// Entries acknowledged.
    pub acknowledged: usize,
    /// Entries refused.
    pub refused: usize,
    /// Entries of unknown outcome.
    pub unknown: usize,
    /// Of these, how many are there.
    pub unknown_there: usize,
    /// Reads.
    pub reads: usize,
    /// Watchers.
    pub watchers: usize,
}

/// Checks a history.
pub fn check(events: &[Event]) -> (Counts, Vec<Violation>) {
    let (mut counts, mut violations) = (Counts::default(), Vec::new());
    let outages = outages(events);
    for (workspace, events) in by_workspace(events) {
        let story = Story::new(&events, &outages);
        count(&mut counts, &story);
        let broken = story.broken().into_iter();
        violations.extend(broken.map(|(law, found)| Violation { law, workspace, found }));
    }
    (counts, violations)
}

fn by_workspace(events: &[Event]) -> BTreeMap<WorkspaceId, Vec<&Event>> {
    let mut sorted = BTreeMap::<_, Vec<_>>::new();
    for event in events {
        let (Event::Append { workspace, .. }
        | Event::Read { workspace, .. }
        | Event::Watch { workspace, .. }
        | Event::Final { workspace, .. }) = event
        else {
            continue;
        };
        sorted.entry(*workspace).or_default().push(event);
    }
    sorted
}

/// Outages in order, those that touch made one.
fn outages(events: &[Event]) -> Vec<(Nanos, Nanos)> {
    let mut all: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Outage { from, until } => Some((*from, *until)),
            _ => None,
        })
        .collect();
    all.sort_unstable();
    let mut joined: Vec<(Nanos, Nanos)> = Vec::new();
    for (from, until) in all {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

/// When `wait` has passed from `start` on, outages not counted.
fn deadline(start: Nanos, wait: Nanos, outages: &[(Nanos, Nanos)]) -> Nanos {
    outages.iter().fold(start + wait, |deadline, (from, until)| match *from < deadline {
        true => deadline + until.saturating_sub((*from).max(start)),
        false => deadline,
    })
}

/// One entry that somebody sent.
struct Sent {
    link: Link,
    invoked: Nanos,
    done: Nanos,
    outcome: Outcome,
}

/// All that happened in one workspace.
struct Story<'a> {
    events: &'a [&'a Event],
    outages: &'a [(Nanos, Nanos)],
    sent: Vec<Sent>,
    /// The log as it stands in the end.
    chain: Option<&'a [Link]>,
    /// Where each entry stands in it.
    places: HashMap<EntryHash, Vec<usize>>,
}

/// Laws that are broken, and what was found.
type Broken = Vec<(Law, String)>;

impl<'a> Story<'a> {
    fn new(events: &'a [&'a Event], outages: &'a [(Nanos, Nanos)]) -> Self {
        let chain = events.iter().find_map(|event| match event {
            Event::Final { links, .. } => Some(links.as_slice()),
            _ => None,
        });
        let mut places = HashMap::<_, Vec<_>>::new();
        for (place, link) in chain.unwrap_or_default().iter().enumerate() {
            places.entry(link.hash).or_default().push(place);
        }
        let sent = events.iter().flat_map(|event| sent(event)).collect();
        Self { events, outages, sent, chain, places }
    }

    fn broken(&self) -> Broken {
        let Some(chain) = self.chain else {
            return vec![(Law::HasAnEnd, "no final read of the log".to_owned())];
        };
        let mut broken = Vec::new();
        self.appends(&mut broken);
        self.named_heads(&mut broken);
        self.doubled_or_invented(chain, &mut broken);
        one_chain(chain, &mut broken);
        self.real_time(chain, &mut broken);
        self.no_fork(chain, &mut broken);
        self.fresh(&mut broken);
        self.watchers(&mut broken);
        broken
    }

    fn acknowledged(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| sent.outcome == Outcome::Acknowledged)
    }

    fn places(&self, link: &Link) -> &[usize] {
        self.places.get(&link.hash).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every acknowledged entry once at its number; refused ones not at all.
    fn appends(&self, broken: &mut Broken) {
        for Sent { link, outcome, .. } in &self.sent {
            let places = self.places(link);
            if *outcome == Outcome::Acknowledged && places != [link.seq as usize] {
                let found = format!("{} acknowledged, found at {places:?}", name(link));
                broken.push((Law::AcknowledgedStays, found));
            }
            if *outcome == Outcome::Refused && !places.is_empty() {
                let found = format!("{} refused, found at {places:?}", name(link));
                broken.push((Law::RefusedIsAbsent, found));
            }
        }
    }

    /// The head of an acknowledgement is the entry that was sent last.
    fn named_heads(&self, broken: &mut Broken) {
        for event in self.events {
            let Event::Append { links, outcome: Outcome::Acknowledged, head, .. } = event else {
                continue;
            };
            let last = links.last().map(|link| (link.seq, link.hash));
            if last != *head {
                broken.push((Law::AcknowledgedStays, format!("{last:?} acknowledged as {head:?}")));
            }
        }
    }

    fn doubled_or_invented(&self, chain: &[Link], broken: &mut Broken) {
        let sent: HashSet<_> = self.sent.iter().map(|sent| sent.link.hash).collect();
        for link in chain {
            let often = self.places(link).len();
            if often != 1 {
                let found = format!("{} stands {often} times", name(link));
                broken.push((Law::NothingDoubledOrInvented, found));
            }
            if !sent.contains(&link.hash) {
                let found = format!("{} was sent by nobody", name(link));
                broken.push((Law::NothingDoubledOrInvented, found));
            }
        }
    }

    /// From the end to the front: no later entry was acknowledged before an earlier one was sent.
    fn real_time(&self, chain: &[Link], broken: &mut Broken) {
        let sent: HashMap<_, _> = self.sent.iter().map(|sent| (sent.link.hash, sent)).collect();
        let mut earliest = None::<&Sent>;
        for this in chain.iter().rev().filter_map(|link| sent.get(&link.hash).copied()) {
            if let Some(later) = earliest.filter(|later| later.done < this.invoked) {
                let (first, second) = (name(&later.link), name(&this.link));
                let found = format!("{first} was acknowledged before {second} was sent");
                broken.push((Law::RealTimeOrder, found));
            }
            let acknowledged = this.outcome == Outcome::Acknowledged;
            if acknowledged && earliest.is_none_or(|known| this.done < known.done) {
                earliest = Some(this);
            }
        }
    }

    /// Every page is a piece of the chain, from where it was asked for, and so is every head.
    fn no_fork(&self, chain: &[Link], broken: &mut Broken) {
        for event in self.events {
            let Event::Read { reader, after, links, head, .. } = event else { continue };
            let from = after.map_or(0, |after| after + 1) as usize;
            // Nothing comes after the head, however far behind it somebody asks.
            let piece = chain.get(from..from + links.len());
            if !links.is_empty() && piece != Some(links) {
                let found = format!("reader {reader} got {} after {after:?}", names(links));
                broken.push((Law::NoFork, found));
            }
            if chain.get(head.0 as usize).is_none_or(|link| link.hash != head.1) {
                broken.push((Law::NoFork, format!("reader {reader} got the head {head:?}")));
            }
        }
    }

    /// In order of time: what was acknowledged or read before a read began is seen by it.
    fn fresh(&self, broken: &mut Broken) {
        let mut known: Vec<_> =
            self.acknowledged().map(|sent| (sent.done, sent.link.seq)).collect();
        let mut reads = Vec::new();
        for event in self.events {
            let Event::Read { reader, after, invoked, done, links, head, .. } = event else {
                continue;
            };
            known.push((*done, head.0));
            reads.push((*invoked, *reader, head.0));
            // What is there comes along, at least one entry of it.
            if links.is_empty() && after.is_none_or(|after| after < head.0) {
                let found = format!("reader {reader} got nothing after {after:?} of {}", head.0);
                broken.push((Law::ReadsAreFresh, found));
            }
        }
        known.sort_unstable();
        reads.sort_unstable();
        let (mut known, mut least) = (known.into_iter().peekable(), 0);
        for (invoked, reader, head) in reads {
            while let Some((_, seq)) = known.next_if(|(done, _)| *done < invoked) {
                least = least.max(seq);
            }
            if head < least {
                let found = format!("reader {reader} got the head {head}, and {least} was known");
                broken.push((Law::ReadsAreFresh, found));
            }
        }
    }

    fn watchers(&self, broken: &mut Broken) {
        for event in self.events {
            let Event::Watch { reader, after, from, until, .. } = event else { continue };
            let heard = self.heard(*reader);
            let first = after.map_or(0, |after| after + 1);
            for Sent { link, done, .. } in self.acknowledged().filter(|s| s.link.seq >= first) {
                let due = deadline((*done).max(*from), NEWS, self.outages);
                let when = heard.get(&link.hash);
                if due <= *until && when.is_none_or(|when| *when > due) {
                    let found = format!("watcher {reader} heard of {} at {when:?}", name(link));
                    broken.push((Law::WatchersHear, format!("{found}, due at {due}")));
                }
            }
        }
    }

    /// When a reader saw each entry first.
    fn heard(&self, who: u32) -> HashMap<EntryHash, Nanos> {
        let mut heard = HashMap::new();
        for event in self.events {
            let Event::Read { reader, done, links, .. } = event else { continue };
            if *reader == who {
                links.iter().for_each(|link| {
                    let when = heard.entry(link.hash).or_insert(*done);
                    *when = (*when).min(*done);
                });
            }
        }
        heard
    }
}

fn one_chain(chain: &[Link], broken: &mut Broken) {
    let mut prev = EntryHash::ZERO;
    for (place, link) in chain.iter().enumerate() {
        if link.seq != place as u64 || link.prev != prev {
            broken.push((Law::OneChain, format!("{} at place {place}", name(link))));
        }
        prev = link.hash;
    }
}

fn sent(event: &Event) -> Vec<Sent> {
    let Event::Append { links, invoked, done, outcome, .. } = event else { return Vec::new() };
    let (invoked, done, outcome) = (*invoked, *done, *outcome);
    links.iter().map(|link| Sent { link: *link, invoked, done, outcome }).collect()
}

fn count(counts: &mut Counts, story: &Story<'_>) {
    counts.workspaces += 1;
    for sent in &story.sent {
        match sent.outcome {
            Outcome::Acknowledged => counts.acknowledged += 1,
            Outcome::Refused => counts.refused += 1,
            Outcome::Unknown => {
                counts.unknown += 1;
                counts.unknown_there += usize::from(story.places.contains_key(&sent.link.hash));
            }
        }
    }
    let reads = |event: &&&Event| matches!(event, Event::Read { .. });
    counts.reads += story.events.iter().filter(reads).count();
    let watches = |event: &&&Event| matches!(event, Event::Watch { .. });
    counts.watchers += story.events.iter().filter(watches).count();
}

fn name(link: &Link) -> String {
    format!("entry {} ({})", link.seq, link.hash.to_string().get(..8).unwrap_or_default())
}

fn names(links: &[Link]) -> String {
    links.iter().map(name).collect::<Vec<_>>().join(", ")
}
