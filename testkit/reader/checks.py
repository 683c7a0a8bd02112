"""What each file of vectors claims, held against an implementation from the text of the specification alone."""
import base64
import hashlib
import json
from pathlib import Path

from mnemonic import Mnemonic

import bech32m
import primitives
import structures
from borsh import Malformed, header, number, parse
from fold import Refused, State, judge, scope_bytes

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
WORDS = Mnemonic("english").wordlist
hexadecimal = bytes.fromhex


class Wrong(Exception):
    """A vector that says something else than this implementation."""


def same(what, here, there):
    if here != there:
        raise Wrong(f"{what}: {here!r} here, {there!r} in the vector")


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


# --- logs ----------------------------------------------------------------------------------------------


def log(vector):
    state = None
    for index, listed in enumerate(vector["entries"]):
        data = hexadecimal(listed["bytes"])
        entry = structures.entry(data)
        recipients = state.recipients(entry) if state else []
        same(f"recipients of {index}", [id_.hex() for id_ in recipients], listed["recipients"])
        state, verdict = judge(state, data)
        same(f"entry {index}", verdict, "accepted")
        same(f"hash of {index}", entry["hash"].hex(), listed["hash"])
    same("state", summary(state), vector["state"])


def summary(state):
    exposed = {id_: [] for id_ in state.members}
    for id_, (secret, version) in sorted(state.exposed):
        exposed[id_].append(f"{secret.hex()}:{version}")
    policy = state.policy
    return {
        "workspace": state.workspace.hex(), "head": f"{state.head[0]}:{state.head[1].hex()}",
        "generation": len(state.generations) - 1, "needs_rekey": state.needs_rekey(),
        "policy": (number(policy["fresh"], 8) + bytes([policy["stale"], policy["first_use"]])
                   + number(policy["retention"], 4)).hex(),
        "members": [{"id": id_.hex(), "active": one["active"], "person": one["person"].hex(),
                     "role": f"{one['role']:02x}", "scope": scope_bytes(one["scope"]).hex(), "exposed": exposed[id_]}
                    for id_, one in sorted(state.members.items())],
        "environments": [{"id": id_.hex(), "archived": gone} for id_, gone in sorted(state.environments.items())],
        "secrets": [{"id": id_.hex(), "environment": one["environment"].hex(),
                     "versions": [put and put.hex() for put in one["versions"]]}
                    for id_, one in sorted(state.secrets.items())],
        "open_invitations": [id_.hex() for id_ in sorted(state.invitations) if state.is_open(id_)],
        "rotations": [{"secret": secret.hex(), "versions": sorted(versions), "readers": sorted(id_.hex() for id_ in readers)}
                      for secret, (versions, readers) in sorted(state.rotations().items())]}


def cases(vector):
    whole = [hexadecimal(one["bytes"]) for one in load(vector["log"])["entries"]]
    for case in vector["cases"]:
        state = None
        same("entries before", len(whole[:case["after"]]), case["after"])
        for data in whole[:case["after"]]:
            state, verdict = judge(state, data)
        for data in map(hexadecimal, case["entries"]):
            state, verdict = judge(state, data)
        same(case["claim"], verdict, case["verdict"])


def exported(vector):
    for case in vector["cases"]:
        same(case["claim"], text_verdict(case["text"]), case["verdict"])


