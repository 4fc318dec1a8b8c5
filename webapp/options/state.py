"""The tiers that a visitor chooses from, and a visitor's choices for one picture."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st

from backend.models.manifest import OTHER_PICTURES, PHOTOGRAPHS, PIXELS, ModelSpec
from backend.options import AUTO, UpscaleOptions
from webapp.intake.pictures import Inspection
from webapp.options.address import ADJUST
from webapp.shared import Shared
from webapp.tabs import Tab


def tiers(shared: Shared) -> list[str]:
    """Return the tiers to choose from: the default, then the others by what they cost."""
    default, *others = (each for each in shared.engine.models if each != PIXELS)
    return [default, *sorted(others, key=lambda each: _cost(shared, each))]


def _cost(shared: Shared, model: str) -> float:
    """Return the work of its largest scale; a network whose cost nobody knows comes last."""
    if model == AUTO:
        return 0
    found = spec(shared, model, max(shared.engine.models[model]))
    return math.inf if found is None else found.multiplications or math.inf


def spec(shared: Shared, model: str, scale: int) -> ModelSpec | None:
    """Return what is known of a network of this process; None for `auto`."""
    specs = shared.engine.registry.specs
    return next((each for each in specs if (each.name, each.scale) == (model, scale)), None)


def slowness(shared: Shared, model: str, scale: int) -> float | None:
    """Return how many times the work of `photo` it is; None where nobody knows."""
    specs = [spec(shared, each, scale) for each in (model, PHOTOGRAPHS)]
    costs = [each.multiplications for each in specs if each and each.multiplications]
    return costs[0] / costs[1] if len(costs) == len(specs) else None


def automatic_tier(inspection: Inspection) -> str:
    """Return what the engine's `auto` chooses, which looks at the same pixels."""
    return PHOTOGRAPHS if inspection.is_photograph else OTHER_PICTURES


def resolve(shared: Shared, choices: UpscaleOptions, inspection: Inspection) -> UpscaleOptions:
    """Fit a visitor's choices to a picture: `auto` becomes the tier that it chooses.

    So estimate, job and result are of the tier itself, and equal those of one who chose it.
    A tier with `detail` gets a number, and no other does.
    """
    model = choices.model
    if model == AUTO:
        model = automatic_tier(inspection)
    default = shared.engine.details.get(model or "")
    is_chosen = default is not None and choices.detail is not None
    return replace(choices, model=model, detail=choices.detail if is_chosen else default)


def choices_for_address(tab: Tab) -> dict[str, object]:
    """Return what stands in the address."""
    state = st.session_state
    return {
        "lang": state.lang,
        "sample": None if tab.current else state.sample,
        "model": state.get("model"),
        "scale": state.get("scale"),
        "cleanup": state.get("cleanup"),
        "strength": state.get("strength") if state.get("cleanup") == ADJUST else None,
        "detail": state.get("detail"),
    }
