"""The same picture through both engines."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend import SuperResolutionError, Upscaled
from backend.errors import CancelledError
from backend.images import decode, reopen
from backend.upscaler import ignore_progress
from webapp import comparison
from webapp.cloud.call import Call
from webapp.cloud.engine import CloudEngine, CloudUpscaled
from webapp.cloud.likeness import psnr
from webapp.engine import Engine, Progress
from webapp.enhance import Wish, master_format


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Both results as files, and how much they are alike."""

    local: Upscaled
    cloud: CloudUpscaled
    psnr: float
    """In dB; infinite when the pixels are identical."""
    comparison: bytes
    """Bounded previews, from `comparison.prepare`."""

    @property
    def is_identical(self) -> bool:
        """Pixel by pixel."""
        return math.isinf(self.psnr)

    @property
    def nbytes(self) -> int:
        """What it weighs in memory."""
        return len(self.local.data) + len(self.cloud.data) + len(self.comparison)


def compare(
    data: bytes,
    wish: Wish,
    *,
    engine: Engine,
    cloud: CloudEngine,
    max_side: int,
    on_progress: Progress,
    is_cancelled: Callable[[], bool],
    on_finishing: Callable[[], None],
) -> Compared:
    """Runs in a worker thread, both engines at a time; the first that fails ends the other."""
    cloud.check(data)
    picture = decode(data, max_side=max_side)
    options = replace(wish.options, format=master_format(picture, scale=wish.options.scale))
    has_failed = threading.Event()

    def ask_cloud() -> CloudUpscaled:
        return cloud.enhance(
            data,
            options,
            on_progress=ignore_progress,
            is_cancelled=lambda: has_failed.is_set() or is_cancelled(),
        )

    asking = Call(ask_cloud)
    try:
        local = engine.enhance(
            data,
            options,
            on_progress=on_progress,
            is_cancelled=lambda: asking.error is not None or is_cancelled(),
        )
    except SuperResolutionError as exc:
        has_failed.set()
        if isinstance(exc, CancelledError) and asking.error is not None:
            raise asking.error from None
        raise
    remote = asking.result()
    on_finishing()
    return _compared(local, remote, wish)


def _compared(local: Upscaled, cloud: CloudUpscaled, wish: Wish) -> Compared:
    with (
        reopen(local.data, format=local.format) as left,
        reopen(cloud.data, format=cloud.format) as right,
    ):
        size = f"{local.width} × {local.height}"
        labels = f"This computer · {size}", f"Cloud · {size}"
        return Compared(
            local=local,
            cloud=cloud,
            psnr=psnr(left, right),
            comparison=comparison.prepare(left, right, labels=labels, key=wish.name),
        )
