"""Finds what is wrong with a network, and describes one that has no manifest entry."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backend.errors import ModelError, SuperResolutionError, alternatives
from backend.images.picture import Picture, RgbImage
from backend.inference.upscaler import Session, Upscaler
from backend.models.manifest import ModelSpec
from backend.options import SCALES

SIDE = 256
"""Side of the self-test's picture."""
RUNS = 3
LONG_SECONDS = 0.5
"""Seconds; a longer run is timed only once."""
CUT = 128
"""The tile size, which puts seams into the test picture."""
LARGEST_RADIUS = 480
"""The largest radius; beyond it the test picture would exceed a megapixel."""
UNSEEN = 16
"""The least number of LR pixels of the test picture that a tile does not see."""
ROUNDING_SHARE = 1e-3
"""Pixels that may differ by one level: runtimes round differently for other tile shapes."""
POSSIBLE_SCALES = (2, 4, 1, 3, 8)
POSSIBLE_BLOCKS = (1, 2, 4, 8, 16, 32, 64)

Open = Callable[[ModelSpec], Session]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One network, checked."""

    problem: str | None = None
    """A sentence, or None when all is well."""
    seconds_per_megapixel: float | None = None
    """Seconds per LR megapixel with tiles, without reading and writing files."""


def check(spec: ModelSpec, open_session: Open) -> Verdict:
    """Load and time a model, and compare tiles with the whole."""
    if spec.scale not in SCALES:
        return Verdict(
            problem=f"its scale {spec.scale} can never be asked for, only {alternatives(SCALES)}"
        )
    try:
        session = open_session(spec)
    except SuperResolutionError as exc:
        return Verdict(problem=exc.message)
    picture = Picture(rgb=noise(SIDE, SIDE))
    try:
        seconds = _time(session, picture)
        if seconds < LONG_SECONDS:
            seconds = statistics.median(_time(session, picture) for _ in range(RUNS))
        problem = find_seams(session)
    except SuperResolutionError:
        return Verdict(problem=_explain_failure(spec, open_session))
    return Verdict(problem=problem, seconds_per_megapixel=seconds / (SIDE * SIDE / 1e6))


def noise(height: int, width: int) -> RgbImage:
    """Make noise, which shows seams best."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _time(session: Session, picture: Picture) -> float:
    started = time.perf_counter()
    Upscaler(session, tile_size=SIDE).upscale(picture)
    return time.perf_counter() - started


def find_seams(session: Session) -> str | None:
    """Return a sentence if tiles do not equal the whole picture, or None.

    The picture is barely larger than a tile sees, since some networks are slow.
    """
    radius = min(session.spec.receptive_radius, LARGEST_RADIUS)
    cut = max(CUT, radius + UNSEEN)
    side = max(SIDE, 2 * cut)
    picture = Picture(rgb=noise(side, side))
    whole = Upscaler(session, tile_size=side).upscale(picture, cleanup_level=0.5).rgb
    tiled = Upscaler(session, tile_size=cut).upscale(picture, cleanup_level=0.5).rgb
    difference = np.abs(whole.astype(np.int16) - tiled)
    largest, share = int(difference.max()), float((difference > 0).mean())
    if largest == 0 or (largest == 1 and share < ROUNDING_SHARE):
        return None
    return (
        f"its tiles do not equal the whole picture (up to {largest} of 255 levels apart, in "
        f"{share:.1%} of the values): 'receptive_radius' {session.spec.receptive_radius} is too "
        "small, or the network looks at the whole picture at once"
    )


def _explain_failure(spec: ModelSpec, open_session: Open) -> str:
    """Explain a failure by trying what the manifest could have said instead."""
    if spec.unpadded:
        return (
            f"it fails while it runs, or its answers lack another border than the {spec.border} "
            "pixels of 'receptive_radius' that 'unpadded' says"
        )
    found = _find_working_spec(spec, open_session)
    if found is None:
        return "it fails while it runs, at every size that was tried"
    if found.scale != spec.scale:
        return f"it enlarges {found.scale} times, and the manifest says {spec.scale}"
    return (
        f"it fails while it runs unless width and height are multiples of {found.multiple_of}: "
        f"set 'multiple_of' to {found.multiple_of}"
    )


def _find_working_spec(spec: ModelSpec, open_session: Open) -> ModelSpec | None:
    """Find the scale and block size with which the model runs on odd sides."""
    for block in POSSIBLE_BLOCKS:
        for scale in dict.fromkeys((spec.scale, *POSSIBLE_SCALES)):
            candidate = replace(spec, scale=scale, multiple_of=block)
            try:
                session = open_session(candidate)
                Upscaler(session, tile_size=SIDE).upscale(Picture(rgb=noise(67, 61)))
            except SuperResolutionError:
                continue
            return candidate
    return None


def describe(path: Path, open_session: Open) -> ModelSpec:
    """Describe a file without a manifest entry; raise ModelError if it cannot be used.

    The measured `receptive_radius` is a lower bound, since far pixels may change a result by less
    than one level: `check` tells whether it is enough.
    """
    unknown = ModelSpec(name=path.stem, scale=POSSIBLE_SCALES[0], path=path, receptive_radius=0)
    open_session(unknown)
    spec = _find_working_spec(unknown, open_session)
    if spec is None:
        raise ModelError("It fails while it runs, at every size that was tried.")
    if spec.scale not in SCALES:
        raise ModelError(
            f"It enlarges {spec.scale} times; only {alternatives(SCALES)} can be asked for."
        )
    return replace(
        spec,
        receptive_radius=_measure_radius(open_session(spec)),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _measure_radius(session: Session) -> int:
    """Measure how far a changed pixel reaches, in LR pixels, rounded up to whole blocks."""
    spec = session.spec
    side = -(-2 * SIDE // spec.multiple_of) * spec.multiple_of
    lr = noise(side, side) // 4 + np.uint8(96)  # too gentle for `means` to change the result
    upscaler = Upscaler(session, tile_size=side)
    before = upscaler.upscale(Picture(rgb=lr)).rgb
    middle = side // 2
    block = lr[middle : middle + spec.multiple_of, middle : middle + spec.multiple_of]
    reach = 0
    for level in (0, 255):
        changed = lr.copy()
        changed[middle : middle + block.shape[0], middle : middle + block.shape[1]] = level
        after = upscaler.upscale(Picture(rgb=changed)).rgb
        rows, columns, _ = np.nonzero(before != after)
        for places in (rows // spec.scale, columns // spec.scale):
            if places.size:
                last = middle + spec.multiple_of - 1
                reach = max(reach, middle - int(places.min()), int(places.max()) - last)
    return -(-reach // spec.multiple_of) * spec.multiple_of
