"""What hostile files cost: `python -m benchmarks.attacks [--server]`.

Every file is made here and read twice, each time in a fresh copy of this process: by Pillow as it
is, and by this project's decoder with its limits. CPU seconds and memory are those of the copy.
With --server each file is also sent to `python -m backend serve`, which is asked `/ping` all the
time meanwhile; what is printed is the longest time without an answer.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import requests
from PIL import Image, ImageOps

from backend.decoding.limits import limit
from backend.errors import SuperResolutionError
from backend.images import examine, read_pixels
from backend.settings import Settings
from benchmarks.hostile_files import FILES

MEBIBYTE = 2**20
MOST_SECONDS = 120
MOST_BYTES = 6 * 2**30
RUNNING_ON = re.compile(r"running on (http://\S+)")
PING_PAUSE = 0.01


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one reading."""

    seconds: float
    mebibytes: int
    outcome: str


def by_pillow(data: bytes, max_side: int) -> str:  # noqa: ARG001
    """As a program would that trusts its files."""
    warnings.simplefilter("ignore")
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "BMP"]) as opened:
            size = opened.size
            ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as exc:  # noqa: BLE001 - whatever it is, it came after this much work
        return type(exc).__name__
    return f"{size[0]} x {size[1]}"


def by_this_project(data: bytes, max_side: int) -> str:
    """What the decoding process does."""
    limit()
    try:
        examined = examine(data, max_side=max_side)
        width, height = examined.size
        limit(pixels=width * height)
        read_pixels(examined)
    except SuperResolutionError as exc:
        return exc.code
    return f"{width} x {height}"


def cost(read: Callable[[bytes, int], str], data: bytes, *, max_side: int) -> Cost:
    """In a copy of this process, which ends afterwards."""
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


class Server:
    """`python -m backend serve` on a free port of this machine."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "backend", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = RUNNING_ON.search(line)
            if found:
                self.address = found[1]
                break
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def longest_silence(self, data: bytes) -> tuple[float, float]:
        """Seconds between two answers of `/ping` at most, and until the file was answered."""
        body = json.dumps({"img": base64.b64encode(data).decode()}).encode()
        answered = threading.Event()
        started = time.perf_counter()
        took: list[float] = []

        def send() -> None:
            headers = {"Content-Type": "application/json"}
            with requests.Session() as session:
                session.trust_env = False
                session.post(
                    self.address + "/resolution", data=body, headers=headers, timeout=MOST_SECONDS
                )
            took.append(time.perf_counter() - started)
            answered.set()

        sender = threading.Thread(target=send)
        sender.start()
        longest, last = 0.0, started
        with requests.Session() as session:
            session.trust_env = False
            while not answered.wait(PING_PAUSE):
                session.get(self.address + "/ping", timeout=MOST_SECONDS)
                now = time.perf_counter()
                longest, last = max(longest, now - last), now
        sender.join()
        return longest, took[0]

    def stop(self) -> None:
        """SIGTERM."""
        self._process.terminate()
        self._process.wait(MOST_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="files whose names hold this text")
    parser.add_argument("--server", action="store_true", help="ask a server, too")
    options = parser.parse_args()
    settings = Settings()
    server = Server() if options.server else None
    head = f"{'file':42} {'MiB':>5}  {'before s':>9} {'MiB':>5}  {'after s':>8} {'MiB':>5}  outcome"
    print(head + (f"  {'silence ms':>10} {'answer s':>8}" if server else ""))
    for each in FILES:
        if options.only and options.only not in each.name:
            continue
        data = each.make()
        before = cost(by_pillow, data, max_side=settings.max_side)
        after = cost(by_this_project, data, max_side=settings.max_side)
        row = f"{each.name:42} {len(data) / MEBIBYTE:5.1f}  {before.seconds:9.2f} "
        row += f"{before.mebibytes:5}  {after.seconds:8.2f} {after.mebibytes:5}  {after.outcome}"
        if server:
            silence, answer = server.longest_silence(data)
            row += f"  {1000 * silence:10.0f} {answer:8.2f}"
        print(row, flush=True)
    if server:
        server.stop()


if __name__ == "__main__":
    main()
