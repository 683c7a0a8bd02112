"""The fold of spec/log.md: who may write what, and the state that follows."""
import primitives
import structures
from borsh import Malformed, header, number

READER, WRITER, ADMIN, OWNER = range(4)
HUMAN = 0


class Refused(Exception):
    """An entry that breaks a rule; its text is the error code."""


def ensure(holds, code="refused_entry"):
    if not holds:
        raise Refused(code)


# --- scopes --------------------------------------------------------------------------------------------


def holds(scope, environment, secret):
    return scope is None or any(where == environment and (secrets is None or secret in secrets)
                                for where, secrets in scope)


def holds_environment(scope, environment):
    return scope is None or (environment, None) in scope


def within(scope, outer):
    if outer is None or scope is None:
        return outer is None
    return all(holds_environment(outer, where) or
               (secrets is not None and all(holds(outer, where, secret) for secret in secrets))
               for where, secrets in scope)


def in_order(values):
    return all(one < other for one, other in zip(values, values[1:]))


def well_formed(scope):
    return scope is None or (scope and in_order([where for where, _ in scope]) and
                             all(secrets is None or (secrets and in_order(secrets)) for _, secrets in scope))


def is_blind(scope):
    return scope is not None and all(secrets is not None for _, secrets in scope)


def acts_on(role, other):
    return role == OWNER or (role == ADMIN and other < ADMIN)


def scope_bytes(scope):
    if scope is None:
        return b"\0"
    parts = [where + (b"\0" if secrets is None else b"\1" + number(len(secrets), 4) + b"".join(secrets))
             for where, secrets in scope]
    return b"\1" + number(len(scope), 4) + b"".join(parts)


# --- state ---------------------------------------------------------------------------------------------


