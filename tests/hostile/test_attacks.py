"""No file costs a decoder more than a large picture does."""

from __future__ import annotations

import pytest
from PIL import Image

from backend.images.sandbox.limits import processor_seconds
from benchmarks.attacks import by_this_project, cost, without_limits
from benchmarks.hostile_files import FILES, LIMIT, HostileFile
from tests.pictures import save

GOOD_PICTURES = 2
"""The number of good, largest pictures whose reading costs more than any hostile file's."""
SIDE = 4096
MORE_SECONDS = 0.5
"""The kernel's possible delay."""
MAX_MEBIBYTES = 300
BYTES_PER_PIXEL = 12
"""Bytes per pixel of a picture that is read after all, by the decoder and by NumPy."""


@pytest.fixture(scope="module")
def good() -> bytes:
    """Make a good picture of the largest size."""
    picture = Image.effect_noise((SIDE, SIDE), 60).convert("RGB")
    return save(picture, "JPEG", quality=90, progressive=True)


@pytest.mark.parametrize("hostile", FILES, ids=str)
def test_a_hostile_file_is_cheap(hostile: HostileFile, good: bytes) -> None:
    """Costs are compared with good pictures read a moment later, whatever the machine's speed.

    Files that the limits end are bounded by them.
    """
    data = hostile.make()
    assert len(data) <= LIMIT
    if hostile.is_ended:
        found = cost(by_this_project, data, max_side=SIDE)
        assert found.outcome in ("ended by limit", "invalid_image", "4096 x 4096"), found
        assert found.seconds < processor_seconds(SIDE**2) + MORE_SECONDS, found
        return
    found = cost(without_limits, data, max_side=SIDE)
    pixels = SIDE**2 if found.outcome == "4096 x 4096" else 0
    assert found.outcome in ("invalid_image", "64 x 64", "4096 x 4096"), found
    allowed = GOOD_PICTURES * cost(without_limits, good, max_side=SIDE).seconds
    assert found.seconds < allowed, found
    assert found.mebibytes < MAX_MEBIBYTES + BYTES_PER_PIXEL * pixels / 2**20, found
