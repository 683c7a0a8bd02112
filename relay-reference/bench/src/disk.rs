//! How long a durable write takes on this disk, now: the limit of every durable append.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use crate::load::latencies;

/// Bytes of one write: a page of SQLite.
const PAGE: usize = 4_096;

/// Latencies of `write` and `fdatasync` of one page, appended, in microseconds.
///
/// # Errors
/// The folder cannot be written.
pub fn fdatasync(folder: &Path, time: Duration) -> io::Result<Histogram<u64>> {
    let path = folder.join("relay-bench-fdatasync");
    let result = measure(&path, time);
    let _ = std::fs::remove_file(&path);
    result
}

fn measure(path: &Path, time: Duration) -> io::Result<Histogram<u64>> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut latencies = latencies()?;
    let start = Instant::now();
    while start.elapsed() < time {
        let one = Instant::now();
        file.write_all(&[7; PAGE])?;
        file.sync_data()?;
        latencies.saturating_record(one.elapsed().as_micros() as u64);
    }
    Ok(latencies)
}
