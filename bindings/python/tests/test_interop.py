"""Sealed boxes, byte for byte those of libsodium: PyNaCl opens ours, we open PyNaCl's."""
import random

import pytest
from nacl.public import PrivateKey, PublicKey, SealedBox

from agentsecrets_core import Identity, Secret, errors, generate_keys, public_key, seal, seal_many, unseal, unseal_many

COUNT = 1000


def messages() -> "list[bytes]":
    source = random.Random(7)
    return [source.randbytes(source.choice((0, 1, 31, 32, 33, source.randrange(2000)))) for _ in range(COUNT)]


def test_pynacl_opens_ours() -> None:
    theirs = PrivateKey.generate()
    box = SealedBox(theirs)
    for n, message in enumerate(messages()):
        to = bytes(theirs.public_key)
        sealed = seal(to, message) if n % 2 else seal_many(to, [message, b"other"])[0]
        assert box.decrypt(sealed) == message


def test_we_open_pynacls() -> None:
    public, secret = generate_keys()
    box = SealedBox(PublicKey(public))
    sent = messages()
    sealed = [box.encrypt(message) for message in sent]
    assert [unseal(secret, one) for one in sealed] == sent
    assert unseal_many(secret, list(sealed)) == sent


def test_keys_are_the_same_keys() -> None:
    public, secret = generate_keys()
    assert bytes(PrivateKey(secret.reveal_bytes()).public_key) == public == public_key(secret) == public_key(secret.reveal_bytes())


def test_an_identity_opens_what_its_recipient_string_was_given() -> None:
    me = Identity.generate("human")
    assert unseal(me, seal(me.recipient, "Grüße")) == "Grüße".encode()
    assert unseal_many(me, seal_many(me.recipient, ["a", b"b", Secret("c")])) == [b"a", b"b", b"c"]
    again = Identity.parse(me.string())
    assert again.recipient == me.recipient and again.fingerprint == me.fingerprint and "asidentity" not in repr(me)


def test_a_box_of_somebody_else_is_an_error_of_its_own() -> None:
    public, secret = generate_keys()
    good, other = seal(public, b"hello"), seal(generate_keys()[0], b"hello")
    opened = unseal_many(secret, [good, other, good[:-1]])
    assert opened[0] == b"hello" and isinstance(opened[1], errors.OpenFailed) and isinstance(opened[2], errors.OpenFailed)
    with pytest.raises(errors.OpenFailed):
        unseal(secret, other)
    with pytest.raises(errors.InvalidArgument):
        seal(bytes(32), b"hello")
