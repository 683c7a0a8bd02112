#!/usr/bin/env python3
"""The redaction side of the red-team corpus: real servers that echo a key, asked through a real broker.

    conformance/agents/redaction.py BINARIES [NUMBER...]    closes with "N passed, N failed"

`redaction.json` has for each case its number, where the bug was published, the attempt and what is expected.
"""
import base64
import gzip
import html
import json
import shutil
import sys
import tempfile
import time
import urllib.parse
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from stage import Failed, Member, expect  # noqa: E402
from stagehands import Broker, Refused, Upstream, allow, reply  # noqa: E402

SECRET = "fake-Key+/0=&\"<'>%5c\\u-9876543210_zZ"
IMAGE = base64.b64encode(bytes((i * 89 + i // 256 * 31) % 256 for i in range(300_000)))
INNOCENT = "grüße, 你好 \\u00e9 \\ud83d %zz 50% &amp; &#x; +/= \\n fake-Key fake-key+/0 ZmFrZQ==\n".encode() * 50


def u(text, upper=False):
    return "".join(f"\\u{ord(c):04X}" if upper else f"\\u{ord(c):04x}" for c in text)


def base64_at(text, shift, encode=base64.b64encode):
    return encode(b"xyz"[:shift] + text.encode() + b"tail").decode()


def events(text):
    """A gzipped event stream, flushed after each event."""
    packer = zlib.compressobj(wbits=31)
    for event in ("data: one\n\n", f"data: {json.dumps({'key': text})}\n\n", "data: end\n\n"):
        yield packer.compress(event.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def brotli(data):
    """A brotli stream of one uncompressed block: window, block header, bytes, empty last block."""
    length = len(data) - 1
    # Bits, the lowest first: window 16 (0), not last (0), four nibbles (00), length, uncompressed (1).
    bits = length << 4 | 1 << 20
    return bits.to_bytes(3, "little") + data + b"\x03"


def zipped(data, wbits):
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(data) + packer.flush()


def slowly(data):
    for byte in data:
        time.sleep(0.01)
        yield bytes([byte])


TEXTS = {
    "raw": lambda s: s,
    "percent": lambda s: urllib.parse.quote(s, safe=""),
    "percent_lower": lambda s: "".join(f"%{ord(c):02x}" if not c.isalnum() else c for c in s),
    "percent_every_byte": lambda s: "".join(f"%{b:02X}" for b in s.encode()),
    "form": lambda s: urllib.parse.urlencode({"key": s}),
    "percent_twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "json": lambda s: json.dumps({"key": s}),
    "json_u_every_character": u,
    "json_u_upper": lambda s: u(s, upper=True),
    "json_in_json": lambda s: json.dumps({"error": json.dumps({"sent": s})}),
    "html_named": lambda s: html.escape(s).replace("+", "&plus;").replace("/", "&sol;").replace("&#x27;", "&apos;"),
    "html_decimal": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "html_hex": lambda s: "".join(f"&#x000{ord(c):X};" for c in s),
    "html_in_json": lambda s: json.dumps(html.escape(s)).replace("&", "\\u0026"),
    "hex": lambda s: s.encode().hex(),
    "hex_upper": lambda s: s.encode().hex().upper(),
    "base64_0": lambda s: base64_at(s, 0),
    "base64_1": lambda s: base64_at(s, 1),
    "base64_2": lambda s: base64_at(s, 2),
    "base64url": lambda s: base64_at(s, 1, base64.urlsafe_b64encode).rstrip("="),
    "base64_wrapped": lambda s: base64.encodebytes((" " * 40 + s * 3).encode()).decode(),
    "base64_slashes": lambda s: base64_at("??>" + s, 0).replace("/", "\\/"),
    "basic_decoded": lambda s: f"user:{s}",
    "basic": lambda s: "Basic " + base64.b64encode(f"user:{s}".encode()).decode(),
    "many": lambda s: " ".join([s] * 200),
    "at_the_end_of_a_long_body": lambda s: "." * 900_000 + s + "." * 100_000,
}

ANSWERS = {
    "byte_by_byte": lambda h, s: reply(h, None, chunks=[bytes([b]) for b in f"<{s}>".encode()]),
    "split_escape": lambda h, s: reply(h, None, chunks=[(u(s)[i:i + 4]).encode() for i in range(0, 6 * len(s), 4)]),
    "gzip": lambda h, s: reply(h, gzip.compress(s.encode()), content_encoding="gzip"),
    "gzip_events": lambda h, s: reply(h, None, chunks=events(s), content_encoding="gzip", content_type="text/event-stream"),
    "deflate": lambda h, s: reply(h, zlib.compress(s.encode()), content_encoding="deflate"),
    "deflate_raw": lambda h, s: reply(h, zipped(s.encode(), -15), content_encoding="deflate"),
    "brotli": lambda h, s: reply(h, brotli(f"<{s}>".encode()), content_encoding="br"),
    "gzip_twice": lambda h, s: reply(h, gzip.compress(gzip.compress(s.encode())), content_encoding="gzip, gzip"),
    "gzip_thrice": lambda h, s: reply(h, gzip.compress(gzip.compress(gzip.compress(s.encode()))),
                                      content_encoding="gzip, gzip, gzip"),
    "header": lambda h, s: reply(h, b"see the header", x_echo=s, x_basic=base64.b64encode(s.encode()).decode()),
    "error_401": lambda h, s: reply(h, f"wrong key: {s}".encode(), status=401),
    "slow": lambda h, s: reply(h, None, chunks=slowly(s.encode())),
    "cookie": lambda h, s: reply(h, b"", set_cookie=f"session={s.encode().hex()}"),
    "zstd": lambda h, s: reply(h, s.encode(), content_encoding="zstd"),
    "gzip_cut": lambda h, s: reply(h, gzip.compress(s.encode())[:-6], content_encoding="gzip"),
    "not_gzip": lambda h, s: reply(h, s.encode(), content_encoding="gzip"),
    "bomb": lambda h, s: reply(h, gzip.compress(bytes(20 << 20)), content_encoding="gzip"),
    "oversize": lambda h, s: reply(h, b"." * ((1 << 20) - len(s) // 2) + s.encode()),
    "image": lambda h, s: reply(h, IMAGE),
    "innocent": lambda h, s: reply(h, INNOCENT),
}


def behave(handler, secret):
    attempt = handler.path.rsplit("/", 1)[-1]
    if attempt in TEXTS:
        reply(handler, TEXTS[attempt](secret).encode())
    else:
        ANSWERS[attempt](handler, secret)


def remains(text, secret):
    """What of a key is still to be seen in a text: any eight characters, however they are written."""
    pieces = [secret[i:i + 8] for i in range(len(secret) - 7)]
    readings = [text, urllib.parse.unquote_plus(text), html.unescape(text)]
    readings.append(text.encode().decode("unicode_escape", "ignore"))
    for reading in readings:
        for piece in pieces:
            raw = piece.encode()
            forms = [piece, raw.hex(), raw.hex().upper()]
            forms += [base64.b64encode(b"\0" * n + raw).decode().rstrip("=")[n + 1:-1] for n in range(3)]
            for form in forms:
                if form in reading:
                    return form
    return None


def check(case, agent, upstream):
    expected, attempt = case["expected"], case["attempt"]
    try:
        answer = agent.request("KEY", "GET", f"{upstream.url}/echo/{attempt}")
    except Refused as refused:
        expect(refused.code == expected, f"is {refused.code}, not {expected}")
        expect(not remains(str(refused), SECRET), "the error shows the key")
        return
    expect(upstream.requests[-1][2]["x-test-key"] == SECRET, "the server got the key")
    text = json.dumps(answer["headers"]) + answer["bytes"].decode(errors="replace")
    if expected == "untouched":
        expect(answer["bytes"] == {"image": IMAGE, "innocent": INNOCENT}[attempt], "the answer was changed")
        return
    expect(expected == "redacted", f"is let through, not {expected}")
    left = remains(text, SECRET)
    expect(left is None, f"the key is still there: {left} in {text[:300]}")
    expect("[redacted KEY]" in text or attempt == "cookie", f"nothing was redacted: {text[:300]}")
    if attempt == "many":
        expect(answer["redactions"] == 200, f"{answer['redactions']} of 200 were found")


def main():
    binaries, numbers = Path(sys.argv[1]).resolve(), {int(n) for n in sys.argv[2:]}
    cases = json.loads((Path(__file__).parent / "redaction.json").read_text())
    known = set(TEXTS) | set(ANSWERS)
    expect({case["attempt"] for case in cases} == known, "every attempt is a case, and the other way")
    for attempt, write in TEXTS.items():
        expect(remains(write(SECRET), SECRET) or "twice" in attempt or "in_json" in attempt,
               f"the check itself sees the key in {attempt}")
    folder, passed, failed = Path(tempfile.mkdtemp(prefix="agentsecrets-redaction-")), 0, 0
    upstream = Upstream(behave)
    member = Member(binaries, folder, "owner")
    member.run("init", "--label", "owner")
    member.run("workspace", "create", "acme")
    allow(member, "KEY", SECRET.encode(), upstream, "--response-limit", str(1 << 20), place="header:x-test-key")
    broker = Broker(member)
    agent = broker.agent()
    try:
        for case in cases:
            if numbers and case["number"] not in numbers:
                continue
            try:
                check(case, agent, upstream)
                passed += 1
            except (Failed, Refused, ConnectionError) as error:
                failed += 1
                print(f"case {case['number']}, {case['attempt']} ({case['source']}): {error}")
    finally:
        agent.close()
        broker.stop()
        upstream.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
