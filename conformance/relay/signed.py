"""Hooks for schemathesis: signs every request as a member, and puts ids that exist where it would guess."""
import base64
import hashlib
import json
import os
import time
from urllib.parse import urlsplit

import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from requests.auth import AuthBase

SAMPLE = json.loads(os.environ["RELAY_SAMPLE"])
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SAMPLE["test_key"]))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
COMPONENTS = '("@method" "@authority" "@path" "@query" "content-digest")'


class Signed(AuthBase):
    """The one form of signature that the relay takes."""

    def __call__(self, request):
        body = request.body or b""
        body = body if isinstance(body, bytes) else body.encode()
        url = urlsplit(request.url)
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        nonce = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
        parameters = (f'{COMPONENTS};created={int(time.time())};nonce="{nonce}";keyid="{PUBLIC}"'
                      ';alg="ed25519";tag="agentsecrets-relay-v1"')
        base = "\n".join([f'"@method": {request.method}', f'"@authority": {SAMPLE["authority"]}', f'"@path": {url.path}',
                          f'"@query": ?{url.query}', f'"content-digest": {digest}', f'"@signature-params": {parameters}'])
        signature = base64.b64encode(KEY.sign(base.encode())).decode()
        request.headers.update({"Content-Digest": digest, "Signature-Input": f"agentsecrets={parameters}",
                                "Signature": f"agentsecrets=:{signature}:"})
        return request


schemathesis.auth.set_from_requests(Signed())


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Two times of three what exists; the choice hangs on what was guessed, so that it can be played again."""
    if not path_parameters:
        return path_parameters
    chosen = dict(path_parameters)
    for name, value in path_parameters.items():
        if len(str(value)) == 64 and hashlib.sha256(str(value).encode()).digest()[0] % 3:
            chosen[name] = SAMPLE.get(name, value)
    return chosen


@schemathesis.hook
def map_body(context, body):
    """Commits that reach the rules behind the parser: the right workspace, real entries now and then."""
    if not isinstance(body, dict) or "entries" not in body or not isinstance(body.get("workspace"), str):
        return body
    dice = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()[0] % 5
    if dice in (0, 4):
        return SAMPLE["incomplete" if dice else "commit"]
    if dice == 1:
        return {**body, "entries": SAMPLE["commit"]["entries"], "workspace": SAMPLE["workspace"]}
    if dice == 2:
        return {**body, "workspace": SAMPLE["workspace"]}
    return body


@schemathesis.hook
def map_case(context, case):
    """Bytes that fit what the path names, every other time."""
    path, parameters = case.operation.path, case.path_parameters or {}
    if case.method == "PUT" and len(repr(case.body)) % 2 == 0:
        if path.endswith("/sealed/{hash}") and parameters.get("hash") == SAMPLE["hash"]:
            case.body = decoded(SAMPLE["sealed"])
        if path.endswith("/identities/{id}") and parameters.get("id") == SAMPLE["id"]:
            case.body = decoded(SAMPLE["recipient"])
    return case


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
