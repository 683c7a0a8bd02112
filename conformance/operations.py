#!/usr/bin/env python3
"""What an operator of a relay does, with the programs as they are shipped and clients that notice only what they should.

    conformance/operations.py BINARIES STATIC_RELAY        needs PostgreSQL, openssl, systemd-analyze, and root for a chroot
"""
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from relays import Cluster  # noqa: E402
from stage import ROOT, Failed, Member, Process, Relay, expect, free_port  # noqa: E402

PACKAGING = ROOT / "relay-reference/packaging"


class Operations:
    def __init__(self, binaries, static, folder):
        self.binaries, self.static, self.folder = binaries, static, folder
        self.relay = Relay(binaries, folder)
        self.owner, self.other = self.member("owner"), self.member("other")
        self.owner.run("workspace", "create", "acme", "--relay", self.relay.url)
        self.other.run("join", self.owner.out("invite"))
        self.owner.run("admit")
        self.hand_over("FIRST", self.owner, self.other)

    def member(self, name):
        member = Member(self.binaries, self.folder, name)
        member.run("init", "--label", name)
        return member

    def hand_over(self, name, giver, taker, value=None):
        value = value or f"fake-{name}"
        giver.run("secrets", "pull")
        giver.run("secrets", "set", name, stdin=value.encode())
        giver.run("secrets", "push")
        taker.run("secrets", "pull")
        expect(taker.out("secrets", "get", name, "--reveal") == value, f"{name} did not arrive")

    def operate(self, *words, code=0):
        done = subprocess.run([self.binaries / "relay-reference", *words], capture_output=True, text=True, timeout=120)
        expect(done.returncode == code, f"{' '.join(map(str, words))} ends with {done.returncode}: {done.stderr}")
        return done.stdout

    def restored_backup(self):
        """A relay restored from a backup is refused and explained, and gets its lost end back from a member."""
        copy = self.folder / "copy"
        said = self.operate("backup", "--data", self.relay.data, "--to", copy)
        expect(" 0 wrong" in said, f"the backup says {said}")
        self.hand_over("LOST", self.owner, self.other)
        head = self.other.out("head")
        self.relay.stop()
        shutil.rmtree(self.relay.data)
        shutil.copytree(copy, self.relay.data)
        self.relay.start()
        refused = self.other.run("secrets", "pull", code=None)
        words = refused.stderr.decode()
        expect(refused.returncode != 0 and "error[rollback]" in words, f"the rollback is not refused: {words}")
        expect("workspace repush" in words, f"the way out is not named: {words}")
        expect(self.other.out("secrets", "get", "LOST", "--reveal") == "fake-LOST", "the device lost a value")
        said = self.other.out("workspace", "repush")
        print(f"a member is told: {words.splitlines()[0]}\nand brings back: {said}")
        for member in (self.owner, self.other):
            member.run("secrets", "pull")
            expect(member.out("head") == head, f"{member.name} has another head")
        self.hand_over("AFTER", self.other, self.owner)
        expect(" 0 wrong" in self.operate("verify", "--data", self.relay.data), "the relay is not whole")

    def pruned(self):
        """After pruning, members and a newcomer read everything that counts."""
        for number in range(3):
            self.hand_over("TURNED", self.owner, self.other, f"fake-turn-{number}")
        said = self.operate("prune", "--data", self.relay.data)
        expect(int(said.split()[0]) >= 4, f"prune says {said}")
        late = self.member("late")
        late.run("join", self.owner.out("invite"))
        self.owner.run("admit")
        self.hand_over("LATE", self.owner, late)
        for name, value in (("TURNED", "fake-turn-2"), ("FIRST", "fake-FIRST")):
            expect(late.out("secrets", "get", name, "--reveal") == value, f"a newcomer lacks {name}")

    def moved(self):
        """From SQLite to PostgreSQL: the same address, the same history, and nobody has to do anything."""
        cluster = Cluster(self.folder)
        try:
            self.relay.stop()
            file, url = self.folder / "export", self.folder / "url"
            url.write_text(cluster.url)
            lines = self.operate("export", "--data", self.relay.data, "--to", file)
            expect(file.stat().st_mode & 0o777 == 0o600, "others may read the export")
            expect(self.operate("import", "--database-file", url, "--from", file) == lines, "lines were lost")
            expect(" 0 wrong" in self.operate("verify", "--database-file", url), "PostgreSQL is not whole")
            self.operate("import", "--database-file", url, "--from", file, code=1)
            self.operate("backup", "--database-file", url, "--to", self.folder / "no", code=2)
            command = [word for word in self.relay.command if word not in ("--data", str(self.relay.data))]
            relay = Process(command + ["--database-file", str(url)], self.relay.log)
            self.hand_over("MOVED", self.owner, self.other)
            self.hand_over("BACK", self.other, self.owner)
            relay.stop()
        finally:
            cluster.do("down")
            self.relay.start()

    def registration(self):
        """Only the listed begin workspaces; whom they admit may too, where the relay says `invite`."""
        listed, guest, stranger = (self.member(name) for name in ("listed", "guest", "stranger"))
        file = self.folder / "founders"
        file.write_text(f"# who may begin workspaces\n{listed.out('identity')}\n")
        port, data = free_port(), self.folder / "closed"
        url = f"http://127.0.0.1:{port}"

        def relay(mode):
            return Process([str(self.binaries / "relay-reference"), "--data", str(data), "--listen",
                            f"127.0.0.1:{port}", "--registration", f"{mode}:{file}"], self.folder / "closed.log")

        def refused(member, name):
            done = member.run("workspace", "create", name, "--relay", url, code=None)
            expect(done.returncode != 0 and b"registration_closed" in done.stderr,
                   f"{member.name} begins a workspace: {done.stderr.decode()}")

        closed = relay("allowlist")
        listed.run("workspace", "create", "theirs", "--relay", url)
        guest.run("join", listed.out("invite"))
        listed.run("admit")
        guest.run("secrets", "pull")
        refused(stranger, "no")
        second = self.second_project(guest)
        refused(second, "no")
        closed.stop()
        open_to_guests = relay("invite")
        refused(stranger, "no-again")
        self.second_project(guest).run("workspace", "create", "yes", "--relay", url)
        open_to_guests.stop()

    def second_project(self, member):
        """The same device in another folder, which has no workspace yet."""
        project = Path(tempfile.mkdtemp(dir=self.folder))
        other = Member.__new__(Member)
        other.__dict__.update(member.__dict__, project=project)
        return other

    def tls(self):
        """The relay's own TLS: a client that trusts the certificate is served, others and plain HTTP are not."""
        key, chain = self.folder / "key.pem", self.folder / "chain.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                        chain, "-days", "2"], check=True, capture_output=True)
        port = free_port()
        relay = Process([str(self.binaries / "relay-reference"), "--data", str(self.folder / "tls"), "--listen",
                         f"0.0.0.0:{port}", "--tls", str(chain), str(key), "--registration", "open"],
                        self.folder / "tls.log")
        expect(relay.first.startswith("listening on https://"), relay.first)
        trusting = ssl.create_default_context(cafile=chain)
        info = urllib.request.urlopen(f"https://localhost:{port}/v1/info", context=trusting).read()
        expect(b"server_time" in info, info)
        for context, url in ((ssl.create_default_context(), f"https://localhost:{port}"),
                             (None, f"http://localhost:{port}")):
            try:
                urllib.request.urlopen(f"{url}/v1/info", context=context).read()
                raise Failed(f"{url} is served")
            except (OSError, http.client.HTTPException):
                pass
        silent = socket.create_connection(("localhost", port))
        silent.settimeout(15)
        expect(silent.recv(1) == b"", "a handshake that never comes is waited for")
        relay.stop()
        for wrong in (key, self.folder / "none.pem"):
            done = subprocess.run([self.binaries / "relay-reference", "--data", self.folder / "tls", "--listen",
                                   f"127.0.0.1:{port}", "--tls", wrong, key], capture_output=True, text=True)
            expect(done.returncode == 1 and str(wrong) in done.stderr, f"a wrong certificate: {done.stderr}")

    def unit(self):
        """systemd takes the unit and finds little left to take away."""
        text = (PACKAGING / "relay-reference.service").read_text()
        unit = self.folder / "relay-reference.service"
        unit.write_text(text.replace("/usr/bin/relay-reference", str(self.binaries / "relay-reference")))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        expect(done.returncode == 0 and "relay-reference.service" not in done.stderr, f"the unit: {done.stderr}")
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=15", unit],
                              capture_output=True, text=True, env={**os.environ, "SYSTEMD_PAGER": "cat"})
        print(done.stdout.strip().splitlines()[-1].strip())
        expect(done.returncode == 0, f"more exposed than 1.5:\n{done.stdout}")

    def image(self):
        """What of the Dockerfile can be seen without an engine: its files are there and nothing runs as root."""
        text = (PACKAGING / "Dockerfile").read_text().replace("\\\n", " ")
        lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
        final = max(number for number, line in enumerate(lines) if line[0] == "FROM")
        expect(lines[final][1] == "scratch" and final > 0, "the image has more than the program")
        words = [line[0] for line in lines[final:]]
        expect("RUN" not in words and "ADD" not in words, "the image runs something while it is built")
        user = next(line[1] for line in lines[final:] if line[0] == "USER")
        expect(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), f"the image runs as {user}")
        build = next(line[1] for line in lines if "cargo build" in line[1])
        features = re.search(r"--features (\S+)", build)[1]
        expect(set(features.split(",")) == {"postgres", "tls"}, f"the image is built with {features}")
        kept = re.findall(r"^!(\S+)", (PACKAGING / "Dockerfile.dockerignore").read_text(), re.M)
        needed = re.search(r"members = \[(.*?)\]", (ROOT / "Cargo.toml").read_text(), re.S)[1]
        for member in re.findall(r'"([^"/]+)[^"]*"', needed):
            expect(member in kept, f"the image's build lacks {member}")

    def alone(self):
        """As in the image: in a root folder with nothing but the program and its data, by a user without rights."""
        root = self.folder / "root"
        data = root / "data"
        data.mkdir(parents=True)
        self.folder.chmod(0o711)
        shutil.copy(self.static, root / "relay-reference")
        os.chown(data, 65532, 65532)
        data.chmod(0o700)
        port = free_port()
        relay = Process(["chroot", "--userspec=65532:65532", str(root), "/relay-reference", "--data", "/data",
                         "--listen", f"0.0.0.0:{port}", "--behind-proxy", "--registration", "open",
                         "--public-url", f"http://127.0.0.1:{port}"], self.folder / "alone.log")
        member = self.member("alone")
        member.run("workspace", "create", "acme", "--relay", f"http://127.0.0.1:{port}")
        member.run("secrets", "set", "NAME", stdin=b"fake-alone")
        member.run("secrets", "push")
        relay.stop()
        expect(relay.process.returncode == 0, f"it ends with {relay.process.returncode}")
        expect(sorted(path.name for path in root.iterdir()) == ["data", "relay-reference"], "it wrote elsewhere")


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        story = Operations(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(folder))
        steps = [story.restored_backup, story.pruned, story.moved, story.registration, story.tls, story.unit, story.image]
        if os.getuid() == 0:
            steps.append(story.alone)
        else:
            print("skipped without root: the program alone in its image")
        for step in steps:
            try:
                step()
                passed += 1
            except Failed as failure:
                failed += 1
                print(f"{step.__name__}: {failure}")
        story.relay.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
