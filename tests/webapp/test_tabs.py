"""The memory of a tab: its contents, its duration, and its owner."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from backend import Upscaled, UpscaleOptions
from webapp import tabs as module
from webapp.base.errors import TooManyPicturesError
from webapp.base.files import Disk
from webapp.intake.pictures import InputFile
from webapp.tabs import Tab, Tabs
from webapp.work.enhance import Enhanced, EnhanceRequest

KEEP_SECONDS = 60.0


class Clock:
    """A clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(max_bytes=2**20, parent=tmp_path)


@pytest.fixture
def connected() -> set[str]:
    return {"one", "two"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tabs(connected: set[str], clock: Clock) -> Tabs:
    return Tabs(is_connected=connected.__contains__, keep_seconds=KEEP_SECONDS, clock=clock)


def picture(disk: Disk, data: bytes = b"a") -> InputFile:
    return InputFile.from_bytes(data, name="a.png", disk=disk)


def result(disk: Disk, size: int = 10) -> Enhanced:
    upscaled = Upscaled(
        width=2, height=2, format="png", model="fast", scale=2, lr_size=(1, 1), seconds=0.1
    )
    return Enhanced(
        upscaled=upscaled,
        master=disk.store(bytes(size)),
        formats=("png",),
        side=disk.store(b""),
    )


def request(digest: str, scale: int = 2) -> EnhanceRequest:
    return EnhanceRequest(digest=digest, options=UpscaleOptions(scale=scale))


def test_tokens_cannot_be_guessed(tabs: Tabs) -> None:
    tokens = {tabs.open("one").token for _ in range(50)}

    assert len(tokens) == 50
    assert all(len(token) >= 32 for token in tokens)
    assert tabs.find("") is None
    assert tabs.find("A" * 32) is None


def test_a_reloaded_tab_finds_what_it_had(tabs: Tabs, connected: set[str], disk: Disk) -> None:
    tab = tabs.open("one")
    tab.add(picture(disk))
    connected.remove("one")

    assert tabs.restore(tab.token, session_id="two") is tab
    assert tabs.find(tab.token) is tab


def test_a_tab_that_is_open_elsewhere_is_not_taken_over(tabs: Tabs) -> None:
    tab = tabs.open("one")

    assert tabs.restore(tab.token, session_id="two") is None
    assert tabs.restore(tab.token, session_id="one") is tab


def test_a_closed_tab_is_forgotten_with_its_files(
    tabs: Tabs, connected: set[str], clock: Clock, disk: Disk
) -> None:
    tab = tabs.open("one")
    token = tab.token
    tab.add(picture(disk))
    tab.keep(request("a"), result(disk))
    connected.remove("one")

    clock.now += KEEP_SECONDS - 1
    tabs.sweep()
    assert tabs.find(token) is tab
    clock.now += 2
    del tab
    tabs.sweep()

    assert tabs.find(token) is None
    assert disk.nbytes == 0


def test_the_files_of_a_tab_that_refers_to_itself_are_deleted_with_it(
    tabs: Tabs, connected: set[str], clock: Clock, disk: Disk
) -> None:
    def fill(tab: Tab) -> None:
        tab.add(picture(disk))
        try:
            tab.check_room(module.MAX_UPLOAD_BYTES)
        except TooManyPicturesError as exc:
            tab.input_error = exc  # whose traceback has this tab

    gc.disable()
    try:
        fill(tabs.open("one"))
        assert disk.nbytes > 0
        connected.remove("one")
        clock.now += KEEP_SECONDS + 1
        tabs.sweep()
        assert disk.nbytes == 0
    finally:
        gc.enable()


def test_an_open_tab_is_kept_for_ever(tabs: Tabs, clock: Clock) -> None:
    tab = tabs.open("one")
    for _ in range(5):
        clock.now += 10 * KEEP_SECONDS
        tabs.sweep()

    assert tabs.find(tab.token) is tab


def test_a_tab_keeps_so_many_pictures_and_bytes(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PICTURES", 2)
    monkeypatch.setattr(module, "MAX_UPLOAD_BYTES", 5)
    tab = Tab()
    tab.add(picture(disk, b"aaa"))
    with pytest.raises(TooManyPicturesError):
        tab.add(picture(disk, b"bbb"))
    tab.add(picture(disk, b"cc"))
    with pytest.raises(TooManyPicturesError):
        tab.add(picture(disk, b""))


def test_the_least_recently_shown_results_make_room(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_RESULT_BYTES", 25)
    tab = Tab()
    for name in ("a", "b"):
        tab.keep(request(name), result(disk))
    assert tab.result(request("a")) is not None

    tab.keep(request("c"), result(disk))

    assert [name for name in "abc" if tab.result(request(name))] == ["a", "c"]


def test_a_result_over_the_bound_stays_until_the_next(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_RESULT_BYTES", 5)
    tab = Tab()

    tab.keep(request("a"), result(disk))

    assert tab.result(request("a")) is not None


def test_the_next_picture_is_shown_after_a_removal_and_the_last_after_that_of_the_last(
    disk: Disk,
) -> None:
    tab = Tab()
    first, second, third = (picture(disk, data) for data in (b"a", b"b", b"c"))
    for each in (first, second, third):
        tab.add(each)
    tab.current = first.digest

    tab.remove(first.digest)
    assert tab.current == second.digest
    tab.current = third.digest
    tab.remove(third.digest)
    assert tab.current == second.digest
    tab.remove(second.digest)
    assert tab.current is None


def test_a_picture_takes_the_place_of_another(disk: Disk) -> None:
    tab = Tab()
    first, second, third, turned = (picture(disk, data) for data in (b"a", b"b", b"c", b"d"))
    for each in (first, second, third):
        tab.add(each)

    tab.replace(second.digest, turned)
    assert list(tab.pictures) == [first.digest, turned.digest, third.digest]
    tab.replace(turned.digest, third)
    assert list(tab.pictures) == [first.digest, third.digest]


def test_a_removed_picture_takes_its_results_along(disk: Disk) -> None:
    tab, one = Tab(), picture(disk)
    tab.show(one)
    tab.keep(request(one.digest), result(disk))

    tab.remove(one.digest)

    assert tab.results() == {}
    assert tab.current is None


def test_the_work_of_a_tab_that_said_goodbye_ends_soon(
    tabs: Tabs, connected: set[str], clock: Clock
) -> None:
    closed, locked = tabs.open("one"), tabs.open("two")
    tabs.leave(closed.token)
    connected.clear()

    clock.now += module.LEFT_SECONDS - 1
    assert tabs.is_waited_for(closed.token)
    clock.now += 2

    assert not tabs.is_waited_for(closed.token)
    assert tabs.is_waited_for(locked.token)
    assert tabs.find(closed.token) is closed  # its pictures are there for longer


def test_the_work_of_a_tab_that_was_reloaded_goes_on(
    tabs: Tabs, connected: set[str], clock: Clock
) -> None:
    tab = tabs.open("one")
    tabs.leave(tab.token)
    connected.remove("one")
    clock.now += module.LEFT_SECONDS - 1
    tabs.restore(tab.token, session_id="again")

    clock.now += module.LEFT_SECONDS

    assert tabs.is_waited_for(tab.token)


def test_a_tab_that_is_open_is_waited_for_whatever_was_said(tabs: Tabs, clock: Clock) -> None:
    tab = tabs.open("one")
    tabs.leave(tab.token)
    tabs.leave("guess")

    clock.now += 2 * module.LEFT_SECONDS

    assert tabs.is_waited_for(tab.token)
    assert not tabs.is_waited_for("guess")
