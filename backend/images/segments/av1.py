"""AV1 streams, as AVIF files hold them: the colours that a sequence header states.

The header is that of the AV1 Bitstream & Decoding Process Specification, section 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator

SEQUENCE_HEADER, TEMPORAL_DELIMITER = 1, 2
"""Kinds of units."""
HEADER_BYTES = 256
MAX_UNITS = 4
SELECTED = 2
"""The value of a tool that each frame chooses by itself."""
PROFESSIONAL, WITHOUT_GRAY = 2, 1
"""Profiles of 12 bits, and of colours only."""

Codes = tuple[int, int, int]
"""Primaries, transfer and matrix of ITU-T H.273."""


class _Bits:
    """A reader of fields that raises EOFError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, number: int = 1) -> int:
        """Return the next field of so many bits."""
        self._left -= number
        if self._left < 0:
            raise EOFError
        return self._value >> self._left & (1 << number) - 1

    def skip_if(self, number: int) -> bool:
        """Skip so many bits if the next one is set, and return whether it is."""
        is_set = bool(self.take())
        self.take(number if is_set else 0)
        return is_set


def stream_codes(stream: bytes) -> Codes | None:
    """Read the colours of the first sequence header; None if it is damaged or states none."""
    try:
        return next((_codes(_Bits(header)) for header in _sequence_headers(stream)), None)
    except EOFError:
        return None


def _sequence_headers(stream: bytes) -> Iterator[bytes]:
    """Walk units up to one that is neither a header nor a delimiter."""
    at = 0
    for _ in range(MAX_UNITS):
        if at >= len(stream):
            return
        kind, has_extension, has_size = stream[at] >> 3 & 15, stream[at] & 4, stream[at] & 2
        at += 2 if has_extension else 1
        length, shift = 0 if has_size else len(stream) - at, 0
        while has_size and at < len(stream) and shift < 35:
            length |= (stream[at] & 127) << shift
            shift += 7
            at += 1
            has_size = stream[at - 1] & 128
        if kind == SEQUENCE_HEADER:
            yield stream[at : at + min(length, HEADER_BYTES)]
        elif kind != TEMPORAL_DELIMITER:
            return
        at += length


def _codes(bits: _Bits) -> Codes | None:
    profile, _, is_reduced = bits.take(3), bits.take(), bits.take()
    if is_reduced:
        bits.take(5)  # the level
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width_bits + height_bits)
    if not is_reduced:
        bits.skip_if(7)  # the lengths of frame numbers
    bits.take(3)  # large blocks, and two filters
    if not is_reduced:
        _skip_tools_between_frames(bits)
    bits.take(3)  # superresolution, and two filters
    is_deep = bits.take()
    if is_deep and profile == PROFESSIONAL:
        bits.take()  # 12 bits
    if profile != WITHOUT_GRAY:
        bits.take()  # grey alone
    return (bits.take(8), bits.take(8), bits.take(8)) if bits.take() else None


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take():  # times
        bits.take(64)
        if bits.take():  # all pictures are shown for equally long: a number of variable length
            zeros = 0
            while not bits.take():
                zeros += 1
            bits.take(zeros)
        if bits.take():  # a model of the decoder
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take()
        if delay_bits:
            bits.skip_if(2 * delay_bits + 1)
        if has_display_delay:
            bits.skip_if(4)


def _skip_tools_between_frames(bits: _Bits) -> None:
    bits.take(4)
    has_order = bits.skip_if(2)
    screen_content = SELECTED if bits.take() else bits.take()
    if screen_content and not bits.take():
        bits.take()
    if has_order:
        bits.take(3)
