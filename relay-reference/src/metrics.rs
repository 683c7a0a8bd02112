//! Counters for operators, as Prometheus reads them.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What has been counted since the start.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    commits: AtomicU64,
    entries: AtomicU64,
}

impl Metrics {
    /// Counts an answer. Endpoints are route patterns, so their number is bounded.
    pub fn answered(&self, endpoint: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((endpoint.to_owned(), status)).or_default() += 1;
    }

    /// Counts a commit of some entries.
    pub fn committed(&self, entries: usize) {
        self.commits.fetch_add(1, Relaxed);
        self.entries.fetch_add(entries as u64, Relaxed);
    }

    /// Prometheus text; `gauges` are values of now.
    pub fn text(&self, gauges: &[(&str, u64)]) -> String {
        let mut text = "# TYPE relay_requests_total counter\n".to_owned();
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((endpoint, status), count) in requests.iter() {
            let labels = format!("endpoint=\"{endpoint}\",status=\"{status}\"");
            // A String takes every write.
            let _ = writeln!(text, "relay_requests_total{{{labels}}} {count}");
        }
        let totals = [("commits", &self.commits), ("entries", &self.entries)];
        for (name, total) in totals {
            let total = total.load(Relaxed);
            let _ = writeln!(text, "# TYPE relay_{name}_total counter\nrelay_{name}_total {total}");
        }
        for (name, value) in gauges {
            let _ = writeln!(text, "# TYPE relay_{name} gauge\nrelay_{name} {value}");
        }
        text
    }
}
