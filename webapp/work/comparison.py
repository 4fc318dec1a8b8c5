"""The same picture through both engines, and the PSNR between their results."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from PIL import Image, ImageChops

from backend.deadline import begin
from backend.engine import Engine, Upscaled, Watch
from backend.errors import CancelledError, SuperResolutionError
from backend.images.picture import reopen
from webapp.base.files import Disk
from webapp.base.side import displayable
from webapp.client.remote import RemoteEngine
from webapp.intake.pictures import Inspection
from webapp.work.enhance import Enhanced, EnhanceRequest, engine_options, store

ROWS = 512


@dataclass(frozen=True, kw_only=True)
class EngineComparison:
    """Both results as files, and their similarity."""

    local: Enhanced
    cloud: Enhanced
    psnr: float
    """PSNR in dB; infinite if the pixels are identical."""

    @property
    def is_identical(self) -> bool:
        """True if every pixel is equal."""
        return math.isinf(self.psnr)

    @property
    def parts(self) -> tuple[Enhanced, ...]:
        return self.local, self.cloud

    @property
    def nbytes(self) -> int:
        return self.local.nbytes + self.cloud.nbytes


def compare_engines(
    data: bytes,
    request: EnhanceRequest,
    inspection: Inspection,
    *,
    engine: Engine,
    cloud: RemoteEngine,
    disk: Disk,
    watch: Watch,
) -> EngineComparison:
    """Run both engines at once in a worker thread; the first failure ends the other."""
    cloud.check(data)
    options = engine_options(request, inspection, details=engine.details)
    has_failed = threading.Event()
    stop = Watch(is_cancelled=lambda: has_failed.is_set() or watch.is_cancelled())
    call = begin(lambda: cloud.upscale(data, options, watch=stop))

    def cloud_error() -> BaseException | None:
        return call.exception() if call.done() else None

    both = Watch(
        on_progress=watch.on_progress,
        is_cancelled=lambda: cloud_error() is not None or watch.is_cancelled(),
    )
    try:
        local = engine.upscale(data, options, watch=both)
    except SuperResolutionError as exc:
        has_failed.set()
        if isinstance(exc, CancelledError) and (error := cloud_error()) is not None:
            raise error from None
        raise
    remote = call.result()
    watch.on_finishing()
    return EngineComparison(
        local=store(local, disk=disk, is_photograph=inspection.is_photograph),
        cloud=store(remote, disk=disk, is_photograph=inspection.is_photograph),
        psnr=_psnr(local, remote),
    )


def _psnr(local: Upscaled, remote: Upscaled) -> float:
    with (
        reopen(local.data, format=local.format) as left,
        reopen(remote.data, format=remote.format) as right,
    ):
        return psnr(left, right)


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Return the PSNR in dB over all pixels and channels, infinite if identical.

    The peak is 255. Transparency counts only where both have it. Raise ValueError for images of
    different sizes.
    """
    if one.size != other.size:
        raise ValueError("the pictures have different sizes")
    one, other = displayable(one), displayable(other)
    mode = "RGBA" if one.mode == other.mode == "RGBA" else "RGB"
    squares = 0
    for top in range(0, one.height, ROWS):  # in strips: results have up to 268 megapixels
        box = (0, top, one.width, min(top + ROWS, one.height))
        strips = (each.crop(box).convert(mode) for each in (one, other))
        counts = ImageChops.difference(*strips).histogram()
        squares += sum(count * (index % 256) ** 2 for index, count in enumerate(counts))
    if squares == 0:
        return math.inf
    return 10 * math.log10(255**2 * one.width * one.height * len(mode) / squares)
