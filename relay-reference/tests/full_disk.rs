//! A disk that is really full: a small tmpfs, which only root may mount.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::{path::Path, process::Command};

use common::{
    Relay,
    team::{Device, Team},
};

/// A mounted tmpfs, gone on drop.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        disk
    }

    fn mount(&self, arguments: &[&str]) {
        let status = Command::new("mount").args(arguments).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
#[ignore = "mounts a tmpfs, which needs root: run with --include-ignored"]
fn a_full_disk_refuses_writes_and_goes_on_reading_until_there_is_room() {
    let disk = Disk::new("3m");
    let relay = Relay::start(disk.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let refused = loop {
        let answer = team.push_to(relay.address, 1, 100_000);
        if answer.status != 201 {
            break answer;
        }
    };
    assert!(refused.is(503, "storage_full") && refused.has_header("retry-after: 60"));
    for _ in 0..3 {
        team.undo_push();
        assert!(team.push_to(relay.address, 1, 100_000).is(503, "storage_full"));
    }
    let entries = team.founder.get(relay.address, &team.path("log")).json()["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), team.log.len());
    assert_eq!(team.founder.get(relay.address, &team.path("deliveries")).status, 200);
    disk.mount(&["-o", "remount,size=20m"]);
    team.undo_push();
    assert_eq!(team.push_to(relay.address, 1, 100_000).status, 201);
    relay.kill();
    let relay = Relay::start(disk.path());
    let head = team.founder.get(relay.address, &team.path("log")).json()["head"].clone();
    assert_eq!(head, team.head());
}
