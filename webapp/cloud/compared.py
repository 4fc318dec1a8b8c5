"""The same picture through both engines."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace

from backend import Engine, SuperResolutionError, Upscaled, Watch
from backend.errors import CancelledError
from backend.images import decode, reopen
from webapp import comparison
from webapp.cloud.call import Call
from webapp.cloud.engine import CloudEngine, CloudUpscaled
from webapp.cloud.likeness import psnr
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
    watch: Watch,
) -> Compared:
    """Runs in a worker thread, both engines at a time; the first that fails ends the other."""
    cloud.check(data)
    picture = decode(data, max_side=max_side)
    options = replace(wish.options, format=master_format(picture, scale=wish.options.scale))
    has_failed = threading.Event()

    def ask_cloud() -> CloudUpscaled:
        asked = Watch(is_cancelled=lambda: has_failed.is_set() or watch.is_cancelled())
        return cloud.upscale(data, options, watch=asked)

    asking = Call(ask_cloud)
    try:
        watched = Watch(
            on_progress=watch.on_progress,
            is_cancelled=lambda: asking.error is not None or watch.is_cancelled(),
        )
        local = engine.upscale(data, options, watch=watched)
    except SuperResolutionError as exc:
        has_failed.set()
        if isinstance(exc, CancelledError) and asking.error is not None:
            raise asking.error from None
        raise
    remote = asking.result()
    watch.on_finishing()
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
