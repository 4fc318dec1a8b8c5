"""A picture of more pixels than the engine takes: it has to be shrunk or cut first."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image

from backend.engine import Box
from backend.errors import ImageTooLargeError
from backend.images.metadata import Kept, embed
from backend.images.picture import Decode, Picture, crop, to_image
from backend.inference.allocator import give_back_memory
from webapp.base import side
from webapp.base.files import Disk
from webapp.base.gate import Gate
from webapp.client.header import may_be_transparent, read_header
from webapp.intake.pictures import (
    PREVIEW_SIDE,
    InputFile,
    Inspection,
    inspect_decoded,
    webp,
    webp_data_url,
)

LARGEST_SIDE = 32_768
LARGEST_PIXELS = 120_000_000
"""Pixels of a picture that can still be shrunk or cut to what the engine takes: 360 MB."""
LARGEST_PIXELS_WITH_ALPHA = 36_000_000
"""The same with transparency, which takes several copies while it is read."""

UNDAMAGED = 100
"""The JPEG quality of an undamaged picture."""


@dataclass(frozen=True, kw_only=True)
class LargePreview:
    """The preview that the page shows."""

    size: tuple[int, int]
    """(width, height), upright."""
    image: str
    """A data URL."""


class LargePicture:
    """Decoded once, in a thread of its own: to be shown, and shrunk while its owner still reads.

    Both methods wait, and raise what decoding or storing did, ImageTooLargeError when the picture
    is too large even for this.
    """

    def __init__(
        self, picture: InputFile, *, decode: Decode, max_side: int, disk: Disk, gate: Gate
    ) -> None:
        self._picture = picture
        self._decode = decode
        self._max_side = max_side
        self._disk = disk
        self._preview: Future[LargePreview] = Future()
        self._shrunk: Future[tuple[InputFile, Inspection]] = Future()
        threading.Thread(target=self._open, args=(gate,), daemon=True).start()

    @property
    def has_failed(self) -> bool:
        """Return whether another try may help: the disk was full, or too many came at once."""
        over = [each for each in (self._preview, self._shrunk) if each.done()]
        return any(each.exception() is not None for each in over)

    def preview(self) -> LargePreview:
        """Return the preview, which is there before the shrunk picture."""
        return self._preview.result()

    def shrunk(self) -> tuple[InputFile, Inspection]:
        """Return the whole picture with its longest side reduced to `max_side`."""
        return self._shrunk.result()

    def _open(self, gate: Gate) -> None:
        try:
            with gate.turn():
                decoded = decode_large(self._picture, decode=self._decode)
                image = to_image(decoded)
                self._preview.set_result(preview(image))
                small = shrink(decoded, image, max_side=self._max_side)
                del decoded, image
                give_back_memory()
                self._shrunk.set_result(self._save(small))
                del small
                give_back_memory()
        except Exception as exc:  # noqa: BLE001 - raised in the thread that waits
            for each in (self._preview, self._shrunk):
                if not each.done():
                    each.set_exception(exc)

    def _save(self, small: Picture) -> tuple[InputFile, Inspection]:
        # Another JPEG of high quality loses nothing visible, and is saved in a fifth of a PNG's
        # time. A compression artefact smaller than a pixel is gone: nothing is left to clean up.
        kind, disk = "png" if small.jpeg_quality is None else "jpeg", self._disk
        save = partial(_derived, self._picture, small, format=kind, jpeg_quality=UNDAMAGED)
        with ThreadPoolExecutor() as pool:
            file = pool.submit(save, disk=disk)
            found = inspect_decoded(small, parent_quality=UNDAMAGED, disk=disk)
            return file.result(), found


def decode_large(picture: InputFile, *, decode: Decode) -> Picture:
    """Decode; ImageTooLargeError where it is too large even to be shrunk or cut."""
    data = picture.file.read()
    width, height = read_header(data, max_side=LARGEST_SIDE)[0]
    largest = LARGEST_PIXELS_WITH_ALPHA if may_be_transparent(data) else LARGEST_PIXELS
    if width * height > largest:
        raise ImageTooLargeError.input(width, height, max_side=LARGEST_SIDE)
    return decode(data, max_side=LARGEST_SIDE)


def preview(image: Image.Image) -> LargePreview:
    """Make a picture of at most `PREVIEW_SIDE` a side."""
    small = side.bounded(side.displayable(image), max_side=PREVIEW_SIDE)
    return LargePreview(size=image.size, image=webp_data_url(webp(small, quality=85)))


def shrink(decoded: Picture, image: Image.Image, *, max_side: int) -> Picture:
    """Reduce the longest side of a picture and its `image` to `max_side`; drop what is private."""
    ratio = max_side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
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
    part = crop(decoded, box)
    return _derived(picture, part, format="png", jpeg_quality=decoded.jpeg_quality, disk=disk)


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
    quality = decoded.jpeg_quality if picture.jpeg_quality is None else picture.jpeg_quality
    return _derived(picture, turned, format="png", jpeg_quality=quality, disk=disk)


def _derived(
    picture: InputFile, decoded: Picture, *, format: str, jpeg_quality: int | None, disk: Disk
) -> InputFile:
    image, profile = to_image(decoded), decoded.icc_profile
    file = io.BytesIO()
    if format == "png":
        image.save(file, "PNG", compress_level=1, icc_profile=profile)
    else:
        image.save(file, "JPEG", quality=98, subsampling="4:4:4", icc_profile=profile)
    data, kept = file.getvalue(), Kept.of(decoded)
    if kept:
        data = embed(data, kept, format=format, size=image.size)
    return InputFile.from_bytes(data, name=picture.name, disk=disk, jpeg_quality=jpeg_quality)
