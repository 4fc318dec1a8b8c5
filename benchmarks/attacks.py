"""Measure what hostile files cost: `python -m benchmarks.attacks [--server]`.

Every file is made here and read twice, each time in a fresh copy of this process: by Pillow alone,
and by this project's decoder with its limits. The table has the CPU seconds and the memory of the
copy, beside those of the project's first version.
With --server each file is also sent to `python -m backend serve`, which is asked `/ping` all the
time meanwhile; the longest time without an answer is printed.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import resource
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageOps

from backend.errors import SuperResolutionError
from backend.images.decode import examine, read_pixels
from backend.images.sandbox.limits import limit
from backend.settings import Settings
from benchmarks.hostile_files import FILES
from benchmarks.served import Served, session

MEBIBYTE = 2**20
MOST_SECONDS = 120
MOST_BYTES = 6 * 2**30
PING_PAUSE = 0.01


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of reading one file."""

    seconds: float
    mebibytes: int
    outcome: str

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.mebibytes:,} MB"


def by_pillow(data: bytes, max_side: int) -> str:  # noqa: ARG001
    """Read a file as a trusting program would."""
    warnings.simplefilter("ignore")
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "BMP"]) as opened:
            size = opened.size
            ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as exc:  # noqa: BLE001 - whatever it is, it came after this much work
        return type(exc).__name__
    return f"{size[0]} x {size[1]}"


def by_this_project(data: bytes, max_side: int, *, limit: Callable[[int], None] = limit) -> str:
    """Read a file as the decoding process does; `limit` is called with the number of pixels before
    they are decoded.
    """
    limit(0)
    try:
        examined = examine(data, max_side=max_side)
        width, height = examined.size
        limit(width * height)
        read_pixels(examined)
    except SuperResolutionError as exc:
        return exc.code
    return f"{width} x {height}"


def without_limits(data: bytes, max_side: int) -> str:
    """Read a file as the decoding process does, without its limits."""
    return by_this_project(data, max_side, limit=lambda _pixels: None)


def cost(read: Callable[[bytes, int], str], data: bytes, *, max_side: int) -> Cost:
    """Measure one reading in a copy of this process."""
    told, teller = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        before = resource.getrusage(resource.RUSAGE_SELF)
        outcome = read(data, max_side)
        after = resource.getrusage(resource.RUSAGE_SELF)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        grown = (after.ru_maxrss - before.ru_maxrss) // 1024
        os.write(teller, json.dumps([seconds, grown, outcome]).encode())
        os._exit(0)
    os.close(teller)
    with os.fdopen(told) as answer:
        text = answer.read()
    _, _, usage = os.wait4(child, 0)
    if not text:
        return Cost(seconds=usage.ru_utime + usage.ru_stime, mebibytes=0, outcome="ended by limit")
    seconds, grown, outcome = json.loads(text)
    return Cost(seconds=seconds, mebibytes=grown, outcome=outcome)


def longest_silence(server: Served, data: bytes) -> tuple[float, float]:
    """Return the longest time between two answers of `/ping`, and the time to the file's answer."""
    body = json.dumps({"img": base64.b64encode(data).decode()}).encode()
    started = time.perf_counter()
    sender = os.fork()
    if sender == 0:
        with session() as sending:
            headers = {"Content-Type": "application/json"}
            address = server.address + "/resolution"
            sending.post(address, data=body, headers=headers, timeout=MOST_SECONDS)
        os._exit(0)
    longest, last = 0.0, started
    with session() as asking:
        while os.waitpid(sender, os.WNOHANG) == (0, 0):
            asking.get(server.address + "/ping", timeout=MOST_SECONDS)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
            time.sleep(PING_PAUSE)
    return longest, time.perf_counter() - started


def row(cells: Sequence[str]) -> str:
    """Format one row of the Markdown table."""
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="files whose names hold this text")
    parser.add_argument("--server", action="store_true", help="ask a server, too")
    options = parser.parse_args()
    settings = Settings()
    # A picture that is read is refused before upscaling, whose cost is not an attack.
    server = Served({"SR_MAX_OUTPUT_PIXELS": str(128 * 128)}) if options.server else None
    columns = ["file", "MiB", "first version", "Pillow alone", "now", "outcome"]
    columns += ["longest silence", "answered after"] if server else []
    print(row(columns) + "\n" + row(["---"] * len(columns)), flush=True)
    for each in FILES:
        if options.only and options.only not in each.name:
            continue
        data = each.make()
        before = cost(by_pillow, data, max_side=settings.max_side)
        after = cost(by_this_project, data, max_side=settings.max_side)
        cells = [each.name, f"{len(data) / MEBIBYTE:.1f}", each.first_version]
        cells += [str(before), str(after), after.outcome]
        if server:
            silence, answer = longest_silence(server, data)
            cells += [f"{1000 * silence:.0f} ms", f"{answer:.2f} s"]
        print(row(cells), flush=True)
    if server:
        server.stop()


if __name__ == "__main__":
    main()
