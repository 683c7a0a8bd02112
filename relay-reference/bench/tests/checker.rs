//! The checker is checked: histories that break one law each must fail by that law, and honest
//! ones must pass.

#![allow(clippy::unwrap_used)] // Test code, though outside of `#[test]`.

use std::collections::BTreeSet;

use agentsecrets_core::encoding::{EntryHash, WorkspaceId};
use relay_bench::{
    check::{Law, check},
    history::{self, Event, Link, Nanos, Outcome},
};

const WORKSPACE: WorkspaceId = WorkspaceId([9; 32]);
const SECOND: Nanos = 1_000_000_000;
const WATCHER: u32 = 100;

fn hash(number: u64) -> EntryHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    EntryHash(bytes)
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a relay that keeps all laws would leave behind: writers race, some lose, some answers are
/// lost, readers and a watcher look on.
fn honest(seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed);
    let (mut chain, mut events, mut now, mut names) = (Vec::<Link>::new(), Vec::new(), 1, 1);
    let mut heard = None;
    while chain.len() < 60 {
        now += 1 + dice.roll(SECOND / 10);
        let invoked = now;
        let prev = chain.last().map_or(EntryHash::ZERO, |link| link.hash);
        let racers = 1 + dice.roll(3);
        for racer in 0..racers {
            let link = Link { seq: chain.len() as u64, hash: hash(names), prev };
            names += 1;
            now += 1 + dice.roll(SECOND / 100);
            let (outcome, taken) = match (racer, dice.roll(8)) {
                (0, 0) => (Outcome::Unknown, true),
                (0, _) => (Outcome::Acknowledged, true),
                (_, 0) => (Outcome::Unknown, false),
                _ => (Outcome::Refused, false),
            };
            if taken {
                chain.push(link);
            }
            let head = (outcome == Outcome::Acknowledged).then_some((link.seq, link.hash));
            events.push(append(link, invoked, now, outcome, head));
            if racer > 0 || !taken {
                continue;
            }
        }
        let begin = now + 1;
        now = begin + 1 + dice.roll(SECOND / 50);
        let after = (dice.roll(4) > 0).then(|| dice.roll(chain.len() as u64));
        events.push(read(1, after, (begin, now), &chain));
        if dice.roll(3) == 0 {
            now += 1 + dice.roll(SECOND);
            events.push(read(WATCHER, heard, (now - 1, now), &chain));
            heard = chain.last().map(|link| link.seq);
        }
    }
    events.push(read(WATCHER, heard, (now, now + 1), &chain));
    let until = now + 60 * SECOND;
    let workspace = WORKSPACE;
    events.push(Event::Watch { reader: WATCHER, workspace, after: None, from: 0, until });
    events.push(Event::Final { workspace, links: chain });
    events
}

fn append(
    link: Link,
    invoked: Nanos,
    done: Nanos,
    outcome: Outcome,
    head: Option<(u64, EntryHash)>,
) -> Event {
    Event::Append { workspace: WORKSPACE, links: vec![link], invoked, done, outcome, head }
}

fn read(reader: u32, after: Option<u64>, (invoked, done): (Nanos, Nanos), chain: &[Link]) -> Event {
    let links = chain[after.map_or(0, |after| after as usize + 1)..].to_vec();
    let head = chain.last().map(|link| (link.seq, link.hash)).unwrap();
    Event::Read { reader, workspace: WORKSPACE, after, invoked, done, links, head }
}

fn broken(events: &[Event]) -> BTreeSet<Law> {
    check(events).1.into_iter().map(|violation| violation.law).collect()
}

/// Every history of a hundred seeds, changed: each has to break these laws and no other.
fn breaks(laws: &[Law], change: impl Fn(&mut Vec<Event>, &mut Dice)) {
    for seed in 0..100 {
        let (mut events, mut dice) = (honest(seed), Dice(seed + 7));
        change(&mut events, &mut dice);
        let found = broken(&events);
        assert!(laws.iter().all(|law| found.contains(law)), "seed {seed}: {found:?}");
    }
}

fn chain(events: &mut [Event]) -> &mut Vec<Link> {
    let last = events.iter_mut().find_map(|event| match event {
        Event::Final { links, .. } => Some(links),
        _ => None,
    });
    last.unwrap()
}

/// Rebuilds numbers and links after a change, as a relay would that makes its own chain.
fn renumber(chain: &mut [Link]) {
    let mut prev = EntryHash::ZERO;
    for (seq, link) in chain.iter_mut().enumerate() {
        (link.seq, link.prev) = (seq as u64, prev);
        prev = link.hash;
    }
}

