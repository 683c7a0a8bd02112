#!/usr/bin/env python3
"""schemathesis on the relay's openapi.json, every request signed: no 5xx, no answer that the contract does not name.

    conformance/relay/contract.py BINARIES [EXAMPLES]     run by a Python that has schemathesis and cryptography
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from stage import AUTHORITY, ROOT, SqliteRelay, close

# Left out, each for a reason: `positive_data_acceptance` (a random id or entry of the right shape is rightly refused),
# `use_after_free`, `ensure_resource_availability`, `object_level_authorization` (no resource is made and deleted here).
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "unsupported_method", "allow_header_conformance",
          "ignored_auth")


def answers(relay):
    """Prints how often each call was answered how; whether signatures held, so that the run says something."""
    with urllib.request.urlopen(f"http://127.0.0.1:{relay.admin}/metrics") as response:
        text = response.read().decode()
    counts = {}
    for path, status, count in re.findall(r'endpoint="([^"]*)",[^}]*status="(\d+)"\} (\d+)', text):
        counts.setdefault(path, []).append(f"{status}: {count}")
        counts.setdefault("all", {}).setdefault(status, 0)
        counts["all"][status] += int(count)
    total = counts.pop("all", {})
    for path, found in sorted(counts.items()):
        print(f"    {path}  {', '.join(found)}")
    return all(total.get(status, 0) > 0 for status in ("200", "201", "204", "401", "404", "422"))


def main(binaries, examples):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-contract-"))
    relay = SqliteRelay(binaries, folder)
    try:
        sample = subprocess.run([str(binaries / "relay-bench"), "sample", "--relay", relay.address, "--authority", AUTHORITY],
                                check=True, stdout=subprocess.PIPE, text=True).stdout
        sample = {**json.loads(sample), "authority": AUTHORITY}
        environment = {**os.environ, "RELAY_SAMPLE": json.dumps(sample), "SCHEMATHESIS_HOOKS": "signed",
                       "PYTHONPATH": str(ROOT / "conformance/relay"), "NO_COLOR": "1"}
        command = [str(Path(sys.executable).with_name("schemathesis")), "run",
                   str(ROOT / "relay-reference/src/http/openapi.json"), "--url", f"http://{relay.address}",
                   "--checks", ",".join(CHECKS), "--max-examples", str(examples), "--seed", "4711", "--request-timeout", "40",
                   "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--warnings", "off",
                   "--continue-on-failure"]
        failed = subprocess.run(command, cwd=folder, env=environment).returncode != 0
        alive = relay.process.poll() is None and answers(relay)
    finally:
        close(relay)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{int(not failed and alive)} passed, {int(failed or not alive)} failed")
    return failed or not alive


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 50))
