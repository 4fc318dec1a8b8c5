"""The size in bytes that each choice of the list of sizes announces."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from backend.images.picture import decode
from webapp.base.files import Disk
from webapp.intake.pictures import InputFile, inspect
from webapp.intake.samples import FOLDER
from webapp.options.state import expected_bytes

SCALE = 4


@pytest.fixture
def pixel_art(tmp_path: Path) -> Path:
    art = Image.effect_noise((48, 48), 60).quantize(8).resize((96, 96), Image.Resampling.NEAREST)
    art.save(tmp_path / "art.png")
    return tmp_path / "art.png"


@pytest.mark.parametrize("name", ["cat.jpg", "comic.png", "dashboard.png", "pixel art"])
def test_the_announced_size_is_that_of_the_pictures_kind(
    name: str, pixel_art: Path, disk: Disk
) -> None:
    path = pixel_art if name == "pixel art" else FOLDER / name
    picture = InputFile.from_bytes(path.read_bytes(), name=name, disk=disk)
    found = inspect(picture, decode=decode, max_side=4096, disk=disk)
    assert found.is_pixel_art == (name == "pixel art")

    method = Image.Resampling.NEAREST if found.is_pixel_art else Image.Resampling.LANCZOS
    result, file = Image.open(path).convert("RGB"), io.BytesIO()
    result = result.resize((result.width * SCALE, result.height * SCALE), method)
    result.save(file, found.format, quality=92)
    expected = expected_bytes(result.width * result.height, found, format=found.format)

    assert 1 / 3 < expected / file.tell() < 3
