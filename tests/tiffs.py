"""TIFF files of any layout, written by hand: Pillow writes few of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

ORDERS = {"<": b"II", ">": b"MM"}
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
KINDS = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}
SHORT, LONG = (3, "H"), (4, "I")
Tags = dict[int, Sequence[int]]


def samples(values: npt.NDArray[np.float64], *, bits: int, kind: int, order: str) -> bytes:
    """Pack (H, W, C) of 0 to 1 into rows of samples with so many bits."""
    if kind == FLOAT:
        return values.astype(f"{order}f{bits // 8}").tobytes()
    top = 2 ** (bits - (kind == SIGNED)) - 1
    levels = np.round(values * top)
    if bits >= 8 and bits % 8 == 0:
        return levels.astype(f"{order}{KINDS[kind]}{bits // 8}").tobytes()
    places = np.arange(bits)[::-1]
    rows = levels.astype(np.uint32).reshape(len(values), -1, 1) >> places & 1
    return np.packbits(rows.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


def directory(
    values: npt.NDArray[np.float64],
    *,
    photometric: int,
    bits: int,
    kind: int = UNSIGNED,
    in_planes: bool = False,
    order: str = "<",
    more: Tags | None = None,
) -> tuple[Tags, list[bytes]]:
    """Return the tags of a picture (H, W, C), and its strips."""
    height, width, channels = values.shape
    planes = [values[..., each : each + 1] for each in range(channels)] if in_planes else [values]
    strips = [samples(each, bits=bits, kind=kind, order=order) for each in planes]
    tags: Tags = {
        256: [width],
        257: [height],
        258: [bits] * channels,
        259: [1],
        262: [photometric],
        277: [channels],
        278: [height],
        284: [2 if in_planes else 1],
        339: [kind] * channels,
    }
    return tags | (more or {}), strips


def tiff(*directories: tuple[Tags, list[bytes]], order: str = "<", is_big: bool = False) -> bytes:
    """Make a file with these pictures one after the other."""
    data = bytearray(ORDERS[order])
    data += struct.pack(
        order + "HHH" if is_big else order + "H", *((43, 8, 0) if is_big else (42,))
    )
    link, place = len(data), "Q" if is_big else "I"
    data += bytes(struct.calcsize(place))
    for tags, strips in directories:
        starts = []
        for strip in strips:
            starts.append(len(data))
            data += strip + bytes(len(strip) % 2)
        data += bytes(-len(data) % 8)
        whole = {**tags, 273: starts, 279: [len(strip) for strip in strips]}
        data[link : link + struct.calcsize(place)] = struct.pack(order + place, len(data))
        link = _append(data, whole, order=order, is_big=is_big)
    return bytes(data)


def append_directory(
    data: bytes, tags: Tags, strips: list[bytes], *, order: str = "<"
) -> tuple[bytes, int]:
    """Make a file with one more directory that nothing points to, and its offset."""
    file = bytearray(data)
    starts = []
    for strip in strips:
        starts.append(len(file))
        file += strip + bytes(len(strip) % 2)
    place = len(file)
    whole = {**tags, 273: starts, 279: [len(strip) for strip in strips]}
    _append(file, whole, order=order, is_big=False)
    return bytes(file), place


def _append(data: bytearray, tags: Tags, *, order: str, is_big: bool) -> int:
    """Return where the next directory's place goes."""
    place, inline = ("Q", 8) if is_big else ("I", 4)
    counts, entry_bytes = ("Q", 20) if is_big else ("H", 12)
    start = len(data)
    end = start + struct.calcsize(counts) + entry_bytes * len(tags) + struct.calcsize(place)
    entries, after = struct.pack(order + counts, len(tags)), b""
    for tag, values in sorted(tags.items()):
        kind, letter = SHORT if max(values) < 2**16 and tag not in (273, 279, 330) else LONG
        content = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(content) > inline:
            content, far = struct.pack(order + place, end + len(after)), content
            after += far + bytes(len(far) % 2)
        entries += struct.pack(f"{order}HH{place}", tag, kind, len(values)) + content.ljust(
            inline, b"\0"
        )
    data += entries + bytes(struct.calcsize(place)) + after
    return end - struct.calcsize(place)
