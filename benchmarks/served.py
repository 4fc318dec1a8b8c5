"""`python -m backend serve` on a free port of this machine, for attacks and load tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from benchmarks.memory import family, resident_bytes

RUNNING_ON = re.compile(r"running on (http://\S+)")
STOP_SECONDS = 60


class Served:
    """One server process with these `SR_*` settings and no others."""

    def __init__(
        self, settings: Mapping[str, str], *, port: int = 0, temporary: Path | None = None
    ) -> None:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("SR_")}
        environment = {**clean, **settings}
        if temporary is not None:
            environment["TMPDIR"] = str(temporary)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "backend", "serve", "--port", str(port)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self.address = ""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line)
            found = RUNNING_ON.search(line)
            if found:
                self.address = found[1]
                break
        if not self.address:
            raise RuntimeError("the server did not start:\n" + "".join(self.log))
        threading.Thread(target=self._read_log, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def processes(self) -> list[int]:
        """Return the server's id, and those of all processes that it started."""
        return family(self._process.pid)

    def mebibytes(self) -> int:
        """Return the resident memory of all its processes; shared pages count for each."""
        return resident_bytes(self.processes()) >> 20

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the server alone; its children must end with it."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the server and return its exit code."""
        return self._process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        self.log.extend(self._process.stderr)


def alive(processes: list[int], *, within_seconds: float) -> list[int]:
    """Return the processes that still run after so many seconds."""
    end = time.monotonic() + within_seconds
    while True:
        left = [each for each in processes if _runs(each)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def session() -> Iterator[requests.Session]:
    """Make a session that ignores proxies of the environment."""
    with requests.Session() as made:
        made.trust_env = False
        yield made
