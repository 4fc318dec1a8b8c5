"""A few small files of every readable format, in the modes that are decoded differently."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

from PIL import Image

from backend.images.formats import HEIC, READABLE, FileFormat

SIZE = (48, 32)
MODES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "jpeg": (("RGB", {}), ("L", {}), ("CMYK", {}), ("RGB", {"progressive": True})),
    "png": (("RGB", {}), ("RGBA", {}), ("P", {}), ("1", {}), ("I;16", {})),
    "bmp": (("RGB", {}), ("P", {}), ("1", {}), ("RGBA", {})),
    "webp": (("RGB", {}), ("RGBA", {"lossless": True})),
    "gif": (("P", {}), ("P", {"transparency": 0})),
    "tiff": (
        ("RGB", {"compression": "tiff_lzw"}),
        ("RGBA", {"compression": "tiff_deflate"}),
        ("CMYK", {}),
        ("1", {"compression": "group4"}),
        ("L", {"compression": "jpeg"}),
    ),
    "avif": (("RGB", {}), ("RGBA", {})),
    "heic": (("RGB", {}), ("RGBA", {})),
}
"""Format -> (Pillow's mode, options of its writer)."""
_WRITE_HEIC = """
import json, sys
import pillow_heif
from PIL import Image
pillow_heif.register_heif_opener()
options = json.loads(sys.argv[1])
if "exif" in options:
    options["exif"] = bytes.fromhex(options["exif"])
Image.open(sys.stdin.buffer).save(sys.stdout.buffer, "HEIF", **options)
"""


def small_pictures() -> dict[str, list[bytes]]:
    """Make a small picture in each readable format, by its name."""
    gradient = Image.linear_gradient("L").resize(SIZE)
    colored = Image.merge("RGB", (gradient, gradient.rotate(180), gradient.rotate(90)))
    return {
        each.name: [_written(colored, each, mode, options) for mode, options in MODES[each.name]]
        for each in READABLE
    }


def heic(image: Image.Image, **options: object) -> bytes:
    """Encode by pillow-heif in another process, since it shares state with the reader."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    command = (sys.executable, "-c", _WRITE_HEIC, json.dumps(options, default=bytes.hex))
    return subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True).stdout


def _written(image: Image.Image, format: FileFormat, mode: str, options: dict[str, Any]) -> bytes:
    image = image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    if format is HEIC:
        return heic(image, **options)
    buffer = io.BytesIO()
    image.save(buffer, format.pillow_name, **options)
    return buffer.getvalue()
