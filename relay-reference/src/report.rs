//! Lines for the operator, on stderr, written by a thread of their own: whoever reads them slowly,
//! or not at all, must not stop the relay.

use std::{
    io::Write,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

/// Lines that wait to be written; further ones are dropped.
const WAITING: usize = 4_096;

static LINES: LazyLock<SyncSender<String>> = LazyLock::new(|| {
    let (sender, receiver) = sync_channel(WAITING);
    // Without a thread nothing is written, and the relay goes on.
    let _ = std::thread::Builder::new().name("report".to_owned()).spawn(move || write(&receiver));
    sender
});

static SILENT: AtomicBool = AtomicBool::new(false);

/// Nothing more is said in this process: for a relay inside of somebody's tests, whose output is theirs.
pub fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

/// One line, soon.
pub fn report(line: &str) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    let _ = LINES.try_send(line.to_owned());
}

/// One line before anything else happens, for when the process ends.
pub fn report_now(line: &str) {
    // Where stderr is gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn write(lines: &Receiver<String>) {
    lines.iter().for_each(|line| report_now(&line));
}
