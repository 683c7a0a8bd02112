//! Rollback, forks, what is withheld, and what a log may look like.

use agentsecrets_core::{
    ErrorCode,
    log::{Role, Scope},
    sync::{self, Management},
};
use agentsecrets_hostile::{Device, Team, attack, code, lies};

/// A new environment: an entry that only the founder writes.
fn grow(team: &Team, by: &Device, label: &str) {
    let change = Management::CreateEnvironment(label.into());
    by.client.run(|start| sync::manage(start, team.workspace, change)).unwrap();
}

/// A client refuses what it is shown, with this code, and its vault stays as it was.
fn refuses(device: &Device, team: &Team, expected: ErrorCode) {
    let vault = device.dump();
    assert_eq!(code(device.pull(team.workspace)), expected);
    assert_eq!(device.dump(), vault, "the vault changed");
}

#[test]
fn i13_head_below_the_pin_is_rollback() {
    let (team, writer) = Team::pair();
    let before = team.relay.writes();
    grow(&team, &team.founder, "one");
    grow(&team, &team.founder, "two");
    writer.pull(team.workspace).unwrap();
    let old = team.relay.fork(before);
    team.relay.switch(old);
    attack();
    refuses(&writer, &team, ErrorCode::Rollback);
    refuses(&team.founder, &team, ErrorCode::Rollback);
}

#[test]
fn i14_same_number_with_another_head_is_fork() {
    let (team, writer) = Team::pair();
    let fork = team.relay.fork(team.relay.writes());
    let twin = team.founder.restarted(|_| true);
    grow(&team, &team.founder, "one");
    writer.pull(team.workspace).unwrap();
    team.relay.switch(fork);
    grow(&team, &twin, "another");
    assert_eq!(twin.head(team.workspace).seq, writer.head(team.workspace).seq);
    attack();
    let vault = writer.dump();
    assert_eq!(code(writer.pull(team.workspace)), ErrorCode::Fork);
    let mut after = writer.dump();
    // The other entry stays as evidence; nothing else changed.
    let evidence: Vec<_> = after.extract_if(.., |key, _| key.ends_with("/evidence")).collect();
    assert_eq!(after, vault);
    let shown = team.relay.entries(team.workspace).pop().unwrap();
    assert!(
        evidence.iter().any(|(_, bytes)| bytes.windows(shown.len()).any(|part| part == shown)),
        "no evidence is kept"
    );
}

#[test]
fn i15_higher_head_that_does_not_descend_from_the_pin_is_fork() {
    let (team, writer) = Team::pair();
    let fork = team.relay.fork(team.relay.writes());
    let twin = team.founder.restarted(|_| true);
    grow(&team, &team.founder, "one");
    writer.pull(team.workspace).unwrap();
    team.relay.switch(fork);
    grow(&team, &twin, "another");
    grow(&team, &twin, "further");
    attack();
    let head = writer.head(team.workspace);
    assert_eq!(code(writer.pull(team.workspace)), ErrorCode::Fork);
    assert_eq!(writer.head(team.workspace), head);
}

/// A device that is three entries behind is shown a log that was tampered with.
fn shown(change: impl Fn(&mut Vec<Vec<u8>>)) {
    let (team, writer) = Team::pair();
    let pin = writer.head(team.workspace);
    ["one", "two", "three"].into_iter().for_each(|label| grow(&team, &team.founder, label));
    let mut log = team.relay.entries(team.workspace);
    let honest = log.clone();
    change(&mut log);
    team.relay.lie(lies::log_of(log));
    attack();
    assert_eq!(code(writer.pull(team.workspace)), ErrorCode::BrokenChain);
    // Entries before the bad one count; the head is one that honest members signed.
    let head = writer.head(team.workspace);
    assert!(head.seq >= pin.seq);
    let there = agentsecrets_core::log::SignedEntry::parse(&honest[head.seq as usize]).unwrap();
    assert_eq!(there.head(), head);
    team.relay.repent();
    writer.pull(team.workspace).unwrap();
    assert_eq!(writer.head(team.workspace), team.founder.head(team.workspace));
}

#[test]
fn i16_entry_inserted_dropped_reordered_or_duplicated_is_refused() {
    let last = |log: &Vec<Vec<u8>>| log.len() - 1;
    shown(|log| drop(log.remove(log.len() - 2)));
    shown(|log| {
        let end = log.len();
        log[end - 2..].reverse();
    });
    shown(|log| log.insert(last(log), log[last(log)].clone()));
    shown(|log| log.insert(last(log), log[2].clone()));
}

