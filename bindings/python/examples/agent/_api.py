"""An API on this machine, and a policy for its key: what the examples talk to."""
import http.server
import json
import threading
from contextlib import contextmanager
from typing import Any, Dict, Generator, Tuple

KEY = "not-a-real-key-4711"


class _Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        given = self.headers.get("authorization", "")
        # A careless API: it repeats the key.
        self._answer(200 if given == f"Bearer {KEY}" else 401, {"balance": 42, "debug": {"authorization": given}})

    def _answer(self, status: int, content: "Dict[str, Any]") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def api() -> "Generator[Tuple[str, Dict[str, Any]], None, None]":
    """The address, and a policy that allows to read balances there with the key as a bearer."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    rule = {"scheme": "http", "host": "127.0.0.1", "port": port, "methods": ["GET"], "paths": ["/v1/**"], "places": ["bearer"]}
    try:
        yield f"http://127.0.0.1:{port}", {"access": "use-only", "sign": True, "rules": [rule]}
    finally:
        server.shutdown()
