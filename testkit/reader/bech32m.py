"""bech32m (BIP 350) of any length."""
from borsh import Malformed

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CONSTANT = 0x2BC830A3
GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def checksum(prefix, digits):
    state = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + digits:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(GENERATORS):
            state ^= generator if top >> bit & 1 else 0
    return state


def decode(prefix, text):
    if text.upper() == text:
        text = text.lower()
    start = prefix + "1"
    if not text.startswith(start) or any(c not in CHARSET for c in text[len(start):]):
        raise Malformed("not bech32m of this prefix")
    digits = [CHARSET.index(c) for c in text[len(start):]]
    if checksum(prefix, digits) != CONSTANT:
        raise Malformed("a wrong checksum")
    bits = "".join(f"{digit:05b}" for digit in digits[:-6])
    whole = len(bits) // 8 * 8
    if len(bits) - whole > 4 or "1" in bits[whole:]:
        raise Malformed("spare bits that are not zero")
    return bytes(int(bits[place:place + 8], 2) for place in range(0, whole, 8))
