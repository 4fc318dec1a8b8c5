"""A test of the endpoint with a neutral picture."""

from __future__ import annotations

import io

from PIL import Image

from backend import SuperResolutionError, UpscaleOptions
from webapp.client.remote import RemoteEngine, RemoteUpscaled

SIDE = 16


def check_connection(engine: RemoteEngine) -> RemoteUpscaled | SuperResolutionError:
    """Send a picture like a visitor's, with the endpoint's default model; return what came."""
    try:
        return engine.upscale(test_picture(), UpscaleOptions(scale=2, format="png"))
    except SuperResolutionError as exc:
        return exc


def test_picture() -> bytes:
    """Return a PNG of a few grey levels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB").save(file, "PNG")
    return file.getvalue()
