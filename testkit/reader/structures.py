"""Structures of spec/identity.md, spec/log.md and spec/parcel.md as dictionaries and tuples."""
import re

import primitives
from borsh import Malformed, blob, header, number, parse

RECIPIENT, ENTRY, INVITATION_PROOF, PERSON_PROOF, ACK, PARCEL, GRANT, COMMITMENT, LABEL = range(1, 10)
INVITATION, IDENTITY, REPLY = 10, 11, 12
LEAF, REPLY_LABEL = 14, 15
MAX_ENTRY, MAX_ACK = 1 << 20, 64 << 10


def fields(*pairs):
    """A reader of a structure: names with readers of their fields."""
    def read(reader):
        return {name: one(reader) for name, one in pairs}
    return read


def fixed(count):
    return lambda reader: reader.take(count)


def listed(one):
    return lambda reader: reader.list(one)


def maybe(one):
    return lambda reader: reader.optional(one)


def cases(count):
    return lambda reader: reader.choice(count)


def u32(reader):
    return reader.u32()


def u64(reader):
    return reader.u64()


def recipient(reader):
    start = reader.place
    reader.header(RECIPIENT)
    value = fields(("ed25519", fixed(32)), ("x25519", fixed(32)), ("kind", cases(4)), ("nonce", fixed(16)),
                   ("signature", fixed(64)))(reader)
    value["bytes"] = reader.data[start:reader.place]
    value["id"] = primitives.hashed("identity", value["bytes"])
    if not primitives.good_ed25519(value["ed25519"]) or not primitives.good_x25519(value["x25519"]):
        raise Malformed("a public key that gives no security")
    return value


def signs_itself(who):
    return primitives.verifies(who["ed25519"], who["bytes"][:-64], who["signature"])


role = cases(4)
label = fields(("generation", u32), ("ciphertext", lambda reader: reader.blob()))
version = fields(("secret", fixed(16)), ("version", u64))
stray = fields(("member", fixed(32)), ("environment", fixed(16)), ("version", version))
pair = lambda reader: (version(reader), version(reader))  # noqa: E731


def scope(reader):
    """None is all; else a list of environment and list of secrets or None."""
    if reader.choice(2) == 0:
        return None
    return reader.list(lambda r: (r.take(16), r.optional(listed(fixed(16)))))


def how(reader):
    kind = reader.choice(4)
    return ("founder", "invitation", "by hand", "first use")[kind], reader.take(32) if kind == 1 else None


def operation(reader):
    """A commitment, or None for a deletion."""
    return reader.take(32) if reader.choice(2) == 0 else None


def who(reader):
    kind = reader.choice(2)
    return ("persons", reader.list(fixed(16))) if kind == 0 else ("members", reader.list(fixed(32)))


policy = fields(("fresh", u64), ("stale", cases(3)), ("first_use", lambda reader: reader.flag()), ("retention", u32))
create = fields(("name_commitment", fixed(32)), ("name", label))
item = fields(("secret", fixed(16)), ("version", u64), ("put", operation), ("create", maybe(create)),
              ("policy", maybe(fixed(32))), ("differs_from", listed(version)))
proof = maybe(fields(("member", fixed(32)), ("signature", fixed(64))))

KINDS = (
    ("genesis", fields(("founder", recipient), ("person", fixed(16)), ("policy", policy), ("key", fixed(32)),
                       ("name", label), ("label", label))),
    ("environment", fields(("id", fixed(16)), ("action", cases(3)), ("label", label))),
    ("invite", fields(("key", fixed(32)), ("role", role), ("scope", scope), ("expires", u64))),
    ("uninvite", fields(("invite", fixed(32)))),
    ("admit", fields(("recipient", recipient), ("person", fixed(16)), ("role", role), ("scope", scope), ("how", how),
                     ("proof", maybe(fixed(64))), ("person_proof", proof), ("grant", maybe(fixed(32))),
                     ("label", label))),
    ("change", fields(("member", fixed(32)), ("role", role), ("scope", scope), ("grant", maybe(fixed(32))))),
    ("remove", fields(("who", who), ("reason", cases(4)))),
    ("leave", fields()),
    ("rekey", fields(("generation", u32), ("commitment", fixed(32)), ("root", fixed(32)))),
    ("push", fields(("batch", fixed(16)), ("environment", fixed(16)), ("items", listed(item)),
                    ("strays", listed(stray)), ("root", fixed(32)))),
    ("share", fields(("batch", fixed(16)), ("environment", fixed(16)), ("versions", listed(version)),
                     ("recipients", listed(fixed(32))), ("differs", listed(pair)), ("strays", listed(stray)),
                     ("root", fixed(32)))),
    ("policy", fields(("policy", policy))),
)


