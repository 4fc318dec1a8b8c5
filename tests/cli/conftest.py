"""The command line in a folder of its own, in this process or another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.__main__ import main
from testbed.processes import environment

Run = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., tuple[int, str]]


@pytest.fixture
def spawn(tmp_path: Path) -> Run:
    """Run a command as `run` does, in a process of its own."""

    def spawn_(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "backend", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(**settings),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return spawn_


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A function such as `run("upscale", "a.png", "-o", "b.png", SR_MODEL="fast")` in `tmp_path`.

    It runs in this process, so nothing has to start.
    """
    monkeypatch.chdir(tmp_path)

    def run_(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        given = [str(argument) for argument in arguments]
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("SR_")]:
                patch.delenv(name)
            for name, value in settings.items():
                patch.setenv(name, value)
            try:
                code = main(given)
            except SystemExit as exc:  # argparse ends this way
                assert isinstance(exc.code, int)
                code = exc.code
        written = capsys.readouterr()
        return subprocess.CompletedProcess(given, code, written.out, written.err)

    return run_


@pytest.fixture
def call(run: Run) -> Call:
    """Run a command as `run` does; return (exit code, all output)."""

    def call_(*arguments: str | Path, **settings: str) -> tuple[int, str]:
        done = run(*arguments, **settings)
        return done.returncode, done.stdout + done.stderr

    return call_
