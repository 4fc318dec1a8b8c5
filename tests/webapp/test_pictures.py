"""The page's facts about a picture before it is enhanced."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from backend.images.picture import decode
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
