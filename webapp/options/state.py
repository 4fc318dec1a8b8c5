"""The tiers that a visitor chooses from, and a visitor's choices for one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from backend.images.formats import FORMATS
from backend.models.manifest import ModelSpec
from backend.models.registry import OTHER_PICTURES, PHOTOGRAPHS, PIXELS
from backend.options import AUTO, UpscaleOptions
from backend.sizes import ExactSize, frame_from, print_from, size_from
from webapp.intake.pictures import Inspection
from webapp.options.address import ADJUST
from webapp.shared import Shared
from webapp.tabs import Tab

FOUR_K = frame_from("3840x2160")
EXACT_SIZES = (
    ExactSize(factor=3),
    ExactSize(factor=8),
    FOUR_K,
    print_from("15x10"),
    print_from("30x20"),
)
"""The sizes that are offered besides the networks' scales; any other one can be requested."""
SMALL_PIXELS, MEDIUM_PIXELS = 1_000_000, 6_000_000
BYTES_PER_PIXEL = {PHOTOGRAPHS: (0.3, 1.6), OTHER_PICTURES: (0.15, 0.5), PIXELS: (0.15, 0.05)}
"""The bytes of results of each kind of picture, in a lossy and in a lossless format."""


def tiers(shared: Shared) -> list[str]:
    """Return the tiers to choose from: the default, then ours by quality, then others'."""
    default, *others = shared.engine.models
    return [default, *sorted(others, key=lambda each: _place(shared, each))]


def _place(shared: Shared, model: str) -> tuple[bool, float]:
    if model == AUTO:
        return False, -math.inf
    found = spec(shared, model, max(shared.engine.models[model]))
    work = math.inf if found is None else found.multiplications or math.inf
    is_ours = found is not None and not found.source
    return not is_ours, -work if is_ours else work


def spec(shared: Shared, model: str, scale: int) -> ModelSpec | None:
    """Return the spec of a network of this process; None for `auto`."""
    specs = shared.engine.registry.specs
    return next((each for each in specs if (each.name, each.scale) == (model, scale)), None)


def slowness(shared: Shared, model: str, scale: int) -> float | None:
    """Return its work as a multiple of `photo`'s; None if unknown."""
    specs = [spec(shared, each, scale) for each in (model, PHOTOGRAPHS)]
    costs = [each.multiplications for each in specs if each and each.multiplications]
    return costs[0] / costs[1] if len(costs) == len(specs) else None


def automatic_tier(inspection: Inspection) -> str:
    """Return the tier that the engine's `auto` chooses from the same pixels."""
    if inspection.is_pixel_art:
        return PIXELS
    return PHOTOGRAPHS if inspection.is_photograph else OTHER_PICTURES


@dataclass(frozen=True, kw_only=True)
class Choices:
    """A visitor's choices for all pictures."""

    model: str
    scale: int | str | None = None
    """A scale, the name of an exact size, or None for the default for each picture."""
    cleanup: int | None = None
    detail: int | None = None


def resolve(shared: Shared, choices: Choices, inspection: Inspection) -> UpscaleOptions:
    """Fit a visitor's choices to a picture: `auto` becomes the tier that it chooses.

    So estimate, job and result are of the tier itself, and equal those of one who chose it.
    A `detail` of the default stays open, since the engine takes more for a damaged picture.
    """
    model = choices.model
    if model == AUTO:
        model = automatic_tier(inspection)
    scales = shared.engine.models[model]
    scale = choices.scale
    exact = size_from(scale) if isinstance(scale, str) else None
    if not isinstance(scale, int) or scale not in scales:
        scale = default_scale(inspection.size, scales)
    default = shared.engine.details.get(model)
    is_chosen = default is not None and choices.detail != default
    return UpscaleOptions(
        model=model,
        scale=scale if exact is None else max(scales),
        size=exact,
        cleanup=choices.cleanup,
        detail=choices.detail if is_chosen else None,
    )


def result_size(size: tuple[int, int], options: UpscaleOptions) -> tuple[int, int]:
    """Return (width, height) of the result for an upright input."""
    if options.size is not None:
        return options.size.of(size)
    return size[0] * options.scale, size[1] * options.scale


def scale_name(options: UpscaleOptions) -> str:
    """Return the name by which the size is chosen: `4`, or that of an exact size."""
    return str(options.scale) if options.size is None else options.size.name


def default_scale(size: tuple[int, int], scales: Sequence[int]) -> int:
    """Return the scale for a picture of (width, height) until a visitor chooses another.

    Small pictures are enlarged most; large ones are cleaned only, or enlarged least.
    """
    pixels = size[0] * size[1]
    if pixels <= SMALL_PIXELS:
        return max(scales)
    enlarging = [each for each in scales if each > 1]
    return min(enlarging or scales) if pixels <= MEDIUM_PIXELS else min(scales)


def expected_bytes(pixels: int, inspection: Inspection, *, format: str) -> float:
    """Return the typical size of a picture's result with so many pixels."""
    lossy, lossless = BYTES_PER_PIXEL[automatic_tier(inspection)]
    return pixels * (lossless if FORMATS[format].is_lossless else lossy)


def choices_for_address(tab: Tab) -> dict[str, object]:
    state = st.session_state
    scale = state.get("scale")
    option, _, value = scale.partition("=") if isinstance(scale, str) else ("scale", "", scale)
    return {
        "lang": state.lang,
        "sample": None if tab.current else state.sample,
        "model": state.get("model"),
        option: value,
        "cleanup": state.get("cleanup"),
        "strength": state.get("strength") if state.get("cleanup") == ADJUST else None,
        "detail": state.get("detail"),
    }
