#!/usr/bin/env python3
"""Figures of a relay by relay-bench: appends a second, latency against load, memory, long polls, first sync, overload.

    conformance/relay/load.py BINARIES RESULTS [--full] [--database URL] [STEP...]

BINARIES is a folder of release builds. RESULTS is a file of JSON, one key for each step; a step that stands there is not
done again, so a run that was cut off goes on where it was. Quick runs measure for seconds, full ones for longer. With each
figure stands the load of the machine (1 minute): much above the two or three of the run itself, others were at work.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from stage import AUTHORITY, Failed, Relay, SqliteRelay, close, expect

CLIENTS = (1, 16, 64)
FRACTIONS = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0)
OVERLOAD_CLIENTS = 2_560


class Load:
    """Steps; each starts a relay with an empty database of its own, and returns what it measured."""

    def __init__(self, binaries, folder, full, database):
        self.binaries, self.folder, self.full, self.database = binaries, folder, full, database
        self.seconds = 15 if full else 4
        self.relays = 0

    def relay(self, *options):
        self.relays += 1
        if self.database:
            return Relay(self.binaries, self.folder, f"relay-{self.relays}", "--database", self.database, *options)
        return SqliteRelay(self.binaries, self.folder, *options, name=f"relay-{self.relays}")

    def start(self, relay, *arguments):
        command = [str(self.binaries / "relay-bench"), *map(str, arguments), "--relay", relay.address,
                   "--authority", AUTHORITY]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def bench(self, relay, *arguments):
        process = self.start(relay, *arguments)
        out, _ = process.communicate()
        expect(process.returncode == 0, f"relay-bench {arguments} failed: {out}")
        return json.loads(out)

    def load(self, relay, clients, rate=None, seconds=None, ceiling=None):
        arguments = ["load", "--clients", clients, "--seconds", seconds or self.seconds, "--disk", self.folder]
        arguments += ["--rate", rate] if rate else []
        arguments += ["--ceiling", int(ceiling)] if ceiling else []
        before = relay.processor_seconds()
        result = self.bench(relay, *arguments)
        answered = sum(result["answers"].values()) * (1 + 1 / (seconds or self.seconds))  # with the second of warm-up
        used = relay.processor_seconds() - before
        result["relay_microseconds_an_answer"] = round(used * 1e6 / answered) if answered else None
        result["relay_megabytes"] = round(relay.memory(), 1)
        result["machine_load"] = round(os.getloadavg()[0], 1)
        return result

    def idle(self, _):
        relay = self.relay()
        try:
            time.sleep(3)
            return {"megabytes": round(relay.memory(), 1)}
        finally:
            relay.stop()

    def appends(self, _):
        """Each client as fast as its answers come: what the relay can do."""
        rounds, results = 3 if self.full else 1, []
        for _ in range(rounds):
            for clients in CLIENTS:
                relay = self.relay()
                try:
                    results.append(self.load(relay, clients))
                finally:
                    relay.stop()
        return results

    def curve(self, results):
        """Latency at fixed rates, from when each append was due."""
        peak = max(r["appends_per_second"] for r in results["appends"] if r["clients"] == 64)
        points = []
        for fraction in FRACTIONS:
            relay = self.relay()
            try:
                points.append(self.load(relay, 64, rate=peak * fraction, ceiling=peak * 1.2))
            finally:
                relay.stop()
        return points

    def polls(self, _):
        relay = self.relay("--behind-proxy")
        try:
            return self.bench(relay, "polls", "--process", relay.process.pid)
        finally:
            relay.stop()

    def first_sync(self, _):
        relay = self.relay()
        try:
            process = self.start(relay, "first-sync", "--entries", 60_000)
            expect(process.stdout.readline() == "ready\n", "the log was not filled")
            relay.stop()
            relay.start()
            out, _ = process.communicate("\n")
            expect(process.returncode == 0, f"no first sync: {out}")
            return {**json.loads(out), "relay_megabytes": round(relay.memory("VmHWM"), 1)}
        finally:
            relay.stop()

    def overload(self, results):
        """Ten times what it can do, over forty times the connections; nobody waits as told to."""
        seconds = 60 if self.full else 10
        relay = self.relay("--behind-proxy")
        try:
            peak = self.load(relay, 256)
            before = relay.memory()
            over = self.load(relay, OVERLOAD_CLIENTS, rate=10 * peak["appends_per_second"], seconds=seconds,
                             ceiling=2 * peak["appends_per_second"])
            most = relay.memory("VmHWM")
            # What else the machine does changes by the minute, so the peak is taken before and after.
            peaks = [load["appends_per_second"] for load in (peak, self.load(relay, 256))]
            over.update(peaks=peaks, megabytes_before=before, megabytes_most=most,
                        goodput=over["appends_per_second"] / (sum(peaks) / len(peaks)))
            return over
        finally:
            relay.stop()

    def slow(self, _):
        """A modest load alone and among 2,000 slow connections, by turns."""
        relay = self.relay("--behind-proxy")
        try:
            alone, among, slow = [], [], None
            for _ in range(5 if self.full else 1):
                alone.append(self.load(relay, 16, rate=200, seconds=8)["from_due_ms"]["p99"])
                process = self.start(relay, "slow", "--seconds", 16)
                time.sleep(3)
                among.append(self.load(relay, 16, rate=200, seconds=8)["from_due_ms"]["p99"])
                out, _ = process.communicate()
                slow = json.loads(out)
            alone, among = sorted(alone), sorted(among)
            middle = len(alone) // 2
            return {**slow, "p99_alone_ms": alone, "p99_among_ms": among, "ratio": among[middle] / alone[middle],
                    "relay_megabytes": round(relay.memory("VmHWM"), 1)}
        finally:
            relay.stop()


STEPS = ("idle", "appends", "curve", "polls", "first_sync", "overload", "slow")


def machine():
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", info)
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d"), "processor": model.group(1) if model else "unknown",
            "cores": info.count("processor\t:")}


def slow_or_few(results):
    """What is less than was aimed at. It hangs on the machine and on its other work: full runs fail by it, quick ones say it."""
    if "first_sync" in results:
        seconds = results["first_sync"]["fetched_seconds"] + results["first_sync"]["folded_seconds"]
        if seconds > 10:
            yield f"the first sync takes {seconds:.1f} s"
    if "overload" in results and results["overload"]["goodput"] < 0.8:
        yield f"goodput is {results['overload']['goodput']:.0%} of the peak"
    if "slow" in results and results["slow"]["ratio"] >= 2:
        yield f"p99 among slow connections is {results['slow']['ratio']:.1f} times as long"


def broken(results):
    """What does not hold of the figures that are there, on whatever machine."""
    for result in [*results.get("appends", []), *results.get("curve", [])]:
        if set(result["answers"]) != {"201"}:
            yield f"{result['clients']} clients got {result['answers']}"
    if "idle" in results and results["idle"]["megabytes"] > 25:
        yield f"idle: {results['idle']['megabytes']} MB"
    if "polls" in results and results["polls"]["heard"] != 2_000:
        yield "not all long polls heard"
    if "polls" in results and results["polls"]["megabytes_waiting"] > 60:
        yield f"2,000 long polls take {results['polls']['megabytes_waiting']:.0f} MB"
    if "overload" in results:
        over = results["overload"]
        if set(over["answers"]) - {"201", "429", "503"} or over["without_retry_after"]:
            yield f"answers under overload: {over['answers']}, {over['without_retry_after']} without Retry-After"
        if over["megabytes_most"] > 400:
            yield f"{over['megabytes_most']:.0f} MB under overload"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=" ".join(STEPS))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--database")
    options = parser.parse_intermixed_args()
    results = json.loads(options.results.read_text()) if options.results.exists() else {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="agentsecrets-load-", dir=options.results.resolve().parent) as folder:
        load = Load(options.binaries.resolve(), Path(folder), options.full, options.database)
        for step in options.steps or STEPS:
            if step not in results:
                try:
                    results[step] = getattr(load, step)(results)
                except Failed as failure:
                    print(f"FAILED  {step}: {failure}")
                    return 1
                options.results.write_text(json.dumps(results, indent=1) + "\n")
            print(f"{step}: {json.dumps(results[step])}", flush=True)
    bad, less = list(broken(results)), list(slow_or_few(results))
    if options.full:
        bad, less = bad + less, []
    for line in bad:
        print(f"FAILED  {line}")
    for line in less:
        print(f"not_reached: {line}")
    print(f"{len(options.steps or STEPS) - len(bad)} passed, {len(bad)} failed")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
