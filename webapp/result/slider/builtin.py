"""The project's own slider."""

from __future__ import annotations

from dataclasses import asdict

from webapp.base.component import component
from webapp.base.side import MAX_SIDE, Side, frame, unpack
from webapp.result.slider.comparison import Comparison
from webapp.result.zoom import TILE_SIDE


def show(comparison: Comparison) -> None:
    """Mount the slider at the current place of the page."""
    # One element for all pictures: two would both be visible for a moment.
    component(__file__)(key="slider-result", data=join(comparison))


def join(comparison: Comparison) -> bytes:
    """Pack all data for the browser into one blob, as `side.frame` does."""
    sides: dict[str, Side] = {"before": unpack(comparison.left)}
    if comparison.right is not None:
        sides["after"] = unpack(comparison.right)
    patches = [(name, patch) for name, side in sides.items() for patch in side.patches]
    start = comparison.start
    header = {
        "id": comparison.key,
        "version": comparison.version,
        "subject": comparison.subject,
        "labels": comparison.labels,
        "texts": dict(comparison.texts),
        "sweeps": comparison.sweeps,
        "same": comparison.is_same,
        "pixelated": comparison.is_pixelated,
        "details": comparison.details,
        "live": comparison.live,
        "start": None if start is None else asdict(start),
        "size": comparison.size or sides["after"].size,
        "before": sides["before"].size,
        "limits": {"preview": MAX_SIDE, "tile": TILE_SIDE},
        "pictures": [
            {"side": name, "place": patch.place, "length": len(patch.webp)}
            for name, patch in patches
        ],
    }
    return frame(header, [patch.webp for _, patch in patches])
