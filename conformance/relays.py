#!/usr/bin/env python3
"""Two relays on one PostgreSQL behind nginx, with the configuration that the relay's own folder shows.

    conformance/relays.py BINARIES        needs PostgreSQL and nginx

A team shares values through both; one relay dies and comes back in the middle; the database restarts.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from stage import ROOT, Failed, Member, Process, expect, free_port  # noqa: E402

SITE = ROOT / "relay-reference/packaging/nginx.conf"
ROUNDS = 20


class Cluster:
    """A PostgreSQL of our own."""

    def __init__(self, folder):
        folder.chmod(0o711)
        self.folder = folder / "pg"
        self.url = self.do("up")

    def do(self, *words):
        return subprocess.run([ROOT / "tools/postgres", self.folder, *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()


class PostgresRelay:
    """A relay over the shared database."""

    def __init__(self, binaries, folder, name, database, public_url):
        file = folder / "database"
        file.write_text(database)
        self.port, self.admin = free_port(), free_port()
        self.log = folder / f"{name}.log"
        self.command = [str(binaries / "relay-reference"), "--database-file", str(file),
                        "--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}",
                        "--behind-proxy", "--public-url", public_url]
        self.start()

    def start(self):
        self.process = Process(self.command, self.log)

    def counts(self):
        """Commits that this relay took, and requests."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics").read().decode()
        requests = re.findall(r'^relay_requests_total\{.*\} (\d+)$', text, re.M)
        return int(re.search(r"^relay_commits_total (\d+)$", text, re.M)[1]), sum(map(int, requests))


class Nginx:
    """The example's upstream and server, without TLS and on free ports."""

    def __init__(self, folder, port):
        self.folder, self.port = folder / "nginx", port
        self.folder.mkdir()
        self.binary = shutil.which("nginx") or "/usr/sbin/nginx"

    def start(self, ports):
        site = SITE.read_text().replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};")
        for old, new in zip(("8787", "8788"), ports):
            site = site.replace(f"server 127.0.0.1:{old}", f"server 127.0.0.1:{new}")
        expect(all(str(port) in site for port in ports), "the example has other ports than this test expects")
        self.run(re.sub(r"^\s*ssl_.*\n", "", site, flags=re.M))

    def run(self, site):
        (self.folder / "site").write_text(site)
        temporary = "".join(f"{name}_temp_path {self.folder}/{name};" for name in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.getuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(f"{user}daemon off;pid {self.folder}/pid;error_log {self.folder}/error.log;"
                          f"events{{}}http{{access_log off;{temporary}include {self.folder}/site;}}")
        self.process = subprocess.Popen([self.binary, "-e", self.folder / "error.log", "-c", config])
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/info").read()
                return
            except OSError:
                time.sleep(0.05)
        raise Failed(f"nginx does not answer: {(self.folder / 'error.log').read_text()}")

    def check_example(self):
        """The example as it stands, with a certificate made for it."""
        pair = [str(self.folder / name) for name in ("key.pem", "cert.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=relay.example",
                        "-keyout", pair[0], "-out", pair[1], "-days", "2"], check=True, capture_output=True)
        site = SITE.read_text()
        for name, file in (("privkey", pair[0]), ("fullchain", pair[1])):
            site = site.replace(f"/etc/letsencrypt/live/relay.example/{name}.pem", file)
        whole = self.folder / "whole.conf"
        whole.write_text(f"pid {self.folder}/pid2;events{{}}http{{{site}}}")
        done = subprocess.run([self.binary, "-t", "-e", self.folder / "test.log", "-c", whole],
                              capture_output=True, text=True)
        expect(done.returncode == 0, f"nginx refuses the example: {done.stderr}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Story:
    """As the team_sync examples tell it, every request through nginx."""

    def __init__(self, binaries, folder):
        self.relays, self.nginx = [], None
        self.cluster = Cluster(folder)
        self.nginx = Nginx(folder, free_port())
        url = f"http://127.0.0.1:{self.nginx.port}"
        for name in ("one", "two"):
            self.relays.append(PostgresRelay(binaries, folder, name, self.cluster.url, url))
        self.nginx.start([relay.port for relay in self.relays])
        self.laptop, self.desk = (Member(binaries, folder, name) for name in ("laptop", "desk"))
        self.url = url

    def example(self):
        """nginx takes the example as it is."""
        self.nginx.check_example()

    def team(self):
        """Found, invite, join, admit, compare."""
        for member in (self.laptop, self.desk):
            member.run("init", "--label", member.name)
        self.laptop.run("workspace", "create", "acme", "--relay", self.url)
        self.desk.run("join", self.laptop.out("invite", "--role", "writer"))
        self.laptop.run("admit")
        self.desk.run("secrets", "pull")
        numbers = self.laptop.out("safety-number", "desk"), self.desk.out("safety-number", "laptop")
        expect(numbers[0] == numbers[1], "two safety numbers differ")

    def pass_on(self, name, giver, taker):
        value = f"fake-{name}"
        giver.run("secrets", "set", name, stdin=value.encode())
        giver.run("secrets", "push")
        taker.run("secrets", "pull")
        expect(taker.out("secrets", "get", name, "--reveal") == value, f"{name} did not arrive")

    def both(self):
        """Values go to and fro, and both relays take part."""
        before = [relay.counts() for relay in self.relays]
        for number in range(ROUNDS):
            self.pass_on(f"NAME_{number}", *((self.laptop, self.desk)[::1 if number % 2 else -1]))
        after = [relay.counts() for relay in self.relays]
        shares = [(new[0] - old[0], new[1] - old[1]) for old, new in zip(before, after)]
        print(f"commits and requests of each relay: {shares}")
        expect(all(commits > 0 and requests > ROUNDS for commits, requests in shares), "one relay had nothing to do")

    def one_dies(self):
        """kill -9 of one relay: the other goes on, and the first is back after a restart."""
        self.relays[0].process.stop(signal.SIGKILL)
        for number in range(3):
            self.pass_on(f"ALONE_{number}", self.laptop, self.desk)
        self.relays[0].start()
        for number in range(6):
            self.pass_on(f"AGAIN_{number}", self.desk, self.laptop)

    def database_restarts(self):
        """Immediately, as by a crash: neither relay has to be restarted."""
        self.cluster.do("restart")
        for number in range(4):
            self.pass_on(f"LATER_{number}", self.laptop, self.desk)

    def one_history(self):
        """Both devices have the same head and the same values."""
        heads = {member.out("head") for member in (self.laptop, self.desk)}
        expect(len(heads) == 1, f"two heads: {heads}")
        held = [member.run("secrets", "export", "--reveal", "--format", "json").stdout
                for member in (self.laptop, self.desk)]
        expect(held[0] == held[1] and held[0].count(b"fake-") == ROUNDS + 13, "they hold different values")

    def stop(self):
        self.nginx.stop()
        for relay in self.relays:
            relay.process.stop()
        self.cluster.do("down")


def main():
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(sys.argv[1]).resolve(), Path(folder))
        try:
            passed, failed = play(story)
        finally:
            story.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def play(story):
    passed = failed = 0
    for step in (story.example, story.team, story.both, story.one_dies, story.database_restarts, story.one_history):
        try:
            step()
            passed += 1
        except Failed as failure:
            failed += 1
            print(f"{step.__name__}: {failure}")
    return passed, failed


if __name__ == "__main__":
    sys.exit(main())
