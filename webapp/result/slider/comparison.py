"""The two sides that a slider shows, and how it opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Start:
    """The initial view of a comparison."""

    x: float
    y: float
    """The centre of the view, as fractions of width and height."""
    zoom: float
    """CSS pixels per pixel of the result; a picture that fills the stage anyway is not cut."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides made by `side.pack`; the left one is magnified to the size of the right one."""

    left: bytes
    right: bytes | None
    """None while it is being made."""
    labels: tuple[str, str]
    texts: Mapping[str, str]
    """The words on the built-in slider's controls."""
    key: str
    """The pair's name: while it stays the same, divider and zoom are kept."""
    version: str = ""
    """A version; another one with the same key replaces the pictures."""
    subject: str = ""
    """The scene; its next comparison opens at the same place."""
    size: tuple[int, int] | None = None
    """(width, height) of an unfinished right side."""
    live: str | None = None
    """The address of the work on the right side."""
    details: tuple[str, str] | None = None
    """Addresses of the two whole pictures, for pieces of `zoom.TILE_SIDE` pixels."""
    start: Start | None = None
    is_pixelated: bool = False
    """Open both sides with hard pixels."""
    is_same: bool = False
    """Both sides are the same, pixel by pixel, so no one is invited to look closer."""
    sweeps: bool = False
    """Move the divider once after a page load, unless motion is unwanted."""