#[test]
fn i17_a_jump_in_the_numbers_is_refused() {
    shown(|log| {
        // By a member, signed, after the right entry, but numbered one too far.
        let newest = agentsecrets_core::log::SignedEntry::parse(&log[log.len() - 1]).unwrap();
        let mut entry = newest.entry().clone();
        (entry.seq, entry.prev) = (entry.seq + 2, newest.hash());
        if let agentsecrets_core::log::Body::Environment(environment) = &mut entry.body {
            environment.id = agentsecrets_core::encoding::EnvironmentId([9; 16]);
        }
        let founder =
            agentsecrets_hostile::device::identity(1, agentsecrets_core::identity::Kind::Human);
        log.push(entry.sign(&founder).unwrap().bytes().to_vec());
    });
}

#[test]
fn i18_a_log_cut_below_the_head_of_the_invitation_is_refused() {
    let (team, _) = Team::pair();
    let before = team.relay.writes();
    let applicant = team.applicant(3, Role::Writer, Scope::All);
    team.admit_replies().unwrap();
    let log = team.relay.entries(team.workspace);
    let old = team.relay.fork(before);
    let cut = team.relay.entries_of(team.workspace, old).len();
    team.relay.lie(lies::log_of(log[..cut].to_vec()));
    attack();
    assert_eq!(code(applicant.pull(team.workspace)), ErrorCode::Rollback);
    team.relay.repent();
    applicant.pull(team.workspace).unwrap();
}

#[test]
fn i19_rollback_is_caught_after_a_restart_and_without_a_pin_nothing_is_returned() {
    let (team, writer) = Team::pair();
    let before = team.relay.writes();
    grow(&team, &team.founder, "one");
    writer.pull(team.workspace).unwrap();
    let old = team.relay.fork(before);
    team.relay.switch(old);
    attack();
    let restarted = writer.restarted(|_| true);
    refuses(&restarted, &team, ErrorCode::Rollback);
    let bare = writer.restarted(|key| key.ends_with("/settings") || key.ends_with("/state"));
    refuses(&bare, &team, ErrorCode::Rollback);
    // The founder without its pin: nothing says how far the log must reach.
    let lost = team.founder.restarted(|key| key.ends_with("/settings"));
    assert!(matches!(code(lost.pull(team.workspace)), ErrorCode::Unpinned | ErrorCode::Rollback));
    assert_eq!(lost.value(team.development(), "API_KEY"), None);
}

#[test]
fn i23_after_my_acknowledged_push_a_lower_head_is_rollback_and_a_missing_entry_withheld() {
    let (team, writer) = Team::pair();
    let before = team.relay.writes();
    attack();
    writer.put(team.development(), "API_KEY", "fake-two").unwrap();
    let head = writer.head(team.workspace);
    let old = team.relay.fork(before);
    team.relay.switch(old);
    refuses(&writer, &team, ErrorCode::Rollback);
    // A relay that claims the head and does not show the entry.
    team.relay.lie(lies::log_pages(move |_, page| {
        page.entries.clear();
        (page.head, page.more) = (head.into(), false);
    }));
    refuses(&writer, &team, ErrorCode::Withheld);
    team.relay.repent();
    team.relay.switch(0);
    writer.pull(team.workspace).unwrap();
}

#[test]
fn i25_after_divergence_no_strategy_makes_both_accept_one_head() {
    let (team, writer) = Team::pair();
    let fork = team.relay.fork(team.relay.writes());
    let twin = team.founder.restarted(|_| true);
    grow(&team, &team.founder, "one");
    writer.pull(team.workspace).unwrap();
    team.relay.switch(fork);
    grow(&team, &twin, "another");
    let (here, there) =
        (team.relay.entries_of(team.workspace, 0), team.relay.entries(team.workspace));
    let shared = here.iter().zip(&there).take_while(|(one, other)| one == other).count();
    let spliced = |first: &[Vec<u8>], second: &[Vec<u8>]| [first, second].concat();
    let strategies = [
        here.clone(),
        there.clone(),
        spliced(&here, &there[shared..]),
        spliced(&there, &here[shared..]),
        spliced(&here[..shared], &spliced(&there[shared..], &here[shared..])),
        here[..shared].to_vec(),
        Vec::new(),
    ];
    attack();
    for log in strategies {
        team.relay.lie(lies::log_of(log));
        let (_, _) = (writer.follow(team.workspace), twin.follow(team.workspace));
        assert_ne!(writer.head(team.workspace), twin.head(team.workspace));
        for (device, branch) in [(&writer, &here), (&twin, &there)] {
            let kept = device.client.read(|start| sync::entries(start, team.workspace)).unwrap();
            let mut kept = kept.iter().map(agentsecrets_core::log::SignedEntry::bytes);
            assert!(branch.iter().all(|entry| kept.next() == Some(entry)), "a branch was left");
        }
    }
}
