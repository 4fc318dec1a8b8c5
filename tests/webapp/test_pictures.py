"""The page's facts about a picture before it is enhanced."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from backend.images.picture import decode
from testbed.visitor import saved
from webapp.base.files import Disk
from webapp.intake.pictures import InputFile, inspect


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_no_picture_is_saved_twice_since_two_threads_would_mix_their_settings(
    photo_bytes: Callable[..., bytes], disk: Disk, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    saved: list[Image.Image] = []
    save = Image.Image.save

    def kept(image: Image.Image, *arguments: object, **options: object) -> None:
        saved.append(image)
        save(image, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "save", kept)
    picture = InputFile.from_bytes(photo_bytes(kind), name="a", disk=disk)

    inspect(picture, decode=decode, max_side=999, disk=disk)

    assert len(saved) == len({id(image) for image in saved}) >= 3


def test_the_small_square_of_pixel_art_has_hard_pixels(disk: Disk) -> None:
    art = Image.new("RGB", (16, 16), "navy")
    art.paste("gold", (4, 4, 12, 12))
    picture = InputFile.from_bytes(saved(art), name="a", disk=disk)

    found = inspect(picture, decode=decode, max_side=999, disk=disk)

    assert found.is_pixel_art
    with Image.open(io.BytesIO(found.preview.read())) as preview:
        assert preview.convert("RGB").tobytes() == art.tobytes()
    with Image.open(io.BytesIO(base64.b64decode(found.thumbnail.partition(",")[2]))) as square:
        row = np.asarray(square.convert("L"), np.int16)[72]
    steps = sorted(abs(np.diff(row)))
    assert steps[-2] > 100
    assert steps[-3] < 30
