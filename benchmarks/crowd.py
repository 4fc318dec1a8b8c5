"""Many callers at once, also while the server is ended: `python -m benchmarks.crowd`.

50 clients, each from an address of its own on loopback, ask for 300 pictures of a server with
`SR_MAX_QUEUED=8`; a client that is refused comes back after the seconds of Retry-After. The same is
done twice more, with SIGTERM and with SIGKILL in the middle, and a new server on the same port.
Every fault is printed, and the run ends with 1 then.
"""

from __future__ import annotations

import argparse
import base64
import io
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import requests
from PIL import Image
from requests.adapters import HTTPAdapter

from benchmarks.served import Served, alive, session

CLIENTS = 50
SIDE = 128
MOST_SECONDS = 60.0
"""Seconds to wait for one answer or refusal."""
SETTINGS = {"SR_MAX_QUEUED": "8", "SR_CLIENT_REQUESTS_PER_MINUTE": "100000"}
REFUSALS = (429, 503)
ENDED_SECONDS = 10.0
"""Seconds to wait until all processes of a killed server are gone."""


class FromAddress(HTTPAdapter):
    """An adapter that connects from one of this machine's loopback addresses."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        """Bind connections to the source address."""
        options["source_address"] = (self._address, 0)
        super().init_poolmanager(*arguments, **options)  # type: ignore[arg-type]


@dataclass
class Outcomes:
    """Outcomes of all requests, counted by all threads."""

    counted: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, outcome: str, seconds: float) -> None:
        """Count one answer, refusal or broken connection."""
        with self.lock:
            self.counted[outcome] += 1
            self.longest = max(self.longest, seconds)

    def report(self, name: str, more: str) -> None:
        """Print the row of the table."""
        outcomes = ", ".join(f"{number} {each}" for each, number in sorted(self.counted.items()))
        print(f"| {name} | {outcomes} | {self.longest:.1f} | {more} |", flush=True)


class Crowd:
    """Clients that ask until they have all their pictures or the server has gone."""

    def __init__(self, address: str, *, number: int) -> None:
        self._address = address
        self._left = number
        self._is_over = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self.outcomes = Outcomes()
        self._clients = [self._pool.submit(self._ask, each) for each in range(CLIENTS)]

    @property
    def answered(self) -> int:
        """Return the number of pictures so far."""
        return self.outcomes.counted["answered"]

    def wait(self) -> None:
        """Wait until every client is done."""
        for client in self._clients:
            client.result()
        self._pool.shutdown()

    def _ask(self, client: int) -> None:
        with session() as asking:
            asking.mount("http://", FromAddress(f"127.0.1.{client + 1}"))
            while not self._is_over.is_set() and self._takes_one():
                while not self._is_over.is_set() and not self._is_done(asking, client):
                    pass

    def _takes_one(self) -> bool:
        with self.outcomes.lock:
            self._left -= 1
            return self._left >= 0

    def _is_done(self, asking: requests.Session, client: int) -> bool:
        """Send one request; return False if it must be sent again."""
        started = time.perf_counter()
        try:
            answer = asking.post(
                self._address + "/resolution",
                json={"img": picture(client), "scale": 2, "format": "png"},
                timeout=MOST_SECONDS,
            )
        except requests.Timeout:
            self.outcomes.count("over their time", time.perf_counter() - started)
            self.outcomes.problems.append("a request was not answered in time")
            return True
        except requests.ConnectionError:
            self.outcomes.count("cut off with the server", time.perf_counter() - started)
            self._is_over.set()
            return True
        seconds = time.perf_counter() - started
        if answer.ok:
            self.outcomes.count("answered", seconds)
            if color_from(answer.json()["result"]) != color(client):
                self.outcomes.problems.append("a client got another's picture")
            return True
        retry_after = answer.headers.get("Retry-After")
        if answer.status_code not in REFUSALS or retry_after is None:
            self.outcomes.count(f"answered {answer.status_code}", seconds)
            self.outcomes.problems.append(f"{answer.status_code} {answer.text}")
            return True
        self.outcomes.count("refusals with Retry-After", seconds)
        self._is_over.wait(max(0.05, int(retry_after)))
        return False


def color(client: int) -> tuple[int, int, int]:
    """Return the client's own colour."""
    return 5 * client, 255 - 5 * client, 128


def picture(client: int) -> str:
    """Encode a JSON string."""
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), color(client)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def color_from(result: str) -> tuple[int, ...]:
    """Read the middle's colour to within 5 levels, by which clients' colours differ."""
    with Image.open(io.BytesIO(base64.b64decode(result))) as opened:
        pixel = opened.convert("RGB").getpixel((SIDE, SIDE))
    assert isinstance(pixel, tuple)
    red, green, blue = (round(level / 5) * 5 for level in pixel)
    return red, green, 128 if abs(blue - 128) < 5 else blue


def all_answered(folder: Path, *, number: int) -> list[str]:
    """Run so many requests to their end."""
    server = Served(SETTINGS, temporary=folder)
    crowd = Crowd(server.address, number=number)
    crowd.wait()
    problems = crowd.outcomes.problems
    if crowd.answered != number:
        problems.append(f"{crowd.answered} of {number} were answered")
    code = server.stop()
    problems += left_behind(folder)
    crowd.outcomes.report("to the end", f"exit code {code}")
    return problems if code == 0 else [*problems, f"the server ended with {code}"]


def ended_in_the_middle(ending: signal.Signals, folder: Path, *, number: int) -> list[str]:
    """Send the signal after a third of the requests, then start another server on the port."""
    server = Served(SETTINGS, temporary=folder)
    crowd = Crowd(server.address, number=number)
    while crowd.answered < number // 3:
        time.sleep(0.01)
    processes = server.processes()
    server.send_signal(ending)
    sent = time.perf_counter()
    code = server.wait()
    took = time.perf_counter() - sent
    crowd.wait()
    problems = crowd.outcomes.problems
    if left := alive(processes, within_seconds=ENDED_SECONDS):
        problems.append(f"{len(left)} processes stayed")
    problems += left_behind(folder)
    started = time.perf_counter()
    again = Served(SETTINGS, port=server.port, temporary=folder)
    after = Crowd(again.address, number=1)
    after.wait()
    back = time.perf_counter() - started
    problems += after.outcomes.problems
    if after.answered != 1 or again.stop() != 0:
        problems.append("the new server did not answer and stop as it should")
    crowd.outcomes.report(
        ending.name, f"exit code {code} after {took:.1f} s; the next one answered in {back:.1f} s"
    )
    return problems if code in (0, -signal.SIGKILL) else [*problems, f"it ended with {code}"]


def left_behind(folder: Path) -> list[str]:
    """Return the files that are left in the folder for temporary files."""
    return [f"{path.name} was left behind" for path in folder.rglob("*")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    number = parser.parse_args().requests
    print("| run | outcomes | longest, s | server |\n|---|---|---|---|")
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        problems += all_answered(Path(folder), number=number)
        for ending in (signal.SIGTERM, signal.SIGKILL):
            problems += ended_in_the_middle(ending, Path(folder), number=number)
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