class State:
    """What a log folds to."""

    def __init__(self, genesis):
        body = genesis["body"]
        ensure(genesis["kind"] == "genesis", "broken_chain")
        ensure(genesis["workspace"] == genesis["prev"] == bytes(32) and genesis["seq"] == 0)
        ensure(genesis["author"] == body["founder"]["id"])
        ensure(body["name"]["generation"] == body["label"]["generation"] == 0)
        ensure(structures.signs_itself(body["founder"]), "malformed_recipient")
        ensure(primitives.verifies(body["founder"]["ed25519"], genesis["signed"], genesis["signature"]), "bad_signature")
        self.workspace, self.head = genesis["hash"], (0, genesis["hash"])
        self.policy, self.generations, self.holders = body["policy"], [body["key"]], set()
        self.members, self.environments, self.secrets, self.invitations = {}, {}, {}, {}
        self.exposed, self.differs, self.strays = set(), set(), set()
        self.enter(body["founder"], body["person"], OWNER, None)

    def enter(self, who, person, role, scope):
        self.members[who["id"]] = {"who": who, "person": person, "role": role, "scope": scope, "active": True}
        self.note_holders()

    def note_holders(self):
        """Whoever has the current generation now."""
        self.holders |= {id_ for id_, one in self.active() if not is_blind(one["scope"])}

    def active(self):
        return [(id_, one) for id_, one in sorted(self.members.items()) if one["active"]]

    def member(self, id_):
        one = self.members.get(id_)
        return one if one and one["active"] else None

    def version(self, one):
        """Commitment, or None for a deletion; raises where there is no such version."""
        versions = self.secrets[one["secret"]]["versions"]
        ensure(1 <= one["version"] <= len(versions))
        return versions[one["version"] - 1]

    def exists(self, one):
        return one["secret"] in self.secrets and 1 <= one["version"] <= len(self.secrets[one["secret"]]["versions"])

    def needs_rekey(self):
        return any(not self.members[id_]["active"] or is_blind(self.members[id_]["scope"]) for id_ in self.holders)

    def apply(self, entry):
        """Takes an entry in, or raises and stays as it was."""
        follows = (self.workspace, self.head[0] + 1, self.head[1])
        ensure((entry["workspace"], entry["seq"], entry["prev"]) == follows, "broken_chain")
        author = self.member(entry["author"])
        ensure(author)
        ensure(primitives.verifies(author["who"]["ed25519"], entry["signed"], entry["signature"]), "bad_signature")
        ensure(entry["kind"] != "genesis")
        getattr(self, entry["kind"] + "_rules")(entry, author, entry["body"])
        getattr(self, entry["kind"] + "_effect")(entry, entry["body"])
        self.head = (entry["seq"], entry["hash"])

    def recipients(self, entry):
        """Whom an entry delivers to, by the state before it."""
        kind, body = entry["kind"], entry["body"]
        if kind == "push":
            put = [one["secret"] for one in body["items"] if one["put"] is not None]
            return [id_ for id_, one in self.active() if any(holds(one["scope"], body["environment"], s) for s in put)]
        if kind == "share":
            return body["recipients"]
        if kind in ("admit", "change") and body["grant"] is not None:
            return [body["recipient"]["id"] if kind == "admit" else body["member"]]
        if kind == "rekey":
            return [id_ for id_, one in self.active() if not is_blind(one["scope"])]
        return []

    # --- rules and effects, kind by kind ---------------------------------------------------------------

    def may_grant(self, author, role, scope):
        ensure(acts_on(author["role"], role) and well_formed(scope) and within(scope, author["scope"]))
        for where, secrets in scope or []:
            ensure(where in self.environments)
            ensure(all(s in self.secrets and self.secrets[s]["environment"] == where for s in secrets or []))

    def current(self, label):
        ensure(label["generation"] == len(self.generations) - 1)

    def environment_rules(self, _, author, body):
        ensure(author["role"] >= ADMIN)
        self.current(body["label"])
        if body["action"] == 0:
            ensure(body["id"] not in self.environments and author["scope"] is None)
        else:
            ensure(self.environments.get(body["id"]) is False and holds_environment(author["scope"], body["id"]))

    def environment_effect(self, _, body):
        self.environments[body["id"]] = body["action"] == 2

    def invite_rules(self, _, author, body):
        self.may_grant(author, body["role"], body["scope"])

    def invite_effect(self, entry, body):
        self.invitations[entry["hash"]] = {"author": entry["author"], "open": True, **body}

    def is_open(self, id_):
        """Open, and its author could write it now."""
        one = self.invitations.get(id_)
        author = self.member(one["author"]) if one and one["open"] else None
        return bool(author) and acts_on(author["role"], one["role"]) and within(one["scope"], author["scope"])

    def uninvite_rules(self, entry, author, body):
        one = self.invitations.get(body["invite"])
        ensure(one and one["open"] and (one["author"] == entry["author"] or acts_on(author["role"], one["role"])))

    def uninvite_effect(self, _, body):
        self.invitations[body["invite"]]["open"] = False

    def admit_rules(self, _, author, body):
        self.may_grant(author, body["role"], body["scope"])
        ensure(len(self.members) < 4096)
        ensure((body["grant"] is not None) != is_blind(body["scope"]))
        self.current(body["label"])
        who = body["recipient"]
        ensure(structures.signs_itself(who), "malformed_recipient")
        for one in self.members.values():
            ensure(one["who"]["ed25519"] != who["ed25519"] and one["who"]["x25519"] != who["x25519"])
        self.person_rules(body)
        kind, invite = body["how"]
        ensure((body["proof"] is not None) == (kind == "invitation"))
        ensure(kind != "founder" and (kind != "first use" or self.policy["first_use"]))
        if kind == "invitation":
            self.proof_rules(body, invite)

    def person_rules(self, body):
        vouched = body["person_proof"]
        if vouched is None:
            ensure(all(one["person"] != body["person"] for one in self.members.values()))
            return
        older = self.member(vouched["member"])
        ensure(older and older["person"] == body["person"] and older["who"]["kind"] == HUMAN)
        data = header(structures.PERSON_PROOF) + self.workspace + body["person"] + body["recipient"]["bytes"]
        data += bytes([body["role"]]) + scope_bytes(body["scope"])
        ensure(primitives.verifies(older["who"]["ed25519"], data, vouched["signature"]), "bad_signature")

    def proof_rules(self, body, invite):
        ensure(self.is_open(invite))
        one = self.invitations[invite]
        ensure(body["role"] <= one["role"] and within(body["scope"], one["scope"]))
        data = header(structures.INVITATION_PROOF) + self.workspace + invite + one["author"] + body["recipient"]["bytes"]
        ensure(primitives.verifies(one["key"], data, body["proof"]), "bad_signature")

    def admit_effect(self, _, body):
        if body["how"][0] == "invitation":
            self.invitations[body["how"][1]]["open"] = False
        self.enter(body["recipient"], body["person"], body["role"], body["scope"])

    def last_owner(self, *ids):
        return not any(one["role"] == OWNER for id_, one in self.active() if id_ not in ids)

    def change_rules(self, _, author, body):
        one = self.member(body["member"])
        ensure(one and acts_on(author["role"], one["role"]))
        self.may_grant(author, body["role"], body["scope"])
        ensure((body["role"], body["scope"]) != (one["role"], one["scope"]))
        ensure(body["role"] == OWNER or not self.last_owner(body["member"]))
        ensure((body["grant"] is not None) == (is_blind(one["scope"]) and not is_blind(body["scope"])))

    def change_effect(self, _, body):
        self.members[body["member"]].update(role=body["role"], scope=body["scope"])
        self.note_holders()

    def removed(self, body):
        kind, who = body["who"]
        return [id_ for id_, one in self.active() if (one["person"] if kind == "persons" else id_) in who]

    def remove_rules(self, entry, author, body):
        kind, who = body["who"]
        ensure(who and in_order(who))
        known = {one["person"] if kind == "persons" else id_ for id_, one in self.active()}
        ensure(all(one in known for one in who))
        ids = self.removed(body)
        own = author["who"]["kind"] == HUMAN
        for one in map(self.member, ids):
            ensure(acts_on(author["role"], one["role"]) or (own and one["person"] == author["person"]))
        ensure(entry["author"] not in ids and not self.last_owner(*ids))

    def remove_effect(self, _, body):
        for id_ in self.removed(body):
            self.members[id_]["active"] = False

    def leave_rules(self, entry, _, __):
        ensure(not self.last_owner(entry["author"]))

    def leave_effect(self, entry, _):
        self.members[entry["author"]]["active"] = False

    def rekey_rules(self, _, author, body):
        ensure(author["role"] >= ADMIN and not is_blind(author["scope"]))
        ensure(body["generation"] == len(self.generations) and body["commitment"] not in self.generations)
        ensure(body["root"] != bytes(32))

    def rekey_effect(self, _, body):
        self.generations.append(body["commitment"])
        self.holders = set()
        self.note_holders()

    def push_rules(self, entry, author, body):
        ensure(author["role"] >= WRITER and self.environments.get(body["environment"]) is False)
        ids = [one["secret"] for one in body["items"]]
        ensure(ids and len(set(ids)) == len(ids))
        for one in body["items"]:
            self.item_rules(author, body["environment"], one)
        ensure(all(stray["member"] in self.members for stray in body["strays"]))
        ensure((body["root"] == bytes(32)) == (not self.recipients(entry)))

    def item_rules(self, author, environment, one):
        known = self.secrets.get(one["secret"])
        ensure((known is None) == (one["create"] is not None))
        if known is None:
            ensure(holds_environment(author["scope"], environment) and one["version"] == 1 and one["put"] is not None)
            self.current(one["create"]["name"])
        else:
            ensure(known["environment"] == environment and holds(author["scope"], environment, one["secret"]))
            ensure(one["version"] == len(known["versions"]) + 1)
        ensure(one["policy"] is None or (author["role"] >= ADMIN and one["put"] is not None))
        ensure(all(self.exists(old) for old in one["differs_from"]))

    def push_effect(self, entry, body):
        where = body["environment"]
        for one in body["items"]:
            new = self.secrets.setdefault(one["secret"], {"environment": where, "versions": []})
            new["versions"].append(one["put"])
            if one["put"] is not None:
                version = (one["secret"], one["version"])
                readers = {id_ for id_, member in self.active() if holds(member["scope"], where, one["secret"])}
                self.exposed |= {(id_, version) for id_ in readers | {entry["author"]}}
            self.differs |= {((one["secret"], one["version"]), (old["secret"], old["version"]))
                             for old in one["differs_from"]}
        self.take_strays(body)

    def take_strays(self, body):
        for stray in body["strays"]:
            version = (stray["version"]["secret"], stray["version"]["version"])
            self.exposed.add((stray["member"], version))

    def share_rules(self, _, author, body):
        ensure(author["role"] >= WRITER and body["environment"] in self.environments)
        versions = [(one["secret"], one["version"]) for one in body["versions"]]
        ensure(versions and in_order(versions) and body["recipients"] and in_order(body["recipients"]))
        for one in body["versions"]:
            ensure(self.exists(one) and self.version(one) is not None)
            ensure(self.secrets[one["secret"]]["environment"] == body["environment"])
            ensure(holds(author["scope"], body["environment"], one["secret"]))
        for id_ in body["recipients"]:
            member = self.member(id_)
            ensure(member and all(holds(member["scope"], body["environment"], secret) for secret, _ in versions))
        ensure(all(self.exists(one) for two in body["differs"] for one in two))
        ensure(all(stray["member"] in self.members for stray in body["strays"]))
        ensure(body["root"] != bytes(32))

    def share_effect(self, _, body):
        versions = [(one["secret"], one["version"]) for one in body["versions"]]
        self.exposed |= {(id_, version) for id_ in body["recipients"] for version in versions}
        self.differs |= {tuple((one["secret"], one["version"]) for one in two) for two in body["differs"]}
        self.take_strays(body)

    def policy_rules(self, _, author, __):
        ensure(author["role"] == OWNER)

    def policy_effect(self, _, body):
        self.policy = body["policy"]

    # --- exposure --------------------------------------------------------------------------------------

    def reads(self, id_, secret):
        member = self.member(id_)
        return bool(member) and holds(member["scope"], self.secrets[secret]["environment"], secret)

    def known_other(self, secret, exposed):
        """Whether the live version is known to be another value than an exposed one."""
        versions = self.secrets[secret]["versions"]
        live = (secret, len(versions))
        claimed = (live, exposed) in self.differs or (exposed, live) in self.differs
        return versions[-1] is not None and live != exposed and claimed

    def rotations(self):
        """Secret: versions, readers."""
        due = {}
        for id_, version in sorted(self.exposed):
            secret = version[0]
            if secret in self.secrets and not self.reads(id_, secret) and not self.known_other(secret, version):
                versions, readers = due.setdefault(secret, (set(), set()))
                versions.add(version[1])
                readers.add(id_)
        return due


def judge(state, data):
    """Folds one entry's bytes; the state, and `accepted` or the code."""
    try:
        entry = structures.entry(data)
    except Malformed:
        return state, "malformed_entry"
    try:
        if state is None:
            return State(entry), "accepted"
        state.apply(entry)
        return state, "accepted"
    except Refused as refused:
        return state, str(refused)
