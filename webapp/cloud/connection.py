"""The question whether the endpoint works, asked with a picture of nobody."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from backend import SuperResolutionError, UpscaleOptions
from webapp.cloud.engine import CloudEngine, CloudUpscaled

SIDE = 16


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What became of a test; exactly one of the two is there."""

    answer: CloudUpscaled | None = None
    error: SuperResolutionError | None = None


def try_connection(engine: CloudEngine) -> Tested:
    """As a visitor's picture would go, with the endpoint's default network; never raises."""
    try:
        answer = engine.upscale(trial_picture(), UpscaleOptions(scale=2, format="png"))
    except SuperResolutionError as exc:
        return Tested(error=exc)
    return Tested(answer=answer)


def trial_picture() -> bytes:
    """A PNG of a few grey levels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB").save(file, "PNG")
    return file.getvalue()
