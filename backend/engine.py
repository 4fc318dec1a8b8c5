"""The `Engine` protocol, its results, and the `Watch` by which a caller follows the work.

Nothing heavy is imported, so that a function which only calls a remote engine starts quickly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.errors import CancelledError, DeadlineError
from backend.options import UpscaleOptions

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A finished part of a result; its pixels are those of the whole result."""

    box: Box
    """Its place, in pixels of the result."""
    picture: Any
    """A `backend.images.picture.Picture` of the box alone."""
    size: tuple[int, int]
    """(width, height) of the whole result."""
    model: str


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The way a caller follows one piece of work, steers it and ends it; the defaults do nothing.

    All functions are called from the thread that does the work, which waits for them.
    """

    on_progress: Callable[[int, int], None] = lambda _done, _total: None
    """Called with (done, total) after every tile."""
    is_cancelled: Callable[[], bool] = lambda: False
    """Asked before every tile, and while waiting for a turn."""
    seconds_left: Callable[[], float] = lambda: math.inf
    """Returns the seconds that the caller will still wait; asked like `is_cancelled`."""
    on_finishing: Callable[[], None] = lambda: None
    """Called when the last tile is done and the result is being encoded."""
    on_piece: Callable[[Piece], None] = lambda _piece: None
    """Called with each finished part of the result; a remote engine sends none."""
    next_piece: Callable[[Sequence[Box]], int] = lambda _places: 0
    """Called before each piece with the places that are left, in pixels of the result; returns
    the index of the one to do next."""
    visitor: str | None = None
    """The visitor, whose works share one place in the order of turns; None is a new visitor."""

    def check(self) -> None:
        """Raise DeadlineError if no time is left, CancelledError if the caller asked to stop."""
        if self.seconds_left() <= 0:
            raise DeadlineError
        if self.is_cancelled():
            raise CancelledError


@dataclass(frozen=True, kw_only=True)
class Upscaled:
    """A finished result: either `data`, or a `link` from an engine that stored it elsewhere."""

    data: bytes = b""
    """The encoded file."""
    link: str | None = None
    """A link to the file, which expires."""
    width: int
    height: int
    format: str
    model: str
    scale: int
    cleanup: int | None = None
    """0-100, as used; None if the engine does not say."""
    detail: int | None = None
    """0-100, as used; None for a network without the choice."""
    notes: tuple[str, ...] = ()
    """Codes for what the picture has and the result lacks, such as other frames."""
    lr_size: tuple[int, int]
    """(width, height) of the upright input."""
    seconds: float
    """Seconds from decoding to encoding, without waiting for a turn."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each part of the work, waiting included; empty when the engine does not say."""


class Engine(Protocol):
    """One place that upscales; may be called from several threads at once."""

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        """The scales of each tier, the default tier first; empty when it cannot be known."""
        ...

    @property
    def details(self) -> Mapping[str, int]:
        """The default `detail` of each tier that has the choice, 0 natural to 100 vivid."""
        ...

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = ...) -> Upscaled:
        """Upscale an encoded picture into an encoded picture; raise SuperResolutionError.

        Raise DeadlineError before the work if the estimate exceeds `watch.seconds_left`.
        """
        ...

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """Estimate the seconds for an upright input of (width, height)."""
        ...
