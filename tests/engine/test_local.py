"""Several pictures in one engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from backend import LocalEngine, Settings, UpscaleOptions
from backend.engine import Watch
from backend.images.picture import Picture, RgbImage, decode
from backend.inference.upscaler import Session
from backend.models.manifest import SHIPPED, ModelSpec
from backend.models.registry import load_registry

SECONDS = 120


class Slow:
    """A session whose runs wait for the test, and are counted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self.go_on = threading.Event()
        self.is_running = threading.Event()
        self.running = self.most = 0

    @property
    def spec(self) -> ModelSpec:
        return self._session.spec

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.is_running.set()
        assert self.go_on.wait(SECONDS)
        try:
            return self._session.run(lr, cleanup_level=cleanup_level)
        finally:
            with self._lock:
                self.running -= 1


@pytest.mark.parametrize(("max_networks", "most"), [(1, 1), (None, 2)])
def test_the_next_picture_is_decoded_while_one_is_in_the_network(
    engine: LocalEngine,
    photo_bytes: Callable[..., bytes],
    max_networks: int | None,
    most: int,
) -> None:
    slow = Slow(engine.session(model="fast", scale=2))
    decoded = threading.Semaphore(0)

    def decode_and_tell(data: bytes, *, max_side: int) -> Picture:
        picture = decode(data, max_side=max_side)
        decoded.release()
        return picture

    several = LocalEngine(
        registry=load_registry(SHIPPED),
        open_session=lambda spec: slow,
        decode=decode_and_tell,
        settings=replace(Settings(), max_running=2),
        max_networks=max_networks,
    )
    results: list[bytes] = []
    picture = photo_bytes("PNG")
    options = UpscaleOptions(model="fast")
    threads = [
        threading.Thread(target=lambda: results.append(several.upscale(picture, options).data))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert decoded.acquire(timeout=SECONDS) and decoded.acquire(timeout=SECONDS)
    assert slow.is_running.wait(SECONDS)
    if max_networks is None:
        for _ in range(SECONDS * 100):
            if slow.running < 2:
                slow.go_on.wait(0.01)
    slow.go_on.set()
    for thread in threads:
        thread.join(SECONDS)
    assert slow.most == most
    assert results == [engine.upscale(picture, options).data] * 2


def test_results_in_the_making_share_the_limit_of_the_largest(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    """The second of two pictures of 96 x 64, with results of 192 x 128, waits."""
    slow = Slow(engine.session(model="fast", scale=2))
    several = LocalEngine(
        registry=load_registry(SHIPPED),
        open_session=lambda spec: slow,
        decode=decode,
        settings=replace(Settings(), max_running=2, max_output_pixels=192 * 128 * 3 // 2),
    )
    picture, waited = photo_bytes("PNG"), threading.Event()

    def is_cancelled() -> bool:
        """Called while the second waits for its turn, and then for the first's pixels."""
        if slow.is_running.is_set():
            waited.set()
        return False

    first = threading.Thread(target=several.upscale, args=(picture, UpscaleOptions(model="fast")))
    first.start()
    assert slow.is_running.wait(SECONDS)
    watch = Watch(is_cancelled=is_cancelled)
    second = threading.Thread(
        target=several.upscale,
        args=(picture, UpscaleOptions(model="fast")),
        kwargs={"watch": watch},
    )
    second.start()
    assert waited.wait(SECONDS)
    assert slow.most == 1
    slow.go_on.set()
    for thread in (first, second):
        thread.join(SECONDS)
    assert slow.most == 1
