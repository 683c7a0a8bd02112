//! On a terminal, long work shows that it goes on; nowhere else, and never under `run`.

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use agentsecrets_core::{client::Observer, sync::Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work shows nothing.
const PATIENCE: Duration = Duration::from_millis(400);

/// Counts the bytes sent and turns; gone as soon as the work is done.
pub(crate) fn observer() -> Observer {
    if !std::io::stderr().is_terminal() {
        return Box::new(|_| ());
    }
    let (bar, since, sent) = (bar(), Instant::now(), AtomicUsize::new(0));
    Box::new(move |step| match step {
        Some(Step::Send(request)) => {
            let requests = sent.fetch_add(1, Ordering::Relaxed) + 1;
            bar.inc(request.body.len() as u64);
            bar.set_message(format!("{requests} requests"));
            if since.elapsed() > PATIENCE {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(Duration::from_millis(100));
            }
        }
        Some(_) => {}
        // What comes next goes to the same terminal.
        None => {
            bar.disable_steady_tick();
            bar.finish_and_clear();
            bar.reset();
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
    })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {bytes} sent, {elapsed}") {
        bar.set_style(style);
    }
    bar
}
