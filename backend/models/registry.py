"""The networks that a process can use, by tier and scale."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from backend.models.manifest import NEAREST, SHIPPED, ModelSpec, read_manifest
from backend.options import AUTO, check_model

PHOTOGRAPHS, OTHER_PICTURES = "photo", "quality"
"""The tiers that `auto` chooses from."""
QUICK = "fast"
"""The tier of first looks."""
PIXELS = "pixels"
"""The tier that repeats pixels."""


class Registry:
    """Every network this process can use, by name and scale."""

    def __init__(self, specs: Iterable[ModelSpec]) -> None:
        self._specs = {(spec.name, spec.scale): spec for spec in specs}

    @property
    def specs(self) -> list[ModelSpec]:
        """All networks, in manifest order."""
        return list(self._specs.values())

    @property
    def models(self) -> dict[str, list[int]]:
        """The scales of each tier, in manifest order; then those of `auto`, if it has a choice."""
        found: dict[str, list[int]] = {}
        for name, scale in self._specs:
            found[name] = sorted([*found.get(name, []), scale])
        scales = set(found.get(PHOTOGRAPHS, [])) & set(found.get(OTHER_PICTURES, []))
        return {**found, AUTO: sorted(scales)} if scales else found

    @property
    def details(self) -> dict[str, int]:
        """The default `detail` of each tier that has the choice."""
        found = {spec.name: spec.detail for spec in self._specs.values() if spec.detail is not None}
        chooses = AUTO in self.models and PHOTOGRAPHS in found
        return {**found, AUTO: found[PHOTOGRAPHS]} if chooses else found

    def find(self, *, name: str, scale: int) -> ModelSpec:
        """Return the network; raise UnknownModelError or UnsupportedScaleError if there is none.

        `auto` finds the model for photographs, the most expensive of its choices.
        """
        check_model(self.models, name=name, scale=scale)
        if name == AUTO:
            name = PHOTOGRAPHS
        return self._specs[name, scale]


def load_registry(*folders: Path) -> Registry:
    """Read each folder's manifest; a later folder's network replaces one of the same name."""
    return Registry(spec for folder in folders for spec in read_manifest(folder))


def pixel_spec(scale: int) -> ModelSpec:
    """Return the tier for pixel art, which is a part of the program, at any scale."""
    return ModelSpec(
        name=PIXELS,
        scale=scale,
        path=SHIPPED,
        receptive_radius=0,
        multiplications=1,
        license="Apache-2.0",
        description="Hard pixels, for pixel art",
        runtime=NEAREST,
    )
