"""First looks and finished pieces, as browsers receive them."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, UpscaleOptions
from backend.engine import Piece, Upscaled
from backend.images.picture import decode
from webapp.base.files import Disk
from webapp.base.texts import texts
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, most_detailed
from webapp.options.state import Choices, default_scale, resolve
from webapp.result import state as result_state
from webapp.settings import PageSettings
from webapp.shared import Shared
from webapp.tabs import Tab
from webapp.wiring import create_shared
from webapp.work import state as work
from webapp.work.enhance import Enhanced, EnhanceRequest
from webapp.work.live import Live
from webapp.work.progress import Estimate
from webapp.work.stream import events, snapshot

SECONDS = 300.0
PLACES = [(0, 0, 10, 10), (10, 0, 20, 10), (0, 10, 10, 20), (10, 10, 20, 20)]


@pytest.fixture
def shared(engine: LocalEngine) -> Shared:
    return create_shared(PageSettings(), engine=engine)


@pytest.fixture
def tab(shared: Shared) -> Tab:
    return shared.tabs.open("ann")


def live_on(disk: Disk, *, detailed: tuple[float, float] = (0.5, 0.5)) -> Live:
    estimate = Estimate(work=1.0, saving=1.0)
    return Live(disk=disk, size=(20, 20), estimate=estimate, detailed=detailed)


def test_the_place_with_the_most_detail_is_done_first(disk: Disk) -> None:
    assert live_on(disk, detailed=(0.7, 0.2)).next(PLACES) == 1
    assert live_on(disk, detailed=(0.2, 0.8)).next(PLACES) == 2


def test_pieces_in_sight_are_done_first(disk: Disk) -> None:
    live = live_on(disk, detailed=(0.1, 0.1))
    live.sight = (12, 12, 18, 18)

    assert live.next(PLACES) == 3
    assert live.next(PLACES[:3]) in (0, 1, 2)


def test_the_detail_is_found_where_it_is() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    noise = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
    picture[180:240, 240:300] = noise

    x, y = most_detailed(Image.fromarray(picture))

    assert 240 / 400 <= x <= 300 / 400
    assert 180 / 300 <= y <= 240 / 300
    assert most_detailed(Image.new("L", (1, 1))) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("size", "scales", "scale"),
    [
        ((1000, 1000), (1, 2, 4), 4),
        ((1001, 1000), (1, 2, 4), 2),
        ((3000, 2000), (1, 2, 4), 2),
        ((3001, 2000), (1, 2, 4), 1),
        ((4000, 3000), (2, 4), 2),
        ((100, 100), (2,), 2),
        ((2000, 1000), (4,), 4),
    ],
)
def test_the_first_scale_goes_by_the_size(
    size: tuple[int, int], scales: tuple[int, ...], scale: int
) -> None:
    assert default_scale(size, scales) == scale


def test_the_pieces_are_those_of_the_result(
    shared: Shared, tab: Tab, photo_bytes: Callable[..., bytes]
) -> None:
    picture = InputFile.from_bytes(photo_bytes("PNG"), name="photo.png", disk=shared.disk)
    request = EnhanceRequest(digest=picture.digest, options=UpscaleOptions(scale=2, model="fast"))
    inspection = intake.inspect(shared, tab, picture)
    live = work.live_of(shared, tab, picture, inspection, request)

    work.start(shared, tab, picture, request)

    assert tab.jobs[request].wait(SECONDS)
    found = work.result(shared, tab, picture, request)
    assert isinstance(found, Enhanced)
    whole = decode(found.encode("png"), max_side=10_000).rgb
    assert live.pieces
    for piece in live.pieces:
        left, top, right, bottom = piece.box
        with Image.open(io.BytesIO(piece.webp())) as image:
            assert np.array_equal(np.asarray(image), whole[top:bottom, left:right])
        with Image.open(io.BytesIO(piece.webp(reduced_by=4))) as image:
            assert image.size == (-(-(right - left) // 4), -(-(bottom - top) // 4))
    assert request not in tab.lives


def test_two_visitors_with_the_same_picture_each_have_a_first_look(
    shared: Shared, photo_bytes: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LOOK_FROM_SECONDS", 0.0)
    may_begin, first_look = threading.Event(), LocalEngine.first_look

    def late(*arguments: Any, **options: Any) -> Upscaled:
        may_begin.wait(SECONDS)
        return first_look(*arguments, **options)

    monkeypatch.setattr(LocalEngine, "first_look", late)
    lives = []
    for visitor in ("ann", "bob"):
        tab = shared.tabs.open(visitor)
        picture = InputFile.from_bytes(photo_bytes("PNG"), name="photo.png", disk=shared.disk)
        request = EnhanceRequest(
            digest=picture.digest, options=UpscaleOptions(scale=2, model="fast")
        )
        inspection = intake.inspect(shared, tab, picture)
        lives.append(work.begin_look(shared, tab, picture, inspection, request))

    may_begin.set()

    for live in lives:
        assert live.look_job is not None
        assert live.look_job.wait(SECONDS)
        assert live.look is not None


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("factor=3", (900, 600)),
        ("width=777", (777, 518)),
        ("fit=640x400", (600, 400)),
        ("print=15x10", (1772, 1181)),
    ],
)
def test_a_result_of_an_exact_size_is_seen_in_its_place(
    shared: Shared, tab: Tab, photo: Image.Image, name: str, size: tuple[int, int]
) -> None:
    file = io.BytesIO()
    photo.resize((300, 200)).save(file, "JPEG")
    picture = InputFile.from_bytes(file.getvalue(), name="photo.jpg", disk=shared.disk)
    inspection = intake.inspect(shared, tab, picture)
    chosen = resolve(shared, Choices(model="fast", scale=name), inspection)
    request = EnhanceRequest(digest=picture.digest, options=chosen)
    live = work.live_of(shared, tab, picture, inspection, request)

    work.start(shared, tab, picture, request)

    assert live.size == size
    assert tab.jobs[request].wait(SECONDS)
    found = work.result(shared, tab, picture, request)
    assert isinstance(found, Enhanced)
    assert (found.upscaled.width, found.upscaled.height) == size
    assert min(each.box[0] for each in live.pieces) == 0
    assert max(each.box[2] for each in live.pieces) == size[0]
    download = result_state.download(shared, tab, picture, found)
    with Image.open(io.BytesIO(download.file("jpeg", keeps=True).read())) as saved:
        assert saved.size == size
        if name.startswith("print"):
            assert [round(side) for side in saved.info["dpi"]] == [300, 300]
    assert download.scale == (
        f"x{size[0] // 300}" if size[0] % 300 == 0 else f"{size[0]}x{size[1]}"
    )


def test_a_full_disk_costs_only_the_pieces(photo_bytes: Callable[..., bytes]) -> None:
    live = live_on(Disk(max_bytes=100))
    picture = decode(photo_bytes("PNG"), max_side=1000)

    live.add(Piece(box=(0, 0, *picture.size), picture=picture, size=picture.size, model="fast"))

    assert live.pieces == []


def test_each_stream_is_told_of_each_piece_once(tab: Tab, disk: Disk) -> None:
    live = tab.live = live_on(disk)
    picture = decode(_png(), max_side=100)
    live.add(Piece(box=(0, 0, 4, 4), picture=picture, size=(20, 20), model="fast"))
    sent: dict[str, int] = {}

    first, again = snapshot(tab, sent, texts("en")), snapshot(tab, sent, texts("en"))
    other = snapshot(tab, {}, texts("en"))

    new = [[0, 0, 0, 4, 4]]
    assert [_pieces(each) for each in (first, again, other)] == [new, [], new]


def test_a_stream_tells_how_the_tab_stands_and_strangers_nothing(shared: Shared, tab: Tab) -> None:
    async def first(secret: str) -> list[str]:
        told = []
        async for each in events(shared, secret, texts("de")):
            told.append(each)
            break
        return told

    (message,) = asyncio.run(first(tab.stream))
    assert json.loads(message.removeprefix("data: ")) == {"now": None, "marks": {}, "ended": []}
    assert asyncio.run(first("a guess")) == []


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "teal").save(file, "PNG")
    return file.getvalue()


def _pieces(told: dict[str, object]) -> object:
    now = told["now"]
    assert isinstance(now, dict)
    return now["pieces"]