def entry(data):
    """A signed entry."""
    if len(data) > MAX_ENTRY:
        raise Malformed("over 1 MiB")

    def read(reader):
        reader.header(ENTRY)
        value = fields(("workspace", fixed(32)), ("seq", u64), ("prev", fixed(32)), ("time", u64),
                       ("author", fixed(32)))(reader)
        value["kind"], body = KINDS[reader.choice(len(KINDS))]
        value["body"] = body(reader)
        value["signed"], value["signature"] = data[:reader.place], reader.take(64)
        return value
    value = parse(data, read)
    value["hash"] = primitives.hashed("entry-hash", data)
    return value


def ack(data):
    if len(data) > MAX_ACK:
        raise Malformed("over 64 KiB")

    def read(reader):
        reader.header(ACK)
        value = fields(("workspace", fixed(32)), ("member", fixed(32)), ("adopted", u32), ("seq", u64),
                       ("hash", fixed(32)), ("time", u64), ("missing", listed(version)))(reader)
        value["signed"], value["signature"] = data[:reader.place], reader.take(64)
        return value
    value = parse(data, read)
    missing = [(one["secret"], one["version"]) for one in value["missing"]]
    if len(missing) > 1000 or missing != sorted(set(missing)):
        raise Malformed("missing versions out of order")
    return value


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")


def secret_name(reader):
    text = reader.text()
    if not NAME.fullmatch(text):
        raise Malformed("not a name")
    return text


parcel_item = fields(("secret", fixed(16)), ("version", u64), ("name", secret_name), ("name_salt", fixed(32)),
                     ("policy", lambda reader: reader.blob()), ("policy_salt", fixed(32)), ("salt", fixed(32)),
                     ("value", lambda reader: reader.blob()))


def parcel(padded, expected):
    """Length, content, zeros up to the smallest bucket of 256 times a power of two."""
    length = int.from_bytes(padded[:4], "little")
    content, zeros = padded[4:4 + length], padded[4 + length:]
    bucket = 256
    while bucket < 4 + length:
        bucket *= 2
    if len(padded) != bucket or any(zeros):
        raise Malformed("another bucket, or padding that is not zero")

    def read(reader):
        reader.header(PARCEL)
        return fields(("workspace", fixed(32)), ("batch", fixed(16)), ("author", fixed(32)), ("recipient", fixed(32)),
                      ("environment", fixed(16)), ("environment_label", lambda reader: reader.text()),
                      ("items", listed(parcel_item)))(reader)
    value = parse(content, read)
    if any(value[name] != wanted for name, wanted in expected.items()):
        raise Malformed("the inside names something else than the entry")
    return value


def commitments(parcel_, one):
    """Of value, name and policy."""
    place = parcel_["workspace"] + parcel_["environment"] + one["secret"] + number(one["version"], 8)
    name = one["name"].encode()
    inside = header(COMMITMENT) + place + blob(name) + blob(one["policy"]) + blob(one["value"])
    return (primitives.commit("item-commitment", one["salt"], inside),
            primitives.commit("name-commitment", one["name_salt"], name),
            primitives.commit("policy-commitment", one["policy_salt"], one["policy"]))


def unpad_label(plain):
    """Length, text, zeros up to a multiple of 64."""
    length = int.from_bytes(plain[:2], "little")
    whole = -(-(2 + length) // 64) * 64
    if length > 1024 or len(plain) != whole or any(plain[2 + length:]):
        raise Malformed("a label's padding")
    return plain[2:2 + length]


def leaf(recipient_, parts):
    return primitives.hashed("deliveries-leaf", header(LEAF), recipient_, number(len(parts), 4), *parts)


def tree(leaves):
    """Levels of the deliveries tree, from the leaves up."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        level = levels[-1]
        pairs = [level[place:place + 2] for place in range(0, len(level), 2)]
        levels.append([primitives.hashed("deliveries-node", *two) if len(two) == 2 else two[0] for two in pairs])
    return levels


def siblings(levels, index):
    path = []
    for level in levels[:-1]:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        index //= 2
    return path
