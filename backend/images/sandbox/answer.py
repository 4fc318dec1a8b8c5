"""One picture decoded and put into a message: what every decoding process does."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from importlib import import_module

from PIL import Image

from backend.errors import SuperResolutionError
from backend.images.decode import examine, read, read_pixels
from backend.images.formats import JPEG, WRITABLE
from backend.images.sandbox.picture_wire import message_from_error, message_from_picture
from backend.images.sandbox.wire import Head

WARM_UP_SIDE = 16


def warm_up() -> None:
    """Load the decoders before the first picture needs them."""
    for each in WRITABLE:
        import_module(each.plugin)
    file = io.BytesIO()
    Image.new("RGB", (WARM_UP_SIDE, WARM_UP_SIDE)).save(file, JPEG.pillow_name)
    read(file.getvalue(), max_side=WARM_UP_SIDE)


def answer(
    data: bytes, *, max_side: int, expect: Callable[[int], None]
) -> tuple[Head, Iterable[bytes]]:
    """Decode a file; `expect` is called with its number of pixels before they are decoded."""
    try:
        lean = examine(data, max_side=max_side)
        width, height = lean.size
        expect(width * height)
        return message_from_picture(read_pixels(lean))
    except SuperResolutionError as exc:
        return message_from_error(exc), ()
