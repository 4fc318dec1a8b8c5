"""Random damage to files and texts, for the decoders and parsers that must survive it."""

from __future__ import annotations

import random


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Damage a file one to four times: flip, overwrite, remove, repeat or insert bytes, or cut."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        # Headers are where the interesting fields are.
        end = len(whole) if chance.random() < 0.5 else min(len(whole), 128)
        place, length = chance.randrange(max(1, end)), chance.choice((1, 1, 2, 4, 16, 64))
        hurt = chance.randrange(7)
        if hurt == 0 and place < len(whole):
            whole[place] ^= 1 << chance.randrange(8)
        elif hurt == 1:
            whole[place : place + length] = chance.randbytes(length)
        elif hurt == 2:
            whole[place : place + length] = bytes((chance.choice((0, 255)),)) * length
        elif hurt == 3:
            del whole[place : place + length]
        elif hurt == 4:
            whole[place:place] = chance.randbytes(length)
        elif hurt == 5:
            whole[place:place] = whole[place : place + 64]
        else:
            del whole[max(place, 16) :]
    return bytes(whole)


def hurt_text(data: bytes, chance: random.Random) -> bytes:
    """Mutate text with letters and words that parsers of JSON and addresses trip over."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(whole) + 1)
        if chance.random() < 0.6:
            whole[place:place] = chance.choice(TRICKS)
        else:
            whole = bytearray(mutate(bytes(whole) or b"x", chance))
    return bytes(whole)


TRICKS = (
    b"\\ud800",
    b"\\u0000",
    b"\\",
    b'"',
    b"[",
    b"{",
    b"]}",
    b",",
    b":",
    b"null",
    b"true",
    b"1e999",
    b"-0",
    b"NaN",
    b"9" * 400,
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"%00",
    b"@",
    b"#",
    b"?",
    b"//",
    b"\r\n",
    b"\t",
    b"127.0.0.1",
    b"[::1]",
    b"0x7f.1",
    b"169.254.169.254",
    b"..",
    b"../",
    "\u3002".encode(),
    "\u202e".encode(),
)
