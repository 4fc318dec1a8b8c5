"""Is a picture a photograph, or drawn, written, or taken from a screen?

A small network judges: drawings have flat areas and steps that end at once, photographs have grain
and gradients. `training.content` finds its weights and says how often it is right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backend.images.channels import largest, smallest
from backend.images.jpeg_grid import LUMA
from backend.images.picture import RgbImage

WEIGHTS_FILE = Path(__file__).parents[1] / "models" / "weights" / "photo_or_drawing.json"
TILE = 128
"""Side of the examined squares, in pixels."""
TILES_A_SIDE = 4
COARSE, FINE = 8, 4
"""Sides of the blocks whose brightness is compared."""
ACTIVE_RANGE = 24
"""Grey levels that a block with an edge or a texture spans."""
INK_SPAN = 60
"""Grey levels between ink and paper."""
PERCENTILES = (10, 50, 90)
EXTREMES = (1, 99)
"""Percentiles of brightness between which a picture's range lies."""
FULL_RANGE, DARKEST, MOST_GAIN = 220.0, 16, 8.0
Values = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]


def is_photograph(rgb: RgbImage) -> bool:
    """Return whether the (H, W, 3) uint8 picture is a photograph; a plain colour is not."""
    judge = _judge()
    found = features(rgb)
    return judge.score(np.array([found[name] for name in judge.names])) > 0


@dataclass(frozen=True, kw_only=True)
class Judge:
    """One hidden layer of ReLU units over standardised features."""

    names: tuple[str, ...]
    mean: Weights
    deviation: Weights
    hidden: Weights
    """(units, features)."""
    hidden_bias: Weights
    output: Weights
    output_bias: float

    def score(self, values: Weights) -> float:
        """Return a number above 0 for a photograph; `values` are in the order of `names`."""
        inputs = (values - self.mean) / self.deviation
        units = np.maximum(self.hidden @ inputs + self.hidden_bias, 0)
        return float(self.output @ units) + self.output_bias


@cache
def _judge() -> Judge:
    read = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))
    return Judge(
        names=tuple(read["names"]),
        output_bias=read["output_bias"],
        **{
            name: np.array(read[name])
            for name in ("mean", "deviation", "hidden", "hidden_bias", "output")
        },
    )


def features(rgb: RgbImage) -> dict[str, float]:
    """Return named numbers that depend neither on the picture's size nor on its exposure."""
    tiles, gain = exposed(sample(rgb))
    colours = tiles.astype(np.int16)
    luma = (colours @ LUMA >> 8).astype(np.float32)
    return {
        **_steps(colours),
        **_flatness(luma),
        **_edges(luma),
        **_palette(tiles),
        **_saturation(colours),
        **_grain(luma),
        **_print(luma),
        "gain": float(np.log(gain)),
    }


def exposed(tiles: RgbImage) -> tuple[RgbImage, float]:
    """Return the tiles with a full range of brightness, and the factor that gave it to them."""
    luma = tiles.astype(np.int32) @ LUMA >> 8
    dark, light = np.percentile(luma, EXTREMES)
    gain = min(MOST_GAIN, FULL_RANGE / max(1.0, light - dark))
    if gain <= 1:
        return tiles, 1.0
    levels = np.clip((np.arange(256) - dark) * gain + DARKEST, 0, 255).astype(np.uint8)
    return levels[tiles], gain


def sample(rgb: RgbImage) -> RgbImage:
    """Return (N, h, w, 3): the picture itself, or squares spread evenly over a large one."""
    height, width = rgb.shape[:2]
    tops = _starts(height)
    lefts = _starts(width)
    if len(tops) == len(lefts) == 1:
        return _at_least_one_block(rgb)[np.newaxis]
    tall = TILE if len(tops) > 1 else height
    wide = TILE if len(lefts) > 1 else width
    return np.stack(
        [
            _at_least_one_block(rgb[top : top + tall, left : left + wide])
            for top in tops
            for left in lefts
        ]
    )


def _starts(side: int) -> list[int]:
    if side <= TILE * TILES_A_SIDE:
        return [0]
    return [round(start) for start in np.linspace(0, side - TILE, TILES_A_SIDE)]


