"""Requests to stop, as Windows knows them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from testbed.processes import address_in, environment
from tests.cli.terminal import stop_when_shown
from tests.paths import ROOT
from tests.pictures import save

CTRL_C_INTERRUPTS_NO_WAIT = """
import signal, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()  # it gets all signals
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
"""
CTRL_BREAK = """
import signal
signal.SIGBREAK = signal.SIGUSR1
"""


TWO_SIGNALS = """
import signal, sys
from backend.commands.interrupt import Interrupt
with Interrupt() as interrupt:
    for number in map(int, sys.argv[1:]):
        signal.raise_signal(number)
        print(interrupt.is_requested())
"""


@pytest.fixture
def python_path(tmp_path: Path) -> str:
    return os.pathsep.join([str(tmp_path / "site"), str(ROOT)])


@pytest.mark.parametrize(
    ("customization", "number"),
    [(CTRL_C_INTERRUPTS_NO_WAIT, signal.SIGINT), (CTRL_BREAK, signal.SIGUSR1)],
)
def test_a_command_stops_within_a_picture(
    tmp_path: Path, python_path: str, customization: str, number: signal.Signals
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(customization, encoding="utf-8")
    large = Image.linear_gradient("L").resize((2000, 2000)).convert("RGB")
    (tmp_path / "a.png").write_bytes(save(large, "PNG"))
    code, shown = stop_when_shown(
        *("tile/s", number, tmp_path, "upscale", "a.png", "-o", "out"),
        SR_TILE_SIZE="64",
        PYTHONPATH=python_path,
    )
    assert code == 130
    assert "a.png: stopped" in shown
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_a_command_at_once(
    first: signal.Signals, second: signal.Signals
) -> None:
    done = subprocess.run(
        [sys.executable, "-uc", TWO_SIGNALS, str(int(first)), str(int(second))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", -second)


def test_ctrl_break_ends_the_server_in_order(tmp_path: Path, python_path: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CTRL_BREAK, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=python_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert address_in(process.stderr)
        process.send_signal(signal.SIGUSR1)
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 0