def text_verdict(text):
    lines = text.split("\n")
    start, workspace = lines[0][:20], lines[0][20:]
    if start != "agentsecrets-log v1 " or lines[-1] or len(lines) < 3:
        return {"error": "malformed_entry"}
    state = None
    for line in lines[1:-1]:
        try:
            data = base64.b64decode(line + "=" * (-len(line) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return {"error": "malformed_entry"}
        if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != line:
            return {"error": "malformed_entry"}
        state, verdict = judge(state, data)
        if verdict != "accepted":
            return {"error": verdict}
        if state.workspace.hex() != workspace:
            return {"error": "malformed_entry"}
    return {"head": f"{state.head[0]}:{state.head[1].hex()}"}


# --- boxes ---------------------------------------------------------------------------------------------


def opened(vector):
    sealed = hexadecimal(vector["sealed"])
    same("hash", primitives.hashed("sealed-hash", sealed).hex(), vector["sealed_hash"])
    value = open_parcel(vector, sealed)
    same("environment", value["environment_label"], vector["environment_label"])
    same("number of items", len(value["items"]), len(vector["items"]))
    for item, listed in zip(value["items"], vector["items"]):
        made = [one.hex() for one in structures.commitments(value, item)]
        same("commitments", made, [listed[name] for name in ("commitment", "name_commitment", "policy_commitment")])
        shown = {"secret": item["secret"].hex(), "version": item["version"], "name": item["name"],
                 "policy": item["policy"].hex(), "value": item["value"].hex()}
        same("item", shown, {name: listed[name] for name in shown})


def open_parcel(vector, sealed):
    key = primitives.opening_key(hexadecimal(vector["recipient_seed"]))
    expected = {name: hexadecimal(value) for name, value in vector["expected"].items()}
    padded = primitives.open_sealed(key, sealed)
    if padded is None:
        raise Refused("open_failed")
    try:
        return structures.parcel(padded, expected)
    except Malformed:
        raise Refused("parcel_mismatch") from None


def refused_parcels(vector):
    for case in vector["cases"]:
        try:
            open_parcel(vector, hexadecimal(case["sealed"]))
            verdict = "accepted"
        except Refused as refused:
            verdict = str(refused)
        same(case["claim"], verdict, case["verdict"])


def trees(vector):
    for one in vector["trees"]:
        leaves = [structures.leaf(hexadecimal(to["recipient"]), [hexadecimal(part) for part in to["parts"]])
                  for to in one["recipients"]]
        levels = structures.tree(leaves)
        root = levels[-1][0] if leaves else bytes(32)
        same("root", root.hex(), one["root"])
        paths = [[node.hex() for node in structures.siblings(levels, index)] for index in range(len(leaves))]
        same("paths", paths, one["paths"])


def grant(case, from_id, workspace):
    """Generations of the workspace key, or None."""
    sender = parse(hexadecimal(case["from"]), structures.recipient)
    key = primitives.opening_key(hexadecimal(case["to_seed"]))
    plain = primitives.open_box(key, sender["x25519"], hexadecimal(case["box"]))
    if plain is None or not structures.signs_itself(sender):
        return None

    def read(reader):
        reader.header(structures.GRANT)
        return structures.fields(("workspace", structures.fixed(32)), ("from", structures.fixed(32)),
                                 ("to", structures.fixed(32)), ("keys", structures.listed(structures.fixed(32))))(reader)
    value = parse(plain, read)
    to = parse(hexadecimal(case["to"]), structures.recipient)["id"]
    named = (value["workspace"], value["from"], value["to"]) == (workspace, from_id, to)
    return value["keys"] if named else None


def committed(keys):
    return [primitives.hashed("workspace-key-commitment", number(place, 4), key).hex() for place, key in enumerate(keys)]


def grants(vector):
    for case in vector["cases"]:
        inside = {name: vector[name] for name in ("from", "to", "to_seed")} | {"box": case["box"]}
        keys = grant(inside, hexadecimal(case["from"]), hexadecimal(case["workspace"]))
        good = keys is not None and committed(keys) == vector["commitments"]
        same(case["claim"], "accepted" if good else "grant_mismatch", case["verdict"])


def labels(vector):
    workspace = hexadecimal(vector["workspace"])
    sender = parse(hexadecimal(vector["grant"]["from"]), structures.recipient)
    keys = grant(vector["grant"], sender["id"], workspace)
    for one in vector["labels"]:
        key = primitives.hashed("label-key", keys[one["generation"]])
        data = header(structures.LABEL) + workspace + number(one["generation"], 4) + hexadecimal(one["subject"])
        plain = primitives.decrypt(key, data, hexadecimal(one["ciphertext"]))
        same("subject", "workspace member environment secret".split()[hexadecimal(one["subject"])[0]], one["kind"])
        same("label", plain and structures.unpad_label(plain).decode(), one["text"])


# --- people --------------------------------------------------------------------------------------------


def identities(vector):
    for one in vector["identities"]:
        seed, who = hexadecimal(one["seed"]), parse(hexadecimal(one["recipient"]), structures.recipient)
        same("keys", (bytes(primitives.signing_key(seed).verify_key), bytes(primitives.opening_key(seed).public_key)),
             (who["ed25519"], who["x25519"]))
        same("nonce", primitives.hashed("recipient-nonce", seed)[:16], who["nonce"])
        same("kind", who["kind"], one["kind"])
        same("it signs itself", structures.signs_itself(who), True)
        same("recipient string", bech32m.decode("asrecipient", one["recipient_string"]), who["bytes"])
        inside = header(structures.IDENTITY) + seed + bytes([who["kind"], 0])
        same("identity string", bech32m.decode("asidentity", one["identity_string"]), inside)
        same("id", who["id"].hex(), one["id"])
        digits = primitives.hashed("fingerprint", who["id"])[:16].hex()
        same("fingerprint", "-".join(digits[place:place + 4] for place in range(0, 32, 4)), one["fingerprint"])
        same("words", Mnemonic("english").to_mnemonic(seed), one["words"])


def recipients(vector):
    for case in vector["cases"]:
        try:
            good = structures.signs_itself(parse(hexadecimal(case["bytes"]), structures.recipient))
        except Malformed:
            good = False
        same(case["claim"], good, case["accepted"])


def comparisons(vector):
    workspace = hexadecimal(vector["workspace"])
    for pair in vector["pairs"]:
        ids = sorted(hexadecimal(pair[name]) for name in ("one", "other"))
        digest = primitives.hashed("safety-number", workspace, *ids, length=96)
        groups = [int.from_bytes(digest[place:place + 8], "little") % 100000 for place in range(0, 96, 8)]
        same("safety number", " ".join(f"{group:05}" for group in groups), pair["safety_number"])
    for head in vector["heads"]:
        seq, digest = head["head"].split(":")
        bits = primitives.hashed("head-words", workspace, number(int(seq), 8), hexadecimal(digest))[:11]
        bits = f"{int.from_bytes(bits, 'big'):088b}"
        words = [WORDS[int(bits[place:place + 11], 2)] for place in range(0, 88, 11)]
        same("words", " ".join(words), head["words"])
        same("file", f"agentsecrets-head v1 {vector['workspace']} {head['head']}", head["file"].rstrip("\n"))


def invitation(vector):
    def read(reader):
        reader.header(structures.INVITATION)
        fixed, u64 = structures.fixed, structures.u64
        return structures.fields(("workspace", fixed(32)), ("invite", fixed(32)), ("inviter", fixed(32)), ("seq", u64),
                                 ("hash", fixed(32)), ("relay", lambda r: r.text()), ("expires", u64),
                                 ("token", fixed(32)))(reader)
    code = parse(bech32m.decode("asinvite", vector["code"]), read)
    shown = {"workspace": code["workspace"].hex(), "invite": code["invite"].hex(), "inviter": code["inviter"].hex(),
             "head": f"{code['seq']}:{code['hash'].hex()}", "relay": code["relay"], "expires": code["expires"]}
    same("code", shown, {name: vector[name] for name in shown})
    key = primitives.SigningKey(primitives.hashed("invitation-key", code["token"])).verify_key
    same("key", bytes(key).hex(), vector["key"])

    def reply(reader):
        reader.header(structures.REPLY)
        return structures.fields(("recipient", structures.recipient), ("proof", structures.fixed(64)),
                                 ("label", lambda r: r.blob()))(reader)
    answer = parse(hexadecimal(vector["reply"]), reply)
    data = header(structures.REPLY_LABEL) + code["workspace"] + code["invite"]
    plain = primitives.decrypt(primitives.hashed("invitation-label", code["token"]), data, answer["label"])
    same("label", plain and structures.unpad_label(plain).decode(), vector["label"])
    for case in vector["proofs"]:
        data = header(structures.INVITATION_PROOF) + hexadecimal(case["workspace"]) + hexadecimal(case["invite"])
        data += code["inviter"] + hexadecimal(case["recipient"])
        same(case["claim"], primitives.verifies(bytes(key), data, answer["proof"]), case["accepted"])


def acks(vector):
    who = parse(hexadecimal(vector["recipient"]), structures.recipient)
    for case in vector["cases"]:
        try:
            ack = structures.ack(hexadecimal(case["bytes"]))
            good = ack["member"] == who["id"] and primitives.verifies(who["ed25519"], ack["signed"], ack["signature"])
            verdict = "accepted" if good else "bad_signature"
        except Malformed:
            verdict = "malformed_entry"
        same(case["claim"], verdict, case["verdict"])
    ranked = [structures.ack(hexadecimal(data)) for data in vector["in_order_of_rank"]]
    ranks = [(ack["adopted"], ack["seq"], ack["time"]) for ack in ranked]
    same("ranks", ranks, sorted(ranks))
    for ack in ranked:
        same("signature", primitives.verifies(who["ed25519"], ack["signed"], ack["signature"]), True)


def requests(vector):
    for one in vector["requests"]:
        headers = dict(one["headers"])
        digest = base64.b64encode(hashlib.sha256(hexadecimal(one["body"])).digest()).decode()
        same("digest", f"sha-256=:{digest}:", headers["Content-Digest"])
        label, parameters = headers["Signature-Input"].split("=", 1)
        same("label", label, "agentsecrets")
        base = "\n".join([
            f'"@method": {one["method"]}', f'"@authority": {one["authority"]}', f'"@path": {one["path"]}',
            f'"@query": ?{one["query"]}', f'"content-digest": {headers["Content-Digest"]}',
            f'"@signature-params": {parameters}'])
        signature = base64.b64decode(headers["Signature"].removeprefix("agentsecrets=:").removesuffix(":"))
        same("signature", primitives.verifies(hexadecimal(vector["key"]), base.encode(), signature), True)


CHECKS = {
    "log-whole": log, "log-exposure": log, "log-chain": cases, "log-bytes": cases, "log-signatures": cases,
    "log-exported": exported, "parcel-opened": opened, "parcel-refused": refused_parcels, "deliveries": trees,
    "workspace-key": grants, "labels": labels, "identities": identities, "recipients-refused": recipients,
    "comparisons": comparisons, "invitation": invitation, "acks": acks, "requests": requests,
}


def check(name, vector):
    """Raises where the vector and this implementation differ."""
    CHECKS.get(name, cases if name.startswith("rules-") else None)(vector)