def _at_least_one_block(rgb: RgbImage) -> RgbImage:
    """Repeat the border of a picture that is smaller than a block."""
    missing = [max(0, COARSE - side) for side in rgb.shape[:2]]
    return np.pad(rgb, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _steps(colours: npt.NDArray[np.int16]) -> dict[str, float]:
    """Return the largest step of the three colours between neighbouring pixels."""
    across = largest(np.abs(np.diff(colours, axis=2))).ravel()
    down = largest(np.abs(np.diff(colours, axis=1))).ravel()
    step = np.concatenate([across, down]).astype(np.float32)
    mean = float(step.mean()) + 0.01
    return {
        "steps_none": float((step == 0).mean()),
        "steps_tiny": float((step <= 2).mean()),
        "steps_small": float((step <= 6).mean()),
        "steps_large": float((step > 40).mean()),
        "steps_huge": float((step > 96).mean()),
        "step_mean": float(np.log(mean)),
        "step_spread": float(np.log(step.std() / mean + 0.1)),
    }


def blocks_of(luma: Values, side: int) -> Values:
    """(N, h, w) -> (blocks, side, side); the remainder at the right and bottom is cut off."""
    count, height, width = luma.shape
    rows, columns = height // side, width // side
    cut = luma[:, : rows * side, : columns * side]
    cut = cut.reshape(count, rows, side, columns, side).swapaxes(2, 3)
    return cut.reshape(-1, side, side)


def _flatness(luma: Values) -> dict[str, float]:
    span = np.ptp(blocks_of(luma, FINE), axis=(1, 2))
    return {
        "blocks_flat": float((span <= 1).mean()),
        "blocks_calm": float((span <= 3).mean()),
        "blocks_soft": float((span <= 8).mean()),
        "blocks_grainy": float(((span > 3) & (span < ACTIVE_RANGE)).mean()),
        "blocks_hard": float((span >= 64).mean()),
    }


def _edges(luma: Values) -> dict[str, float]:
    """Measure how blocks with an edge are filled: by two tones, or by all between them."""
    blocks = blocks_of(luma, COARSE)
    low = blocks.min((1, 2))
    span = blocks.max((1, 2)) - low
    is_active = span >= min(ACTIVE_RANGE, np.sort(span)[-min(8, len(span))])
    active, active_span = blocks[is_active], np.maximum(span[is_active], 1)
    tone = (active - low[is_active, None, None]) / active_span[:, None, None]
    across = np.abs(np.diff(active, axis=2)).reshape(len(active), -1)
    down = np.abs(np.diff(active, axis=1)).reshape(len(active), -1)
    step = np.concatenate([across, down], axis=1)
    steepest = np.sort(step, axis=1)[:, -step.shape[1] // COARSE :]
    measures = {
        "two_tones": ((tone < 0.12) | (tone > 0.88)).mean((1, 2)),
        "middle_tones": ((tone > 0.3) & (tone < 0.7)).mean((1, 2)),
        "still": (step <= 1).mean(1),
        "calm": (step <= 3).mean(1),
        "slope": step.mean(1) / active_span,
        "concentration": steepest.sum(1) / (step.sum(1) + 1),
    }
    quiet = span[span < ACTIVE_RANGE]
    found = {
        "active_share": float((span >= ACTIVE_RANGE).mean()),
        "active_span": float(active_span.mean() / 64),
        "quiet_flat": float((quiet <= 1).mean()) if quiet.size else 0.0,
        "quiet_calm": float((quiet <= 4).mean()) if quiet.size else 0.0,
        "quiet_span": float(np.log((np.median(quiet) if quiet.size else ACTIVE_RANGE) + 0.5)),
    }
    for name, measure in measures.items():
        for percentile, value in zip(PERCENTILES, np.percentile(measure, PERCENTILES), strict=True):
            found[f"edges_{name}_{percentile}"] = float(value)
    return found


def _palette(tiles: RgbImage) -> dict[str, float]:
    """Measure how few of 4096 colours are enough."""
    red, green, blue = (tiles[..., i].ravel().astype(np.int32) >> 4 for i in range(3))
    counts = np.bincount(red << 8 | green << 4 | blue, minlength=4096)
    share = np.sort(counts)[::-1] / counts.sum()
    used = share[share > 0]
    extreme = (smallest(tiles) >= 250) | (largest(tiles) <= 5)
    return {
        "palette_first": float(share[0]),
        "palette_four": float(share[:4].sum()),
        "palette_sixteen": float(share[:16].sum()),
        "palette_size": float(np.log(len(used))),
        "palette_entropy": float(-(used * np.log(used)).sum()),
        "black_or_white": float(extreme.mean()),
    }


def _saturation(colours: npt.NDArray[np.int16]) -> dict[str, float]:
    spread = largest(colours) - smallest(colours)
    return {
        "saturation": float(spread.mean() / 64),
        "gray_share": float((spread < 6).mean()),
        "vivid_share": float((spread > 120).mean()),
    }


def _grain(luma: Values) -> dict[str, float]:
    middle = luma[:, 1:-1, 1:-1]
    around = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    curvature = np.abs(4 * middle - around)
    median, high = np.percentile(curvature, (50, 90))
    return {"grain": float(np.log(median + 0.5)), "grain_high": float(np.log(high + 0.5))}


def _print(luma: Values) -> dict[str, float]:
    """Measure how much looks like ink on paper, at half the size, where grain is averaged away."""
    count, height, width = (side // step for side, step in zip(luma.shape, (1, 2, 2), strict=True))
    halved = luma[:, : 2 * height, : 2 * width].reshape(count, height, 2, width, 2).mean((2, 4))
    if min(height, width) < COARSE:
        missing = max(0, COARSE - height), max(0, COARSE - width)
        halved = np.pad(halved, ((0, 0), (0, missing[0]), (0, missing[1])), mode="edge")
    blocks = blocks_of(halved, COARSE).reshape(-1, COARSE**2)
    light, dark = np.percentile(blocks, 85, axis=1), blocks.min(1)
    span = light - dark
    has_ink = span >= INK_SPAN
    paper = np.median(light)
    tone = (blocks - dark[:, None]) / np.maximum(span, 1)[:, None]
    inked = tone[has_ink] if has_ink.any() else tone
    return {
        "print_inked": float(has_ink.mean()),
        "print_paper_even": float(np.minimum(np.abs(light - paper), 64).mean() / 64),
        "print_paper_even_near_ink": float(
            np.minimum(np.abs(light[has_ink] - paper), 64).mean() / 64 if has_ink.any() else 1.0
        ),
        "print_light": float((inked > 0.75).mean()),
        "print_dark": float((inked < 0.3).mean()),
        "print_paper_level": float(paper / 255),
        "print_blank": float((span < 24).mean()),
    }
