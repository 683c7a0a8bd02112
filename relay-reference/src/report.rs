//! Lines for the operator, on stderr, written by a thread of their own: whoever reads them slowly,
//! or not at all, must not stop the relay.

use std::{
    io::Write,
    sync::{
        LazyLock,
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

/// Something that an operator may have to act on, soon.
pub fn report(message: &str) {
    let _ = LINES.try_send(format!("time={} level=warn message={message:?}", crate::now()));
}

/// A request in `name=value` words, soon.
pub fn request(words: &str) {
    let _ = LINES.try_send(format!("time={} level=info {words}", crate::now()));
}

/// One line before anything else happens, for when the process ends.
pub fn report_now(line: &str) {
    // Where stderr is gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn write(lines: &Receiver<String>) {
    lines.iter().for_each(|line| report_now(&line));
}
