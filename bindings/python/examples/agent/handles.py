"""A key that a program uses and cannot read: requests, narrower handles, signatures, redaction, commands."""
import sys
from typing import Callable, Type

from agentsecrets_core import Redactor, errors, load, spawn
from agentsecrets_core.testing import member, override

from _api import KEY, api


def refused(kind: Type[errors.AgentSecretsError], run: Callable[[], object]) -> None:
    try:
        run()
    except kind as error:
        print(f"refused: {error}")
    else:
        raise SystemExit(f"no {kind.__name__}")


with api() as (url, policy), override({"API_KEY": KEY, "PORT": "3000"}, policies={"API_KEY": policy}):
    secrets = load(require=["API_KEY"]) if "API_KEY" in load() else load()
    handle = secrets.handle("API_KEY")
    refused(errors.ReadForbidden, lambda: secrets["API_KEY"])
    refused(errors.ReadForbidden, handle.reveal)

    answer = handle.request("GET", f"{url}/v1/balance")
    assert answer.ok and answer.json()["balance"] == 42
    assert KEY not in answer.text and answer.redactions == 1, answer.text
    refused(errors.UseForbidden, lambda: handle.request("GET", f"{url}/v2/keys"))
    refused(errors.InvalidArgument, lambda: handle.request("GET", f"{url}/v1/../v2/keys"))

    once = handle.attenuate(paths=["/v1/balance"], ttl="1m", uses=1)
    refused(errors.LeaseWider, lambda: once.attenuate(uses=2))
    assert once.request("GET", f"{url}/v1/balance").ok and once.uses_left == 0
    refused(errors.LeaseOver, lambda: once.request("GET", f"{url}/v1/balance"))

    assert len(handle.sign(b"webhook")) == 64
    assert Redactor(secrets).redact(f"Bearer {KEY}") == "Bearer [redacted API_KEY]"

    command = [sys.executable, "-c", "import os, sys; sys.exit(os.environ['PORT'] != '3000')"]
    assert spawn(command, only=["PORT"], secrets=secrets).wait(60) == 0
    refused(errors.ReadForbidden, lambda: spawn(command, only=["API_KEY"], secrets=secrets))

    # As an admin of a team sets it.
    admin = member(None, "laptop")
    admin.set("API_KEY", KEY)
    admin.push()
    admin.set_secret_policy("API_KEY", policy)
    held = admin.secret_policy("API_KEY")
    assert held is not None and held["access"] == "use-only"
    refused(errors.ReadForbidden, lambda: admin.secrets()["API_KEY"])
print("all as it should be")
