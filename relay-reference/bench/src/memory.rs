//! How much memory a process has, as Linux counts it.

use std::{fs, io};

/// Resident megabytes of a process.
///
/// # Errors
/// No such process, or not Linux.
pub fn resident(process: u32) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
