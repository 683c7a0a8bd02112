#!/usr/bin/env python3
"""The server on loopback of the scenarios of handles: repeats the key that it is sent, in many forms.

    conformance/handles/server.py     prints its port, and serves until its input ends
"""
import base64
import gzip
import html
import http.server
import json
import sys
import threading
import urllib.parse

FORMS = {
    "raw": lambda key: key,
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
    "base64": lambda key: base64.b64encode(b"x" + key.encode()).decode(),
    "base64url": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "percent": lambda key: urllib.parse.quote(key, safe=""),
    "unicode": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "html": lambda key: html.escape("".join(f"&#{ord(c)};" if c.isdigit() else c for c in key)).replace("&amp;#", "&#"),
    "backwards": lambda key: key[::-1],
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def any(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        path, _, query = self.path.partition("?")
        key = self.headers.get("x-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        last = path.rpartition("/")[2]
        if last == "echo":
            sent = {"method": self.command, "target": self.path, "authorization": self.headers.get("authorization"),
                    "x-key": self.headers.get("x-key"), "body": body}
            return self.answer(json.dumps(sent, separators=(",", ":")), {"content-type": "application/json"})
        if last == "header":
            return self.answer("", {"x-echo": f"key={key}", "set-cookie": f"session={key}"})
        if last == "redirect":
            return self.answer("", {"location": f"http://localhost:{self.server.server_port}/v1/echo"}, 302)
        if last == "large":
            return self.answer("x" * 5000)
        if last == "missing":
            return self.answer(f"no key {key} here", {}, 404)
        if last == "gzip":
            return self.answer(gzip.compress(key.encode(), mtime=0), {"content-encoding": "gzip"})
        if last == "zstd":
            return self.answer(key, {"content-encoding": "zstd"})
        if last == "chunks":
            return self.chunks(f"({key})".encode())
        return self.answer(f"({FORMS[last](key)})") if last in FORMS else self.answer(f"{path}?{query}", {}, 404)

    do_GET = do_POST = do_PUT = do_DELETE = any

    def answer(self, body, headers=(), status=200):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunks(self, body):
        """One byte each."""
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for byte in body:
            self.wfile.write(b"1\r\n%c\r\n" % byte)
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def handle(self):
        """Whoever hangs up has had enough: of an answer that is too long, for one."""
        try:
            super().handle()
        except ConnectionError:
            pass

    def log_message(self, format, *arguments):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
