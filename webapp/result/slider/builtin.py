"""The project's own slider."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from webapp.base.component import component
from webapp.base.side import Side, unpack

FOLDER = Path(__file__).parent


def show(
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    texts: Mapping[str, str],
    key: str,
    slot: str = "result",
    sweeps: bool = False,
    details: tuple[str, str] | None = None,
) -> None:
    """Mount the slider at the current place of the page."""
    # The same element for all pictures: with another one, both would be there for a moment.
    element = f"slider-{slot}"
    blob = join(left, right, labels=labels, texts=texts, key=key, sweeps=sweeps, details=details)
    component(FOLDER)(key=element, data=blob)


def join(
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    texts: Mapping[str, str],
    key: str,
    sweeps: bool = False,
    details: tuple[str, str] | None = None,
) -> bytes:
    """One blob: length of the header (4 bytes, big endian), header (JSON), the WebP files."""
    sides: dict[str, Side] = {"before": unpack(left), "after": unpack(right)}
    patches = [(name, patch) for name, side in sides.items() for patch in side.patches]
    header = {
        "id": key,
        "labels": labels,
        "texts": dict(texts),
        "sweeps": sweeps,
        "details": details,
        "size": sides["after"].size,
        "before": sides["before"].size,
        "pictures": [
            {"side": name, "place": patch.place, "length": len(patch.webp)}
            for name, patch in patches
        ],
    }
    text = json.dumps(header).encode()
    return b"".join([struct.pack(">I", len(text)), text, *(patch.webp for _, patch in patches)])
