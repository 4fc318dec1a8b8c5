"""The project's own slider."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping

from webapp.component import component
from webapp.slider.side import Side, unpack


def show(
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    texts: Mapping[str, str],
    key: str,
    sweeps: bool = False,
) -> None:
    """Mount the slider at the current place of the page."""
    # Streamlit refuses keys with "__" here, so the caller's key is hashed once more.
    element = f"slider-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    blob = join(left, right, labels=labels, texts=texts, key=key, sweeps=sweeps)
    component("slider")(key=element, data=blob)


def join(
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    texts: Mapping[str, str],
    key: str,
    sweeps: bool = False,
) -> bytes:
    """One blob: length of the header (4 bytes, big endian), header (JSON), the WebP files."""
    sides: dict[str, Side] = {"before": unpack(left), "after": unpack(right)}
    patches = [(name, patch) for name, side in sides.items() for patch in side.patches]
    header = {
        "id": key,
        "labels": labels,
        "texts": dict(texts),
        "sweeps": sweeps,
        "size": sides["after"].size,
        "before": sides["before"].size,
        "pictures": [
            {"side": name, "place": patch.place, "length": len(patch.webp)}
            for name, patch in patches
        ],
    }
    text = json.dumps(header).encode()
    return b"".join([struct.pack(">I", len(text)), text, *(patch.webp for _, patch in patches)])
