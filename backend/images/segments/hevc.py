"""HEVC streams, as HEIC files hold them: the colours that a sequence parameter set states.

The set is that of ITU-T H.265, section 7.3.2.2. One with parts that only films need is not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from backend.images.segments.bits import Bits, Codes

SEQUENCE_SET = 33
ARRAYS = 22
"""The place of the number of arrays in a decoder's configuration."""
MAX_BYTES = 512
PROFILE_BITS, LEVEL_BITS = 88, 8
COLOURS_IN_PLANES = 3
OWN_RATIO = 255


def stream_codes(configuration: bytes) -> Codes | None:
    """Read the colours from the decoder's configuration; None if it states none."""
    try:
        return next((_codes(Bits(each)) for each in _sequence_sets(configuration)), None)
    except (EOFError, IndexError, struct.error):
        return None


def _sequence_sets(configuration: bytes) -> Iterator[bytes]:
    at = ARRAYS + 1
    for _ in range(configuration[ARRAYS]):
        kind, number = struct.unpack_from(">BH", configuration, at)
        at += 3
        for _ in range(number):
            (length,) = struct.unpack_from(">H", configuration, at)
            if kind & 63 == SEQUENCE_SET:
                unit = configuration[at + 4 : at + 2 + min(length, MAX_BYTES)]
                yield unit.replace(b"\0\0\3", b"\0\0")
            at += 2 + length


def _codes(bits: Bits) -> Codes | None:
    bits.take(4)
    layers = bits.take(3)
    bits.take()
    _skip_profiles(bits, layers)
    bits.take_number()
    if bits.take_number() == COLOURS_IN_PLANES:
        bits.take()
    _skip_numbers(bits, 2)  # the size
    _skip_numbers(bits, 4 * bits.take())  # the part that is shown
    _skip_numbers(bits, 3)
    _skip_numbers(bits, 3 * (layers + 1 if bits.take() else 1))
    _skip_numbers(bits, 6)
    if bits.take():  # scaling lists
        return None
    bits.take(2)
    if bits.skip_if(8):  # blocks without coding
        _skip_numbers(bits, 2)
        bits.take()
    if bits.take_number() or bits.take():  # references to other pictures
        return None
    bits.take(2)
    if not bits.take():  # no facts for screens
        return None
    if bits.take() and bits.take(8) == OWN_RATIO:
        bits.take(32)
    bits.skip_if(1)
    if not bits.take():
        return None
    bits.take(4)  # the format, and full or narrow range
    return bits.codes_if()


def _skip_profiles(bits: Bits, layers: int) -> None:
    bits.take(PROFILE_BITS + LEVEL_BITS)
    flags = [(bits.take(), bits.take()) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for has_profile, has_level in flags:
        bits.take(PROFILE_BITS * has_profile + LEVEL_BITS * has_level)


def _skip_numbers(bits: Bits, number: int) -> None:
    for _ in range(number):
        bits.take_number()
