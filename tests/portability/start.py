"""Start the installed server and page and ask both once: `python tests/portability/start.py`.

Only the standard library is needed, so it runs wherever the wheel does.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence

SECONDS = 300
INSTALLED = (sys.executable, "-m", "super_resolution")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start(
    command: str,
    path: str,
    *more: str,
    program: Sequence[str] = INSTALLED,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start a command and stop it when it has answered; SystemExit when it does not."""
    port = str(free_port())
    arguments = [*program, command, "--port", port, *more]
    with subprocess.Popen(arguments, env=environment) as process:
        try:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until and process.poll() is None:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
                except OSError:
                    time.sleep(0.2)
                else:
                    return
            raise SystemExit(f"{command} does not answer")
        finally:
            process.terminate()


if __name__ == "__main__":
    start("serve", "/ping")
    start("page", "/_stcore/health", "--no-browser")
