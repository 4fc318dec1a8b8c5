"""The network calls of a program and its children, as the kernel saw them."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 60
ADDRESS = re.compile(
    r'sin_addr=inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"|sin6_addr="([^"]+)"'
)
RESOLVING = re.compile(r'"(/etc/resolv\.conf|/run/systemd/resolve/[^"]*)"')
OUTWARD = ("connect(", "sendto(", "sendmsg(", "sendmmsg(")


class Trace:
    """A program under strace, with an empty home folder of its own."""

    def __init__(self, folder: Path, *, python: str = sys.executable, cwd: Path = ROOT) -> None:
        self._interpreter = python
        self._cwd = cwd
        self.home = folder / "home"
        self.home.mkdir()
        self._file = folder / "calls.txt"
        if shutil.which("strace") is None:
            pytest.skip("strace is not installed")

    def environment(self, **more: str) -> dict[str, str]:
        """Return this process's environment, without settings, and with the empty home."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SR_", "ORT_", "XDG_", "STREAMLIT_"))
        }
        return {**clean, "HOME": str(self.home), "PYTHONPATH": str(self._cwd), **more}

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs Python with these arguments, traced."""
        calls = "trace=socket,connect,sendto,sendmsg,sendmmsg,openat,open"
        python = (self._interpreter, *arguments)
        return ["strace", "-f", "-qq", "-s", "256", "-e", calls, "-o", str(self._file), *python]

    def run(self, *arguments: str, **more: str) -> None:
        """Run to the end, which must be a success."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self._cwd,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def running(self, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """Run in the background, stopped by SIGTERM, which strace passes on."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self._cwd,
            env=self.environment(**more),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            started = children(process.pid)
            for child in started:
                os.kill(child, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                for child in started:
                    os.kill(child, signal.SIGKILL)
                process.kill()
                process.wait()
                raise
            finally:
                assert process.stdout is not None
                assert process.stderr is not None
                process.stdout.close()
                process.stderr.close()

    @property
    def strangers(self) -> list[str]:
        """Return every call for an address beyond this machine, or for a name server."""
        lines = self._file.read_text(errors="replace").splitlines()
        assert lines, "nothing was traced"
        return [line for line in lines if RESOLVING.search(line) or is_outward(line)]

    @property
    def files_at_home(self) -> list[str]:
        """Return the files that the program left in the home folder."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))


def is_outward(line: str) -> bool:
    if not any(call in line for call in OUTWARD):
        return False
    found = ADDRESS.search(line)
    return found is not None and not is_loopback(found)


def is_loopback(found: re.Match[str]) -> bool:
    return ipaddress.ip_address(next(filter(None, found.groups()))).is_loopback


def children(process: int) -> Sequence[int]:
    """Return the direct children."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


def assert_silent(trace: Trace) -> None:
    """Check that nobody was contacted, and no file was left behind."""
    assert not trace.strangers, "\n".join(trace.strangers)
    assert not trace.files_at_home, trace.files_at_home
