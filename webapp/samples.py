"""The pictures a visitor can try without having one."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageOps

from webapp.pictures import webp_address

FOLDER = Path(__file__).resolve().parent.parent / "sample_images"
THUMBNAIL = (144, 144)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One entry of samples.json."""

    file: str
    title: str
    caption: str

    def read(self) -> bytes:
        """The file as it is."""
        return (FOLDER / self.file).read_bytes()

    def thumbnail(self) -> str:
        """A small square WebP as a data address."""
        with Image.open(FOLDER / self.file) as opened:
            mode = "RGBA" if opened.has_transparency_data else "RGB"
            square = ImageOps.fit(opened.convert(mode), THUMBNAIL)
        file = io.BytesIO()
        square.save(file, "WEBP", quality=80)
        return webp_address(file.getvalue())


@cache
def samples() -> dict[str, Sample]:
    """All of them by file name, in the order of the gallery."""
    entries = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
    return {entry["file"]: Sample(**entry) for entry in entries}
