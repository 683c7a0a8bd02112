#!/usr/bin/env python3
"""Holds the C interface to what its header says: examples by every compiler, shared and static, under valgrind.

    bindings/c/check.py BINARIES

BINARIES has libagentsecrets.so, libagentsecrets.a, agentsecrets and relay-reference. Closes with "N passed, N failed".
"""
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from stage import Failed, Member, Relay, expect  # noqa: E402

EXAMPLES = ROOT / "bindings/c/examples"
STRICT = ["-D_POSIX_C_SOURCE=200809L", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SYSTEM = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"]
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99"]


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=600, **options)
    words = " ".join(str(word) for word in command[:6])
    expect(done.returncode == 0, f"{words} ends with {done.returncode}:\n{(done.stdout + done.stderr).decode()[-4000:]}")
    return done.stdout.decode()


@contextmanager
def upstream():
    """The server of the scenarios of handles; its port."""
    server = subprocess.Popen([sys.executable, ROOT / "conformance/handles/server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield server.stdout.readline().decode().strip()
    finally:
        server.communicate(timeout=20)


class Checks:
    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.prefix = folder / "prefix"
        self.passed = self.failed = 0

    def check(self, name, what):
        try:
            what()
            self.passed += 1
        except Failed as failure:
            self.failed += 1
            print(f"{name}: {failure}")

    def install(self):
        run([ROOT / "bindings/c/install", self.binaries], env={**os.environ, "PREFIX": "/usr", "DESTDIR": str(self.prefix)})
        self.at = self.prefix / "usr"
        library = (self.at / "lib/libagentsecrets.so").resolve()
        soname = run(["readelf", "-d", library])
        expect("[libagentsecrets.so.1]" in soname, f"the SONAME is another:\n{soname}")

    @staticmethod
    def not_committed(library):
        """Names that the library exports, or the list has, alone."""
        committed = (ROOT / "include/agentsecrets.symbols").read_text().split()
        listed = run(["nm", "-D", "--defined-only", library])
        return sorted({line.split()[-1] for line in listed.splitlines()} ^ set(committed))

    def symbols(self):
        """Exactly the committed ones; one more and one less are noticed."""
        found = self.not_committed(self.at / "lib/libagentsecrets.so")
        expect(not found, f"in the library or in the list alone: {found}")
        header = (ROOT / "include/agentsecrets.h").read_text()
        bent = self.dump(header.replace("agentsecrets_client_head_words(", "agentsecrets_client_other_words("), "symbols")
        expected = ["agentsecrets_client_head_words", "agentsecrets_client_other_words"]
        expect(self.not_committed(bent) == expected, f"a renamed function is found as {self.not_committed(bent)}")

    def compile(self, compiler, source, linking):
        standard = "-std=c++17" if source.endswith(".cpp") else "-std=c11"
        program = self.folder / f"{source}-{compiler}-{linking}"
        library = {"shared": [f"-L{self.at}/lib", "-lagentsecrets", f"-Wl,-rpath,{self.at}/lib"],
                   "static": [self.at / "lib/libagentsecrets.a", *SYSTEM]}[linking]
        curl = ["-lcurl"] if source == "own_io.c" else []
        run([compiler, standard, *STRICT, f"-I{self.at}/include", EXAMPLES / source, "-o", program, *library, *curl])
        return program

    def header(self):
        """Strict standards, as a program that includes it first and alone."""
        for compiler, language, standard in [("gcc", "c", "c11"), ("clang", "c", "c11"), ("g++", "c++", "c++17"),
                                             ("clang++", "c++", "c++17")]:
            run([compiler, f"-std={standard}", *STRICT, "-fsyntax-only", "-x", language, self.at / "include/agentsecrets.h"])

    def quickstart(self, source, compiler, linking, before=()):
        member = Member(self.binaries, self.folder, f"{source}-{compiler}-{linking}-{len(before)}")
        member.run("init", "--label", "laptop")
        member.run("workspace", "create", "acme")
        member.run("secrets", "set", "DATABASE_URL", stdin=b"postgres://app:fake@db.invalid/acme")
        program = self.compile(compiler, source, linking)
        shown = run([*before, program, "DATABASE_URL"], cwd=member.project, env=member.environment)
        expect("35 bytes" in shown and "fake" not in shown, f"it says {shown!r}")
        done = subprocess.run([program, "NOBODY"], cwd=member.project, env=member.environment, capture_output=True)
        expect(done.returncode == 1 and b"unknown_secret" in done.stderr, f"a name that is not there: {done.stderr}")

    def team_sync(self, compiler, linking, before=()):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        relay = Relay(self.binaries, folder)
        for name in ("laptop", "desk"):
            key = folder / f"{name}.key"
            key.write_bytes(os.urandom(32))
            key.chmod(0o600)
        try:
            shown = run([*before, self.compile(compiler, "team_sync.c", linking), relay.url, folder])
        finally:
            relay.stop()
        for expected in ("admitted 1", "pushed 1", "the same value: yes", '"in_sync":true', '"role":"writer"'):
            expect(expected in shown, f"no {expected!r} in {shown}")

    def own_io(self, compiler, linking, before=()):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        relay = Relay(self.binaries, folder)
        try:
            shown = run([*before, self.compile(compiler, "own_io.c", linking), relay.url])
        finally:
            relay.stop()
        expect("the same value: yes" in shown, f"it says {shown!r}")

    def misuse(self, before=()):
        """Every function of the header, called wrongly in every way."""
        source = self.folder / "misuse.c"
        source.write_text(run([sys.executable, ROOT / "bindings/c/misuse.py", self.at / "include/agentsecrets.h"]))
        program = self.build(source, "misuse", [])
        with upstream() as port:
            shown = run([*before, program], env={**os.environ, "HANDLES_PORT": port})
        expect(" 0 wrong" in shown, shown)
        print("    " + shown.strip())

    def build(self, source, name, flags):
        program = self.folder / name
        run(["gcc", "-std=c11", *STRICT, *flags, f"-I{self.at}/include", source, "-o", program, f"-L{self.at}/lib",
             "-lagentsecrets", "-lpthread", "-lcurl", f"-Wl,-rpath,{self.at}/lib"])
        return program

    def readme(self):
        """Every block of C in the pages compiles."""
        pages = [(ROOT / name).read_text().split("```c\n")[1:] for name in ("bindings/c/README.md", "docs/04-apps.md")]
        expect(all(pages), "a page has no C")
        blocks = sum(pages, [])
        for number, block in enumerate(blocks):
            source = self.folder / f"readme-{number}.c"
            source.write_text(block.split("```")[0] + "\nint main(void) { return with_database(NULL) == 0; }\n")
            self.build(source, f"readme-{number}", [])

    def threads(self, rounds, before=()):
        program = self.build(ROOT / "bindings/c/threads.c", "threads", [])
        shown = run([*before, program, rounds])
        expect(int(shown.split()[0]) >= rounds * 8 * 4, shown)
        print(f"    8 threads: {shown.strip()}")

    def sanitized(self):
        """The C consumers with AddressSanitizer and UndefinedBehaviorSanitizer, which are there."""
        flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        program = self.build(EXAMPLES / "own_io.c", "sanitized", flags)
        symbols = run(["nm", program])
        expect("__asan_init" in symbols and "__ubsan" in symbols, "the sanitizers are not in")
        relay = Relay(self.binaries, Path(tempfile.mkdtemp(dir=self.folder)))
        try:
            expect("the same value: yes" in run([program, relay.url]), "another value")
        finally:
            relay.stop()

    def dump(self, header, name):
        """The binary interface of a header, as a library of empty functions."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "agentsecrets.h").write_text(header)
        (folder / "abi.c").write_text(run([sys.executable, ROOT / "bindings/c/abi.py", folder / "agentsecrets.h"]))
        run(["gcc", "-g", "-fdebug-prefix-map=.=", "-shared", "-fPIC", "-I.", "abi.c", "-Wl,-soname,libagentsecrets.so.1", "-o", "abi.so"],
            cwd=folder)
        return folder / "abi.so"

    def abi(self):
        """No change against the committed dump but additions; and what would be one is found."""
        header = (ROOT / "include/agentsecrets.h").read_text()
        committed = ROOT / "include/agentsecrets.abi"
        library = self.dump(header, "abi")
        if os.environ.get("AGENTSECRETS_WRITE_ABI"):
            run(["abidw", "--no-comp-dir-path", "--no-show-locs", "--no-corpus-path", "--out-file", committed, library])
        run(["abidiff", committed, library])
        changes = {
            "a grown structure": ("  uint64_t max_age_ms;", "  uint64_t max_age_ms;\n  uint64_t more;"),
            "another parameter": ("bool theirs,", "int64_t theirs,"),
            "another result": ("size_t agentsecrets_secrets_count(", "int32_t agentsecrets_secrets_count("),
            "a function gone": ("agentsecrets_client_head_words(", "agentsecrets_client_other_words("),
        }
        for number, (what, (before, after)) in enumerate(changes.items()):
            expect(before in header, f"the header has no {before!r}")
            bent = self.dump(header.replace(before, after), f"abi-{number}")
            done = subprocess.run(["abidiff", committed, bent], capture_output=True)
            expect(done.returncode & 12, f"{what} is not found: {done.returncode}")

    def scenarios(self, before=()):
        """The transcripts that the model wrote, played through C; and a bent one, which is noticed."""
        program = self.build(ROOT / "bindings/c/scenarios.c", "scenarios", [])
        files = sorted((ROOT / "conformance/scenarios").glob("*.txt"))
        print("    " + run([*before, program, *files]).strip())
        bent = self.folder / "bent.txt"
        text = files[0].read_text()
        place = text.index(" = STORE ") + 200
        bent.write_text(text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1:])
        done = subprocess.run([program, *files, bent], capture_output=True)
        expect(done.returncode == 1 and b", 1 not" in done.stdout, f"a bent transcript: {done.stdout[-300:]}")

    def handles(self, before=()):
        """Policies, handles, redaction and commands through C: the scenarios of every language; and a bent one."""
        program = self.build(ROOT / "bindings/c/handles.c", "handles", [])
        files = sorted((ROOT / "conformance/handles").glob("*.txt"))
        if before:
            # Under valgrind a process shares no memory with the one that it starts, so that no error of its start comes back.
            files = [file for file in files if file.stem != "command-that-is-not-there"]
        bent = self.folder / "bent-handles.txt"
        bent.write_text((ROOT / "conformance/handles/echoes.txt").read_text().replace(" = 0 200 1 ", " = 0 200 2 ", 1))
        with upstream() as port:
            print("    " + run([*before, program, port, *files]).strip())
            done = subprocess.run([program, port, *files, bent], capture_output=True)
        expect(done.returncode == 1 and b", 1 not" in done.stdout, f"a bent scenario: {done.stdout[-300:]}")

    def use_only(self, compiler, linking, before=()):
        """A program that uses a key and cannot read it."""
        program = self.compile(compiler, "use_only.c", linking)
        with upstream() as port:
            shown = run([*before, program, port])
        for expected in ("read_forbidden", "use_forbidden", "lease_wider", "lease_over", "200, 1 time", "[redacted API_KEY]", "ended with 0"):
            expect(expected in shown, f"no {expected!r} in {shown}")
        expect("fake-key" not in shown, f"it shows the key: {shown}")

    def canary(self):
        """A value is nowhere in the process after its handles are freed, and found while one is kept."""
        shown = run([self.build(ROOT / "bindings/c/canary.c", "canary", [])])
        print("    canary: " + shown.strip())

    def core(self):
        """A core that is taken after all handles were freed holds no value; one of a program with a copy does."""
        program = self.build(ROOT / "bindings/c/canary.c", "canary-core", [])
        for what, held in (("core", False), ("copy", True)):
            stopped = subprocess.Popen([program, what], stdout=subprocess.PIPE)
            changed = bytes.fromhex(stopped.stdout.readline().decode())
            try:
                os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
                run(["gcore", "-o", self.folder / what, stopped.pid])
            finally:
                stopped.kill()
                stopped.communicate()
            core = (self.folder / f"{what}.{stopped.pid}").read_bytes()
            value = bytes(byte ^ 0xA5 for byte in changed)
            expect(changed in core and (value in core) == held, f"{what}: the core holds the value: {value in core}")

    def planted(self):
        """Each tool notices what is planted for it."""
        plain = self.build(ROOT / "bindings/c/planted.c", "planted", [])
        bent = self.build(ROOT / "bindings/c/planted.c", "planted-sanitized",
                          ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        for program, before in ((plain, VALGRIND), (bent, [])):
            for what in ("nothing", "leak", "overflow", "undefined"):
                if (before and what == "undefined"):
                    continue
                done = subprocess.run([*before, program, what], capture_output=True)
                found = done.returncode != 0
                expect(found == (what != "nothing"), f"{program.name} {what}: ends with {done.returncode}")

    def consumer(self):
        build = self.folder / "cmake"
        run(["cmake", "-S", ROOT / "bindings/c/consumer", "-B", build, f"-DCMAKE_PREFIX_PATH={self.at}"])
        run(["cmake", "--build", build])
        environment = {**os.environ, "PKG_CONFIG_PATH": f"{self.at}/lib/pkgconfig", "PKG_CONFIG_SYSROOT_DIR": str(self.prefix),
                       "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
        flags = run(["pkg-config", "--cflags", "--libs", "agentsecrets"], env=environment).split()
        run(["gcc", EXAMPLES / "quickstart.c", *flags, "-o", self.folder / "by-pkg-config"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(Path(sys.argv[1]).resolve(), Path(folder))
        checks.check("install", checks.install)
        checks.check("symbols", checks.symbols)
        checks.check("header", checks.header)
        checks.check("abi", checks.abi)
        checks.check("consumer", checks.consumer)
        for compiler in ("gcc", "clang"):
            for linking in ("shared", "static"):
                cxx = {"gcc": "g++", "clang": "clang++"}[compiler]
                checks.check(f"quickstart {compiler} {linking}", lambda: checks.quickstart("quickstart.c", compiler, linking))
                checks.check(f"quickstart.cpp {cxx} {linking}", lambda: checks.quickstart("quickstart.cpp", cxx, linking))
                checks.check(f"team_sync {compiler} {linking}", lambda: checks.team_sync(compiler, linking))
                checks.check(f"own_io {compiler} {linking}", lambda: checks.own_io(compiler, linking))
                checks.check(f"use_only {compiler} {linking}", lambda: checks.use_only(compiler, linking))
        checks.check("readme", checks.readme)
        checks.check("misuse", checks.misuse)
        checks.check("valgrind misuse", lambda: checks.misuse(VALGRIND))
        checks.check("threads", lambda: checks.threads(3200))
        checks.check("valgrind threads", lambda: checks.threads(100, VALGRIND))
        checks.check("sanitizers", checks.sanitized)
        checks.check("scenarios", checks.scenarios)
        checks.check("valgrind scenarios", lambda: checks.scenarios(VALGRIND))
        checks.check("handles", checks.handles)
        checks.check("valgrind handles", lambda: checks.handles(VALGRIND))
        checks.check("valgrind use_only", lambda: checks.use_only("gcc", "shared", VALGRIND))
        checks.check("canary", checks.canary)
        checks.check("core", checks.core)
        checks.check("planted", checks.planted)
        checks.check("valgrind quickstart", lambda: checks.quickstart("quickstart.c", "gcc", "shared", VALGRIND))
        checks.check("valgrind team_sync", lambda: checks.team_sync("gcc", "shared", VALGRIND))
        checks.check("valgrind own_io", lambda: checks.own_io("gcc", "static", VALGRIND))
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
