"""`streamlit run` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from testbed.processes import ROOT, free_ports

START_SECONDS = 300.0
STOP_SECONDS = 15.0


class PageServer:
    """A server of a Streamlit script on 127.0.0.1, from its start to `stop`."""

    def __init__(
        self,
        script: Path | str = "webapp/app.py",
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        program: str = "streamlit",
    ) -> None:
        """Start it and wait until it answers; raise RuntimeError with its log if it does not.

        `program` is a module that takes the arguments of `streamlit`.
        """
        self.port = free_ports()[0] if port is None else port
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", program, "run", str(ROOT / script), *self._options()],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_healthy()
        except RuntimeError:
            self.stop()
            raise

    def _options(self) -> list[str]:
        return [
            f"--server.port={self.port}",
            "--server.address=127.0.0.1",
            "--server.headless=true",
            "--server.fileWatcherType=none",
            "--browser.gatherUsageStats=false",
        ]

    def _wait_until_healthy(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        pause = threading.Event()
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            try:
                with opener.open(f"{self.address}/_stcore/health", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pause.wait(0.1)
        raise RuntimeError(f"streamlit did not start:\n{self.log.read_text(errors='replace')}")

    def ask_to_stop(self) -> None:
        """Send SIGTERM and do not wait."""
        self.process.terminate()

    def stop(self) -> None:
        """End it, finally by force."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
