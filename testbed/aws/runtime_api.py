"""Lambda's Runtime API, and a function's process that takes events from it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

from testbed.loopback import Loopback, Received, Sent
from testbed.processes import ROOT

VERSION = "/2018-06-01/runtime"
MAX_ANSWER_BYTES = 6_291_556
"""The largest answer that AWS's Runtime API takes; it refuses more with 413."""
PATIENCE_SECONDS = 60
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The report of a function's process."""

    kind: str
    """`response`, `error` or `init error`."""
    content: Any
    """The JSON that the process sent."""


class RuntimeApi(Loopback):
    """A Runtime API that hands out one event at a time."""

    def __init__(self, *, timeout_seconds: float = 60) -> None:
        super().__init__(self._answer)
        self.timeout_seconds = timeout_seconds
        self.events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._count = 0

    def _answer(self, request: Received) -> Sent:
        path = request.target.removeprefix(VERSION)
        if path == "/invocation/next":
            return self._next()
        if path == "/init/error":
            self.outcomes.put(Outcome(kind="init error", content=json.loads(request.body)))
            return Sent(status=202)
        if len(request.body) > MAX_ANSWER_BYTES:
            return Sent(status=413, body=b'{"errorType": "RequestEntityTooLarge"}')
        kind = path.rpartition("/")[2]
        self.outcomes.put(Outcome(kind=kind, content=json.loads(request.body)))
        return Sent(status=202)

    def _next(self) -> Sent:
        event = self.events.get()
        self._count += 1
        deadline = int((time.time() + self.timeout_seconds) * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-4000-8000-{self._count:012}",
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:1:function:upscale",
            "Lambda-Runtime-Trace-Id": "Root=1-5f5e100a-0123456789abcdef01234567;Sampled=0",
        }
        return Sent(body=event, headers=headers)


class LambdaProcess:
    """`python -m awslambdaric HANDLER` with a Runtime API of its own; stopped at the end."""

    def __init__(
        self,
        handler: str,
        *,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float = 60,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._handler = handler
        self._patience_seconds = patience_seconds
        self._environment = environment or {}
        self._api = RuntimeApi(timeout_seconds=timeout_seconds)

    def __enter__(self) -> Self:
        self._log = TemporaryFile()
        self._api.__enter__()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", self._handler],
            cwd=ROOT,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "AWS_LAMBDA_RUNTIME_API": self._api.host,
                "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
                "AWS_LAMBDA_FUNCTION_NAME": "upscale",
                **self._environment,
            },
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._api.events.put(b"{}")  # ends the thread that still waits for an event
        self._api.__exit__(*error)
        self._log.close()

    def set_timeout(self, seconds: float) -> None:
        """Set the time limit of the following events."""
        self._api.timeout_seconds = seconds

    def send(self, event: object) -> None:
        """Send an event as JSON, or `bytes` as they are."""
        self._api.events.put(event if isinstance(event, bytes) else json.dumps(event).encode())

    def call(self, event: object) -> Outcome:
        """Send an event and return its outcome."""
        self.send(event)
        return self.outcome()

    def outcome(self) -> Outcome:
        """Return the next report; raise queue.Empty if there is none in time."""
        return self._api.outcomes.get(timeout=self._patience_seconds)

    def wait(self) -> int:
        """Wait for the process and return its exit code."""
        return self._process.wait(timeout=self._patience_seconds)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """Return the output of the process so far."""
        self._log.seek(0)
        return self._log.read().decode()

    @property
    def resident_bytes(self) -> int:
        """Return the memory in use."""
        return self._status("VmRSS")

    @property
    def peak_bytes(self) -> int:
        """Return the peak of its memory."""
        return self._status("VmHWM")

    @property
    def cpu_seconds(self) -> float:
        """Return user and system time of all its threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
