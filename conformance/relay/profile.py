#!/usr/bin/env python3
"""Where the relay's time goes under the load of 64 clients, and how busy the machine's cores are meanwhile.

    conformance/relay/profile.py BINARIES [SECONDS]

Needs perf (Debian: linux-perf), which samples by the clock where the machine counts no cycles. Each sample is the relay's alone and
counts for the first group below whose pattern its symbol, or its library, has.
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from load import Load
from stage import Failed, expect

CLIENTS = 64
GROUPS = (
    ("signatures: Ed25519", r"curve25519|ed25519|sha512|subtle"),
    ("hashes: BLAKE3, SHA-256", r"blake3|sha256|sha2::"),
    ("SQLite", r"sqlite|rusqlite|pcache|btree[A-Z]|vdbe|walIndex|balance_|pager"),
    ("text: JSON, base64, hex", r"serde|base64|from_hex|to_hex|core::str|core::fmt"),
    ("memory: allocating, copying, wiping", r"malloc|free|calloc|unlink_chunk|mem(move|cpy|set|cmp)|zero(ize|ing)|alloc::|drop"),
    ("kernel: switching between threads", r"finish_task_switch|schedule|futex|try_to_wake|_raw_spin_unlock_irq|select_task|smp_call"),
    ("kernel: network", r"\[k\].*(tcp|sock|skb|inet|net_|softirq|ip_|loopback|ep_poll|epoll)"),
    ("kernel: files and disk", r"\[k\].*(ext4|jbd2|blk|vfs|filemap|folio|iowrite|virtio|xas_|fsync|writeback|bio)"),
    ("kernel: other", r"\[k\]"),
    ("HTTP and the runtime", r"tokio|hyper|axum|http|futures"),
)


def busy():
    """Jiffies that the cores worked, and all of them."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def group(symbol):
    return next((name for name, pattern in GROUPS if re.search(pattern, symbol)), "the relay's own, and what has no name")


def shares(data):
    command = ["perf", "report", "--stdio", "--no-children", "-g", "none", "--sort", "symbol", "-w", "400", "-i", str(data)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout
    found = Counter()
    for line in out.splitlines():
        row = re.match(r"\s*([0-9.]+)%\s+(\[[.k]\] .*\S)", line)
        if row:
            found[group(row.group(2))] += float(row.group(1))
    return found


def measured(binaries, seconds, folder):
    """The load's result, the share of the cores that was busy, and where the relay's samples fell."""
    load, data = Load(binaries, folder, False, None), folder / "perf.data"
    relay = load.relay()
    try:
        perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", data, "-p", str(relay.process.pid)])
        time.sleep(1)
        worked, passed = busy()
        result = load.load(relay, CLIENTS, seconds=seconds)
        now, then = busy()
        perf.send_signal(2)
        perf.wait()
        return result, (now - worked) / (then - passed), shares(data)
    finally:
        relay.stop()


def main(binaries, seconds=15):
    with tempfile.TemporaryDirectory(prefix="agentsecrets-profile-") as folder:
        result, cores, found = measured(Path(binaries).resolve(), int(seconds), Path(folder))
    expect(found, "perf saw nothing")
    print(f"{CLIENTS} clients: {result['appends_per_second']:.0f} appends a second, fdatasync {result['fdatasync_ms']:.2f} ms, "
          f"{result['relay_microseconds_an_answer']} µs of the relay's time each; cores busy {cores:.0%}")
    for name, share in found.most_common():
        print(f"  {share:5.1f} %  {name}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(f"FAILED  {failure}")
