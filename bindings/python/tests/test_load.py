"""load(): from a vault in files, with a relay, without one, and what it says when something is missing."""
import asyncio
import datetime
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping

import pytest

import agentsecrets_core
from agentsecrets_core import aload, errors, load
from agentsecrets_core import Client, Config, init


@pytest.fixture
def home(tmp_path, monkeypatch, relay):
    """A vault in files, as the environment variables of a program name it."""
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    settings = {"AGENTSECRETS_HOME": tmp_path / "home", "AGENTSECRETS_VAULT": "file", "AGENTSECRETS_VAULT_KEY_FILE": key}
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    init("laptop")
    client = Client()
    workspace = client.create("acme", "laptop", relay.url)
    monkeypatch.setenv("AGENTSECRETS_WORKSPACE", workspace.id)
    client.set("DATABASE_URL", "fake-value-1")
    client.set("API_TOKEN", "fake-value-2")
    client.push()
    return tmp_path


def test_values(home):
    secrets = load(require=["DATABASE_URL"])
    assert isinstance(secrets, Mapping) and list(secrets) == ["API_TOKEN", "DATABASE_URL"] and len(secrets) == 2
    assert secrets["DATABASE_URL"].reveal() == "fake-value-1" and secrets.get("NOPE") is None
    assert "DATABASE_URL" in secrets and "NOPE" not in secrets and 5 not in secrets
    assert secrets.environment == "development" and secrets.version > 0 and 0 <= secrets.age < 60
    assert "fake" not in repr(secrets) + repr(dict(secrets))
    with pytest.raises(KeyError) as caught:
        secrets["NOPE"]
    assert isinstance(caught.value, errors.UnknownSecret) and caught.value.code == "unknown_secret"
    with pytest.raises(TypeError):
        pickle.dumps(secrets)


def test_all_missing_names_in_one_error(home):
    with pytest.raises(errors.MissingSecrets) as caught:
        load(require=["NOPE_1", "DATABASE_URL", "NOPE_2"])
    error = caught.value
    assert error.names == ["NOPE_1", "NOPE_2"] and "development" in str(error) and "home" in str(error)
    assert error.code == "missing_secrets" and not error.retryable and error.retry_after is None


def test_offline_needs_no_relay(home, relay):
    relay.stop()
    assert load(offline=True, max_age=0)["API_TOKEN"] == "fake-value-2"
    assert load()["API_TOKEN"] == "fake-value-2"
    with pytest.raises(errors.RelayUnreachable) as caught:
        load(max_age=0)
    assert caught.value.retryable and caught.value.hint


def test_max_age_and_refresh(home):
    secrets = load(max_age=datetime.timedelta(hours=1))
    with Client() as other:
        other.set("API_TOKEN", "fake-value-3")
        other.delete("DATABASE_URL")
        other.push()
    assert secrets["API_TOKEN"] == "fake-value-2"
    change = secrets.refresh()
    assert change and change.updated == {"API_TOKEN"} and change.deleted == {"DATABASE_URL"}
    assert secrets["API_TOKEN"] == "fake-value-3" and not secrets.refresh()


def test_asynchronous(home):
    async def both():
        first, second = await asyncio.gather(aload(), aload(require=["API_TOKEN"]))
        await first.arefresh()
        return first, second

    first, second = asyncio.run(both())
    assert first["API_TOKEN"] == second["API_TOKEN"]


def test_other_environments(home):
    with Client() as client:
        client.set("DATABASE_URL", "fake-staging", env="staging")
        client.push("staging")
    assert load(env="staging")["DATABASE_URL"] == "fake-staging"
    with pytest.raises(errors.AgentSecretsError) as caught:
        load(env="nowhere")
    assert caught.value.code == "unknown_environment"


def test_apply_env(home, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "mine")
    secrets = load()
    assert secrets.apply_env(only=["API_TOKEN"]) == [] and os.environ["API_TOKEN"] == "mine"
    assert secrets.apply_env(only=["API_TOKEN"], override=True) == ["API_TOKEN"]
    assert os.environ["API_TOKEN"] == "fake-value-2"
    with pytest.raises(KeyError):
        secrets.apply_env(only=["DATABASE_URL", "NOPE"])
    assert "DATABASE_URL" not in os.environ
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert secrets.apply_env() == ["DATABASE_URL"]
    del os.environ["DATABASE_URL"]


def test_nothing_at_import(home):
    got = subprocess.run([sys.executable, "-I", "-S", "-c", "import sys; before=set(sys.modules);"
                          f"sys.path[:0]={[p for p in sys.path if p]!r};"
                          "import agentsecrets_core; print(sorted(set(sys.modules)-before))"],
                         capture_output=True, text=True, cwd=home)
    assert got.returncode == 0 and not got.stderr, got.stderr
    assert not {"json", "asyncio", "typing", "logging", "ssl", "socket", "dataclasses"} & set(eval(got.stdout)), got.stdout


def test_after_fork(home):
    client = Client()
    child = os.fork()
    if child == 0:
        try:
            client.sync()
        except errors.VaultError as error:
            os._exit(7 if error.code == "vault_forked" else 8)
        except BaseException:
            os._exit(9)
        os._exit(load()["API_TOKEN"] != "fake-value-2")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 7), code
    assert client.secrets()["API_TOKEN"] == "fake-value-2"


def test_load_after_fork_works(home):
    assert load()["API_TOKEN"] == "fake-value-2"
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if load()["API_TOKEN"] == "fake-value-2" else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_at_interpreter_shutdown(home):
    """A watch that waits in a daemon thread, and an open client, do not hold the process or break it."""
    code = ("import threading, agentsecrets_core as a; s = a.load(); c = a.Client();"
            "threading.Thread(target=lambda: next(s.watch()), daemon=True).start(); import time; time.sleep(.3)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "fake-value" not in done.stderr + done.stdout


def test_config_by_hand(home):
    by_hand = Config(vault="memory", workspace=os.environ["AGENTSECRETS_WORKSPACE"])
    with pytest.raises(errors.NoIdentity):
        load(config=by_hand)
    with pytest.raises(errors.InvalidArgument):
        Config(flavour="sweet")


def test_version():
    assert agentsecrets_core.__version__.count(".") == 2
