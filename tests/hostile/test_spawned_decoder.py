"""The decoding process that is started for each picture, as on Windows and macOS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import numpy as np
import psutil
import pytest

from backend.errors import BusyError, ImageError, ImageTooLargeError, SuperResolutionError
from backend.images.picture import decode
from backend.images.sandbox import spawned
from backend.images.sandbox.spawned import SpawnedDecoder
from tests.hostile.corpus import BAD, GOOD, Case, jpeg

MAX_SIDE = 4096


@pytest.fixture(scope="module")
def decoder() -> Iterator[SpawnedDecoder]:
    made = SpawnedDecoder()
    yield made
    made.close()


def started(program: str) -> subprocess.Popen[bytes]:
    """Start a program in the decoder's place, which reads the request first."""
    read = "import sys\nsys.stdin.buffer.readline()\n"
    return subprocess.Popen(
        [sys.executable, "-c", read + program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def workers() -> list[psutil.Process]:
    return [
        each
        for each in psutil.Process(os.getpid()).children()
        if each.status() != psutil.STATUS_ZOMBIE  # ended processes of other tests
        and any("spawned_worker" in word for word in each.cmdline())
    ]


@pytest.mark.parametrize("case", GOOD[::4], ids=str)
def test_the_picture_is_the_same_as_without_the_process(
    decoder: SpawnedDecoder, case: Case
) -> None:
    here = decode(case.make(), max_side=MAX_SIDE)
    there = decoder.decode(case.make(), max_side=MAX_SIDE)
    np.testing.assert_array_equal(there.rgb, here.rgb)
    assert (there.alpha is None) == (here.alpha is None)
    assert there.source_format is here.source_format


@pytest.mark.parametrize("case", BAD[::4], ids=str)
def test_a_bad_file_gives_the_same_error(decoder: SpawnedDecoder, case: Case) -> None:
    with pytest.raises(SuperResolutionError) as here:
        decode(case.make(), max_side=MAX_SIDE)
    with pytest.raises(type(here.value)) as there:
        decoder.decode(case.make(), max_side=MAX_SIDE)
    assert there.value.message == here.value.message


def test_a_size_that_is_refused_is_told_with_its_numbers(decoder: SpawnedDecoder) -> None:
    with pytest.raises(ImageTooLargeError) as caught:
        decoder.decode(jpeg(), max_side=20)
    assert caught.value.details == {"width": 48, "height": 32, "max_side": 20}


def test_no_process_reads_two_pictures(decoder: SpawnedDecoder) -> None:
    decoder.decode(jpeg(), max_side=MAX_SIDE)
    (before,) = workers()
    decoder.decode(jpeg(), max_side=MAX_SIDE)
    (after,) = workers()
    assert before.pid != after.pid


def test_a_process_that_was_ended_while_it_waited_is_replaced(decoder: SpawnedDecoder) -> None:
    decoder.decode(jpeg(), max_side=MAX_SIDE)
    for each in workers():
        each.kill()
    assert decoder.decode(jpeg(), max_side=MAX_SIDE).size == (48, 32)


KILLED = "import os, signal\nsys.stdin.buffer.read(1)\nos.kill(os.getpid(), signal.SIGKILL)"
CRASHED = "import ctypes\nctypes.string_at(0)"


@pytest.mark.parametrize(
    ("program", "error"), [(KILLED, BusyError), (CRASHED, ImageError)], ids=["killed", "crashed"]
)
def test_only_the_end_that_a_picture_causes_is_blamed_on_it(
    monkeypatch: pytest.MonkeyPatch, program: str, error: type[SuperResolutionError]
) -> None:
    monkeypatch.setattr(spawned, "_started", partial(started, program))
    decoder = SpawnedDecoder()
    with pytest.raises(error):
        decoder.decode(jpeg(), max_side=MAX_SIDE)
    decoder.close()


def test_a_process_that_is_ended_in_the_middle_of_a_picture_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processes = iter([started(KILLED), spawned._started(), spawned._started()])
    monkeypatch.setattr(spawned, "_started", lambda: next(processes))
    decoder = SpawnedDecoder()
    assert decoder.decode(jpeg(), max_side=MAX_SIDE).size == (48, 32)
    decoder.close()


def test_closing_leaves_no_process_behind() -> None:
    before = workers()
    decoder = SpawnedDecoder()
    decoder.decode(jpeg(), max_side=MAX_SIDE)
    assert len(workers()) == len(before) + 1
    decoder.close()
    assert workers() == before


BUSY = "import time\nuntil = time.process_time() + 60\nwhile time.process_time() < until: pass"
GREEDY = "import time\nkept = bytearray(b'x') * (400 * 2**20)\ntime.sleep(60)"
SLEEPY = "import time\ntime.sleep(60)"


@pytest.mark.parametrize("program", [BUSY, GREEDY, SLEEPY], ids=["time", "memory", "waiting"])
def test_a_process_that_costs_too_much_is_ended(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(spawned, "_started", partial(started, program))
    monkeypatch.setattr(spawned, "WALL_SECONDS", 4.0 if program == SLEEPY else 30.0)
    decoder = SpawnedDecoder()
    with pytest.raises(ImageError, match="more time or memory"):
        decoder.decode(jpeg(), max_side=MAX_SIDE)
    decoder.close()
