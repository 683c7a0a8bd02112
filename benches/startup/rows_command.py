"""Rows of the program `agentsecrets`."""
from measure import SECRETS, Row


def rows(place):
    binary = place.binaries / "agentsecrets"
    wanted = f"NAME_{SECRETS // 2}"
    yield Row("a process that does nothing (true)", ["true"], b"", bare=True)
    yield Row("agentsecrets --version", [binary, "--version"], None)
    get = [binary, "secrets", "get", wanted, "--reveal"]
    value = f"fake-value-{SECRETS // 2}".encode()
    yield Row(f"agentsecrets secrets get, 1 of {SECRETS}, file vault", get, value)
    yield Row(f"agentsecrets run -- true, all {SECRETS}, file vault", [binary, "run", "--", "true"], b"")
    yield Row(f"agentsecrets secrets get, 1 of {SECRETS}, keychain", get, value, vault="keychain")
