#!/usr/bin/env python3
"""Holds the Kotlin preview to its generator, compiles it and runs it once.

    bindings/kotlin/check.py BINARIES CACHE

BINARIES has libagentsecrets_swift.so and agentsecrets-swift-bindgen; the compiler comes by npm into CACHE, once. Closes with
"N passed, N failed".
"""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPILER = "kotlin-compiler@2.4.20"
JNA, JNI = "/usr/share/java/jna.jar", "/usr/lib/x86_64-linux-gnu/jni"
COMMITTED = HERE / "src/agentsecrets/agentsecrets_swift.kt"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=1500, **options)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ends with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def compiler(cache):
    """The folder of the compiler's jars."""
    home = cache / "kotlin" / COMPILER
    if not (home / "package/lib/kotlin-compiler.jar").exists():
        home.mkdir(parents=True, exist_ok=True)
        archive = run("npm", "pack", "--silent", COMPILER, cwd=home).strip()
        run("tar", "-xzf", archive, cwd=home)
        (home / archive).unlink()
    return home / "package/lib"


def generated(binaries, folder):
    run(binaries / "agentsecrets-swift-bindgen", "generate", "--config", HERE / "uniffi.toml", "--no-format", "--language", "kotlin",
        "--out-dir", folder, binaries / "libagentsecrets_swift.so")
    lines = (folder / "agentsecrets/agentsecrets_swift.kt").read_text().splitlines()
    return "".join(line.rstrip(" \t") + "\n" for line in lines)


def main(binaries, cache, write):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = generated(binaries, folder)
        if write:
            COMMITTED.parent.mkdir(parents=True, exist_ok=True)
            COMMITTED.write_text(text)
        if COMMITTED.read_text() != text:
            raise RuntimeError(f"{COMMITTED.name} is not current: bindings/kotlin/check.py BINARIES CACHE write")
        lib = compiler(cache)
        path = f"{lib}/kotlin-stdlib.jar:{lib}/kotlinx-coroutines-core-jvm.jar:{JNA}"
        jar = folder / "preview.jar"
        run("java", "-cp", lib / "kotlin-compiler.jar", "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect",
            "-nowarn", "-cp", path, HERE / "src", "-d", jar)
        shown = run("java", f"-Djna.library.path={binaries}", f"-Djna.boot.library.path={JNI}", "-cp", f"{jar}:{path}", "SmokeKt")
        if "box of 53 bytes opened; another identity: code 301" not in shown:
            raise RuntimeError(f"it says {shown!r}")
    print("    " + shown.strip())


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), "write" in sys.argv)
        print("1 passed, 0 failed")
    except RuntimeError as failure:
        print(f"{failure}\n0 passed, 1 failed")
        sys.exit(1)
