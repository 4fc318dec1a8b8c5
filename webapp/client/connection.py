"""A test of the endpoint with a neutral picture."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from backend import SuperResolutionError, UpscaleOptions
from webapp.client.remote import RemoteEngine, RemoteUpscaled

SIDE = 16


@dataclass(frozen=True, kw_only=True)
class ConnectionTest:
    """The outcome of a test: exactly one of the two is set."""

    response: RemoteUpscaled | None = None
    error: SuperResolutionError | None = None


def check_connection(engine: RemoteEngine) -> ConnectionTest:
    """Send a picture like a visitor's, with the endpoint's default model; never raise."""
    try:
        response = engine.upscale(test_picture(), UpscaleOptions(scale=2, format="png"))
    except SuperResolutionError as exc:
        return ConnectionTest(error=exc)
    return ConnectionTest(response=response)


def test_picture() -> bytes:
    """Return a PNG of a few grey levels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB").save(file, "PNG")
    return file.getvalue()
