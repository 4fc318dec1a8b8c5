"""A picture of more pixels than the engine takes is shrunk, or a part of it is cut out."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from PIL import Image

from backend.engine import Box
from backend.errors import ImageTooLargeError
from backend.images.metadata import Kept, embed
from backend.images.picture import Decode, Picture, crop, to_image
from backend.images.resize import bounded_size
from backend.inference.allocator import give_back_memory
from webapp.base.files import Disk
from webapp.client.header import may_be_transparent, read_header
from webapp.intake.pictures import InputFile, Inspection, Original, Parent, inspect_decoded

LARGEST_SIDE = 32_768
LARGEST_PIXELS = 120_000_000
"""The most pixels that can be shrunk or cut: 360 MB."""
LARGEST_PIXELS_WITH_ALPHA = 36_000_000
"""The same with transparency, which takes several copies while it is read."""

UNDAMAGED = 100
"""The JPEG quality of an undamaged picture."""


def shrink_to_fit(
    picture: InputFile, *, decode: Decode, max_side: int, disk: Disk
) -> tuple[InputFile, Inspection]:
    """Return the picture with its longest side reduced to `max_side`, and what is known of it.

    Raise what decoding and storing do, ImageTooLargeError where it is too large even for this.
    """
    decoded = decode_large(picture, decode=decode)
    size = decoded.size
    small = shrink(decoded, to_image(decoded), max_side=max_side)
    del decoded
    give_back_memory()
    # A JPEG of high quality loses nothing visible, and is saved in a fifth of a PNG's
    # time. Artefacts smaller than a pixel are gone, so there is nothing to clean up.
    kind = "png" if small.jpeg_quality is None else "jpeg"
    parent = replace(Parent.of(small), jpeg_quality=UNDAMAGED)
    save = partial(_derived, picture, small, format=kind, parent=parent, disk=disk)
    with ThreadPoolExecutor() as pool:
        file = pool.submit(save)
        found = inspect_decoded(small, parent=parent, disk=disk)
        return replace(file.result(), original=Original(file=picture, size=size)), found


def decode_large(picture: InputFile, *, decode: Decode) -> Picture:
    """Decode; raise ImageTooLargeError if it is too large even to be shrunk or cut."""
    data = picture.file.read()
    largest = LARGEST_PIXELS_WITH_ALPHA if may_be_transparent(data) else LARGEST_PIXELS
    try:
        width, height = read_header(data, max_side=LARGEST_SIDE)[0]
        if width * height > largest:
            raise ImageTooLargeError.input(width, height, max_side=LARGEST_SIDE)
    except ImageTooLargeError as exc:
        most = largest // 1_000_000
        raise ImageTooLargeError(exc.message, **exc.details, max_megapixels=most) from exc
    return decode(data, max_side=LARGEST_SIDE)


def shrink(decoded: Picture, image: Image.Image, *, max_side: int) -> Picture:
    """Reduce the longest side of a picture and its `image` to `max_side`; drop private metadata."""
    size = bounded_size(image.size, max_side=max_side)
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return replace(
        decoded,
        rgb=np.asarray(small.convert("RGB")),
        alpha=None if decoded.alpha is None else np.asarray(small.getchannel("A")),
        notes=(),
        has_place=False,
        has_camera=False,
    )


def cut(picture: InputFile, decoded: Picture, box: Box, *, disk: Disk) -> InputFile:
    """Cut out the part inside (left, top, right, bottom), pixel by pixel."""
    part, parent = crop(decoded, box), _parent(picture, decoded)
    return _derived(picture, part, format="png", parent=parent, disk=disk)


def turned_file(
    picture: InputFile, towards: str, *, decode: Callable[[bytes], Picture], disk: Disk
) -> InputFile:
    """Return the picture turned by a quarter to the `left` or `right`, pixel by pixel."""
    decoded = decode(picture.file.read())
    quarters = 1 if towards == "left" else 3
    turned = replace(
        decoded,
        rgb=np.ascontiguousarray(np.rot90(decoded.rgb, quarters)),
        alpha=None if decoded.alpha is None else np.rot90(decoded.alpha, quarters).copy(),
    )
    parent = _parent(picture, decoded)
    return _derived(picture, turned, format="png", parent=parent, disk=disk)


def _parent(picture: InputFile, decoded: Picture) -> Parent:
    """Return the file that the pixels come from first of all."""
    return picture.parent or Parent.of(decoded)


def _derived(
    picture: InputFile, decoded: Picture, *, format: str, parent: Parent, disk: Disk
) -> InputFile:
    image, profile = to_image(decoded), decoded.icc_profile
    file = io.BytesIO()
    if format == "png":
        image.save(file, "PNG", compress_level=1, icc_profile=profile)
    else:
        image.save(file, "JPEG", quality=98, subsampling="4:4:4", icc_profile=profile)
    data = embed(file.getvalue(), Kept.of(decoded), format=format, size=image.size)
    made = InputFile.from_bytes(data, name=picture.name, disk=disk, link=picture.link)
    return replace(made, parent=parent, made_of=picture.uploaded)
