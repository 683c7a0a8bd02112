"""Rows of Swift: 100 secrets in hand, against the same 100 from a .env that the program reads and parses."""
import os
import shutil
import subprocess

from measure import SECRETS, Missing, Row

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOURCES = os.path.join(ROOT, "bindings/swift/Examples/startup")
LIB = "usr/libexec/swift/lib/swift/linux"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise Missing(f"{command[0]} {command[1]} ends with {done.returncode}: {(done.stdout + done.stderr)[-600:]}")


def built(place):
    """The three programs, optimised, with the release library; in the project, so that the toolchain sees them."""
    cache = os.path.join(ROOT, ".cache")
    out = os.path.join(cache, "swift-startup")
    release = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    run("cargo", "build", "--release", "--locked", "-p", "agentsecrets-swift", cwd=ROOT)
    run(f"{ROOT}/bindings/swift/install", f"{release}/release", env={**os.environ, "PREFIX": out})
    run(f"{ROOT}/tools/swift-env", f"{cache}/swift", "swift", "build", "-c", "release", "--package-path", SOURCES,
        "--scratch-path", f"{out}/build", cwd=ROOT, env={**os.environ, "PKG_CONFIG_PATH": f"{out}/lib/pkgconfig"})
    return os.path.join(out, "build/release")


def rows(place):
    programs = built(place)
    root = os.path.join(ROOT, ".cache/swift/rootfs")
    environment, before = {}, []
    if shutil.which("swift") is None:
        # The toolchain's libraries by its own loader: entering the toolchain's tree is no part of a program's start.
        paths = [f"{root}/{LIB}", f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/lib/x86_64-linux-gnu"]
        before = [os.path.realpath(f"{root}/lib64/ld-linux-x86-64.so.2"), "--library-path", ":".join(paths)]
    start = lambda name, *words: [*before, os.path.join(programs, name), *words]  # noqa: E731
    yield Row("swift: a process that does nothing", start("bare"), b"", bare=True, environment=environment)
    yield Row("swift: a process that imports Foundation", start("foundation"), b"", environment=environment)
    yield Row(f"swift: .env read and parsed, {SECRETS} values", start("dotenv", place.dotenv), environment=environment)
    yield Row(f"swift: Secrets.load, {SECRETS} values, file vault", start("load"), environment=environment)
    yield Row(f"swift: Secrets.load, {SECRETS} values, keychain", start("load"), vault="keychain", environment=environment)
