//! Counters for operators, as Prometheus reads them.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// What has been counted since the start.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    times: Mutex<BTreeMap<String, Times>>,
    commits: AtomicU64,
    entries: AtomicU64,
    /// Connections that are open, of clients and operators.
    pub connections: Arc<AtomicUsize>,
}

/// How long requests took.
#[derive(Default)]
struct Times {
    counts: [u64; BUCKETS.len()],
    all: u64,
    seconds: f64,
}

impl Times {
    fn add(&mut self, seconds: f64) {
        let fits = BUCKETS.iter().zip(&mut self.counts).filter(|(most, _)| seconds <= **most);
        fits.for_each(|(_, count)| *count += 1);
        self.all += 1;
        self.seconds += seconds;
    }
}

/// How a request ended.
pub struct Answered<'a> {
    /// Its route's pattern, so their number is bounded.
    pub endpoint: &'a str,
    /// Status.
    pub status: u16,
    /// Code of the problem, where it is one.
    pub code: Option<&'static str>,
    /// How long it took; `None` where it waited because it was asked to.
    pub took: Option<Duration>,
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, answered: &Answered<'_>) {
        let Answered { endpoint, status, code, took } = answered;
        *lock(&self.requests).entry(((*endpoint).to_owned(), *status)).or_default() += 1;
        if let Some(code) = code {
            *lock(&self.refused).entry(code).or_default() += 1;
        }
        if let Some(took) = took {
            let mut times = lock(&self.times);
            times.entry((*endpoint).to_owned()).or_default().add(took.as_secs_f64());
        }
    }

    /// Counts a commit of some entries.
    pub fn committed(&self, entries: usize) {
        self.commits.fetch_add(1, Relaxed);
        self.entries.fetch_add(entries as u64, Relaxed);
    }

    /// Prometheus text; `gauges` are values of now, with what they mean.
    pub fn text(&self, gauges: &[(&str, &str, u64)]) -> String {
        let mut text = String::new();
        // A String takes every write.
        let _ = self.write_requests(&mut text);
        let _ = self.write_times(&mut text);
        let totals = [
            ("commits", "Commits stored.", &self.commits),
            ("entries", "Entries stored.", &self.entries),
        ];
        for (name, help, total) in totals {
            let name = format!("{name}_total");
            let _ = head(&mut text, &name, help, "counter");
            let _ = writeln!(text, "relay_{name} {}", total.load(Relaxed));
        }
        for (name, help, value) in gauges {
            let _ = head(&mut text, name, help, "gauge");
            let _ = writeln!(text, "relay_{name} {value}");
        }
        text
    }

    fn write_requests(&self, text: &mut String) -> std::fmt::Result {
        head(text, "requests_total", "Requests, by route and status.", "counter")?;
        for ((endpoint, status), count) in lock(&self.requests).iter() {
            let labels = format!("endpoint=\"{endpoint}\",status=\"{status}\"");
            writeln!(text, "relay_requests_total{{{labels}}} {count}")?;
        }
        head(text, "refused_total", "Requests refused, by the problem's code.", "counter")?;
        for (code, count) in lock(&self.refused).iter() {
            writeln!(text, "relay_refused_total{{code=\"{code}\"}} {count}")?;
        }
        Ok(())
    }

    fn write_times(&self, text: &mut String) -> std::fmt::Result {
        let help = "Time that requests took, but for those that waited because they were to.";
        head(text, "request_seconds", help, "histogram")?;
        for (endpoint, Times { counts, all, seconds }) in lock(&self.times).iter() {
            let label = format!("endpoint=\"{endpoint}\"");
            for (most, count) in BUCKETS.iter().zip(counts) {
                writeln!(text, "relay_request_seconds_bucket{{{label},le=\"{most}\"}} {count}")?;
            }
            writeln!(text, "relay_request_seconds_bucket{{{label},le=\"+Inf\"}} {all}")?;
            writeln!(text, "relay_request_seconds_sum{{{label}}} {seconds}")?;
            writeln!(text, "relay_request_seconds_count{{{label}}} {all}")?;
        }
        Ok(())
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) -> std::fmt::Result {
    writeln!(text, "# HELP relay_{name} {help}\n# TYPE relay_{name} {kind}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of memory that the process has in use; 0 where the system does not say.
pub fn memory_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.map_or(0, |pages| pages * 4_096)
}
