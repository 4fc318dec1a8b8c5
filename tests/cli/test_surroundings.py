"""Unreadable homes and little memory: the command works, or says so."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend import Settings
from testbed.processes import environment
from tests.cli.conftest import Run
from tests.paths import ROOT, SAMPLES


def test_a_home_that_cannot_be_looked_into_is_none() -> None:
    home = "/" + 300 * "x"  # as root, a closed folder is still open
    assert Settings.from_environment({"HOME": home}).models_dir is None


@pytest.mark.parametrize("variable", ["HOME", "XDG_DATA_HOME"])
def test_the_command_works_without_a_home(spawn: Run, tmp_path: Path, variable: str) -> None:
    shutil.copy(SAMPLES / "cat.jpg", tmp_path)
    done = spawn("upscale", "cat.jpg", "-o", "out.png", **{variable: "/" + 300 * "x"})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize("mebibytes", [100, 160, 220, 700])
def test_little_memory_is_enough_or_named(tmp_path: Path, mebibytes: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * 2**20, mebibytes * 2**20))

    out = tmp_path / "out.png"
    done = subprocess.run(
        [sys.executable, "-m", "backend", "upscale", SAMPLES / "cat.jpg", "-o", out],
        cwd=ROOT,
        env=environment(),
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if mebibytes == 700:
        assert done.returncode == 0, done.stderr
    assert (done.returncode == 0) == out.exists()
    assert done.returncode in (0, 1, 2)
