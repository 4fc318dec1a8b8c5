"""The sample pictures of the page; their words are in the catalogues."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from PIL import Image

from webapp.intake.pictures import thumbnail

FOLDER = Path(__file__).resolve().parents[2] / "sample_images"


@dataclass(frozen=True)
class Sample:
    """One file of `samples.json`."""

    file: str
    start: tuple[float, float, float] | None = None
    """The view that shows the difference at once: the place as fractions of width and height, and
    CSS pixels per pixel of the sample; None is all of it."""

    @property
    def name(self) -> str:
        """Its key in the catalogues: `sample.NAME.title` and `sample.NAME.caption`."""
        return Path(self.file).stem

    @property
    def nbytes(self) -> int:
        return (FOLDER / self.file).stat().st_size

    def read(self) -> bytes:
        return (FOLDER / self.file).read_bytes()

    @cached_property
    def digest(self) -> str:
        """sha256 of the file."""
        return hashlib.sha256(self.read()).hexdigest()

    @cached_property
    def thumbnail(self) -> str:
        """A small square as a data URL."""
        with Image.open(FOLDER / self.file) as opened:
            return thumbnail(opened)


@cache
def samples() -> dict[str, Sample]:
    """Return all samples by file name, in the order of the gallery."""
    files = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
    return {file: Sample(file, start=tuple(facts["start"])) for file, facts in files.items()}
