"""AV1 streams, as AVIF files hold them: the colours that a sequence header states.

The header is that of the AV1 Bitstream & Decoding Process Specification, section 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.images.segments.bits import Bits, Codes

SEQUENCE_HEADER, TEMPORAL_DELIMITER = 1, 2
"""Kinds of units."""
HEADER_BYTES = 256
MAX_UNITS = 4
SELECTED = 2
"""The value of a tool that each frame chooses by itself."""
PROFESSIONAL, WITHOUT_GRAY = 2, 1
"""Profiles of 12 bits, and of colours only."""


def stream_codes(stream: bytes) -> Codes | None:
    """Read the colours of the first sequence header; None if it is damaged or states none."""
    try:
        return next((_codes(Bits(header)) for header in _sequence_headers(stream)), None)
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


def _codes(bits: Bits) -> Codes | None:
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
    return bits.codes_if()


def _skip_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.take():  # times
        bits.take(64)
        if bits.take():  # all pictures are shown for equally long
            bits.take_number()
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


def _skip_tools_between_frames(bits: Bits) -> None:
    bits.take(4)
    has_order = bits.skip_if(2)
    screen_content = SELECTED if bits.take() else bits.take()
    if screen_content and not bits.take():
        bits.take()
    if has_order:
        bits.take(3)