fn outcome_of(events: &[Event], hash: EntryHash) -> Option<Outcome> {
    events.iter().find_map(|event| match event {
        Event::Append { links, outcome, .. } if links[0].hash == hash => Some(*outcome),
        _ => None,
    })
}

/// Places of the log with acknowledged entries, not the last one.
fn acknowledged(events: &mut [Event]) -> Vec<usize> {
    let links = chain(events).clone();
    let places = 0..links.len() - 1;
    let is = |place: &usize| outcome_of(events, links[*place].hash) == Some(Outcome::Acknowledged);
    places.filter(is).collect()
}

fn without_reads(events: &mut Vec<Event>) {
    events.retain(|event| !matches!(event, Event::Read { .. } | Event::Watch { .. }));
}

#[test]
fn honest_histories_pass() {
    for seed in 0..500 {
        assert_eq!(broken(&honest(seed)), BTreeSet::new(), "seed {seed}");
    }
}

#[test]
fn a_history_survives_its_file() {
    let events = honest(3);
    let mut file = Vec::new();
    history::write(&events, &mut file).unwrap();
    assert_eq!(history::read(file.as_slice()).unwrap(), events);
}

#[test]
fn a_dropped_entry_fails() {
    breaks(&[Law::AcknowledgedStays], |events, dice| {
        let places = acknowledged(events);
        let place = places[dice.roll(places.len() as u64) as usize];
        chain(events).remove(place);
    });
}

#[test]
fn a_dropped_entry_fails_where_the_chain_was_mended_and_nobody_had_read() {
    breaks(&[Law::AcknowledgedStays], |events, dice| {
        without_reads(events);
        let places = acknowledged(events);
        let place = places[dice.roll(places.len() as u64) as usize];
        chain(events).remove(place);
        renumber(chain(events));
    });
}

#[test]
fn a_dropped_end_fails() {
    breaks(&[Law::AcknowledgedStays], |events, _| {
        without_reads(events);
        let last = *acknowledged(events).last().unwrap();
        chain(events).truncate(last);
    });
}

#[test]
fn a_doubled_entry_fails() {
    breaks(&[Law::NothingDoubledOrInvented], |events, dice| {
        without_reads(events);
        let chain = chain(events);
        let place = dice.roll(chain.len() as u64) as usize;
        chain.insert(place, chain[place]);
        renumber(chain);
    });
}

#[test]
fn a_doubled_end_fails() {
    breaks(&[Law::NothingDoubledOrInvented], |events, _| {
        let chain = chain(events);
        chain.push(*chain.last().unwrap());
        renumber(chain);
    });
}

#[test]
fn an_entry_that_nobody_sent_fails() {
    breaks(&[Law::NothingDoubledOrInvented], |events, _| {
        let chain = chain(events);
        let prev = chain.last().unwrap().hash;
        chain.push(Link { seq: chain.len() as u64, hash: hash(u64::MAX), prev });
    });
}

#[test]
fn a_fork_in_what_one_reader_saw_fails() {
    breaks(&[Law::NoFork], |events, dice| {
        let pages: Vec<_> = events
            .iter_mut()
            .filter_map(|event| match event {
                Event::Read { links, .. } if !links.is_empty() => Some(links),
                _ => None,
            })
            .collect();
        let page = dice.roll(pages.len() as u64) as usize;
        let link = pages.into_iter().nth(page).unwrap().last_mut().unwrap();
        link.hash = hash(u64::MAX - 1);
    });
}

#[test]
fn another_head_than_the_chain_has_fails() {
    breaks(&[Law::NoFork], |events, dice| {
        let heads: Vec<_> = events
            .iter_mut()
            .filter_map(|event| match event {
                Event::Read { head, .. } => Some(head),
                _ => None,
            })
            .collect();
        let place = dice.roll(heads.len() as u64) as usize;
        heads.into_iter().nth(place).unwrap().1 = hash(u64::MAX - 1);
    });
}

#[test]
fn two_branches_that_were_both_acknowledged_fail() {
    breaks(&[Law::AcknowledgedStays], |events, dice| {
        let place = acknowledged(events)[dice.roll(9) as usize];
        let link = Link { hash: hash(u64::MAX - 2), ..chain(events)[place] };
        let head = Some((link.seq, link.hash));
        events.push(append(link, 1, 2, Outcome::Acknowledged, head));
    });
}

#[test]
fn a_broken_link_fails() {
    breaks(&[Law::OneChain], |events, dice| {
        let chain = chain(events);
        let place = dice.roll(chain.len() as u64) as usize;
        chain[place].prev = hash(u64::MAX - 3);
    });
}

