#!/usr/bin/env python3
"""Builds and tests the Swift package with the toolchain of tools/swift-env: tests, scenarios, examples, README, canary.

    bindings/swift/check.py BINARIES CACHE

BINARIES has libagentsecrets_swift.{a,so}, agentsecrets-swift-bindgen, agentsecrets and relay-reference; CACHE is a folder of the
project. Closes with "N passed, N failed".
"""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "bindings/swift"
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "conformance/agents"), str(HERE)]
import redaction  # noqa: E402
import surface  # noqa: E402
from stagehands import Refused, Upstream, reply  # noqa: E402
from stage import Failed, Member, Process, Relay, expect  # noqa: E402

STRICT = ["-Xswiftc", "-warnings-as-errors"]
NAMES = {"DATABASE_URL": b"postgres://app:canary-1c9e@db.invalid/acme", "API_TOKEN": b"canary-1c9e-token"}


class Checks:
    def __init__(self, binaries, cache, folder):
        self.binaries, self.cache, self.folder = binaries, cache, folder
        self.build, self.prefix = cache / "swift-build", cache / "swift-prefix"
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig")}
        self.passed = self.failed = 0

    # --- what checks are made of ---------------------------------------------------------------

    def check(self, name, what):
        start = time.monotonic()
        try:
            note = what() or ""
            self.passed += 1
        except Failed as failure:
            self.failed += 1
            note = f"FAILED: {failure}"
        print(f"    {name} ({time.monotonic() - start:.0f}s) {note}", flush=True)
        return not note.startswith("FAILED")

    def swift(self, *words, code=0, cwd=HERE, environment=None, before=(), timeout=1500):
        """Output of a command in the toolchain, after its exit code is the one expected (None: any)."""
        command = [*before, ROOT / "tools/swift-env", self.cache / "swift", *words]
        done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, timeout=timeout,
                              env=environment or self.environment)
        text = (done.stdout + done.stderr).decode(errors="replace")
        expect(code is None or done.returncode == code, f"{words[0]} {words[1:3]} ends with {done.returncode}:\n{text[-6000:]}")
        return text

    def product(self, name):
        return self.build / "debug" / name

    # --- generated and built -------------------------------------------------------------------

    def generated(self):
        """The committed half is what the generator writes; a change in it is noticed."""
        fresh = self.folder / "generated"
        subprocess.run([HERE / "generate", self.binaries / "libagentsecrets_swift.so",
                        self.binaries / "agentsecrets-swift-bindgen", fresh], check=True)
        files = sorted(file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file())
        expect(len(files) == 3, f"the generator writes {files}")
        for file in files:
            same = (fresh / file).read_bytes() == (HERE / "Sources" / file).read_bytes()
            expect(same, f"Sources/{file} is not current: bindings/swift/generate {self.binaries}/libagentsecrets_swift.so "
                         f"{self.binaries}/agentsecrets-swift-bindgen")
        return f"{len(files)} files"

    def install(self):
        shutil.rmtree(self.prefix, ignore_errors=True)
        subprocess.run([HERE / "install", self.binaries], check=True, env={**os.environ, "PREFIX": str(self.prefix)})

    def compile(self):
        self.swift("swift", "build", "--build-tests", "--scratch-path", self.build, *STRICT)

    def tests(self):
        """Both frameworks in one run; a test that fails is noticed by its exit code."""
        with handles() as port:
            environment = {**self.environment, **({"AGENTSECRETS_HANDLES_PORT": port} if port else {})}
            shown = self.swift("swift", "test", "--skip-build", "--scratch-path", self.build, *STRICT, environment=environment)
        by_xctest = sum(map(int, re.findall(r"Executed (\d+) tests?, with 0 failures", shown)[-1:]))
        by_testing = sum(map(int, re.findall(r"Test run with (\d+) tests? passed", shown)))
        played = re.search(r"(\d+) scenarios played", shown)
        attacks = re.search(r"(\d+) of \d+ attempts played", shown)
        expect(by_xctest >= 2 and by_testing >= 40 and played and attacks, shown[-3000:])
        scenarios = len(list((ROOT / "conformance/scenarios").glob("*.txt")))
        expect(int(played.group(1)) == scenarios, f"{played.group(1)} of {scenarios} scenarios")
        of_handles = len(list((ROOT / "conformance/handles").glob("*.txt")))
        expect(f"{of_handles} scenarios of handles played" in shown or not of_handles, shown[-3000:])
        return (f"{by_xctest} XCTest, {by_testing} Swift Testing, {scenarios} scenarios byte for byte, {of_handles} of handles, "
                f"{attacks.group(0)}")

    # --- the surface ---------------------------------------------------------------------------

    def modules(self):
        modules = self.build / "debug/Modules"
        return ["-I", modules, "-Xcc", f"-fmodule-map-file={HERE}/Sources/agentsecrets_swiftFFI/module.modulemap"]

    def documented(self):
        """The public members that the sources have are those that the compiler has, and each has its comment."""
        graphs = self.build / "graphs"
        shutil.rmtree(graphs, ignore_errors=True)
        graphs.mkdir()
        target = self.swift("swiftc", "-print-target-info").split('"triple": "')[1].split('"')[0]
        for module in surface.MODULES:
            self.swift("swift-symbolgraph-extract", "-module-name", module, *self.modules(), "-target", target,
                       "-minimum-access-level", "public", "-output-dir", graphs)
        done = subprocess.run([sys.executable, HERE / "surface.py", "--symbols", graphs], capture_output=True, text=True)
        expect(done.returncode == 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def snippet(self, name, text, code=0):
        """Compiles a file against the built modules in Swift 6 mode; the program, or what the compiler says."""
        source, program = self.folder / f"{name}.swift", self.folder / name
        source.write_text(text)
        objects = [file for module in ("AgentSecretsNative", *surface.MODULES)
                   for file in sorted((self.build / f"debug/{module}.build").glob("*.o"))]
        link = [f"-L{self.prefix}/lib", "-lagentsecrets_swift", "-lgcc_s", "-lm", "-ldl", "-lpthread"]
        said = self.swift("swiftc", "-swift-version", "6", "-warnings-as-errors", "-parse-as-library", *self.modules(), source,
                          *objects, *link, "-o", program, code=code)
        return program if code == 0 else said

    def interpolation(self):
        """Is a warning, which is an error here."""
        said = self.snippet("interpolated", "import AgentSecrets\nfunc show(_ secret: Secret) -> String { \"\\(secret)\" }\n", 1)
        expect("a Secret is not text" in said, said)

    # --- programs ------------------------------------------------------------------------------

    def team(self, relay):
        """A device of a workspace on a relay, which holds two values, pushed, in development and in staging."""
        member = Member(self.binaries, Path(tempfile.mkdtemp(dir=self.folder)), "laptop")
        member.run("init", "--label", "laptop")
        member.run("workspace", "create", "acme", "--relay", relay.url)
        for environment in ("development", "staging"):
            for name, value in NAMES.items():
                member.run("secrets", "set", name, "--env", environment, stdin=value)
            member.run("secrets", "push", "--env", environment)
        return member

    def with_relay(self, what):
        def run():
            relay = Relay(self.binaries, Path(tempfile.mkdtemp(dir=self.folder)))
            try:
                return what(self.team(relay), relay)
            finally:
                relay.stop()
        return run

    def quickstart(self, member, relay):
        run = lambda *names, code=0: self.swift(  # noqa: E731
            self.product("quickstart"), *names, cwd=member.project, environment=member.environment, code=code)
        shown = run(*NAMES)
        for name, value in NAMES.items():
            expect(f"{name}: {len(value)} bytes" in shown, shown)
        missing = run("DATABASE_URL", "NOBODY", "NOTHING", code=1)
        expect("missing_secrets" in missing and "NOBODY, NOTHING" in missing, missing)
        expect("canary" not in shown + missing, "a value is shown")

    def server(self, member, relay):
        command = [str(word) for word in (ROOT / "tools/swift-env", self.cache / "swift", self.product("server"))]
        before = (Path.cwd(), dict(os.environ))
        os.chdir(member.project)
        os.environ.update(member.environment)
        try:
            process = Process(command, self.folder / "server.log")
        finally:
            os.chdir(before[0])
            os.environ.clear()
            os.environ.update(before[1])
        try:
            ask = lambda token: urllib.request.Request(process.first, headers={"Authorization": f"Bearer {token}"})  # noqa: E731
            with urllib.request.urlopen(ask(NAMES["API_TOKEN"].decode()), timeout=20) as answer:
                expect(answer.status == 200, f"the right token: {answer.status}")
            try:
                urllib.request.urlopen(ask("another"), timeout=20)
                raise Failed("another token is let in")
            except urllib.error.HTTPError as refused:
                expect(refused.code == 401, f"another token: {refused.code}")
        finally:
            process.stop()
        expect("canary" not in (self.folder / "server.log").read_text(), "a value is in the log")

    def readme(self, member, relay):
        """Every block of Swift in the READMEs, as it is written, compiles and runs against a relay."""
        blocks = []
        for file in (ROOT / "README.md", HERE / "README.md", ROOT / "docs/04-apps.md"):
            blocks += [block.split("```")[0] for block in file.read_text().split("```swift\n")[1:]]
        expect(len(blocks) >= 11, f"{len(blocks)} blocks")
        program = self.snippet("readme", readme_program(blocks))
        careless = Upstream(lambda handler, key: reply(handler, f'{{"balance": 42, "key": "{key}"}}'.encode()))
        try:
            shown = self.swift(program, relay.url, careless.port, cwd=member.project, environment=member.environment)
        finally:
            careless.stop()
        expect("fake-value-4711" in careless.requests[0][2]["authorization"], "the API got no key")
        for expected in (f"connected {len(NAMES['DATABASE_URL'])}", "missing: [\"PORT\"]", "true [\"laptop\", \"phone\"]", "founded 64",
                         '200 {"balance": 42, "key": "[redacted API_KEY]"} 1', "API_KEY may be used and not read", "64 1",
                         "Authorization: Bearer [redacted API_KEY]", "key=[redacted API_KEY] end", "ended with 42"):
            expect(expected in shown, f"no {expected!r} in {shown}")
        expect("4711" not in shown, f"a value is shown: {shown}")
        return f"{len(blocks)} blocks"

    # --- values stay where they are ------------------------------------------------------------

    def echoes(self):
        """The red team's echoes of a key, each asked for by a handle: all are redacted or refused, as the corpus says."""
        cases = json.loads((ROOT / "conformance/agents/redaction.json").read_text())
        upstream = Upstream(redaction.behave)
        try:
            shown = self.swift(self.product("canary"), "echoes", upstream.url, *(case["attempt"] for case in cases),
                               environment={**self.environment, "TEST_KEY": redaction.SECRET})
        finally:
            upstream.stop()
        answers = Answers(map(json.loads, shown.splitlines()))
        # Bindings are built without brotli, ask for no encoding, and refuse what they cannot search.
        without = {"brotli": "answer_unreadable"}
        for case in ({**case, "expected": without.get(case["attempt"], case["expected"])} for case in cases):
            try:
                redaction.check(case, answers, upstream)
            except Failed as failure:
                raise Failed(f"{case['number']}, {case['attempt']}: {failure}") from None
        return f"{len(cases)} attempts"

    def memory(self):
        shown = self.swift(self.product("canary"), "memory")
        found = re.search(r"held (\d+), after (\d+), of 48 bytes", shown)
        expect(found and int(found.group(1)) >= 1 and found.group(2) == "0", shown[-300:])
        return found.group(0)

    def crash(self):
        """The crash log has the error's text, a backtrace, and no value."""
        environment = {**self.environment, "SWIFT_BACKTRACE": "enable=yes,symbolicate=off,interactive=no,color=no"}
        shown = self.swift(self.product("canary"), "crash", code=None, environment=environment)
        expect("Secret(<redacted>)" in shown and "crashed" in shown, shown[-1500:])
        expect("canary-7f3a" not in shown, "the crash log shows the value")
        return f"{len(shown.splitlines())} lines of crash log"

    def threads(self):
        """16 tasks on one client, and on one handle, under ThreadSanitizer, which first finds a race that is planted."""
        build = self.cache / "swift-build-thread"
        shown = self.swift("swift", "test", "--sanitize=thread", "--scratch-path", build, "--filter", "Threads", *STRICT,
                           environment={**self.environment, "TSAN_OPTIONS": "halt_on_error=1"})
        expect("Test run with 2 tests passed" in shown and "WARNING: ThreadSanitizer" not in shown, shown[-3000:])
        planted = self.folder / "race.swift"
        planted.write_text(RACE)
        self.swift("swiftc", "-sanitize=thread", "-parse-as-library", planted, "-o", self.folder / "race")
        found = self.swift(self.folder / "race", code=None)
        expect("WARNING: ThreadSanitizer: " in found and "race" in found, f"the planted race is not found: {found[-1000:]}")

    # --- the toolchain's own -------------------------------------------------------------------

    def interrupted(self):
        """However a run of the toolchain ends, no mount and no process of it is left."""
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            mark = f"{self.folder.name}-{how}"
            command = [ROOT / "tools/swift-env", self.cache / "swift", "sh", "-c", f": {mark}; echo in; sleep 300; echo {mark}"]
            process = subprocess.Popen([str(word) for word in command], cwd=HERE, stdout=subprocess.PIPE, text=True,
                                       start_new_session=True, preexec_fn=heed_interrupts)
            try:
                expect(process.stdout.readline() == "in\n", "the toolchain did not start")
                expect(native() or str(ROOT) in Path(f"/proc/{process.pid}/mounts").read_text(), "nothing is mounted inside")
                wait_for_sleep(process.pid)
            finally:
                os.killpg(process.pid, how)
                process.wait(60)
                process.stdout.close()
            expect(str(self.cache) not in Path("/proc/self/mounts").read_text(), f"{how.name} leaves a mount")
            expect(not running(mark), f"{how.name} leaves a process")
        return "INT, TERM, KILL"

    def xcframework(self):
        """The plan names every platform's targets, the module map that is there, and refuses to run elsewhere than on a Mac."""
        plan = subprocess.run([HERE / "xcframework", "--plan"], capture_output=True, text=True, check=True).stdout
        for word in ("aarch64-apple-darwin", "x86_64-apple-darwin", "aarch64-apple-ios-sim", "aarch64-apple-ios ", "lipo -create"):
            expect(word in plan.replace("\n", " \n"), f"no {word} in the plan")
        for file in re.findall(r"bindings/swift/Sources/\S+", plan):
            expect((ROOT / file).exists(), f"{file} is not there")
        if sys.platform != "darwin":
            done = subprocess.run([HERE / "xcframework"], capture_output=True, text=True)
            expect(done.returncode == 1 and "only on a Mac" in done.stderr, done.stderr)


class Answers:
    """What a program printed of its requests, as `redaction.check` asks an agent for them."""

    def __init__(self, lines):
        self.lines = {line["attempt"]: line for line in lines}

    def request(self, _name, _method, url):
        line = self.lines[url.rsplit("/", 1)[-1]]
        if "error" in line:
            raise Refused(line["error"])
        return {**line, "bytes": base64.b64decode(line["body"])}


RACE = """\
import Foundation
final class Counter: @unchecked Sendable { var count = 0 }
@main enum Main {
    static func main() {
        let (counter, begin, done) = (Counter(), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        // Threads of their own: where a machine is busy, one thread runs all tasks.
        for _ in 0..<2 {
            Thread.detachNewThread {
                begin.wait()
                counter.count += 1
                done.signal()
            }
        }
        for _ in 0..<2 { begin.signal() }
        for _ in 0..<2 { done.wait() }
        print(counter.count)
    }
}
"""


@contextmanager
def handles():
    """The port of the server of the scenarios of handles, where there are such."""
    program = ROOT / "conformance/handles/server.py"
    if not program.exists():
        yield None
        return
    server = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(60)
        server.stdout.close()


def wait_for_sleep(group):
    """Until a sleep runs in this process group: an interrupt while the shell makes it would reach the shell alone, which waits."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if any(sleeps(stat, group) for stat in Path("/proc").glob("[0-9]*/stat")):
            return
        time.sleep(0.05)
    raise Failed("nothing sleeps in the toolchain")


def sleeps(stat, group):
    try:
        before, after = stat.read_text().rsplit(")", 1)
    except OSError:
        return False
    return before.endswith("(sleep") and after.split()[2] == str(group)


def heed_interrupts():
    """A shell that runs this in the background may have set them to be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def native():
    return shutil.which("swift") is not None


def running(mark):
    """Whether a process has the mark in its command line."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if place.parent.name != str(os.getpid()) and mark.encode() in place.read_bytes():
                return True
        except OSError:
            pass
    return False


def readme_program(blocks):
    """One function for each block; what a block takes from an application is given."""
    imports = sorted({line for block in blocks for line in block.splitlines() if line.startswith("import ")} | {
        "import AgentSecrets", "import AgentSecretsTesting", "import Foundation"})
    functions, calls = [], []
    for number, block in enumerate(blocks):
        body = "\n".join("    " + line for line in block.splitlines() if not line.startswith("import "))
        follows = "secrets.changes" in block
        given = "_ secrets: Secrets" if follows else ""
        functions.append(f"func block{number}({given}) async throws {{\n{body}\n{TAIL if 'func founded' in block else ''}}}\n")
        calls.append(f"    try await following {{ try await block{number}($0) }}" if follows else f"    try await block{number}()")
    return "\n".join([*imports, GIVEN, *functions, "@main enum Main { static func main() async throws {", *calls, "} }\n"])


TAIL = """\
    let identity = try Identity(generating: .human)
    let id = try await founded(at: CommandLine.arguments[1], by: identity, vault: MemoryVault())
    print("founded", id?.count ?? 0)
"""

GIVEN = """
let port = UInt16(CommandLine.arguments[2])!
func connect(_ url: String) { print("connected", url.utf8.count) }
func reconnect(_ url: Secret) { print("reconnected", url.count) }

/// Runs a loop over changes until it saw one.
func following(_ loop: @escaping @Sendable (Secrets) async throws -> Void) async throws {
    let client = try await Client.member(of: nil, label: "laptop")
    try await client.set("DATABASE_URL", to: "fake-1")
    let secrets = try await client.secrets()
    let task = Task { try await loop(secrets) }
    try await Task.sleep(for: .milliseconds(300))
    try await client.set("DATABASE_URL", to: "fake-23")
    try await Task.sleep(for: .milliseconds(1500))
    task.cancel()
    _ = await task.result
}
"""


def main(binaries, cache):
    folder = Path(tempfile.mkdtemp(prefix="swift-check-", dir=cache))
    checks = Checks(binaries, cache, folder)
    try:
        checks.check("generated files are current", checks.generated)
        checks.check("an interrupted toolchain leaves nothing", checks.interrupted)
        checks.check("XCFramework: the plan", checks.xcframework)
        checks.install()
        if checks.check("build in Swift 6 mode, warnings as errors", checks.compile):
            checks.check("tests", checks.tests)
            checks.check("public members", checks.documented)
            checks.check("the compiler warns where a secret becomes text", checks.interpolation)
            checks.check("quickstart", checks.with_relay(checks.quickstart))
            checks.check("server", checks.with_relay(checks.server))
            checks.check("README", checks.with_relay(checks.readme))
            checks.check("echoes of a key", checks.echoes)
            checks.check("canary: memory", checks.memory)
            checks.check("canary: crash log", checks.crash)
            checks.check("16 tasks under ThreadSanitizer", checks.threads)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
