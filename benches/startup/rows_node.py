"""Rows of Node: the package as `./test deep node` packed and installed it, with its peers, in a whole process each."""
import os
import shutil
import subprocess

from measure import SECRETS, VALUES, Missing, Row
from stage import ROOT

PROJECT = ROOT / ".cache/node/project"
# Not by process.stdout, which takes longer to make than any of this takes to load.
SHOW = "let n = 0; for (const name of names) n += of(name).length; require('fs').writeSync(1, String(n));"
OURS = "const of = (name) => s.get(name).reveal(); const names = s.names;"
THEIRS = ("const of = (name) => process.env[name]; "
          "const names = Object.keys(process.env).filter((name) => name.startsWith('NAME_'));")


def program(name, text):
    """A file of the project, where the packages are found."""
    file = PROJECT / "startup" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def encrypted(place, dotenvx):
    """A .env whose values dotenvx has encrypted, with its key beside it."""
    folder = place.folder / "dotenvx"
    folder.mkdir()
    file = folder / ".env"
    shutil.copy(place.dotenv, file)
    quiet = {**os.environ, "DOTENVX_NO_OPS": "true", "HOME": str(folder)}
    done = subprocess.run(["node", dotenvx, "encrypt", "-f", str(file)], cwd=folder, env=quiet, capture_output=True, check=False)
    values = [line for line in file.read_text().splitlines() if line.startswith("NAME_") and "encrypted:" in line]
    if done.returncode or len(values) != len(VALUES):
        raise Missing("dotenvx encrypts nothing here: " + done.stderr.decode()[-200:])
    return folder, file


def rows(place):
    if not (PROJECT / "node_modules/agentsecrets-core").is_dir():
        raise Missing("./test node")
    dotenvx = PROJECT / "node_modules/@dotenvx/dotenvx/src/cli/dotenvx.js"
    folder, file = encrypted(place, dotenvx)
    bare, module = program("bare.cjs", ""), program("bare.mjs", "")
    ours = program("ours.cjs", f"const s = require('agentsecrets-core').loadSync(); {OURS} {SHOW}")
    imported = program("ours.mjs", "import { writeSync } from 'node:fs'; import { loadSync } from 'agentsecrets-core'; const s = loadSync(); "
                       + OURS + SHOW.replace("require('fs').", ""))
    alone = program("alone.cjs", "require('agentsecrets-core')")
    dotenv = program("dotenv.cjs", f"require('dotenv').config({{ path: {str(place.dotenv)!r}, quiet: true }}); {THEIRS} {SHOW}")
    env = program("env.cjs", f"{THEIRS} {SHOW}")
    yield Row("node, bare", ["node", bare], b"", bare=True)
    yield Row("node require('agentsecrets-core') alone", ["node", alone], b"")
    yield Row(f"node loadSync() of {SECRETS}, file vault", ["node", ours])
    yield Row(f"node loadSync() of {SECRETS}, keychain", ["node", ours], vault="keychain")
    yield Row(f"node dotenv, {SECRETS} in clear", ["node", dotenv])
    yield Row(f"node --env-file, {SECRETS} in clear", ["node", f"--env-file={place.dotenv}", env])
    yield Row(f"dotenvx run, {SECRETS} encrypted", ["node", dotenvx, "run", "--quiet", "-f", file, "--", "node", env],
              environment={"DOTENVX_NO_OPS": "true", "HOME": str(folder)})
    yield Row("node, bare, an ES module", ["node", module], b"", bare=True)
    yield Row(f"node import loadSync() of {SECRETS}, file vault", ["node", imported])
    entry = PROJECT / "node_modules/agentsecrets-core/env"
    yield Row(f"node --import agentsecrets-core/env, {SECRETS}, file vault", ["node", "--import", entry, env])
