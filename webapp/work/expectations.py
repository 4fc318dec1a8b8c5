"""The time that a request is expected to take, and whether it is possible."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

from backend import SuperResolutionError
from backend.errors import ImageTooLargeError, RequestError
from backend.inference.estimate import encoding_seconds
from backend.options import UpscaleOptions
from webapp.base.errors import ImpossibleSizeError
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile
from webapp.options.state import EXACT_SIZES, result_size
from webapp.shared import Page, Shared
from webapp.work.enhance import EnhanceRequest, Place, is_kept_lossless
from webapp.work.progress import Estimate


def estimate(shared: Shared, size: tuple[int, int], request: EnhanceRequest) -> Estimate:
    """Return the expected time for an upright input of (width, height), as requested.

    Raise RequestError or ImageTooLargeError for a size beyond the engine's bounds.
    """
    pixels = math.prod(result_size(size, request.options))
    work = 0.0
    if request.place is not Place.CLOUD:
        local = shared.engine.estimated_seconds(size, request.options)
        work = max(0.0, local - encoding_seconds(pixels))  # which is a part of the saving
    if request.place is not Place.LOCAL and shared.cloud is not None:
        work = max(work, shared.cloud.estimated_seconds(size, request.options))
    saving = shared.saving.seconds(pixels, is_lossless=is_kept_lossless(pixels))
    return Estimate(work=work, saving=saving)


def seconds_by_size(
    page: Page, picture: InputFile, size: tuple[int, int], request: EnhanceRequest
) -> dict[UpscaleOptions, float | None]:
    """Return the expected time of each possible size of a picture.

    None for one that is there, or under way: the bar says more about it.
    """
    shared, options = page.shared, request.options
    known = intake.owner(shared, page.tab, picture).results().keys() | page.tab.jobs.keys()
    offered = [
        replace(options, scale=scale, size=None)
        for scale in shared.engine.models[options.model or ""]
    ]
    if request.place is Place.LOCAL:
        exact = [replace(options, size=each) for each in EXACT_SIZES]
        offered += [each for each in exact if math.prod(result_size(size, each)) > math.prod(size)]
        offered += [] if options.size is None or options in offered else [options]
    found = {}
    for each in sorted(offered, key=_factor):
        with suppress(SuperResolutionError):  # beyond the engine's bounds
            expected = seconds(shared, size, request, each)
            found[each] = None if replace(request, options=each) in known else expected
    return found


def _factor(options: UpscaleOptions) -> float:
    """Return the factor that a visitor chooses by; infinity for a frame or a print."""
    if options.size is None:
        return options.scale
    return options.size.factor or math.inf


def seconds(
    shared: Shared, size: tuple[int, int], request: EnhanceRequest, options: UpscaleOptions
) -> float:
    """Return the expected seconds of a request with other options; raise as `estimate` does."""
    return estimate(shared, size, replace(request, options=options)).total


def refusal(
    shared: Shared, size: tuple[int, int], request: EnhanceRequest
) -> SuperResolutionError | None:
    """Return why no result of the chosen size is possible for an input of (width, height)."""
    try:
        estimate(shared, size, request)
    except (RequestError, ImageTooLargeError):
        return ImpossibleSizeError()
    return None


def needs_a_press(shared: Shared, size: tuple[int, int], request: EnhanceRequest) -> bool:
    """Return whether the visitor has to ask for the work: it sends the picture, or is long.

    Samples never need it, however long they take.
    """
    if request in shared.samples.jobs:
        return False
    is_long = estimate(shared, size, request).total > shared.settings.ask_seconds
    return is_long or request.place is not Place.LOCAL
