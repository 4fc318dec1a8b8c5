"""Fixtures that every part shares: real networks, real pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from backend import Service, Settings, create_service

SAMPLES = Path(__file__).parent.parent / "sample_images"


@pytest.fixture(scope="session")
def service() -> Service:
    """The shipped networks with the default settings."""
    return create_service(Settings())


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A small colour photograph, 96 x 64."""
    with Image.open(SAMPLES / "cat.jpg") as opened:
        return opened.convert("RGB").crop((60, 40, 156, 104))


@pytest.fixture
def photo_bytes(photo: Image.Image) -> Callable[..., bytes]:
    """The photograph saved in a format: `photo_bytes("PNG")`."""

    def save(format: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        photo.save(buffer, format, **options)
        return buffer.getvalue()

    return save
