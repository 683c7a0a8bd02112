#!/usr/bin/env python3
"""kill -9 of a relay on SQLite under sixteen writers, again and again; then the history checker has the word.

    conformance/relay/kills.py BINARIES [ROUNDS]    BINARIES: folder of relay-reference, relay-bench, relay-history

Writers go on over all rounds of a chapter: they send again what they got no answer to, and sometimes let it be. Every
chapter has workspaces of its own and a history of its own; the relay keeps one database throughout.
"""
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from stage import Recorder, SqliteRelay, check_histories, close

CHAPTER = 20


def main(binaries, rounds):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-kills-"))
    dice, histories, slowest = random.Random(4711), [], 0
    relay = SqliteRelay(binaries, folder)
    try:
        while rounds > 0:
            history = folder / f"history-{len(histories)}"
            recorder = Recorder(binaries, [relay], history)
            for _ in range(min(CHAPTER, rounds)):
                time.sleep(dice.uniform(0.01, 0.5))
                relay.kill()
                start = time.monotonic()
                relay.start()
                slowest = max(slowest, time.monotonic() - start)
                rounds -= 1
            recorder.stop()
            histories.append(history)
        print(f"slowest start after a kill: {slowest * 1000:.0f} ms")
        failed = check_histories(binaries, histories, least=100 * len(histories))
        failed |= slowest > 2
    finally:
        close(relay)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{1 - failed} passed, {int(failed)} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 20))
