"""Rows of Python: the package, and what reads a .env there. Every row is `python -I FILE` of one virtual environment, so each has
the same interpreter, the same site-packages and no variables of the caller's."""
import os
import subprocess
from pathlib import Path

from measure import VALUES, Missing, Row

HERE = Path(__file__).resolve().parent
MAKES = "bindings/python/startup-environment"
OURS = """
from agentsecrets_core import load
secrets = load()
print(sum(len(secrets[name].reveal()) for name in secrets))
"""
DOTENV = """
from dotenv import dotenv_values
values = dotenv_values({path!r})
print(sum(len(value) for value in values.values()))
"""
SETTINGS = """
from pydantic_settings import BaseSettings, SettingsConfigDict
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file={path!r})
{fields}
print(sum(len(value) for value in Settings().model_dump().values()))
"""


def interpreter():
    python = Path(os.environ.get("STARTUP_PYTHON") or HERE.parent.parent / ".cache/venv-startup/bin/python")
    wanted = "import agentsecrets_core, dotenv, pydantic_settings"
    if not python.exists() or subprocess.run([python, "-I", "-c", wanted], capture_output=True).returncode:
        raise Missing(MAKES)
    return python


def rows(place):
    python = interpreter()

    def program(name, text):
        file = place.folder / f"{name}.py"
        file.write_text(text)
        return [python, "-I", file]

    path = str(place.dotenv)
    fields = "\n".join(f"    {name.lower()}: str" for name in VALUES)
    load = program("ours", OURS)
    version = subprocess.run([python, "-I", "-V"], capture_output=True, text=True, check=True).stdout.split()[-1]
    yield Row(f"python {version} that does nothing", program("nothing", ""), b"", bare=True)
    yield Row("import agentsecrets_core", program("import", "import agentsecrets_core\n"), b"")
    yield Row("agentsecrets_core.load(), file vault", load)
    yield Row("agentsecrets_core.load(), keychain", load, vault="keychain")
    yield Row("python-dotenv, .env", program("dotenv", DOTENV.format(path=path)))
    yield Row("pydantic-settings, .env", program("settings", SETTINGS.format(path=path, fields=fields)))
