"""A picture over the engine's bound: shrunk, or a part of it cut out."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from backend import UpscaleOptions
from backend.errors import ImageTooLargeError
from backend.images.picture import Decode, Picture, decode
from backend.inference.local_engine import LocalEngine
from backend.inference.plan import make_plan
from webapp.base import side
from webapp.base.errors import StorageFullError
from webapp.base.files import Disk
from webapp.base.messages import message_for
from webapp.base.texts import texts
from webapp.intake.large_picture import LARGEST_SIDE, cut, shrink_to_fit, turned_file
from webapp.intake.pictures import InputFile, Inspection, inspect
from webapp.work.enhance import EnhanceRequest, engine_options


def shrunk(data: bytes, disk: Disk, *, decode: Decode = decode) -> tuple[InputFile, Inspection]:
    picture = InputFile.from_bytes(data, name="a.jpg", disk=disk)
    return shrink_to_fit(picture, decode=decode, max_side=48, disk=disk)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_part_keeps_every_pixel_and_the_clean_up_of_its_file(
    photo_bytes: Callable[..., bytes], disk: Disk
) -> None:
    data = photo_bytes("JPEG", quality=40)
    whole = InputFile.from_bytes(data, name="a.jpg", disk=disk)

    part = cut(whole, decode(data, max_side=4096), (10, 20, 50, 60), disk=disk)

    assert np.array_equal(
        np.asarray(opened(part.file.read())),
        np.asarray(opened(data).convert("RGB").crop((10, 20, 50, 60))),
    )
    inspection = inspect(part, decode=decode, max_side=4096, disk=disk)
    request = EnhanceRequest(digest=part.digest, options=UpscaleOptions())
    assert engine_options(request, inspection, details=()).cleanup == 60
    request = EnhanceRequest(digest=part.digest, options=UpscaleOptions(model="photo"))
    options = engine_options(request, inspection, details=("photo",))
    assert (options.cleanup, options.detail) == (None, 100)


@pytest.mark.parametrize("quality", [40, 84, 88, 98])
@pytest.mark.parametrize("model", ["photo", "fast"])
def test_a_part_is_restored_as_its_file_would_be(
    engine: LocalEngine,
    photo_bytes: Callable[..., bytes],
    disk: Disk,
    quality: int,
    model: str,
) -> None:
    data = photo_bytes("JPEG", quality=quality)
    whole = InputFile.from_bytes(data, name="a.jpg", disk=disk)
    picture = decode(data, max_side=4096)
    part = cut(whole, picture, (0, 0, *picture.size), disk=disk)
    inspection = inspect(part, decode=decode, max_side=4096, disk=disk)
    chosen = UpscaleOptions(model=model)

    options = engine_options(
        EnhanceRequest(digest=part.digest, options=chosen), inspection, details=engine.details
    )

    opened_part = decode(part.file.read(), max_side=4096)
    assert make_plan(opened_part, options, engine.registry, model=model) == make_plan(
        picture, chosen, engine.registry, model=model
    )


def test_a_part_of_a_turned_picture_keeps_the_clean_up_of_its_file(
    photo_bytes: Callable[..., bytes], disk: Disk
) -> None:
    data = photo_bytes("JPEG", quality=40)
    whole = InputFile.from_bytes(data, name="a.jpg", disk=disk)
    turned = turned_file(whole, "left", decode=partial(decode, max_side=4096), disk=disk)

    part = cut(turned, decode(turned.file.read(), max_side=4096), (0, 0, 20, 20), disk=disk)

    assert part.parent is not None
    assert part.parent.jpeg_quality == 40


@pytest.mark.parametrize(
    ("kind", "format", "is_halved"), [("JPEG", "jpeg", True), ("PNG", "png", False)]
)
def test_a_turned_picture_and_its_part_are_saved_as_their_file(
    photo_bytes: Callable[..., bytes], disk: Disk, kind: str, format: str, is_halved: bool
) -> None:
    whole = InputFile.from_bytes(photo_bytes(kind), name="a", disk=disk)
    turned = turned_file(whole, "left", decode=partial(decode, max_side=4096), disk=disk)
    part = cut(turned, decode(turned.file.read(), max_side=4096), (0, 0, 20, 20), disk=disk)

    for each in (turned, part):
        assert opened(each.file.read()).format == "PNG"  # no pixel is lost on the way
        found = inspect(each, decode=decode, max_side=4096, disk=disk)
        assert (found.format, found.is_chroma_halved) == (format, is_halved)


def test_a_part_of_a_lossy_picture_is_saved_without_loss_only_where_it_is_transparent(
    disk: Disk,
) -> None:
    image = Image.new("RGBA", (64, 32), "teal")
    image.paste((0, 0, 0, 0), (0, 0, 32, 32))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=80)
    whole = InputFile.from_bytes(file.getvalue(), name="a.webp", disk=disk)
    decoded = decode(file.getvalue(), max_side=4096)

    parts = [cut(whole, decoded, box, disk=disk) for box in ((0, 0, 40, 32), (40, 0, 64, 32))]

    found = [inspect(each, decode=decode, max_side=4096, disk=disk).format for each in parts]
    assert found == ["png", "jpeg"]


def test_a_shrunk_picture_fits_and_needs_no_clean_up(
    photo_bytes: Callable[..., bytes], disk: Disk
) -> None:
    small, inspection = shrunk(photo_bytes("JPEG", quality=40), disk)

    assert inspection.size == (48, 32)
    request = EnhanceRequest(digest=small.digest, options=UpscaleOptions())
    assert engine_options(request, inspection, details=()).cleanup == 0


@pytest.mark.parametrize(("kind", "error"), [("PNG", 0), ("JPEG", 2)])
def test_a_shrunk_picture_is_of_its_files_kind(
    photo_bytes: Callable[..., bytes], disk: Disk, kind: str, error: float
) -> None:
    data = photo_bytes(kind)

    small, _ = shrunk(data, disk)

    made = opened(small.file.read())
    assert made.format == kind
    expected = opened(data).convert("RGB").resize((48, 32), Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(made, np.int16) - np.asarray(expected, np.int16)).mean() <= error


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_shrunk_picture_has_the_facts_of_its_file(mode: str, disk: Disk) -> None:
    file = io.BytesIO()
    Image.effect_noise((96, 64), 40).convert(mode).save(file, "PNG", dpi=(300, 300))

    small, found = shrunk(file.getvalue(), disk)

    expected = inspect(small, decode=decode, max_side=48, disk=disk)
    assert opened(found.preview.read()).mode == opened(expected.preview.read()).mode
    assert np.array_equal(
        np.asarray(opened(found.preview.read())), np.asarray(opened(expected.preview.read()))
    )
    assert side.unpack(found.side.read()).size == side.unpack(expected.side.read()).size
    assert replace(found, side=expected.side, preview=expected.preview) == expected


def test_a_large_picture_is_decoded_once_and_keeps_its_original(
    photo_bytes: Callable[..., bytes], disk: Disk
) -> None:
    sizes = []

    def counted(data: bytes, *, max_side: int) -> Picture:
        picture = decode(data, max_side=max_side)
        sizes.append(picture.size)
        return picture

    data = photo_bytes("JPEG")
    small, inspection = shrunk(data, disk, decode=counted)

    assert small.original is not None
    assert (small.original.size, inspection.size) == ((96, 64), (48, 32))
    assert small.original.file.file.read() == data
    assert small.uploaded == small.original.file.digest != small.digest
    assert small.nbytes == small.file.nbytes + len(data)
    assert sizes == [(96, 64)]


def test_pictures_too_large_to_shrink_are_refused(disk: Disk) -> None:
    wide = io.BytesIO()
    Image.new("L", (LARGEST_SIDE + 1, 1)).save(wide, "PNG")

    with pytest.raises(ImageTooLargeError) as caught:
        shrunk(wide.getvalue(), disk)

    told = message_for(caught.value, texts("en")).detail
    most = f"at most 120 megapixels and {LARGEST_SIDE} pixels on each side are possible"
    assert told == f"It has {LARGEST_SIDE + 1} × 1 pixels; {most}."


def test_a_full_disk_is_said(photo_bytes: Callable[..., bytes]) -> None:
    data = photo_bytes("PNG")

    with pytest.raises(StorageFullError):
        shrunk(data, Disk(max_bytes=len(data)))
