"""Algorithms of suite 1, from libraries: PyNaCl (libsodium) and blake3."""
import nacl.bindings as sodium
import nacl.exceptions
from blake3 import blake3
from nacl.public import Box, PrivateKey, PublicKey
from nacl.signing import SigningKey, VerifyKey

PRIME = 2**255 - 19


def context(word):
    return "agentsecrets v1 " + word


def hashed(word, *parts, length=32):
    return blake3(b"".join(parts), derive_key_context=context(word)).digest(length=length)


def commit(word, salt, data):
    return blake3(data, key=hashed(word, salt)).digest()


def verifies(key, message, signature):
    """Ed25519; libsodium refuses weak keys and what is not reduced."""
    try:
        VerifyKey(key).verify(message, signature)
        return True
    except (nacl.exceptions.BadSignatureError, ValueError, nacl.exceptions.CryptoError):
        return False


def signing_key(seed):
    return SigningKey(hashed("signing-key", seed))


def opening_key(seed):
    return PrivateKey(hashed("opening-key", seed))


def good_ed25519(key):
    return sodium.crypto_core_ed25519_is_valid_point(key)


def good_x25519(key):
    """Canonical, and not of low order: no multiple of it is zero."""
    if int.from_bytes(key, "little") >= PRIME:
        return False
    try:
        return sodium.crypto_scalarmult(bytes(31) + b"\x40", key) != bytes(32)
    except (nacl.exceptions.RuntimeError, RuntimeError):
        return False


def open_sealed(key, sealed):
    """`crypto_box_seal_open`; None for every failure."""
    if len(sealed) < 48 or not good_x25519(sealed[:32]):
        return None
    try:
        return sodium.crypto_box_seal_open(sealed, bytes(key.public_key), bytes(key))
    except (nacl.exceptions.CryptoError, nacl.exceptions.RuntimeError):
        return None


def open_box(key, sender, boxed):
    """`crypto_box` with its nonce in front; None for every failure."""
    try:
        return Box(key, PublicKey(sender)).decrypt(boxed)
    except (nacl.exceptions.CryptoError, ValueError):
        return None


def decrypt(key, data, boxed):
    """XChaCha20-Poly1305 with its nonce in front; None for every failure."""
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(boxed[24:], data, boxed[:24], key)
    except (nacl.exceptions.CryptoError, nacl.exceptions.RuntimeError, ValueError):
        return None
