"""The work of a job: one result, made and kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

from backend.engine import Engine, Watch
from webapp.intake.pictures import InputFile, Inspection
from webapp.options.state import result_size
from webapp.shared import Shared
from webapp.tabs import Result, Tab
from webapp.work.comparison import compare_engines
from webapp.work.enhance import EnhanceRequest, Place, enhance, is_kept_lossless
from webapp.work.live import Live


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything that one result is made of."""

    shared: Shared
    owner: Tab
    """The tab that keeps the result."""
    picture: InputFile
    inspection: Inspection
    request: EnhanceRequest
    live: Live
    visitor: str
    """The token of the tab that waits for it."""

    def run(self, watch: Watch) -> None:
        """Make and keep the result, in a job's thread."""
        finishing_since = time.monotonic()

        def finishing() -> None:
            nonlocal finishing_since
            finishing_since = time.monotonic()
            watch.on_finishing()

        followed = replace(
            watch,
            on_finishing=finishing,
            on_piece=self.live.add,
            next_piece=self.live.next,
            visitor=self.visitor,
        )
        made = self._make(followed)
        pixels = math.prod(result_size(self.inspection.size, self.request.options))
        self.shared.saving.learn(
            pixels=pixels,
            seconds=time.monotonic() - finishing_since,
            is_lossless=is_kept_lossless(pixels),
        )
        self.owner.keep(self.request, made)
        self.owner.lives.pop(self.request, None)

    def _make(self, watch: Watch) -> Result:
        data, request, shared = self.picture.file.read(), self.request, self.shared
        engine: Engine = shared.engine
        if request.place is not Place.LOCAL:
            assert shared.cloud is not None
            if request.place is Place.BOTH:
                return compare_engines(
                    data,
                    request,
                    self.inspection,
                    engine=shared.engine,
                    cloud=shared.cloud,
                    disk=shared.disk,
                    watch=watch,
                )
            engine = shared.cloud
        return enhance(data, request, self.inspection, engine=engine, disk=shared.disk, watch=watch)
