"""What the tests of brokers play on: a member with a policy, a server that echoes, an agent's end of the socket."""
import base64
import http.server
import json
import socket
import sys
import threading
import traceback
from pathlib import Path


class Upstream:
    """A server on loopback that answers with what `behave(handler, secret)` writes; it keeps what was sent to it."""

    def __init__(self, behave):
        self.requests = requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                requests.append((self.command, self.path, dict(self.headers.items()), body))
                secret = self.headers.get("x-test-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
                try:
                    behave(self, secret)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def reply(handler, body, status=200, chunks=None, **headers):
    """An answer of one body, or of pieces that are sent one by one."""
    handler.send_response(status)
    # As it does: whoever keeps a connection that ends unannounced may ask once more on it, and fail.
    handler.send_header("connection", "close")
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if chunks is None:
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for piece in chunks:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.flush()
    handler.wfile.write(b"0\r\n\r\n")


class Refused(Exception):
    """The broker's answer was an error."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Agent:
    """An agent's end of a broker's socket: one JSON object a line."""

    def __init__(self, path, token):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rwb")
        self.lease = self.say({"token": token})

    def say(self, question):
        self.lines.write(json.dumps(question).encode() + b"\n")
        self.lines.flush()
        line = self.lines.readline()
        if not line:
            raise ConnectionError("the broker hung up")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def request(self, name, method, url, reason="a test", **more):
        answer = self.say({"ask": "request", "name": name, "method": method, "url": url, "reason": reason, **more})
        body = answer.get("body_base64")
        answer["bytes"] = base64.urlsafe_b64decode(body + "==") if body else answer["body"].encode()
        return answer

    def close(self):
        self.lines.close()
        self.socket.close()


class Broker:
    """`agentsecrets broker` of a member, with a socket in its home."""

    def __init__(self, member, *options, **popen):
        self.path = member.home / "broker.sock"
        self.process = member.start("broker", "--socket", str(self.path), *options, stdout=-1, stderr=-1, **popen)
        line = self.process.stdout.readline()
        self.variables = json.loads(line)["variables"] if line else {}
        self.token = self.variables.get("AGENTSECRETS_BROKER_TOKEN")

    def agent(self, token=None):
        return Agent(self.path, token or self.token)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()


def allow(member, name, value, upstream, *options, place="bearer"):
    """Sets a secret, and a policy that lets it go to a server on loopback and nowhere else."""
    member.run("secrets", "set", name, stdin=value)
    member.run("policy", name, "--use-only", "--http", "--host", f"127.0.0.1:{upstream.port}",
               "--method", "GET,POST", "--path", "/**", "--place", place, *options)


class Tests:
    """The tests of a program, each with a stage of its own: a decorator, and what its main calls."""

    def __init__(self):
        self.all = []

    def __call__(self, function):
        self.all.append(function)
        return function

    def play(self, stage):
        """Plays those that the command line names, or all; `stage(binaries)` makes the stage. The exit code."""
        binaries, names = Path(sys.argv[1]).resolve(), sys.argv[2:]
        passed = failed = 0
        for function in self.all:
            if names and function.__name__ not in names:
                continue
            place = stage(binaries)
            try:
                function(place)
                passed += 1
            except Exception:  # noqa: BLE001: whatever it is, the test failed
                failed += 1
                print(f"{function.__name__}:\n{traceback.format_exc()}")
            finally:
                place.close()
        print(f"{passed} passed, {failed} failed")
        return 1 if failed else 0
