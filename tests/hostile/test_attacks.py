"""No file costs a decoder more than a large picture does."""

from __future__ import annotations

import pytest

from backend.images.sandbox.limits import processor_seconds
from benchmarks.attacks import by_this_project, cost
from benchmarks.hostile_files import FILES, LIMIT, HostileFile

MAX_SECONDS = 1.5
SIDE = 4096
MORE_SECONDS = 0.5
"""What the kernel may be late by."""
MAX_MEBIBYTES = 300
BYTES_PER_PIXEL = 12
"""Of a picture that is read after all: its pixels as the decoder and as NumPy have them."""


@pytest.mark.parametrize("hostile", FILES, ids=str)
def test_a_hostile_file_is_cheap(hostile: HostileFile) -> None:
    data = hostile.make()
    assert len(data) <= LIMIT
    found = cost(by_this_project, data, max_side=SIDE)
    if hostile.is_ended:
        assert found.outcome in ("ended by limit", "invalid_image", "4096 x 4096"), found
        assert found.seconds < processor_seconds(SIDE**2) + MORE_SECONDS, found
        return
    pixels = SIDE**2 if found.outcome == "4096 x 4096" else 0
    assert found.outcome in ("invalid_image", "64 x 64", "4096 x 4096"), found
    assert found.seconds < MAX_SECONDS, found
    assert found.mebibytes < MAX_MEBIBYTES + BYTES_PER_PIXEL * pixels / 2**20, found
