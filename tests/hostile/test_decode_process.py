"""The real decoding process: its answers, its limits, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import BusyError, ImageTooLargeError, SuperResolutionError
from backend.images.picture import decode
from backend.images.sandbox.process import DecodeProcess
from tests.hostile.corpus import BAD, GOOD, Case, jpeg

ROOT = Path(__file__).resolve().parents[2]
MAX_SIDE = 4096


@pytest.fixture(scope="module")
def process() -> Iterator[DecodeProcess]:
    made = DecodeProcess()
    yield made
    made.close()


def processes(parent: int) -> list[int]:
    """List the decoding processes below a process: the oldest first, before its copies."""
    children = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"sandbox.worker" in command:
            children.append((int(fields[19]), int(folder.name)))
    # Process ids wrap around, so only the start time tells which one is younger.
    return [number for _, child in sorted(children) for number in [*processes(child), child]]


def are_gone(numbers: list[int]) -> bool:
    """Return whether they ended, or are zombies."""
    for number in numbers:
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            return False
    return True


def until_gone(numbers: list[int]) -> None:
    pause = threading.Event()
    for _ in range(500):
        if are_gone(numbers):
            return
        pause.wait(0.02)
    pytest.fail(f"still running: {numbers}")


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_the_picture_is_the_same_as_without_the_process(process: DecodeProcess, case: Case) -> None:
    here = decode(case.make(), max_side=MAX_SIDE)
    there = process.decode(case.make(), max_side=MAX_SIDE)
    np.testing.assert_array_equal(there.rgb, here.rgb)
    if here.alpha is None:
        assert there.alpha is None
    else:
        np.testing.assert_array_equal(there.alpha, here.alpha)
    facts = ("icc_profile", "is_gray", "source_format", "jpeg_quality")
    assert [getattr(there, each) for each in facts] == [getattr(here, each) for each in facts]


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_file_gives_the_same_error(process: DecodeProcess, case: Case) -> None:
    with pytest.raises(SuperResolutionError) as here:
        decode(case.make(), max_side=MAX_SIDE)
    with pytest.raises(type(here.value)) as there:
        process.decode(case.make(), max_side=MAX_SIDE)
    assert (there.value.message, there.value.details) == (here.value.message, here.value.details)


def test_many_threads_share_the_process(process: DecodeProcess) -> None:
    sides = range(1, 60)
    with ThreadPoolExecutor(12) as threads:

        def width(side: int) -> int:
            picture = jpeg(Image.new("RGB", (side, 8)))
            return process.decode(picture, max_side=MAX_SIDE).size[0]

        assert list(threads.map(width, sides)) == list(sides)


def test_pixels_may_be_written_to(process: DecodeProcess) -> None:
    picture = process.decode(jpeg(), max_side=MAX_SIDE)
    picture.rgb[0, 0] = (1, 2, 3)
    assert picture.rgb[0, 0].tolist() == [1, 2, 3]


def limited(statement: str) -> subprocess.CompletedProcess[str]:
    code = f"from backend.images.sandbox.limits import limit; limit(pixels=1_000_000)\n{statement}"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_copy_that_goes_on_for_too_long_is_ended() -> None:
    assert limited("while True: pass").returncode == -signal.SIGPROF


def test_a_copy_beyond_its_memory_limit_ends() -> None:
    ended = limited("bytearray(600 * 2**20)")
    assert ended.returncode == 1
    assert "MemoryError" in ended.stderr


def test_the_limits_allow_what_a_good_picture_needs() -> None:
    ended = limited("bytearray(300 * 2**20); print(sum(range(10**6)))")
    assert ended.returncode == 0, ended.stderr


@contextlib.contextmanager
def copies_ended_by(number: int) -> Iterator[None]:
    """Send the signal to each copy as soon as it is seen."""
    is_over = threading.Event()

    def send() -> None:
        while not is_over.wait(0.001):
            for copy in processes(os.getpid())[:-1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(copy, number)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:  # or it would end those of every test that follows
        is_over.set()
        thread.join()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_good_picture_is_never_blamed_for_a_copy_that_was_killed(number: int) -> None:
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    large = jpeg(Image.new("RGB", (2000, 2000)))
    until = time.monotonic() + 60
    with copies_ended_by(number), pytest.raises(SuperResolutionError) as caught:
        while time.monotonic() < until:
            process.decode(large, max_side=MAX_SIDE)
    assert caught.value.code == "busy"
    assert process.decode(jpeg(), max_side=MAX_SIDE).size == (48, 32)
    process.close()


def test_a_copy_that_ends_by_its_limit_is_told_as_a_bad_picture() -> None:
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    large = jpeg(Image.new("RGB", (2000, 2000)))
    until = time.monotonic() + 60
    with copies_ended_by(signal.SIGPROF), pytest.raises(SuperResolutionError) as caught:
        while time.monotonic() < until:
            process.decode(large, max_side=MAX_SIDE)
    assert caught.value.code == "invalid_image"
    process.close()


@pytest.mark.parametrize("which", ["the process", "its copy", "both"])
def test_a_process_that_hangs_is_replaced(which: str) -> None:
    others = set(processes(os.getpid()))
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    *copies, worker = (each for each in processes(os.getpid()) if each not in others)
    stopped = {"the process": [worker], "its copy": copies, "both": [*copies, worker]}[which]
    for number in stopped:
        with contextlib.suppress(ProcessLookupError):  # the copy that has answered ends meanwhile
            os.kill(number, signal.SIGSTOP)
    with ThreadPoolExecutor(3) as threads:
        pictures = threads.map(lambda _: process.decode(jpeg(), max_side=MAX_SIDE), range(5))
        assert [picture.size for picture in pictures] == [(48, 32)] * 5
    assert worker not in processes(os.getpid())
    until_gone(stopped)
    process.close()


def test_a_copy_that_hangs_in_the_middle_is_replaced() -> None:
    others = set(processes(os.getpid()))
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    with ThreadPoolExecutor(1) as threads:
        waiting = set(processes(os.getpid())) - others
        large = jpeg(Image.effect_noise((4000, 4000), 50).convert("RGB"))
        picture = threads.submit(process.decode, large, max_side=MAX_SIDE)
        while waiting == set(processes(os.getpid())) - others and not picture.done():
            pass  # the next copy is made when one has a picture
        for number in waiting & set(processes(os.getpid())[:-1]):
            with contextlib.suppress(ProcessLookupError):  # it was done with the picture first
                os.kill(number, signal.SIGSTOP)
        assert picture.result(timeout=120).size == (4000, 4000)
    process.close()


def test_the_time_for_a_picture_is_given_once() -> None:
    ended = limited(
        "import signal\n"
        "while signal.getitimer(signal.ITIMER_PROF)[0] > 1: pass\n"
        "limit(); print(signal.getitimer(signal.ITIMER_PROF)[0] < 1.1)\n"
        "limit(pixels=10_000_000); print(2 < signal.getitimer(signal.ITIMER_PROF)[0] < 2.6)"
    )
    assert ended.stdout == "True\nTrue\n", ended.stderr


def test_a_machine_without_room_for_the_pixels_blames_no_picture() -> None:
    """Simulate a full disk or memory: no file may exceed 64 KiB."""
    code = (
        "import resource; from backend.errors import BusyError\n"
        "from backend.images.sandbox.process import DecodeProcess\n"
        "from tests.hostile.corpus import jpeg; from PIL import Image\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "process = DecodeProcess(); process.decode(jpeg(), max_side=99)\n"
        "try: process.decode(jpeg(Image.new('RGB', (400, 400))), max_side=999)\n"
        "except BusyError as exc: print(exc.code, 'ulimit -f' in exc.message)\n"
        "process.close()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "busy True\n", ended.stderr


def test_a_process_that_dies_is_started_again() -> None:
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    running = processes(os.getpid())
    for number in reversed(running):
        with contextlib.suppress(ProcessLookupError):  # one ends with the other
            os.kill(number, signal.SIGKILL)
    until_gone(running)
    assert process.decode(jpeg(), max_side=MAX_SIDE).size == (48, 32)
    process.close()


def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nothing")
        process = DecodeProcess()
        with pytest.raises(BusyError):
            process.decode(jpeg(), max_side=MAX_SIDE)
    assert process.decode(jpeg(), max_side=MAX_SIDE).size == (48, 32)
    process.close()


def test_closing_leaves_no_process_behind() -> None:
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    running = processes(os.getpid())
    assert running
    process.close()
    until_gone(running)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_ends_with_its_caller(end: signal.Signals) -> None:
    code = (
        "import time; from backend.images.sandbox.process import DecodeProcess\n"
        "process = DecodeProcess()\n"
        "from tests.hostile.corpus import jpeg\n"
        "process.decode(jpeg(), max_side=99); print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"
        running = processes(caller.pid)
        assert len(running) >= 2
        caller.send_signal(end)
        caller.wait()
    until_gone(running)


def test_the_process_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-decoders")
    process = DecodeProcess()
    process.decode(jpeg(), max_side=MAX_SIDE)
    for number in processes(os.getpid()):
        assert b"not-for-decoders" not in Path(f"/proc/{number}/environ").read_bytes()
    process.close()


def test_a_size_that_is_refused_is_told_with_its_numbers(process: DecodeProcess) -> None:
    with pytest.raises(ImageTooLargeError) as caught:
        process.decode(jpeg(), max_side=20)
    assert caught.value.details == {"width": 48, "height": 32, "max_side": 20}