#[test]
fn a_gap_fails() {
    breaks(&[Law::OneChain], |events, dice| {
        let chain = chain(events);
        let place = dice.roll(chain.len() as u64) as usize;
        chain[place].seq += 1;
    });
}

#[test]
fn two_entries_reordered_fail() {
    breaks(&[Law::OneChain, Law::AcknowledgedStays], |events, _| {
        let pair = acknowledged(events)
            .windows(2)
            .find_map(|pair| (pair[0] + 1 == pair[1]).then_some(pair[0]));
        chain(events).swap(pair.unwrap(), pair.unwrap() + 1);
    });
}

/// The relay numbers and links as it likes, and acknowledges by the new numbers: only time tells.
#[test]
fn an_order_against_the_time_fails() {
    breaks(&[Law::RealTimeOrder], |events, _| {
        without_reads(events);
        let pair = acknowledged(events)
            .windows(2)
            .find_map(|pair| (pair[0] + 1 == pair[1]).then_some(pair[0]));
        let chain = chain(events);
        chain.swap(pair.unwrap(), pair.unwrap() + 1);
        renumber(chain);
        let right: Vec<_> = chain.clone();
        for event in events {
            let Event::Append { links, head, .. } = event else { continue };
            if let Some(link) = right.iter().find(|link| link.hash == links[0].hash) {
                links[0] = *link;
                *head = head.map(|_| (link.seq, link.hash));
            }
        }
    });
}

#[test]
fn a_refused_entry_that_is_there_fails() {
    breaks(&[Law::RefusedIsAbsent], |events, dice| {
        let places = acknowledged(events);
        let link = chain(events)[places[dice.roll(places.len() as u64) as usize]];
        for event in events {
            match event {
                Event::Append { links, outcome, .. } if links[0].hash == link.hash => {
                    *outcome = Outcome::Refused;
                }
                _ => {}
            }
        }
    });
}

#[test]
fn an_acknowledgement_of_another_number_fails() {
    breaks(&[Law::AcknowledgedStays], |events, dice| {
        let heads: Vec<_> = events
            .iter_mut()
            .filter_map(|event| match event {
                Event::Append { head: Some(head), .. } => Some(head),
                _ => None,
            })
            .collect();
        let place = dice.roll(heads.len() as u64) as usize;
        heads.into_iter().nth(place).unwrap().0 += 1;
    });
}

#[test]
fn a_read_that_misses_what_was_acknowledged_fails() {
    breaks(&[Law::ReadsAreFresh], |events, _| {
        let links = chain(events).clone();
        let old = &links[..links.len() / 2];
        events.push(read(2, None, (3_600 * SECOND, 3_601 * SECOND), old));
    });
}

#[test]
fn a_read_that_falls_behind_an_earlier_read_fails() {
    breaks(&[Law::ReadsAreFresh], |events, _| {
        let links = chain(events).clone();
        events
            .retain(|event| !matches!(event, Event::Append { outcome: Outcome::Acknowledged, .. }));
        events.push(read(2, None, (3_600 * SECOND, 3_601 * SECOND), &links));
        events.push(read(3, None, (3_602 * SECOND, 3_603 * SECOND), &links[..links.len() - 1]));
    });
}

#[test]
fn a_page_without_what_its_head_names_fails() {
    breaks(&[Law::ReadsAreFresh], |events, _| {
        let links = chain(events).clone();
        let mut page = read(2, Some(3), (3_600 * SECOND, 3_601 * SECOND), &links);
        if let Event::Read { links, .. } = &mut page {
            links.clear();
        }
        events.push(page);
    });
}

#[test]
fn a_watcher_who_never_hears_fails() {
    breaks(&[Law::WatchersHear], |events, _| {
        for event in events {
            if let Event::Read { reader: WATCHER, links, .. } = event {
                links.pop();
            }
        }
    });
}

#[test]
fn a_watcher_who_hears_too_late_fails_unless_the_fault_kept_it() {
    let late = |events: &mut Vec<Event>| {
        for event in events {
            if let Event::Read { reader: WATCHER, done, .. } = event {
                *done += 40 * SECOND;
            }
        }
    };
    breaks(&[Law::WatchersHear], |events, _| late(events));
    for seed in 0..100 {
        let mut events = honest(seed);
        late(&mut events);
        events.push(Event::Outage { from: 0, until: 3_600 * SECOND });
        assert_eq!(broken(&events), BTreeSet::new(), "seed {seed}");
    }
}

#[test]
fn a_history_without_its_end_fails() {
    breaks(&[Law::HasAnEnd], |events, _| {
        events.retain(|event| !matches!(event, Event::Final { .. }));
    });
}
